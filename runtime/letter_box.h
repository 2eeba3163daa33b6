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

class OpLog;

// A letter that finds no room is counted, and stops nothing.
class LetterBox {
 public:
  // By the log, once, before anything else.
  virtual void open(storage::Store& store) = 0;
  // Op `by` is about to take the place of what stands under `name`. If that was never sent, what it was matters once
  // `by` is refused (PROTOCOL P6).
  virtual void supersede(OpLog& log, const crdt::CellName& name, crdt::Seq by) = 0;
  // Op `seq` is refused, if it is pending. What it took the place of is lost with it, and the log is told.
  virtual Status refuse(OpLog& log, crdt::Seq seq, Status why, std::string_view sentence) = 0;
  // `op`, the oldest, was dropped from a full log.
  virtual void drop(const crdt::Op& op) = 0;
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
