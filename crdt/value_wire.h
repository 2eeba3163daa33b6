// SPDX-License-Identifier: Apache-2.0
//
// The few pieces of protobuf's wire format that grid.Value is made of.
//
// Place     Inside crdt/: shared by value.cc and value_writer.cc, and included by nobody else.
// Promises  Reading accepts minimal varints only and never goes past the bytes that it was given.
#pragma once

#include <cstddef>
#include <cstdint>

#include "crdt/base/bytes.h"
#include "crdt/value.h"

namespace grid::crdt::value_wire {

// List.items, Record.fields and Field.name are field 1, Field.value is field 2; all are length-delimited.
inline constexpr std::uint8_t kItemTag = 0x0a;
inline constexpr std::uint8_t kNameTag = 0x0a;
inline constexpr std::uint8_t kValueTag = 0x12;
inline constexpr std::size_t kVarintBytesMax = 10;

inline constexpr std::uint64_t kNegativeZero = 0x8000'0000'0000'0000;
inline constexpr std::uint64_t kNan = 0x7ff8'0000'0000'0000;

// Field number and wire type of each kind, by its number.
inline constexpr std::uint8_t kTags[] = {0, 0x08, 0x10, 0x18, 0x21, 0x2a, 0x32, 0x38, 0x42, 0x4a, 0x52, 0x5a};

inline std::uint8_t tag_of(ValueKind kind) { return kTags[static_cast<std::uint8_t>(kind)]; }

// absent when no kind has that tag.
inline ValueKind kind_of(std::uint8_t tag) {
  const auto number = static_cast<std::size_t>(tag >> 3);
  return number > 0 && number < sizeof(kTags) && kTags[number] == tag ? ValueKind{static_cast<std::uint8_t>(number)}
                                                                      : ValueKind::absent;
}

inline std::uint64_t zigzag(std::int64_t number) {
  return (static_cast<std::uint64_t>(number) << 1) ^ static_cast<std::uint64_t>(number >> 63);
}
inline std::int64_t unzigzag(std::uint64_t number) {
  return static_cast<std::int64_t>((number >> 1) ^ (~(number & 1) + 1));
}

inline std::size_t varint_bytes(std::uint64_t number) {
  std::size_t count = 1;
  while (number >>= 7) ++count;
  return count;
}

// Writes varint_bytes(number) bytes.
inline void store_varint(std::uint64_t number, std::uint8_t* to) {
  for (; number >= 0x80; number >>= 7) *to++ = static_cast<std::uint8_t>(number | 0x80);
  *to = static_cast<std::uint8_t>(number);
}

// Takes a minimal varint off the front of `rest`; false when there is none.
inline bool take_varint(Bytes& rest, std::uint64_t& number) {
  number = 0;
  for (std::size_t i = 0; i < rest.size() && i < kVarintBytesMax; ++i) {
    const std::uint8_t byte = rest[i];
    number |= std::uint64_t{byte & 0x7fu} << (7 * i);
    if (byte & 0x80) continue;
    const bool overflows = i == kVarintBytesMax - 1 && byte > 1;
    const bool padded = i > 0 && byte == 0;
    rest = rest.subspan(i + 1);
    return !overflows && !padded;
  }
  return false;
}

// Takes a length and that many bytes off the front of `rest`; false when they aren't there.
inline bool take_sized(Bytes& rest, Bytes& out) {
  std::uint64_t size = 0;
  if (!take_varint(rest, size) || size > rest.size()) return false;
  out = rest.first(static_cast<std::size_t>(size));
  rest = rest.subspan(out.size());
  return true;
}

// As take_sized(), behind `tag`.
inline bool take_tagged(Bytes& rest, std::uint8_t tag, Bytes& out) {
  if (rest.empty() || rest[0] != tag) return false;
  rest = rest.subspan(1);
  return take_sized(rest, out);
}

// check_value() for a value that already stands `depth` lists and records deep.
Status check_value_at(Bytes encoded, std::size_t depth);

}  // namespace grid::crdt::value_wire
