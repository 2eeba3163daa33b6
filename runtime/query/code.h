// SPDX-License-Identifier: Apache-2.0
//
// Code: a value in 16 bytes, by which an index finds it again.
//
// Place     Below index.h. Knows the order of values (crdt/query/order.h).
// Promises  Of two values, the lesser never has the greater code; equal ones have the same. Different ones may have the
//           same: whoever finds a row by its code looks at the row.
#pragma once

#include <cstdint>

#include "crdt/value.h"

namespace grid::runtime {

struct Code {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  friend bool operator==(const Code&, const Code&) = default;
  friend auto operator<=>(const Code&, const Code&) = default;
};

// From the first to the last code that is meant, both included.
struct CodeRange {
  Code first;
  Code last;
};

// Whether an index has rows with such a value: not absent, null, a list, a record or a stub.
bool is_indexed(const crdt::Value& value);

// Of booleans, numbers and timestamps exact; of text, refs and bytes the first 15 bytes.
Code order_code(const crdt::Value& value);
// Equal for equal values, and otherwise different but for chance.
Code hash_code(const crdt::Value& value);

// All values of the class that `value` is of.
CodeRange class_range(const crdt::Value& value);
// All of text, or of refs, that begin with `prefix`.
CodeRange prefix_range(crdt::ValueKind kind, std::string_view prefix);

}  // namespace grid::runtime
