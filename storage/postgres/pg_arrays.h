// SPDX-License-Identifier: Apache-2.0
//
// PgArray: one column of a batch as an array in Postgres' binary format, which UNNEST turns into rows.
//
// Place     Lowest of storage/postgres. Knows bytes, no connection.
// Promises  An element is what was added, whatever bytes it has: nothing is escaped.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crdt/base/bytes.h"

namespace grid::storage {

class PgArray {
 public:
  // The numbers that Postgres gives its types: they are part of its protocol and don't change.
  enum class Type : std::uint32_t { bytea = 17, int8 = 20, text = 25 };

  explicit PgArray(Type type);

  void add(std::string_view bytes);
  void add(Bytes bytes) { add(as_text(bytes)); }
  void add(std::uint64_t number);
  void add_null();

  // The whole array, until the next add().
  Bytes bytes();

 private:
  void put(std::uint32_t number);

  std::string bytes_;
  std::uint32_t count_ = 0;
  bool has_null_ = false;
};

}  // namespace grid::storage
