// SPDX-License-Identifier: Apache-2.0
//
// Sink: the contract of the server's database, which the write-behind queue drains into.
// Implementations live in the folders beside this file; all pass tests/contract/sink_contract.cc unchanged.
//
// Place     Below server/host. Knows rows, never a link or a log.
// Promises  SNK-1  A row goes in only if its (stamp, bytes) wins over the row that stands (PROTOCOL P27): any
//                  order and repetition of drains gives the same table.
//           SNK-2  drain() is one transaction: its rows and `mark` are there together or not at all.
// Threads   One: the sink's own thread. Everything may block.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"
#include "crdt/cell.h"

namespace grid::storage {

struct SinkRow {
  crdt::Cell cell;
  crdt::Seq arrival = 0;  // Position in the journal.
  // The value as text, for people and plain SQL. Empty for a tombstone. A database that reads JSON gives it back in a
  // form of its own, or not at all where it can't hold it; `cell` is what counts.
  std::string_view json{};
};

// How far a journal is drained: a position means something in the journal of its epoch only (PROTOCOL P12).
struct SinkMark {
  std::uint64_t epoch = 0;
  crdt::Seq through = 0;  // 0: nothing is drained, whatever the epoch.
  // Deletions that arrived up to `floor` are collected, and so is what expired up to `expired_ms` among them; `floor`
  // is no greater than `through`. `greatest` is the greatest stamp of all that ever was.
  crdt::Seq floor = 0;
  std::uint64_t expired_ms = 0;
  crdt::Stamp greatest{};

  bool operator==(const SinkMark&) const = default;
};

class Sink {
 public:
  // Upserts `rows`, of which no two have the same name and all have a stamp, and notes that the journal is
  // drained up to `mark`. What is collected goes, in the same transaction; a row that is not there and arrived up to
  // the floor that was noted before is not inserted (PROTOCOL P27). A mark of {} forgets that floor, but not
  // `greatest`.
  //   full    The database has no room. Nothing was written; try again later.
  //   busy    It is locked or not reachable just now. Nothing was written; try again.
  //   conflict  It stands elsewhere than drained() last said, and drain() did since: it was set back, or filled by
  //           another. Nothing was written; ask drained().
  //   io      It failed in another way, and what the medium holds is not known. Final: until the sink is opened again,
  //           every drain says so.
  virtual Status drain(std::span<const SinkRow> rows, const SinkMark& mark) = 0;

  // What the last committed drain() noted; 0 in a new database.
  virtual Result<SinkMark> drained() = 0;

  // Hands every row to `take(row, context)` in order of arrival, until it returns something other than ok.
  using Take = Status (*)(const SinkRow& row, void* context);
  virtual Status load(Take take, void* context) = 0;

  // Rows that the database refuses for their own sake, and keeps beside the others, with the reason.
  virtual std::uint64_t dead_letters() const { return 0; }

  // On any thread: what waits for the database ends soon, with busy, and nothing waits for it any more.
  virtual void interrupt() {}

  // The last failure as a sentence that names what and where. Never null.
  virtual const char* problem() const = 0;

 protected:
  ~Sink() = default;  // Owned by whoever built it, never through this type.
};

}  // namespace grid::storage
