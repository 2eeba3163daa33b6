// SPDX-License-Identifier: Apache-2.0
//
// FactPull: what a device subscribes to so that it can answer a question: the entities that the answer stands on,
// where that can be said and they are few, or else the question's attributes.
//
// Place     Above entity_guest.h and entity_question.h. Whoever has a replica gives it its subscriptions.
// Promises  DLP-1  Once what it is subscribed to is current, the question is answered as the server would answer it
//                  (docs/decisions/0043-entity-pulls.md).
// Ownership Borrows the guest and the scopes for life; ends its subscriptions with itself.
// Threads   None: the caller's.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/query/entity_guest.h"
#include "runtime/query/entity_question.h"

namespace grid::runtime {

class FactPull final : private EntityGuest::Asker {
 public:
  static constexpr std::size_t kEntitiesMax = 64;

  // A replica's subscriptions.
  class Scopes {
   public:
    //   full  There are as many as there may be.
    virtual Status pull(const Scope& scope, std::uint32_t& id) = 0;
    virtual void release(std::uint32_t id, const Scope& scope) = 0;
    // Whether the server is yet to have something that was written here.
    virtual bool has_pending() const = 0;
    // Lets go of what no scope of the map has.
    virtual void sweep(std::string_view map) = 0;

   protected:
    ~Scopes() = default;
  };

  FactPull(Scopes& scopes, EntityGuest& guest, std::string_view map, const FactQuestion& question);
  ~FactPull() { end(); }
  FactPull(const FactPull&) = delete;
  FactPull& operator=(const FactPull&) = delete;

  // The question whose answer here tells begin() what is `known`; null: it is none's business.
  const EntityQuestion* entities() const { return asked_.has_value() && !asked_->text.empty() ? &*asked_ : nullptr; }
  // Subscribes. `known` are the entities on which the answer stands by what is held here, from before; null: nobody
  // knows.
  //   full  As Scopes::pull().
  Status begin(const std::vector<std::string>* known);
  void end();
  const std::string& map() const { return map_; }
  // A write of this device's about the entity has settled. If no answer stands on it, it is let go of, once the server
  // has said so in the knowledge of it. True: it is asked again.
  bool settled(std::string_view key);

 private:
  bool told(const std::vector<std::string>* keys) override;
  Status ask();
  Status hold(std::vector<std::string> keys, bool and_no_others = true);
  Status hold_attributes();
  void let_go_of_entities();
  Scope scope_of(const std::string& key) const { return {ScopeKind::entity, map_, key}; }

  Scopes& scopes_;
  EntityGuest& guest_;
  const std::string map_;
  std::vector<std::uint8_t> inputs_;  // A list.
  QueryAttributes attributes_;
  std::optional<EntityQuestion> asked_;
  std::map<std::string, std::uint32_t, std::less<>> held_;  // Entities, by their keys: subscriptions.
  std::uint32_t of_attributes_ = 0;                         // A subscription; 0: none.
  std::uint32_t ask_ = 0;                                   // At the guest; 0: none.
  bool is_to_sweep_ = false;                                // With the next answer.
  bool is_behind_ = false;  // The last answer did not know of all that was written here.
};

}  // namespace grid::runtime
