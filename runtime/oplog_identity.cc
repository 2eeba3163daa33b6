// SPDX-License-Identifier: Apache-2.0
//
// The part of OpLog that knows whose log it is: whether it went on from where the server saw it last, and what becomes
// of pending ops when the node takes another id (PROTOCOL P1).

#include "runtime/facts.h"
#include "runtime/oplog.h"

namespace grid::runtime {

using crdt::Op;
using crdt::Seq;
using crdt::Stamp;

// Pending ops that an earlier name has signed go out as others. What they were is settled when all of them are done.
// They are counted too: the medium may have lost some.
Status OpLog::sign_pending() {
  Seq last = 0;
  std::uint64_t count = 0;
  GRID_TRY(each_local(store_.settled(), store_.head(), [&](const Op& op) {
    ++count;
    if (op.cell.stamp.node != clock_.node()) last = op.seq;
    return Status::ok;
  }));
  pending_count_ = count;
  if (last == 0) return Status::ok;
  const Status status = each_seq(store_.settled(), last, [this](Seq seq) { return sign(seq); });
  if (status == Status::ok) {
    if (store_.settled() >= reforked_as_) reforked_from_ = store_.settled();  // Else some are signed for a second time.
    reforked_to_ = last;
    reforked_as_ = store_.head();
    GRID_TRY(store_.settle(last));
  }
  GRID_TRY(count_pending());
  return status;
}

Status OpLog::sign(Seq seq) {
  Result<Op> op = copied(seq);
  if (!op.ok()) return op.status();
  const Result<Op> standing = store_.find(op->cell.name);
  if (!standing.ok() || standing->seq != seq) return Status::ok;
  op->cell.stamp.node = clock_.node();
  op->unit = {};
  dirty_ = true;
  if (rules_ != nullptr && rules_->is_named_after_node(op->cell)) return (this->*rules_->sign_renamed)(*op);
  return store_.append(*op).status();
}

Result<bool> OpLog::names_itself() {
  bool found = false;
  if (rules_ == nullptr) return found;
  GRID_TRY(each_local(store_.settled(), store_.head(), [&](const Op& op) {
    found = found || rules_->is_named_after_node(op.cell);
    return Status::ok;
  }));
  return found;
}

Status OpLog::count_pending() {
  pending_count_ = 0;
  return each_local(store_.settled(), store_.head(), [this](const Op&) {
    ++pending_count_;
    return Status::ok;
  });
}

Status OpLog::rename(crdt::NodeId node) {
  const crdt::Clock before = clock_;
  clock_ = crdt::Clock(node, before.state(), limits_.clock_lead_ms);
  Status status = save_clock();
  if (status == Status::ok) status = set_number_fact(store_, facts::kNode, node);
  if (status != Status::ok) clock_ = before;
  return status;
}

Result<bool> OpLog::knows(std::uint64_t taken_time, std::uint64_t taken_digest) {
  if (taken_time <= shared_time()) return true;
  Seq taken = 0;
  GRID_TRY(each_local(store_.settled(), store_.head(), [&](const Op& op) {
    const bool is_it = op.cell.stamp == Stamp{taken_time, node()};
    if (is_it && crdt::digest_of(op.cell) == taken_digest) taken = op.seq + op.unit.left;
    return Status::ok;
  }));
  // When the store was set back since, it does not know itself that they have been handed to a link (PROTOCOL P4).
  if (taken > store_.shared()) {
    dirty_ = true;
    GRID_TRY(store_.share(taken));
  }
  return taken != 0;
}

Status OpLog::refork(crdt::NodeId node, std::uint64_t taken_time) {
  if (correcting()) GRID_TRY(go_on_correcting());
  GRID_TRY(rename(node));
  reforked_taken_ = taken_time;
  return restart();
}

}  // namespace grid::runtime
