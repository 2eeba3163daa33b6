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
  if (letters_ != nullptr) letters_->supersede(*this, name, by);
}

void OpLog::lose(Seq seq) {
  lost_ = seq;
  note_end(seq, Outcome::lost_with);
}

void OpLog::note_end(Seq seq, Outcome outcome) { fates_[next_fate_++ % fates_.size()] = {seq, outcome}; }

Status OpLog::drop(const Op& op) {
  GRID_TRY(erase(op.cell.name));
  if (letters_ != nullptr) letters_->drop(op);
  vanished_ = op.cell.name;
  has_vanished_ = true;
  note_end(op.seq, Outcome::dropped);
  ++dropped_count_;
  return Status::ok;
}

Seq OpLog::take_lost() { return std::exchange(lost_, 0); }

const CellName* OpLog::take_vanished() { return std::exchange(has_vanished_, false) ? &vanished_ : nullptr; }

}  // namespace grid::runtime
