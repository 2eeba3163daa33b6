// SPDX-License-Identifier: Apache-2.0
//
// EntityGuest: asks the server of a replica's link on which entities the answers to questions stand.
//
// Place     Guest of the link (runtime/link_guest.h) beside another one, above transport/wire_entities.h. fact_pull.h
//           is who asks.
// Promises  What is asked is asked anew on each link, and answered there: in the end by a refusal, where the server
//           does not know such asks. Until the first answer of a link the replica is not `current`.
//           BND-1  At most kAsksMax at a time.
// Ownership Borrows the other guest, and whoever asks until end().
// Threads   None: the caller's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/link_guest.h"
#include "transport/wire_entities.h"

namespace grid::runtime {

class EntityGuest final : public LinkGuest {
 public:
  static constexpr std::size_t kAsksMax = 32;

  // Who asks. May end its ask from within.
  class Asker {
   public:
    // All entities. Null: it can't be said, or there are too many; that is the last word. False: it has no room for
    // what it needs then, and the replica stays not `current`.
    virtual bool told(const std::vector<std::string>* keys) = 0;

   protected:
    ~Asker() = default;
  };

  explicit EntityGuest(LinkGuest& other) : other_(other) {}

  //   invalid, too_large  A field breaks a rule of the wire.
  //   full                kAsksMax.
  Status ask(const wire::EntitiesAsk& ask, Asker& asker, std::uint32_t& id);
  void end(std::uint32_t id);
  // Asks anew: what is told then knows of all that this device has had settled before.
  void ask_again(std::uint32_t id);

  void welcomed(const Welcomed& welcomed, std::uint64_t now_ms, Problem& problem) override;
  void link_down() override;
  Status receive(Bytes frame, Problem& problem) override;
  bool take_news() override;
  void deliver(Bytes frame) override;
  bool wants_write(std::uint64_t now_ms) const override { return other_.wants_write(now_ms) || is_due(); }
  Bytes write(MutBytes room, std::uint64_t now_ms) override;
  std::uint64_t wake_at_ms() const override { return other_.wake_at_ms(); }
  Status perform(ChannelCall& call, Problem& problem) override { return other_.perform(call, problem); }
  void tell(ReplicaStatus& status) const override;

 private:
  struct Ask {
    std::uint32_t id;
    std::vector<std::uint8_t> frame;
    Asker* asker;
    bool is_due = true;
    bool is_answered = false;  // On this link.
  };

  Ask* find(std::uint32_t id);
  bool is_due() const;
  Bytes write_ask(MutBytes room);
  void answer(Bytes frame);
  void tell(std::uint32_t id, const std::vector<std::string>* keys);
  void refuse_all();

  LinkGuest& other_;
  std::vector<Ask> asks_;
  std::vector<std::uint32_t> ended_;  // That the server of this link is to be told of.
  std::uint32_t last_id_ = 0;
  bool is_live_ = false;     // The link is up, and its server answers;
  bool is_lacking_ = false;  // or it does not.
  bool has_news_ = false;
  bool was_ask_ = false;  // What the last frame was.
};

}  // namespace grid::runtime
