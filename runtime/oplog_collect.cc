// SPDX-License-Identifier: Apache-2.0
//
// OpLog: what it does about deletions that the server has collected (PROTOCOL P17).

#include "runtime/oplog.h"

namespace grid::runtime {

using crdt::Op;

// Without a trace: a removal that nobody wrote could travel, as what a server lost.
Status OpLog::let_go(const Op& theirs) { return append({.cell = theirs.cell, .quality = theirs.quality}); }

Status OpLog::note_late(crdt::Seq seq) {
  const Result<Op> op = op_at(seq);
  if (!op.ok() || !is_pending(*op)) return op.status() == Status::not_found ? Status::ok : op.status();
  clock_.share(op->cell.stamp);
  return save_clock();
}

Status OpLog::renew(crdt::Seq seq, const crdt::Stamp& above, const Timekeeper& time) {
  if (seq > sent_) return Status::corrupt;
  Result<Op> op = copied(seq);
  if (!op.ok()) return op.status() == Status::not_found ? Status::ok : op.status();
  const Result<Op> standing = store_.find(op->cell.name);
  if (!is_pending(*op) || !standing.ok() || standing->seq != seq) return Status::ok;
  const crdt::Clock unmoved = clock_;
  bool raised = false;
  Status status = clock_.merge(above, raised);
  if (status == Status::ok) status = clock_.tick(time.now_ms(), op->cell.stamp, raised);
  // Here, since what is written behind it asks only whether it raised the ceiling itself.
  if (status == Status::ok && raised) status = save_clock();
  if (status == Status::ok) status = write_anew(*op);
  if (status == Status::ok) note_fate(seq, Outcome::superseded);
  if (status != Status::ok) clock_ = unmoved;
  return status;
}

Status OpLog::erase(crdt::Seq seq) {
  const Result<Op> kept = copied(seq);  // The name must outlive the append.
  if (!kept.ok()) return kept.status() == Status::not_found ? Status::ok : kept.status();
  return erase(kept->cell.name);
}

}  // namespace grid::runtime
