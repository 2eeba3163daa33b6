// SPDX-License-Identifier: Apache-2.0
//
// How a FlashStore commits, and how its oldest sectors come free.
//
// What is still needed of the oldest sector is appended again, some of it with each write. The next commit names the
// sector after it as the log's tail; only then is it erased. A cut before that commit finds everything where it was.

#include <algorithm>

#include "storage/flash/flash_slots.h"
#include "storage/flash/flash_store.h"

namespace grid::storage {

using flash::kInFlight;
using flash::kUnitBytes;
using flash::slot_of;

namespace {

// Below this many free sectors each write compacts a little; below the other a commit goes on until there are more.
constexpr std::uint32_t kEagerSectors = 6;
constexpr std::uint32_t kUrgentSectors = 4;

// What one write may move, and look at: four times its own size, or so much.
constexpr std::uint32_t kMoveBytes = 1'024;
constexpr int kStepsMax = 16;

constexpr std::uint32_t kSpareOfCompaction = 1;  // Within a batch: what is moved then frees nothing yet.

}  // namespace

bool FlashStore::can_compact() const {
  return evacuated_ + 1 < ring_.size() && ring_.generation_of(evacuated_) < batch_generation_;
}

// A failure costs nothing yet: the write itself says whether there is room. True: a record was lost, so what is in the
// orders may have moved up.
bool FlashStore::compact_some(std::uint32_t bytes) {
  const std::uint32_t lost = records_lost_, eager = std::max(kEagerSectors, ring_.count() / 8);
  std::uint32_t budget = std::max(kMoveBytes, 4 * bytes) / kUnitBytes;
  if (ring_.available() >= eager) return false;
  for (int steps = 0; steps < kStepsMax && budget != 0 && can_compact(); ++steps) {
    std::uint32_t units = 0;
    if (compact_step(kSpareOfCompaction, units) != Status::ok) break;
    budget -= std::min(budget, units);
  }
  return lost != records_lost_;
}

// Moves or passes over one record of the oldest sector; `units` is what was moved.
Status FlashStore::compact_step(std::uint32_t spare, std::uint32_t& units) {
  if (cursor_ == 0) {
    const Result<Address> end = ring_.end_of(evacuated_);
    GRID_TRY(end.status());
    cursor_ = ring_.begin_of(evacuated_);
    cursor_end_ = *end;
  }
  Head head;
  const Address at = cursor_;
  Address found = cursor_;
  const Status status = ring_.next(found, cursor_end_, head);
  if (status == Status::not_found) {
    ++evacuated_;
    cursor_ = 0;
    return Status::ok;
  }
  if (status == Status::corrupt) {
    const Address live = first_live(at, found);
    cursor_ = live;
    if (live == found) return Status::ok;
    // Lost, and out of the way now; or it reads well this time, and is moved next.
    const Status again = check(live, head);
    return again == Status::corrupt ? Status::ok : again;
  }
  GRID_TRY(status);
  GRID_TRY(move(at, head, spare));
  units = head.units;
  cursor_ = at + head.units;
  return Status::ok;
}

Status FlashStore::move(Address at, const Head& head, std::uint32_t spare) {
  if (head.kind == Kind::retired) {
    return ring_.is_retired(head.number) ? ring_.write(head, {}, spare).status() : Status::ok;
  }
  if (head.kind != Kind::fact && !head.is_op()) return Status::ok;
  Addresses& addresses = head.kind == Kind::fact ? facts_ : by_seq_;
  const std::size_t slot = slot_of(addresses, at);
  if (slot == addresses.size()) return Status::ok;
  const bool is_in_flight = (addresses[slot] & kInFlight) != 0;
  const Result<Address> to = ring_.move(at, is_in_flight ? Kind::superseded : head.kind, spare);
  GRID_TRY(to.status());
  addresses[slot] = *to | (is_in_flight ? kInFlight : 0);
  if (head.is_op() && !is_in_flight) by_name_[slot_of(by_name_, at)] = *to;
  return Status::ok;
}

// The first record between the two that is needed; `end`: there is none.
FlashStore::Address FlashStore::first_live(Address begin, Address end) const {
  const auto look = [&](Address at) {
    at &= ~kInFlight;
    if (at >= begin && at < end) end = at;
  };
  std::for_each(by_seq_.begin(), by_seq_.end(), look);
  std::for_each(facts_.begin(), facts_.end(), look);
  return end;
}

std::uint64_t FlashStore::seal() {
  ++seals_;
  if (outcome_.load(std::memory_order_relaxed) != Status::ok) return seals_;
  if (open_bytes_ == 0 && evacuated_ == 0 && !marks_moved_ && ring_.unrecorded() == ring_.count()) return seals_;
  Status status = commit_batch();
  if (status == Status::ok) status = make_room();
  if (status != Status::ok) outcome_.store(Status::io, std::memory_order_release);
  return seals_;
}

Status FlashStore::commit_batch() {
  while (ring_.unrecorded() != ring_.count()) {
    Head retired;
    retired.kind = Kind::retired;
    retired.number = ring_.unrecorded();
    if (!ring_.write(retired, {}, 0).ok()) break;
    ring_.set_recorded(retired.number);
  }
  Head commit;
  commit.kind = Kind::commit;
  commit.seq = head_;
  commit.shared = shared_;
  commit.settled = settled_;
  commit.number = ring_.size() == 0 ? 0 : ring_.generation_of(evacuated_);
  const Result<Address> at = ring_.write(commit, {}, 0);
  if (!at.ok()) return fail(Status::io, "the device failed at a commit; open the store again");
  ring_.give_up(evacuated_);
  evacuated_ = 0;
  batch_generation_ = ring_.generation_of(ring_.size() - 1);
  open_bytes_ = 0;
  marks_moved_ = false;
  return Status::ok;
}

// Sector by sector, each with a commit, so that what it takes comes back at once. Ends early when it would not help.
Status FlashStore::make_room() {
  for (std::size_t left = ring_.size(); left != 0 && ring_.available() < kUrgentSectors; --left) {
    const std::uint64_t used = std::uint64_t{ring_.payload_units()} * ring_.size();
    if (used < live_units_ + ring_.payload_units() || !can_compact()) return Status::ok;
    const std::size_t wanted = evacuated_ + 1;
    while (evacuated_ < wanted) {
      std::uint32_t units = 0;
      if (compact_step(0, units) != Status::ok) return Status::ok;  // Writes will find no room, and say so.
    }
    GRID_TRY(commit_batch());
  }
  return Status::ok;
}

void FlashStore::flushed() {
  unflushed_bytes_ = open_bytes_;
  ring_.erase_ahead();
}

}  // namespace grid::storage
