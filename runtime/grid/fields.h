// SPDX-License-Identifier: Apache-2.0
//
// Typed reads: a field of a value as a bool, a number, a text ..., where it lies. Map::get<T>() reads one of a row.
//
// Place     Below grid.h, which includes it; above crdt/value.h. Who reads none so links none of it.
// Promises  Nothing is copied, allocated or converted on the way, but a whole number read as a double.
// Ownership A text or bytes that are read stand as long as the value that they lie in.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"
#include "crdt/value.h"

namespace grid {

// Milliseconds since 1970 UTC, of a value that is a timestamp.
struct Timestamp {
  std::int64_t ms = 0;
};

// What stands at `path`: names with points between them, "outside.temp"; one that has a point in it stands in double
// quotes. No path at all is the value itself.
//   not_found  There is no such field, or what holds it is no record.
//   invalid    The path is none: a name in it is empty, or its quotes do not end.
//   too_large  It is a stub: it exists, and is larger than this replica takes.
Result<crdt::Value> value_at(const crdt::Value& value, std::string_view path);

namespace fields {

using crdt::Value;
using crdt::ValueKind;

template <typename T, typename... Others>
constexpr bool kIsOneOf = (std::is_same_v<T, Others> || ...);

// T as it is stored: every whole number is an int64. Void: no field is one.
template <typename T>
using Stored = std::conditional_t<kIsOneOf<T, bool, double, std::string_view, Bytes, Timestamp, Value>, T,
                                  std::conditional_t<std::is_integral_v<T>, std::int64_t, void>>;

// False when it is of another kind. text takes refs too, and number takes integers.
bool take(const Value& value, bool& to);
bool take(const Value& value, std::int64_t& to);
bool take(const Value& value, double& to);
bool take(const Value& value, std::string_view& to);
bool take(const Value& value, Bytes& to);
bool take(const Value& value, Timestamp& to);
inline bool take(const Value& value, Value& to) {
  to = value;
  return true;
}

template <typename T>
constexpr ValueKind kKindOf = std::is_same_v<T, bool>               ? ValueKind::boolean
                              : std::is_same_v<T, double>           ? ValueKind::number
                              : std::is_same_v<T, std::string_view> ? ValueKind::text
                              : std::is_same_v<T, Bytes>            ? ValueKind::bytes
                              : std::is_same_v<T, Timestamp>        ? ValueKind::timestamp
                                                                    : ValueKind::integer;

// The value itself as a T.
//   invalid    It is of another kind.
//   too_large  It is a whole number beyond what a T holds.
template <typename T>
Result<T> typed(const Value& value) {
  using As = Stored<T>;
  static_assert(!std::is_void_v<As>,
                "a field is a bool, a whole number, a double, a std::string_view, Bytes, a Timestamp or a Value");
  As stored{};
  if (!take(value, stored)) return Status::invalid;
  if constexpr (std::is_same_v<T, As>) {
    return stored;
  } else {
    if (!std::in_range<T>(stored)) return Status::too_large;
    return static_cast<T>(stored);
  }
}

}  // namespace fields

// The field at `path` as a T, of a row that is visited, say: `field<double>(row.now, "outside.temp")`. A T is a bool,
// any whole number, a double, std::string_view, Bytes, Timestamp, or Value: a field of any kind.
//   not_found  There is no such field.
//   invalid    It is of another kind, or the path is none.
//   too_large  It is a number beyond what a T holds, or a stub.
template <typename T>
Result<T> field(const crdt::Value& value, std::string_view path) {
  const Result<crdt::Value> found = value_at(value, path);
  return found.ok() ? fields::typed<T>(*found) : Result<T>(found.status());
}

}  // namespace grid
