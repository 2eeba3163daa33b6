// SPDX-License-Identifier: Apache-2.0
//
// LetterBox: where a replica leaves the ops that did not get through, if somebody keeps them (dead_letters.h).
//
// Place     Below oplog.h. A device that keeps none links none.
#pragma once

#include <cstdint>
#include <string_view>

#include "crdt/base/status.h"
#include "crdt/cell.h"
#include "runtime/replica_status.h"
#include "storage/store.h"

namespace grid::runtime {

// An op that did not get through. By reference.
struct Letter {
  crdt::Seq id = 0;  // Its sequence in the log.
  crdt::Cell cell{};
  Outcome outcome = Outcome::rejected;
  Status reason = Status::ok;
  std::string_view sentence{};
  crdt::Seq with = 0;  // lost_with: the op that took its place, and was refused.
};

class LetterBox {
 public:
  // By the replica, once, before anything else.
  virtual void open(storage::Store& store) = 0;
  // `op` did not get through. Never stops what goes on: a letter that finds no room is counted.
  virtual void keep(const Letter& letter) = 0;
  // `earlier` was never sent, and op `by` takes its place: what it was matters once `by` is refused (PROTOCOL P6).
  virtual void note_superseded(const crdt::Op& earlier, crdt::Seq by) = 0;
  // Op `by` was refused: what it took the place of becomes a letter. Its sequence; 0: there was none, or it is unknown.
  virtual crdt::Seq lose_with(crdt::Seq by) = 0;
  // No op is pending: none that was superseded can matter any more.
  virtual void settle() = 0;

  // The first letter with a greater id; stands until the next call.
  //   not_found  There is none.
  virtual Result<Letter> next(crdt::Seq after) = 0;
  // For good.
  //   not_found  There is no such letter.
  //   full, io   Of the store.
  virtual Status discard(crdt::Seq id) = 0;
  virtual std::uint32_t count() const = 0;
  // Letters that found no room, ever.
  virtual std::uint64_t unkept_count() const = 0;

 protected:
  ~LetterBox() = default;
};

}  // namespace grid::runtime
