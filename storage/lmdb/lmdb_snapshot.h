// SPDX-License-Identifier: Apache-2.0
//
// A copy of a store in a directory, as of one commit, whether or not another process has it open and goes on writing.
//
// Place     Beside lmdb_store.h. Takes no lock of the store's: LMDB lets other processes read, and the copy is one read
//           transaction. While it lasts the store reuses no pages that were freed since, so its file may grow.
// Promises  The copy has every commit that was durable when it began, and is a prefix of commits. Nothing of the store
// is
//           changed, but for the line of a reader in lock.mdb.
// Threads   A thread of its own writes into a pipe; `take` is called on the caller's.
#pragma once

#include <string>

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"
#include "crdt/cell.h"

namespace grid::storage {

// What a store says of itself: the least that a copy that begins now will have.
struct LmdbAbout {
  crdt::Seq head = 0;
  std::uint64_t records = 0;  // Of the log.
};

//   not_found  There is no store in `path`.
//   invalid    What is there is no store.
//   newer, corrupt, denied, io
Result<LmdbAbout> look_at_lmdb_store(const std::string& path, std::string& problem);

// Hands the bytes of a data.mdb to `take`, front to back, in pieces of up to kSnapshotPieceBytes.
//   What `take` returns other than ok ends the copy, and is returned. Otherwise as above.
inline constexpr std::size_t kSnapshotPieceBytes = 65'536;
using TakeBytes = Status (*)(void* context, Bytes bytes);
Status copy_lmdb_store(const std::string& path, TakeBytes take, void* context, std::string& problem);

}  // namespace grid::storage
