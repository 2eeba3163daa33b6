// SPDX-License-Identifier: Apache-2.0
//
// FactSchema: what the attributes of a map of facts are to be, as an application takes them for itself.
//
//     constexpr Attribute kHuts[] = {
//         {.name = "hut/beds", .kind = crdt::ValueKind::number, .is_required = true},
//         {.name = "hut/warden", .kind = crdt::ValueKind::ref},
//         {.name = "hut/offers", .is_many = true},
//     };
//     constexpr FactSchema kSchema(kHuts);
//
// Place     Above crdt/facts.h. Only who uses one links it; no server knows any, so that old and new applications share
//           their data: what a schema does not name is let pass, and kept.
// Promises  Nothing is refused: what can't be brought to its kind stays as it is. In place, without a heap.
#pragma once

#include <span>
#include <string_view>

#include "crdt/base/status.h"
#include "crdt/value.h"

namespace grid {

struct Attribute {
  std::string_view name;
  crdt::ValueKind kind = crdt::ValueKind::absent;  // absent: any. `number` takes integers, too.
  bool is_many = false;                            // An entity has any number of objects under it.
  bool is_required = false;                        // An entity that has none is told of.
  bool is_unique = false;                          // Entities of this replica that share an object are told of.
  crdt::Value otherwise{};                         // What is read where there is nothing; absent: nothing.
};

class FactSchema {
 public:
  constexpr FactSchema() = default;
  constexpr explicit FactSchema(std::span<const Attribute> attributes) : attributes_(attributes) {}

  std::span<const Attribute> attributes() const { return attributes_; }
  const Attribute* find(std::string_view name) const;  // Null where it names none.
  bool is_many(std::string_view name) const {
    const Attribute* attribute = find(name);
    return attribute != nullptr && attribute->is_many;
  }

  // `object` as its attribute has it, in `room` or as it was: numbers out of their text and the other way round, truth
  // out of "true" and "false", refs out of the ids of entities, timestamps out of milliseconds. What can't be brought
  // to the kind, or finds no room, stays what it is.
  crdt::Value coerced(std::string_view name, const crdt::Value& object, MutBytes room) const;
  // A record for Facts::put_record(), in `room`: each object as its attribute has it, and in a list where the attribute
  // has many. What it does not name, and null, stay what they are.
  //   invalid    It is no record.
  //   too_large  The room is too small.
  Result<crdt::Value> coerced_record(const crdt::Value& record, MutBytes room) const;

 private:
  std::span<const Attribute> attributes_{};
};

// Whether `value` is of the kind that `wanted` names; everything is `absent`, and an integer is a number.
bool is_of_kind(crdt::ValueKind wanted, const crdt::Value& value);

}  // namespace grid
