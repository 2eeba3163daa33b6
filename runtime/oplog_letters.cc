// SPDX-License-Identifier: Apache-2.0
//
// The part of OpLog that tells of ops that did not get through: to the letter box, and to who asks next.

#include <utility>

#include "runtime/oplog.h"

namespace grid::runtime {

using crdt::CellName;
using crdt::Op;
using crdt::Seq;

// In front of the op itself, which must find the room that it was promised.
void OpLog::note_superseded(const CellName& name, Seq by) {
  if (letters_ == nullptr) return;
  const Result<Op> before = store_.find(name);
  if (before.ok() && is_unshared(*before)) letters_->note_superseded(*before, by);
}

void OpLog::post(const Op& op, Outcome outcome, Status why, std::string_view sentence) {
  if (letters_ != nullptr) letters_->keep({op.seq, op.cell, outcome, why, sentence});
}

Status OpLog::drop(const Op& op) {
  GRID_TRY(erase(op.cell.name));
  post(op, Outcome::dropped, Status::full, "the log of unsent ops was full");
  vanished_ = op.cell.name;
  has_vanished_ = true;
  fates_[next_fate_++ % fates_.size()] = {op.seq, Outcome::dropped};
  ++dropped_count_;
  return Status::ok;
}

Seq OpLog::take_lost() { return std::exchange(lost_, 0); }

const CellName* OpLog::take_vanished() { return std::exchange(has_vanished_, false) ? &vanished_ : nullptr; }

}  // namespace grid::runtime
