// SPDX-License-Identifier: Apache-2.0
//
// Walk: protobuf's wire format, field by field, read and written in place.
//
// Place     Below wire_*.cc, above crdt/base. Knows numbers, wire types and lengths, and no message.
// Promises  A walk ends, within its bytes. What it accepts has one reading: field numbers and varints are minimal and
//           in range, and nothing is a group.
// Ownership Fields borrow the bytes that are walked; an Out borrows its room.
#pragma once

#include <cstdint>
#include <string_view>

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"

namespace grid::wire {

// The wire types. Groups (3, 4) are not among them.
enum class FieldType : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

// Takes a number off the front of `rest`. False, and nothing taken: cut off, not minimal, or beyond 64 bits.
bool take_varint(Bytes& rest, std::uint64_t& out);

// Walks the fields of one message: `for (FieldWalk w(bytes); w.next();) w.number() ...`, and then status().
class FieldWalk {
 public:
  explicit FieldWalk(Bytes message) : rest_(message) {}

  bool next();
  //   corrupt  The walk ended before the message did.
  Status status() const { return status_; }
  Bytes rest() const { return rest_; }

  std::uint32_t number() const { return number_; }
  FieldType type() const { return type_; }
  Bytes bytes() const { return bytes_; }
  std::uint64_t value() const { return value_; }  // varint, fixed64 and fixed32

  // The field as what its rule says; `corrupt` sticks when it is something else.
  std::uint64_t as_number() { return expect(FieldType::varint) ? value_ : 0; }
  std::uint64_t as_number_up_to(std::uint64_t most);
  std::uint64_t as_fixed64() { return expect(FieldType::fixed64) ? value_ : 0; }
  bool as_bool() { return as_number_up_to(1) != 0; }
  Bytes as_bytes() { return expect(FieldType::bytes) ? bytes_ : Bytes{}; }
  // Refuses the message for what a field says.
  void fail() { status_ = Status::corrupt; }

 private:
  bool take();
  bool expect(FieldType type);

  Bytes rest_;
  Bytes bytes_;
  std::uint64_t value_ = 0;
  std::uint32_t number_ = 0;
  FieldType type_ = FieldType::varint;
  Status status_ = Status::ok;
};

// Writes fields into a room, or without one only counts what they would take. Overflow sticks.
class Out {
 public:
  Out() = default;  // Counts.
  explicit Out(MutBytes room, std::size_t size = 0) : room_(room), size_(size), counts_(false) {}

  void put_byte(std::uint8_t byte) { put(Bytes(&byte, 1)); }
  void put_varint(std::uint64_t number);
  void put_fixed64(std::uint64_t number);
  void put(Bytes bytes);  // They may lie in the room itself, further on.

  // Fields. Nothing is written for zero, false and empty: a reader takes what is absent for that.
  void number_field(std::uint32_t number, std::uint64_t value);
  void fixed64_field(std::uint32_t number, std::uint64_t value);
  void bytes_field(std::uint32_t number, Bytes value);
  void text_field(std::uint32_t number, std::string_view value) { bytes_field(number, as_bytes(value)); }
  // Before the bytes of a field that are put one by one.
  void open_field(std::uint32_t number, std::size_t bytes);

  bool ok() const { return ok_; }
  std::size_t size() const { return size_; }

 private:
  void put_tag(std::uint32_t number, FieldType type);

  MutBytes room_;
  std::size_t size_ = 0;
  bool counts_ = true;
  bool ok_ = true;
};

// How many bytes put_varint() takes.
std::size_t varint_bytes(std::uint64_t number);

}  // namespace grid::wire
