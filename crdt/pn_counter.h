// SPDX-License-Identifier: Apache-2.0
//
// PN-Counter: the view of cells in which a key holds a number that every replica adds to and takes from.
//
// Place     Above view.h and value.h. A view says what cells mean; it stores nothing.
// Promises  Each node writes its own part only, under its own id, so the greater stamp of a part is the truer one and
//           the sum over the parts counts every change once.
//
// After Shapiro et al., "A comprehensive study of Convergent and Commutative Replicated Data Types" (2011),
// section 3.1.3.
#pragma once

#include "crdt/value.h"
#include "crdt/view.h"

namespace grid::crdt {

// What one node has added and taken away, ever.
struct Sums {
  std::int64_t up = 0;  // Neither is ever negative.
  std::int64_t down = 0;

  friend bool operator==(const Sums&, const Sums&) = default;
  Sums minus(const Sums& other) const { return {up - other.up, down - other.down}; }
};

struct CounterPart {
  static constexpr std::size_t kNameBytes = 9;
  static constexpr std::size_t kValueBytesMax = 2 + 4 * 13;

  Sums all;
  // Of that, what the op of this cell brought: its log must be able to take one op back, or to sign it anew as another
  // node's (PROTOCOL P1, P25).
  Sums fresh;

  static std::string_view name(NodeId node, std::uint8_t (&to)[kNameBytes]) {
    to[0] = static_cast<std::uint8_t>(View::counter);
    store_be(node, to + 1);
    return as_text(to);
  }
  static bool is(std::string_view sub) { return sub.size() == kNameBytes && view_of(sub) == View::counter; }

  // Nothing where the value is none that write() makes: what a peer sends may be anything.
  static CounterPart read(const Value& value);
  Bytes write(std::uint8_t (&to)[kValueBytesMax]) const;
};

// The sum over parts, which stops at the ends of int64 instead of going round.
class CounterSum {
 public:
  void add(const CounterPart& part);
  std::int64_t value() const;

 private:
  std::uint64_t up_ = 0;
  std::uint64_t down_ = 0;
};

}  // namespace grid::crdt
