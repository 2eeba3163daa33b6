// SPDX-License-Identifier: Apache-2.0
//
// Floor: up to where deletions are collected, and what must be known of them for none to come back (PROTOCOL P17).
//
// Place     Below journal.h, above storage/store.h. One for an app: a fact of its journal.
// Promises  SYN-3  It is stored in one batch with the erasures that it stands for, or before them.
#pragma once

#include "crdt/stamp.h"
#include "storage/store.h"

namespace grid::server {

struct Floor {
  storage::Seq position = 0;     // No deletion that is gone arrived behind it,
  storage::Seq gone = 0;         // and none that went from this journal behind this. Less only when it was filled anew.
  crdt::Stamp greatest{};        // Of their stamps: what lies above it was deleted by none of them.
  std::uint64_t expired_ms = 0;  // What expired up to then, and arrived up to the floor, is gone too.
  std::uint64_t count = 0;       // Of what is gone.

  bool operator==(const Floor&) const = default;
  // Whether a collected deletion may have been of a cell with this stamp.
  bool covers(const crdt::Stamp& stamp) const { return stamp <= greatest; }
};

// All zero when nothing was ever collected.
//   corrupt  What stands there is no floor.
Result<Floor> load_floor(storage::Store& store);
// Into the open batch.
Status save_floor(storage::Store& store, const Floor& floor);

// A journal was filled from a database, under new positions: who has a cursor has one of another journal, and is behind
// all that was ever collected, up to the stamp `greatest`.
Status note_loaded(storage::Store& store, const crdt::Stamp& greatest);

}  // namespace grid::server
