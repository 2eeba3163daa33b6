// SPDX-License-Identifier: Apache-2.0
//
// How a FlashStore comes back: what the log says is done again, in memory only.
//
// The oldest part of the log is gone, so a replay starts in the middle. What it comes to is the same: whatever was
// needed of the lost part has been appended again, and whatever superseded something lies behind all copies of it.

#include <algorithm>

#include "storage/flash/flash_slots.h"
#include "storage/flash/flash_store.h"

namespace grid::storage {

using flash::insert_at;
using flash::kInFlight;
using flash::kUnitBytes;
using flash::slot_of;

namespace {

constexpr std::uint32_t kSectorsMin = 8;

}  // namespace

FlashStore::FlashStore(NorDevice& device, Arena& arena, const FlashOptions& options)
    : ring_(device, arena),
      sector_bytes_(device.sector_bytes()),
      by_name_(arena.make<Address>(options.cells_max)),
      by_seq_(arena.make<Address>(options.cells_max + options.in_flight_max)),
      facts_(arena.make<Address>(options.facts_max)),
      record_(arena.make<std::uint8_t>(record_bytes_max(options))),
      options_(options) {}

Status FlashStore::check_options() {
  const bool has_orders = by_name_.capacity() == options_.cells_max &&
                          by_seq_.capacity() == std::size_t{options_.cells_max} + options_.in_flight_max &&
                          facts_.capacity() == options_.facts_max;
  if (!ring_.has_memory() || record_.empty() || !has_orders) {
    return fail(Status::invalid, "the memory that it was given is too small for its options");
  }
  if (ring_.count() < kSectorsMin) return fail(Status::invalid, "the partition is too small: it needs 8 sectors");
  const std::size_t room = sector_bytes_ - flash::kRecordsAt - Head::kCommitBytes;
  if (record_bytes_max(options_) > std::min<std::size_t>(room, std::size_t{flash::kUnitsMax} * kUnitBytes)) {
    return fail(Status::invalid, "the longest value does not fit into a sector");
  }
  return Status::ok;
}

Status FlashStore::mount() {
  GRID_TRY(check_options());
  Head commit;
  flash::FlashRing::Trouble trouble;
  const Status status = ring_.mount(commit, options_.salvage, trouble);
  if (status == Status::io) return fail(status, "the device failed to read");
  if (status != Status::ok) return fail_at(status, trouble.what, trouble.offset);
  is_mounted_ = commit.units == 0;
  if (is_mounted_) return commit_batch();
  head_ = commit.seq;
  shared_ = commit.shared;
  settled_ = commit.settled;
  GRID_TRY(replay());
  batch_generation_ = ring_.generation_of(ring_.size() - 1);
  is_mounted_ = true;
  return Status::ok;
}

// Behind the last commit in front of a missing sector may be what that sector's commit closed, or what a cut left open:
// nobody knows. Only what was moved there is believed.
struct FlashStore::Doubt {
  std::size_t until = 0;  // The first sector that was not looked at.
  std::size_t sector = 0;
  Address from = 0;  // In that sector, and all of those up to `until`; none with `is_there` not set.
  Seq head = 0;      // Of that commit.
  bool is_there = false;

