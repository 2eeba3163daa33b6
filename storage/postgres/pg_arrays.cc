// SPDX-License-Identifier: Apache-2.0

#include "storage/postgres/pg_arrays.h"

namespace grid::storage {

namespace {

// Dimensions, whether there are nulls, type; length and lower bound of the one dimension.
constexpr std::size_t kHasNullAt = 4, kCountAt = 12;
constexpr std::uint32_t kNullLength = 0xffff'ffff;

void store_be32(std::uint32_t number, char* to) {
  for (int shift = 24; shift >= 0; shift -= 8) *to++ = static_cast<char>(number >> shift);
}

}  // namespace

PgArray::PgArray(Type type) {
  put(1);
  put(0);
  put(static_cast<std::uint32_t>(type));
  put(0);
  put(1);
}

void PgArray::put(std::uint32_t number) {
  char bytes[4];
  store_be32(number, bytes);
  bytes_.append(bytes, sizeof(bytes));
}

void PgArray::add(std::string_view bytes) {
  put(static_cast<std::uint32_t>(bytes.size()));
  bytes_.append(bytes);
  ++count_;
}

void PgArray::add(std::uint64_t number) {
  std::uint8_t bytes[8];
  store_be(number, bytes);
  add(Bytes(bytes));
}

void PgArray::add_null() {
  put(kNullLength);
  ++count_;
  has_null_ = true;
}

Bytes PgArray::bytes() {
  store_be32(has_null_ ? 1 : 0, bytes_.data() + kHasNullAt);
  store_be32(count_, bytes_.data() + kCountAt);
  return as_bytes(bytes_);
}

}  // namespace grid::storage
