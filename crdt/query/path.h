// SPDX-License-Identifier: Apache-2.0
//
// Row and Path: what a predicate looks at, and where in it.
//
// Place     Above crdt/value.h.
// Ownership Both are views. A path is flat bytes, which compare equal when the paths are.
#pragma once

#include <cstdint>
#include <string_view>

#include "crdt/value.h"

namespace grid::query {

using crdt::Value;
using crdt::ValueKind;

// A row as it stands.
struct Row {
  std::string_view key;
  Value value;
};

inline constexpr std::size_t kPathNamesMax = kValueDepthMax;
inline constexpr std::size_t kPathNameBytesMax = 255;

enum class Root : std::uint8_t {
  value = 0,    // A field within the row's value, or with no names the value itself: $value.
  key = 1,      // $key
  literal = 2,  // No place at all: a parameter that stands where a field might.
};

// One byte of Root; then for `value` each name behind a byte that tells its length, for `literal` a canonical value.
class Path {
 public:
  Path() = default;
  explicit Path(Bytes encoded) : encoded_(encoded) {}

  Bytes encoded() const { return encoded_; }
  Root root() const { return Root{encoded_[0]}; }

  // Room for a key as a value.
  using Room = std::uint8_t[kKeyBytesMax + 4];
  // What stands there; absent when a name on the way is missing, or is looked for in what is no record.
  Value of(const Row& row, Room& room) const;

  friend bool operator==(const Path& a, const Path& b) { return equal(a.encoded_, b.encoded_); }

 private:
  Bytes encoded_;
};

}  // namespace grid::query
