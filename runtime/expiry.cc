// SPDX-License-Identifier: Apache-2.0

#include "runtime/expiry.h"

#include <algorithm>

#include "runtime/oplog.h"

namespace grid::runtime {

using crdt::Op;

namespace {

// A record of what is on its way may be one that its row is past.
Result<Op> standing(storage::Store& store, storage::Seq seq) {
  const Result<Op> record = store.next_op(seq - 1);
  if (!record.ok() || record->seq != seq) return record.ok() ? Status::not_found : record.status();
  const Result<Op> op = store.find(record->cell.name);
  return op.ok() && op->seq != seq ? Status::not_found : op;
}

}  // namespace

Status Expiry::advance(const Upkeep::Wards& wards) {
  storage::Store& store = wards.log.store();
  wake_at_ms_ = kNever;
  has_work_ = false;
  follow(wards);
  if (wards.watches.empty()) {
    if (wards.known_ms != 0) after_ = {wards.known_ms, kLast.seq};
    read_anew();
    return Status::ok;
  }
  GRID_TRY(read(store));
  // What expires first may be what is read last.
  has_work_ = read_ < store.head();
  if (has_work_) return Status::ok;
  GRID_TRY(report(wards));
  const bool is_spent = size_ == 0 && through_ != kLast;
  if (is_spent) read_anew();
  has_work_ = is_spent || is_due(wards.known_ms);
  if (has_work_ || (size_ == 0 && !was_correcting_)) return Status::ok;
  // A machine may learn the time, or another, without an event.
  const bool is_known = size_ != 0 && wards.known_ms != 0;
  const std::uint64_t wait_ms = is_known ? room_[size_ - 1].expires_ms - wards.known_ms : kPatienceMs;
  wake_at_ms_ = wards.now_ms + std::min(wait_ms, kPatienceMs);
  return Status::ok;
}

// A watch begins with what lives. While the time is unknown that is everything; when it leaps ahead, what it passes
// over is due, and when it is set back, what lives again may expire again. Ops that were corrected may have expired
// long ago.
void Expiry::follow(const Upkeep::Wards& wards) {
  constexpr std::int64_t kLeapMs = 1'000;
  const bool begins = !begun_;
  begun_ = true;
  const bool is_corrected = corrected_at_ms_ != wards.log.corrected_at_ms();
  corrected_at_ms_ = wards.log.corrected_at_ms();
  if (is_corrected || (was_correcting_ && !wards.is_correcting)) {
    after_ = {};
    read_anew();
  }
  was_correcting_ = wards.is_correcting;
  if (wards.known_ms == 0) {
    skew_ms_ = 0;
    after_ = {};
    return;
  }
  const auto skew_ms = static_cast<std::int64_t>(wards.known_ms) - static_cast<std::int64_t>(wards.now_ms);
  const std::int64_t leap_ms = skew_ms - skew_ms_;
  if (leap_ms <= kLeapMs && leap_ms >= -kLeapMs) return;
  skew_ms_ = skew_ms;
  if (begins) after_ = {wards.known_ms, kLast.seq};
  if (leap_ms < 0) after_ = {};
  read_anew();
}

void Expiry::read_anew() {
  read_ = 0;
  size_ = 0;
  told_ = 0;
  through_ = kLast;
}

void Expiry::offer(const Entry& entry) {
  if (entry <= after_ || entry > through_) return;
  if (size_ == room_.size()) {
    through_ = std::max(entry, room_[0]);  // The one that stays out,
    --through_.seq;                        // as all behind it.
    if (entry > room_[0]) return;
    std::copy(room_.begin() + 1, room_.end(), room_.begin());
    --size_;
  }
  std::size_t at = size_++;
  for (; at > 0 && room_[at - 1] < entry; --at) room_[at] = room_[at - 1];
  if (at + 1 == size_) told_ = 0;
  room_[at] = entry;
}

Status Expiry::read(storage::Store& store) {
  for (std::uint32_t looks = 0; looks < kLooksMax && read_ < store.head(); ++looks) {
    const Result<Op> op = store.next_op(read_);
    if (!op.ok() && op.status() != Status::not_found) return op.status();
    read_ = op.ok() ? op->seq : store.head();
    if (op.ok() && op->cell.expires_ms != 0) offer({op->cell.expires_ms, op->seq});
  }
  return Status::ok;
}

// What was written since under the same name has an entry of its own. A corrected clock has moved the moment, or is
// about to: then all is read anew when it has.
Status Expiry::report(const Upkeep::Wards& wards) {
  while (is_due(wards.known_ms)) {
    const Entry due = room_[size_ - 1];
    const Result<Op> op = standing(wards.log.store(), due.seq);
    if (!op.ok() && op.status() != Status::not_found) return op.status();
    const bool stays = op.ok() && op->cell.expires_ms > wards.known_ms;
    const bool moves = op.ok() && wards.is_correcting && wards.log.is_pending(*op);
    if (op.ok() && !stays && !moves && !wards.watches.tell(*op, told_, wards.actions)) return Status::ok;
    --size_;
    told_ = 0;
    after_ = due;
    if (stays) offer({op->cell.expires_ms, op->seq});
  }
  return Status::ok;
}

}  // namespace grid::runtime
