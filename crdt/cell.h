// SPDX-License-Identifier: Apache-2.0
//
// Cell: the one thing that replicates, its one merge rule, and Op: a cell on its way through a log.
//
// Place     Above stamp.h and hash.h. Storage, log, tree and wire know cells only; the views (lww_map.h) give
//           them meaning.
// Promises  CEL-1  Merge is commutative, associative and idempotent: any order of the same cells gives the
//                  same bytes.
// Ownership A Cell is a view. Whoever handed it out says until when it stands.
#pragma once

#include <cstdint>
#include <string_view>

#include "crdt/base/bytes.h"
#include "crdt/base/limits.h"
#include "crdt/base/status.h"
#include "crdt/clock.h"
#include "crdt/stamp.h"

namespace grid::crdt {

struct CellName {
  std::string_view map;
  std::string_view key;
  std::string_view sub{};  // Empty for an LWW-Map.

  // Scan order. Field order is the comparison order.
  friend bool operator==(const CellName&, const CellName&) = default;
  friend auto operator<=>(const CellName&, const CellName&) = default;
};

struct Cell {
  CellName name;
  Stamp stamp;                   // None: nothing is known of this name.
  std::uint64_t expires_ms = 0;  // Wall time since 1970 UTC; 0 is never.
  Bytes value{};                 // Canonical grid.Value; empty is a tombstone.

  bool is_tombstone() const { return value.empty(); }
  // An expired cell is a tombstone with the same stamp. `now_ms` 0: the time is unknown, nothing expires.
  bool is_live(std::uint64_t now_ms) const {
    return !value.empty() && (expires_ms == 0 || now_ms == 0 || now_ms < expires_ms);
  }
};

// The merge rule: the greater stamp wins; between equal stamps the greater canonical bytes do (expiry, then
// value). True when `challenger` replaces `standing`; equal cells don't replace each other.
bool wins(const Cell& challenger, const Cell& standing);

// Names that every replica accepts. A map is 1 to 64 bytes of [A-Za-z0-9_.-]; a key is 1 to 256 bytes of
// UTF-8 without control characters (U+0000 to U+001F, U+007F to U+009F); a sub is up to 128 bytes of anything.
//   too_large  A part is longer than its limit.
//   invalid    A part is empty or has a byte that it must not have.
Status check_name(const CellName& name);
Status check_map_name(std::string_view map);

// Whether `text` is well-formed UTF-8 (no overlong forms, no surrogates).
bool is_utf8(std::string_view text);

// Digest of a live cell for the Merkle sum: name, stamp, expiry and value.
std::uint64_t digest_of(const Cell& cell);

// The position of an op in its replica's log. 0 is before the first.
using Seq = std::uint64_t;

// Where an op stands in a unit: ops that are taken together or not at all (PROTOCOL P9). They follow each other in the
// log; some may be gone from it, superseded.
struct Unit {
  std::uint8_t before = 0;  // Sequences back to the first of the unit,
  std::uint8_t left = 0;    // and on to its last.

  bool is_alone() const { return before == 0 && left == 0; }
  friend bool operator==(const Unit&, const Unit&) = default;
};

// A cell in a log or on the wire, with what the log and the protocol must know of it.
struct Op {
  Seq seq = 0;
  Cell cell;
  Stamp base{};  // PROTOCOL P17: the greatest vouched-for stamp of the key that the writer held; none = a new key.
  ClockQuality quality = ClockQuality::unknown;
  Unit unit{};               // Of a local op. On the wire `left` counts those that follow in the frame.
  bool local = false;        // Written here: pending until its log is settled past it.
  bool was_applied = false;  // PROTOCOL P7: an applied ack for it has been seen.
  bool evicted = false;      // On the wire: no cell, but word that its row is in no scope of the device any more (P22).
};

}  // namespace grid::crdt