  bool is_about(std::size_t index, Address at) const {
    return is_there && (index > sector || (index == sector && at >= from));
  }
};

Status FlashStore::find_doubt(Doubt& doubt) {
  const std::size_t begin = doubt.until;
  Result<bool> torn = false;
  while (doubt.until < ring_.size() && torn.ok() && !*torn) torn = ring_.is_torn(doubt.until++);
  GRID_TRY(torn.status());
  doubt.is_there = *torn;
  doubt.sector = begin;
  doubt.from = 0;
  for (std::size_t i = doubt.until; doubt.is_there && i != begin; --i) {
    Head commit;
    Address end = 0;
    GRID_TRY(ring_.last_commit_of(i - 1, commit, end));
    if (commit.units == 0) continue;
    doubt.sector = i - 1;
    doubt.from = end;
    doubt.head = commit.seq;
    break;
  }
  return Status::ok;
}

// Where a read puts its record: nobody has a view of one while the log is replayed. No search writes there.
Result<crdt::CellName> FlashStore::read_name(Address at) {
  Head head;
  Status status = ring_.read_head(at, head);
  const std::size_t size = head.bytes() + head.name_bytes();
  if (status == Status::ok && size > record_.size()) status = Status::corrupt;
  if (status == Status::ok) status = ring_.read(at, record_.first(size));
  if (status != Status::ok) return fail_read(status, at);
  const Bytes names = record_.first(size).subspan(head.bytes());
  return crdt::CellName{as_text(names.first(head.map_bytes)), as_text(names.subspan(head.map_bytes, head.key_bytes)),
                        as_text(names.subspan(head.map_bytes + head.key_bytes))};
}

// A fact that is nowhere else was moved.
Result<bool> FlashStore::is_believed(Address at, const Head& head, const Doubt& doubt) {
  if (head.kind != Kind::fact) return head.kind == Kind::retired || (head.is_op() && head.seq <= doubt.head);
  const Result<crdt::CellName> name = read_name(at);
  GRID_TRY(name.status());
  const Result<Place> place = place_of_fact(name->key);
  GRID_TRY(place.status());
  return !place->is_there;
}

Status FlashStore::replay() {
  Doubt doubt;
  for (std::size_t i = 0; i < ring_.size(); ++i) {
    if (options_.salvage && i == doubt.until) GRID_TRY(find_doubt(doubt));
    const Result<Address> end = ring_.end_of(i);
    if (!end.ok()) return fail_read(end.status(), ring_.begin_of(i));
    for (Address at = ring_.begin_of(i); at < *end;) {
      Head head;
      const Address begin = at;
      const Status status = ring_.next(at, *end, head);
      if (status == Status::corrupt && options_.salvage) continue;
      if (status != Status::ok) return fail_read(status, begin);
      const Result<bool> counts = doubt.is_about(i, at) ? is_believed(at, head, doubt) : Result<bool>(true);
      GRID_TRY(counts.status());
      if (*counts) GRID_TRY(replay_record(at, head, settled_));
      at += head.units;
    }
  }
  return Status::ok;
}

Status FlashStore::replay_record(Address at, const Head& head, Seq settled) {
  switch (head.kind) {
    case Kind::op:
    case Kind::superseded:
    case Kind::erasure:
      return replay_op(at, head, settled);
    case Kind::fact:
      return replay_fact(at, head);
    case Kind::retired:
      ring_.retire(head.number);
      return Status::ok;
    case Kind::commit:
      return Status::ok;
  }
  return Status::ok;
}

Status FlashStore::replay_op(Address at, const Head& head, Seq settled) {
  const Result<std::size_t> index = index_of_seq(head.seq);
  GRID_TRY(index.status());
  if (*index != by_seq_.size() && head.is_op()) {
    Head there;
    GRID_TRY(ring_.read_head(by_seq_[*index] & ~kInFlight, there));
    if (there.seq == head.seq) return replay_again(at, head, *index);
  }
  if (head.kind == Kind::superseded) {
    if (head.seq <= settled) return Status::ok;
    live_units_ += head.units;
    ++in_flight_count_;
    if (insert_at(by_seq_, *index, at | kInFlight) == Status::ok) return Status::ok;
    return fail(Status::full, "it holds more ops in flight than this store keeps");
  }
  const Result<crdt::CellName> name = read_name(at);
  GRID_TRY(name.status());
  const Result<Place> place = place_of(*name);
  GRID_TRY(place.status());
  if (place->is_there) supersede(*place, (head.flags & Head::kKeeps) != 0 && place->head.seq > settled);
  if (head.kind == Kind::erasure) {
    if (place->is_there) by_name_.remove_at(place->index);
    return Status::ok;
  }
  live_units_ += head.units;
  if (place->is_there) by_name_[place->index] = at;
  const Status named_at = place->is_there ? Status::ok : insert_at(by_name_, place->index, at);
  // What was superseded may have gone from the order of sequences.
  const Result<std::size_t> slot = index_of_seq(head.seq);
  GRID_TRY(slot.status());
  if (named_at == Status::ok && insert_at(by_seq_, *slot, at) == Status::ok) return Status::ok;
  return fail(Status::full, "it holds more cells than this store keeps");
}

// Another record of an op that is there: moved, or restamped.
Status FlashStore::replay_again(Address at, const Head& head, std::size_t index) {
  const Address old = by_seq_[index] & ~kInFlight;
  const bool was_in_flight = (by_seq_[index] & kInFlight) != 0;
  Head there;
  GRID_TRY(ring_.read_head(old, there));
  live_units_ += head.units - there.units;
  if (was_in_flight) {
    by_seq_[index] = at | kInFlight;
    return Status::ok;
  }
  const std::size_t slot = slot_of(by_name_, old);
  if (slot == by_name_.size()) return fail_read(Status::corrupt, at);
  if (head.kind == Kind::op) {
    by_name_[slot] = by_seq_[index] = at;
    return Status::ok;
  }
  // In a salvaged log, what superseded it may be lost.
  by_name_.remove_at(slot);
  by_seq_[index] = at | kInFlight;
  ++in_flight_count_;
  return Status::ok;
}

Status FlashStore::replay_fact(Address at, const Head& head) {
  const Result<crdt::CellName> name = read_name(at);
  GRID_TRY(name.status());
  const Result<Place> place = place_of_fact(name->key);
  GRID_TRY(place.status());
  if (place->is_there) live_units_ -= place->head.units;
  if (head.value_bytes == 0) {
    if (place->is_there) facts_.remove_at(place->index);
    return Status::ok;
  }
  live_units_ += head.units;
  if (place->is_there) {
    facts_[place->index] = at;
    return Status::ok;
  }
  if (insert_at(facts_, place->index, at) == Status::ok) return Status::ok;
  return fail(Status::full, "it holds more facts than this store keeps");
}

}  // namespace grid::storage
