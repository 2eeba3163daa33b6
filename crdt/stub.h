// SPDX-License-Identifier: Apache-2.0
//
// Stub: what stands for a value that a replica has no room for: how large it is, and the digest of its cell.
//
// Place     Beside value.h. It takes the place of a canonical value in a cell, with the cell's own stamp and expiry,
//           and is none: check_value() refuses it, so nobody writes one and no device gives one back.
// Promises  A cell and its stub have one digest: replicas of unequal size compare as equal (PROTOCOL P15).
#pragma once

#include "crdt/cell.h"

namespace grid::crdt {

struct Stub {
  static constexpr std::uint8_t kTag = 0x5a;  // Behind the last of grid.Value's.
  static constexpr std::size_t kBytes = 13;

  std::uint32_t value_bytes = 0;
  std::uint64_t digest = 0;

  static bool is(Bytes value) { return value.size() == kBytes && value[0] == kTag; }
  // Of a cell that holds its value, or a stub already.
  static Stub of(const Cell& cell) {
    if (is(cell.value)) return read(cell.value);
    return {static_cast<std::uint32_t>(cell.value.size()), digest_of(cell)};
  }
  static Stub read(Bytes stub) {
    return {static_cast<std::uint32_t>(load_le<4>(stub.data() + 1)), load_le(stub.data() + 5)};
  }
  void write(std::uint8_t (&to)[kBytes]) const {
    to[0] = kTag;
    store_le<4>(value_bytes, to + 1);
    store_le(digest, to + 5);
  }
};

// Whether `cell` tells nothing to who holds `standing`: its value is there already.
inline bool is_stub_of(const Cell& cell, const Cell& standing) {
  return Stub::is(cell.value) && Stub::read(cell.value).digest == digest_of(standing);
}

}  // namespace grid::crdt
