// SPDX-License-Identifier: Apache-2.0
//
// Facts: a map of entities, of which each thing that is known is a fact of its own: (entity, predicate, object).
//
// Place     Above grid.h. An application that includes nothing of it links nothing of it. A map is used through one
// view
//           only (views.h).
// Promises  As grid.h. TRI-1: an entity that is deleted stays deleted, whatever others write of it at the same time.
//
// An entity goes by its key (crdt/facts.h makes keys of ids): "42" is the key of the integer 42, and of a text that is
// none, the text.
#pragma once

#include "crdt/facts.h"
#include "runtime/edit.h"
#include "runtime/grid/grid.h"

namespace grid {

using runtime::FactWrite;

// What is known of an entity.
struct Fact {
  std::string_view predicate;
  Value object;
  bool is_many = false;  // One of the objects of the predicate; else the one.
  crdt::Stamp stamp;
};

class Facts {
 public:
  Facts() = default;
  Facts(Node& node, std::string_view name) : driver_(&node.driver()), name_(name) {}

  // The one object under the predicate: the last write wins.
  Write set(std::string_view entity, std::string_view predicate, const Scalar& object, std::uint64_t ttl_ms = 0);
  // One object more under the predicate. It is there once, however often it is added.
  Write add(std::string_view entity, std::string_view predicate, const Scalar& object, std::uint64_t ttl_ms = 0);
  // Takes an object away, however it was given. The write's status is not_found where it is not there.
  Write remove(std::string_view entity, std::string_view predicate, const Scalar& object);
  // All objects of the predicate.
  Write remove_all(std::string_view entity, std::string_view predicate);
  // For good: whatever anybody else writes of it meanwhile goes with it, and nothing more is taken.
  Write delete_entity(std::string_view entity);
  // Several at once, here all of them or none, and elsewhere too what is of one entity.
  Write transact(std::span<const FactWrite> writes);

  // The one object of the predicate, or the first of many; absent when there is none.
  Value get(std::string_view entity, std::string_view predicate) const;
  bool has(std::string_view entity, std::string_view predicate, const Scalar& object) const;
  bool is_deleted(std::string_view entity) const;

  // Calls `visit(const Fact&)` for each fact of the entity, by predicate, the one before the many. `visit` makes no
  // calls on the node.
  template <typename Visit>
  Status each(std::string_view entity, Visit visit) const {
    return each_of(entity, {}, visit);
  }
  // The same of one predicate.
  template <typename Visit>
  Status each_of(std::string_view entity, std::string_view predicate, Visit visit) const {
    Place at(predicate);
    for (;;) {
      const Result<Fact> fact = next(entity, predicate, at);
      if (!fact.ok()) return fact.status() == Status::not_found ? Status::ok : fact.status();
      visit(*fact);
    }
  }
  // Calls `visit(std::string_view key)` for each entity of which something is known, of those whose keys begin with
  // `prefix`, in order. A deleted one is none.
  template <typename Visit>
  Status entities(std::string_view prefix, Visit visit) const {
    char key[kKeyBytesMax];
    std::size_t size = prefix.copy(key, sizeof(key));
    for (crdt::CellName after{name_, {key, size}, {}};; after = {name_, {key, size}, crdt::kBehindAllSubs}) {
      const Result<crdt::Op> op = driver_->next_cell(after);
      const bool is_over = !op.ok() || op->cell.name.map != name_ || !op->cell.name.key.starts_with(prefix);
      if (is_over) return op.ok() || op.status() == Status::not_found ? Status::ok : op.status();
      size = op->cell.name.key.copy(key, sizeof(key));
      if (crdt::is_fact_sub(op->cell.name.sub)) visit(std::string_view(key, size));
    }
  }

  // A new entity's id: 21 characters that nobody else draws. Stands as long as this object, until the next one.
  //   full, io  As a write.
  Result<std::string_view> new_id();

  // ---- records
  // What is known of the entity becomes what the record says: a field that is a list is many-valued, any other is the
  // one; null takes the predicate away. What the record does not name stays.
  //   too_large  More than runtime::kFactWritesMax facts change.
  Write put_record(std::string_view entity, const Value& record);
  Write put_record(std::string_view entity, std::initializer_list<Field> record);
  // The entity as a document: a predicate of many objects is a list of them, in an order that is the same everywhere. A
  // ref is the record of what it refers to, `depth` times over, then the ref itself; and so where that is not known, or
  // one of those around it. Into `room`.
  //   not_found  Nothing is known of it.
  //   too_large  The room is too small, or the document deeper than a value may be.
  Result<Value> record(std::string_view entity, MutBytes room, std::size_t depth = 0) const;

  std::string_view name() const { return name_; }

 private:
  // Behind which fact of an entity to go on.
  struct Place {
    explicit Place(std::string_view predicate);
    char sub[kSubBytesMax];
    std::size_t size = 0;
    bool is_legal = true;
  };
  friend class Document;

  Write write(std::span<const FactWrite> writes);
  Write write(std::string_view entity, FactWrite::Verb verb, std::string_view predicate, const Scalar& object,
              std::uint64_t ttl_ms);
  Result<Fact> next(std::string_view entity, std::string_view predicate, Place& at) const;

  Driver* driver_ = nullptr;
  std::string_view name_;  // Kept by reference: a literal, as a rule.
  char id_[21] = {};
};

}  // namespace grid
