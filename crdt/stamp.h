// SPDX-License-Identifier: Apache-2.0
//
// Stamp: when and by whom a cell was written; the order that every replica agrees on.
//
// Place     Lowest of crdt/. Knows bytes, not clocks.
// Promises  16 big-endian bytes whose memcmp order, text order and operator<=> are one order.
//
// A hybrid logical clock's reading, after Kulkarni et al., "Logical Physical Clocks" (2014), with the
// node id as last tie-breaker.
#pragma once

#include <compare>
#include <cstdint>
#include <string_view>

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"

namespace grid::crdt {

using NodeId = std::uint64_t;  // Random per store; 0 is nobody.

struct Stamp {
  static constexpr std::size_t kBytes = 16;
  static constexpr std::size_t kTextBytes = 46;
  static constexpr std::uint64_t kWallMax = (std::uint64_t{1} << 48) - 1;

  std::uint64_t time = 0;  // Wall milliseconds since 1970 UTC in the high 48 bits, a counter in the low 16.
  NodeId node = 0;

  static constexpr Stamp of(std::uint64_t wall_ms, std::uint16_t counter, NodeId node) {
    return {(wall_ms << 16) | counter, node};
  }
  constexpr std::uint64_t wall_ms() const { return time >> 16; }
  constexpr std::uint16_t counter() const { return static_cast<std::uint16_t>(time); }
  // The zero stamp is older than all others and stands for "none".
  constexpr bool is_none() const { return time == 0 && node == 0; }

  // Field order is the comparison order.
  friend constexpr bool operator==(const Stamp&, const Stamp&) = default;
  friend constexpr auto operator<=>(const Stamp&, const Stamp&) = default;

  void write(std::uint8_t* to) const {
    store_be(time, to);
    store_be(node, to + 8);
  }
  static Stamp read(const std::uint8_t* from) { return {load_be(from), load_be(from + 8)}; }
};

// `2026-11-21T02:01:00.123Z.0007.9f3c61d2a0b4e875`, kTextBytes of it without a terminator, into `to`,
// which must hold them. Years past 9999 are written as 9999 with the rest of the text exact.
void format(const Stamp& stamp, char* to);

// The reverse of format().
//   invalid  `text` is not of that form, or names a date that does not exist.
Result<Stamp> parse_stamp(std::string_view text);

}  // namespace grid::crdt
