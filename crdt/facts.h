// SPDX-License-Identifier: Apache-2.0
//
// Facts: the view of cells in which a key is an entity, and each cell is one thing that is known of it.
//
// Place     Above view.h and value.h. A view says what cells mean; it stores nothing, and knows no schema.
// Promises  TRI-1  What buries an entity is a cell like any other, the marker: a tombstone that stands before all of
// its
//                  facts in a scan, so that one look tells whether the entity is deleted.
//           One fact has one name: predicates are taken as they are, objects in one canonical form.
//
// The sub of a fact is 03, the length of the predicate in a byte, the predicate, and then
//
//   00                      one-valued: the entity has one object under the predicate, and the last write wins
//   01, the object          many-valued: each object is a cell of its own
//   02, 16 bytes of hash    the same, of an object whose encoding is longer than kObjectInNameMax
//
// The value is the object in all three. 03 00, a predicate of no length, is the marker. docs/WIRE.md has an example.
#pragma once

#include "crdt/base/bytes.h"
#include "crdt/base/limits.h"
#include "crdt/base/status.h"
#include "crdt/cell.h"
#include "crdt/value.h"
#include "crdt/view.h"

namespace grid::crdt {

inline constexpr std::size_t kPredicateBytesMax = 60;

struct FactName {
  static constexpr std::size_t kObjectInNameMax = 64;
  static constexpr std::size_t kHashBytes = 16;
  static constexpr std::size_t kBytesMax = 3 + kPredicateBytesMax + kObjectInNameMax;
  static_assert(kBytesMax <= kSubBytesMax);

  enum class Kind : std::uint8_t { one = 0, many = 1, hashed = 2 };

  std::string_view predicate;
  Kind kind = Kind::one;
  Bytes object{};  // Of many: the object itself. Of hashed: its hash.

  bool is_many() const { return kind != Kind::one; }

  // Views into `sub`.
  //   invalid  It is none that write() makes; the marker is none.
  static Result<FactName> read(std::string_view sub);

  // The sub of (predicate, object), in the front of `to`. Of one-valued facts `object` is not looked at.
  //   too_large  The predicate is longer than kPredicateBytesMax.
  //   invalid    It is empty, not UTF-8, or has control characters.
  static Result<std::string_view> write(std::string_view predicate, bool is_many, Bytes object,
                                        std::uint8_t (&to)[kBytesMax]);
  // What all subs of the predicate begin with.
  static Result<std::string_view> begin_of(std::string_view predicate, std::uint8_t (&to)[kBytesMax]);
};

inline constexpr std::string_view kMarker{"\x03\x00", 2};
inline bool is_marker(std::string_view sub) { return sub == kMarker; }
inline bool is_fact_sub(std::string_view sub) { return view_of(sub) == View::facts; }
inline CellName marker_of(const CellName& name) { return {name.map, name.key, kMarker}; }

Status check_predicate(std::string_view predicate);

// An object as a fact holds it: a boolean, a number, text, bytes, a timestamp or a ref. A number of a many-valued fact
// that is whole and fits an int64 is that integer, so that 1 and 1.0 are one object; `room` takes it then, and holds 11
// bytes.
//   invalid  It is of another kind, or a ref to what is the key of no entity.
Result<Bytes> object_of(const Value& value, bool is_many, MutBytes room);

// What every replica that takes a fact from somebody asks of its cell, beyond check_name() and check_value().
//   invalid  The sub is none of facts, the marker has a value, the value is no object, or not that of the name, or the
//   key
//            is the id of no entity.
Status check_fact(const Cell& cell);

// ---- entities
// An entity's id is an integer or a text, and its key is text: an integer is its decimal digits, a text itself, but in
// double quotes where it would read as an integer, or begins with a double quote.
//   invalid    The id is neither, or a key of that text is none (check_name).
//   too_large  The key would be longer than kKeyBytesMax.
Result<std::string_view> key_of_id(const Value& id, MutBytes room);  // `room` holds kKeyBytesMax.
// The integer or text whose key it is. `room` holds kKeyBytesMax + 4.
//   invalid  It is the key of none.
Result<Value> id_of_key(std::string_view key, MutBytes room);
// The same of the entity that a ref is to.
inline Result<Value> id_of_ref(const Value& ref, MutBytes room) { return id_of_key(ref.text_or({}), room); }
Status check_entity(std::string_view key);

}  // namespace grid::crdt
