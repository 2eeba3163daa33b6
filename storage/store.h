// SPDX-License-Identifier: Apache-2.0
//
// Store: the contract of what keeps one app's cells: a log, the index folded from it, and a few small facts.
// Implementations live in the folders beside this file, one per technology; all pass
// tests/contract/store_contract.cc unchanged.
//
// Place     Below runtime/ and server/. Knows cells and ops, never a link. Does not merge: append() *sets*, whoever
//           calls it has applied the merge rule.
//
// The log   Every accepted change is appended and gets the next sequence, which is at once the position in the
//           OpLog (local ops), in the journal, and of arrival (cursors). The log keeps one record per cell, its
//           newest, and besides it only local ops in flight: settled() < seq <= shared(). Other superseded records
//           are gone for every reader at once, and from the medium when the store gets to it.
// The batch Everything written is one open batch, at once visible to reads. seal() closes it; a sealed batch becomes
//           durable as a whole, in order.
//
// Promises  STO-1  After a crash at any write, the store is a prefix of sealed batches that includes every one
//                  reported durable. A record is whole or absent.
// Ownership Views in an Op that comes out stand until the next call on this store.
// Threads   One, but for flush(), which one other thread may be in while the first goes on.
#pragma once

#include <cstdint>
#include <string_view>

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"
#include "crdt/cell.h"

namespace grid::storage {

using crdt::Seq;

class Store {
 public:
  // Appends `op` (its `seq` is ignored) and lets its cell stand in the index, whatever stood there. Returns the
  // sequence. A cell without a stamp is an erasure: the name leaves the index without a tombstone (rollback,
  // eviction). It takes a sequence, but no reader sees it. The name has passed crdt::check_name().
  //   full       The open and sealed batches hold all that they may; after a flush there is room again.
  //   too_large  The value, or a part of the name, exceeds what this store keeps.
  //   corrupt    As find().
  //   io         The medium failed; nothing was appended.
  virtual Result<Seq> append(const crdt::Op& op) = 0;

  // Whether `appends` more, of `bytes` in their names and values together, find room one behind the other, whatever
  // they supersede: for who must write all of them or none.
  //   full  They may not. As after append(), a flush may make room.
  virtual Status has_room(std::size_t appends, std::size_t bytes) = 0;

  // Gives a local, unshared op (seq > shared()) that is still in the log another stamp and expiry, in the index
  // too where it stands there. Order in the log is unchanged.
  //   not_found  No such record.
  //   invalid    `stamp` is none.
  //   full, corrupt, io  As append().
  virtual Status restamp(Seq seq, crdt::Stamp stamp, std::uint64_t expires_ms) = 0;

  // Local ops up to `seq` may have been handed to a link: they stay in the log, even superseded, until settled.
  // The mark only rises: a sequence that is not above it changes nothing.
  //   invalid    There is no such sequence yet.
  virtual Status share(Seq seq) = 0;
  // Local ops up to `seq` are durable at the server, or rejected. Raises shared() too, if it is behind. Only
  // rises, and fails, as share().
  virtual Status settle(Seq seq) = 0;
  virtual Seq shared() const = 0;
  virtual Seq settled() const = 0;

  // A small named fact (clock, cursors, epochs), up to kFactBytesMax, kept until set again; empty bytes remove it.
  //   invalid    `name` is empty.
  //   too_large  `name` or `bytes` is longer than its limit.
  //   full       As append().
  static constexpr std::size_t kFactNameBytesMax = 200;
  static constexpr std::size_t kFactBytesMax = 1'024;
  virtual Status set_fact(std::string_view name, Bytes bytes) = 0;
  //   not_found  Never set, or removed.
  virtual Result<Bytes> fact(std::string_view name) = 0;
  // The first fact whose name is greater than `after` and begins with `prefix`.
  struct Fact {
    std::string_view name;
    Bytes bytes;
  };
  virtual Result<Fact> next_fact(std::string_view prefix, std::string_view after) = 0;

  // The cell that stands under `name`, tombstones included.
  //   not_found  None.
  //   corrupt    The medium holds something else than what was written; problem() names it. next_cell() and
  //              next_op() can say so too.
  virtual Result<crdt::Op> find(const crdt::CellName& name) = 0;
  // The first standing cell whose name is greater than `after`: scans by (map, key, sub). {} is before the first.
  //   not_found  There is none.
  virtual Result<crdt::Op> next_cell(const crdt::CellName& after) = 0;
  // The first record with a sequence greater than `after`.
  //   not_found  There is none.
  virtual Result<crdt::Op> next_op(Seq after) = 0;

  // The sequence of the newest record ever appended; 0 at birth. Never goes back, across reopening either.
  virtual Seq head() const = 0;

  // Closes the open batch and returns its number, which rises by one; an empty batch may be sealed too.
  virtual std::uint64_t seal() = 0;
  // Makes every sealed batch durable. May block; may run on another thread, one call at a time.
  //   full  The medium has no room. Nothing is lost: free some and call again.
  //   io    The medium failed, and it is unknown what it holds: the node must stop (docs/STORAGE.md). Final: until the
  //         store is opened again, every flush says so.
  virtual Status flush() = 0;
  // After flush() has returned ok, on the store's own thread: lets go of what it no longer needs in memory.
  virtual void flushed() = 0;

  // The last failure as a sentence that names what and where. Never null. For the store's own thread.
  virtual const char* problem() const = 0;

  Status commit() {
    seal();
    GRID_TRY(flush());
    flushed();
    return Status::ok;
  }

 protected:
  ~Store() = default;  // Owned by whoever built it, never through this type.
};

}  // namespace grid::storage
