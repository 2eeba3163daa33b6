// SPDX-License-Identifier: Apache-2.0

#include "runtime/sweep.h"

#include <algorithm>

#include "runtime/facts.h"

namespace grid::runtime {

using crdt::Op;

// With ops under way nothing is noted: they arrive behind what the server has told.
Status Sweep::told(std::uint64_t head, std::uint64_t floor, std::uint64_t told_ms) {
  if (floor == 0 || has_work()) return Status::ok;
  storage::Store& store = log_.store();
  const Result<Bytes> note = store.fact(facts::kSweep);
  if (!note.ok() && note.status() != Status::not_found) return note.status();
  const bool is_noted = note.ok() && note->size() == kNoteBytes;
  if (is_noted && load_be(note->data()) > floor) return Status::ok;
  if (is_noted) {
    at_ = 0;
    end_ = load_be(note->data() + 8);
    // A clock that has been set back since was wrong.
    expired_ms_ = std::min(load_be(note->data() + 16), told_ms);
  }
  if (log_.pending_count() > 0) return forget();
  std::uint8_t bytes[kNoteBytes];
  store_be(head, bytes);
  store_be(store.head(), bytes + 8);
  store_be(told_ms, bytes + 16);
  log_.touch();
  return store.set_fact(facts::kSweep, bytes);
}

Status Sweep::forget() {
  if (!log_.store().fact(facts::kSweep).ok()) return Status::ok;
  log_.touch();
  return log_.store().set_fact(facts::kSweep, {});
}

Status Sweep::advance() {
  for (std::uint32_t looks = 0; looks < kLooksMax && has_work(); ++looks) {
    const Result<Op> op = log_.store().next_op(at_);
    if (!op.ok() && op.status() != Status::not_found) return op.status();
    if (!op.ok() || op->seq > end_) {
      at_ = end_;
      return Status::ok;
    }
    const crdt::Seq seq = op->seq;
    const bool is_dead = !op->cell.is_live(expired_ms_) && !log_.is_pending(*op);
    // The record of an op in flight may be one that its cell is past.
    const bool stands = is_dead && log_.store().find(op->cell.name)->seq == seq;
    if (stands) GRID_TRY(log_.erase(seq));
    at_ = seq;
  }
  return Status::ok;
}

}  // namespace grid::runtime
