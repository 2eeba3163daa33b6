// SPDX-License-Identifier: Apache-2.0
//
// LWW-Map: the view of cells in which a key holds one value and the last write of it wins.
//
// Place     Above cell.h and value.h. A view says what cells mean; it stores nothing.
//
// After Shapiro et al., "A comprehensive study of Convergent and Commutative Replicated Data Types" (2011),
// section 3.2.1, with a hybrid logical stamp.
#pragma once

#include "crdt/cell.h"
#include "crdt/value.h"

namespace grid::crdt::lww_map {

inline CellName name(std::string_view map, std::string_view key) { return {map, key, {}}; }

// The cell of a put. `expires_ms` 0 is never.
inline Cell put(std::string_view map, std::string_view key, Stamp stamp, Bytes value, std::uint64_t expires_ms = 0) {
  return {name(map, key), stamp, expires_ms, value};
}

inline Cell remove(std::string_view map, std::string_view key, Stamp stamp) { return {name(map, key), stamp, 0, {}}; }

// What the key holds at `now_ms` (0: unknown); absent when removed or expired.
inline Value read(const Cell& cell, std::uint64_t now_ms) { return cell.is_live(now_ms) ? Value(cell.value) : Value(); }

}  // namespace grid::crdt::lww_map
