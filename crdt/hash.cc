// SPDX-License-Identifier: Apache-2.0
//
// Hash64 over xxHash's streaming state, which is compiled in here and shows nowhere else.

#include "crdt/hash.h"

#include <new>

#include "crdt/base/check.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace grid::crdt {
namespace {

XXH64_state_t* state_of(std::uint8_t* memory) { return std::launder(reinterpret_cast<XXH64_state_t*>(memory)); }
const XXH64_state_t* state_of(const std::uint8_t* memory) {
  return std::launder(reinterpret_cast<const XXH64_state_t*>(memory));
}

}  // namespace

std::uint64_t hash64(Bytes bytes) { return XXH64(bytes.data(), bytes.size(), 0); }

Hash64::Hash64() {
  static_assert(sizeof(XXH64_state_t) <= sizeof(state_) && alignof(XXH64_state_t) <= 8, "state_ holds xxHash's state");
  XXH64_reset(new (state_) XXH64_state_t, 0);
}

Hash64& Hash64::add(Bytes bytes) {
  if (!bytes.empty()) XXH64_update(state_of(state_), bytes.data(), bytes.size());
  return *this;
}

Hash64& Hash64::add_sized(std::string_view text) {
  GRID_CHECK(text.size() <= 0xffff);
  std::uint8_t size[2];
  store_be<2>(text.size(), size);
  return add(size).add(as_bytes(text));
}

Hash64& Hash64::add_number(std::uint64_t number) {
  std::uint8_t bytes[8];
  store_be(number, bytes);
  return add(bytes);
}

std::uint64_t Hash64::value() const { return XXH64_digest(state_of(state_)); }

}  // namespace grid::crdt
