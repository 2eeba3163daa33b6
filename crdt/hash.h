// SPDX-License-Identifier: Apache-2.0
//
// Hash64: the one hash of the format (xxh64, seed 0), over bytes that are handed in piece by piece.
//
// Place     Beside stamp.h. Persisted and sent, so it never changes: tests/golden pins it.
#pragma once

#include <cstdint>
#include <string_view>

#include "crdt/base/bytes.h"

namespace grid::crdt {

std::uint64_t hash64(Bytes bytes);

class Hash64 {
 public:
  Hash64();
  Hash64& add(Bytes bytes);
  // Length (two bytes, big-endian) before the bytes, so that neighbours can't run into each other.
  Hash64& add_sized(std::string_view text);
  Hash64& add_number(std::uint64_t number);  // Eight bytes, big-endian.
  std::uint64_t value() const;

 private:
  alignas(8) std::uint8_t state_[96];
};

}  // namespace grid::crdt
