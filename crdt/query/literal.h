// SPDX-License-Identifier: Apache-2.0
//
// Numbers, dates and bytes as a predicate writes them.
//
// Place     Inside crdt/query, below compile.h.
// Promises  A decimal number becomes the double nearest to it, ties to even, on every machine; nothing asks libc.
#pragma once

#include <cstdint>
#include <string_view>

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"

namespace grid::query {

inline constexpr std::size_t kNumberDigitsMax = 19;  // That tell something: not those before the first that isn't 0.

struct Number {
  bool is_integer = false;  // Also where the text has a point, when its double is one.
  std::int64_t integer = 0;
  double number = 0;
};

// "-12", "3.5", "1e9".
//   invalid    It is no number.
//   too_large  More digits than kNumberDigitsMax, an integer beyond 64 bits, or beyond a double.
Result<Number> parse_number(std::string_view text);

// Milliseconds since 1970 of "2026-11-21T02:01:00.123Z", in which what stands behind the day, the minute or the second
// may be left out: "2026-11-21", "2026-11-21T02:01Z".
//   invalid  It is not of that form, or there is no such day.
Result<std::int64_t> parse_timestamp(std::string_view text);

// Pairs of hex digits, into the front of `room`.
//   invalid    They are not.
//   too_large  They don't fit.
Result<Bytes> parse_hex(std::string_view text, MutBytes room);

}  // namespace grid::query
