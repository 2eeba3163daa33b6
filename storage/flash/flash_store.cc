// SPDX-License-Identifier: Apache-2.0

#include "storage/flash/flash_store.h"

#include <algorithm>
#include <charconv>

#include "storage/flash/flash_slots.h"

namespace grid::storage {

using flash::insert_at;
using flash::kInFlight;
using flash::kUnitBytes;
using flash::slot_of;

namespace {

// Sectors that a write leaves free: for what makes room itself, and for the compaction behind both.
constexpr std::uint32_t kSpareOfWrites = 2;
constexpr std::uint32_t kSpareOfErasures = 1;

constexpr std::size_t kOptionalBytesMax = crdt::Stamp::kBytes + sizeof(std::uint64_t) + 2;

// Of the sectors that there are, so many never hold what is live.
constexpr std::uint32_t kSectorsAside = 4;

std::uint32_t units_of(std::uint32_t bytes) { return (bytes + kUnitBytes - 1) / kUnitBytes; }

}  // namespace

std::uint64_t FlashStore::live_bytes_max() const {
  const std::uint32_t good = ring_.good();
  if (good <= kSectorsAside) return 0;
  return std::uint64_t{good - kSectorsAside} * ring_.payload_units() * kUnitBytes / 8 * 7;
}

Status FlashStore::check_op(const crdt::Op& op) {
  const crdt::CellName& name = op.cell.name;
  if (op.cell.value.size() > options_.value_bytes_max) {
    return fail(Status::too_large, "the value is longer than this store keeps");
  }
  if (name.map.size() > kMapBytesMax || name.key.size() > kKeyBytesMax || name.sub.size() > kSubBytesMax) {
    return fail(Status::too_large, "a part of the cell's name is longer than its limit");
  }
  return Status::ok;
}

Status FlashStore::check_room(std::uint32_t bytes, std::uint32_t freed_units, bool makes_room) {
  if (outcome_.load(std::memory_order_relaxed) != Status::ok) {
    return fail(Status::io, "the device failed at a commit; open the store again");
  }
  if (unflushed_bytes_ + bytes > options_.batch_bytes_max) {
    return fail(Status::full, "the open and sealed batches hold all that they may");
  }
  const std::uint64_t live = std::uint64_t{live_units_} + units_of(bytes);
  if (!makes_room && live > freed_units + live_bytes_max() / kUnitBytes) {
    return fail(Status::full, "the partition holds all that it may");
  }
  return Status::ok;
}

Result<FlashStore::Address> FlashStore::write(const Head& head, std::span<const Bytes> parts, bool makes_room) {
  const Result<Address> at = ring_.write(head, parts, makes_room ? kSpareOfErasures : kSpareOfWrites);
  if (at.status() == Status::full) return fail(Status::full, "no sector is free; a flush may free some");
  if (!at.ok()) return fail(at.status(), "the device failed at a write");
  const std::uint32_t bytes = units_of(head.record_bytes()) * kUnitBytes;
  open_bytes_ += bytes;
  unflushed_bytes_ += bytes;
  return at;
}

Result<FlashStore::Address> FlashStore::write_op(const crdt::Op& op, std::uint8_t flags, bool makes_room) {
  Head head = flash::head_of(op);
  head.flags = static_cast<std::uint8_t>(head.flags | flags);
  std::uint8_t optional[kOptionalBytesMax];
  const std::uint32_t optional_size = flash::write_optional(op, optional);
  const crdt::CellName& name = op.cell.name;
  const Bytes parts[] = {
      as_bytes(name.map), as_bytes(name.key), as_bytes(name.sub), {optional, optional_size}, op.cell.value};
  return write(head, parts, makes_room);
}

bool FlashStore::stays_in_flight(const Place& place) const {
  return place.is_there && place.head.is_local() && settled_ < place.head.seq && place.head.seq <= shared_;
}

Result<Seq> FlashStore::append(const crdt::Op& op) {
  GRID_TRY(check_op(op));
  Result<Place> place = place_of(op.cell.name);
  GRID_TRY(place.status());
  crdt::Op numbered = op;
  numbered.seq = head_ + 1;
  const bool is_erasure = op.cell.stamp.is_none();
  if (is_erasure) numbered.cell.value = {};
  const bool replaces = place->is_there && !stays_in_flight(*place);
  if (!is_erasure && ((!place->is_there && by_name_.full()) || (!replaces && by_seq_.full()))) {
    return fail(Status::full, "there are as many cells, or ops in flight, as this store keeps");
  }
  const std::uint32_t bytes = flash::head_of(numbered).record_bytes();
  GRID_TRY(check_room(bytes, replaces ? place->head.units : 0, is_erasure));
  if (compact_some(bytes)) place = place_of(op.cell.name);
  GRID_TRY(place.status());
  const bool keeps = stays_in_flight(*place);
  const Result<Address> at = write_op(numbered, keeps ? Head::kKeeps : 0, is_erasure);
  GRID_TRY(at.status());

  if (place->is_there) supersede(*place, keeps);
  if (is_erasure) {
    if (place->is_there) by_name_.remove_at(place->index);
  } else {
    live_units_ += units_of(bytes);
    if (place->is_there) {
      by_name_[place->index] = *at;
    } else {
      GRID_CHECK(insert_at(by_name_, place->index, *at) == Status::ok);
    }
    GRID_CHECK(by_seq_.push(*at) == Status::ok);
  }
  return ++head_;
}

// Nothing that they supersede is counted as free, and no sector that is only partly theirs.
Status FlashStore::has_room(std::size_t appends, std::size_t bytes) {
  constexpr std::size_t kAside = Head::kOpBytes + kOptionalBytesMax + kUnitBytes;
  if (by_name_.size() + appends > by_name_.capacity() || by_seq_.size() + appends > by_seq_.capacity()) {
    return fail(Status::full, "there are as many cells, or ops in flight, as this store keeps");
  }
  const std::uint32_t all = static_cast<std::uint32_t>(std::min<std::size_t>(bytes + appends * kAside, INT32_MAX));
  GRID_TRY(check_room(all, 0, false));
  compact_some(all);
  const std::uint32_t sectors = units_of(all) / ring_.payload_units() + 2;
  if (ring_.available() >= kSpareOfWrites + sectors) return Status::ok;
  return fail(Status::full, "no sector is free; a flush may free some");
}

// The record that stands at `place` goes from the log, or stays there in flight.
void FlashStore::supersede(const Place& place, bool keeps) {
  const std::size_t slot = slot_of(by_seq_, by_name_[place.index]);
  GRID_CHECK(slot != by_seq_.size());
  if (keeps) {
    by_seq_[slot] |= kInFlight;
    ++in_flight_count_;
  } else {
    by_seq_.remove_at(slot);
    release(place.head.units);
  }
}

Status FlashStore::restamp(Seq seq, crdt::Stamp stamp, std::uint64_t expires_ms) {
  if (stamp.is_none()) return fail(Status::invalid, "an op can't be restamped with no stamp");
  compact_some(0);
  const Result<std::size_t> index = index_of_seq(seq);
  GRID_TRY(index.status());
  if (seq <= shared_ || *index == by_seq_.size() || (by_seq_[*index] & kInFlight) != 0) {
    return fail(Status::not_found, "no unshared local op has that sequence");
  }
  Result<crdt::Op> op = read_op(by_seq_[*index]);
  GRID_TRY(op.status());
  if (op->seq != seq || !op->local) return fail(Status::not_found, "no unshared local op has that sequence");
  const std::uint32_t old_units = units_of(flash::head_of(*op).record_bytes());
  op->cell.stamp = stamp;
  op->cell.expires_ms = expires_ms;
  const std::uint32_t bytes = flash::head_of(*op).record_bytes();
  GRID_TRY(check_room(bytes, old_units, false));
  const Result<Address> at = write_op(*op, 0, false);
  GRID_TRY(at.status());
  const std::size_t slot = slot_of(by_name_, by_seq_[*index]);
  GRID_CHECK(slot != by_name_.size());
  by_name_[slot] = by_seq_[*index] = *at;
  live_units_ += units_of(bytes) - old_units;
  return Status::ok;
}

Status FlashStore::share(Seq seq) {
  if (seq > head_) return fail(Status::invalid, "a sequence above the head can't be shared");
  if (seq <= shared_) return Status::ok;
  shared_ = seq;
  marks_moved_ = true;
  return Status::ok;
}

Status FlashStore::settle(Seq seq) {
  if (seq > head_) return fail(Status::invalid, "a sequence above the head can't be settled");
  if (seq <= settled_) return Status::ok;
  settled_ = seq;
  if (shared_ < seq) shared_ = seq;
  marks_moved_ = true;
  drop_settled();
  return Status::ok;
}

void FlashStore::drop_settled() {
  for (std::size_t i = 0; i < by_seq_.size() && in_flight_count_ != 0;) {
    Head head;
    const bool is_in_flight = (by_seq_[i] & kInFlight) != 0;
    // What can't be read stays: whoever asks for it is told.
    if (!is_in_flight || ring_.read_head(by_seq_[i] & ~kInFlight, head) != Status::ok) {
      ++i;
      continue;
    }
    if (head.seq > settled_) return;
    by_seq_.remove_at(i);
    --in_flight_count_;
    release(head.units);
  }
}

Status FlashStore::set_fact(std::string_view name, Bytes bytes) {
  if (name.empty()) return fail(Status::invalid, "a fact needs a name");
  if (name.size() > kFactNameBytesMax) return fail(Status::too_large, "the fact's name is too long");
  if (bytes.size() > options_.fact_bytes_max) return fail(Status::too_large, "the fact is too long");
  Result<Place> place = place_of_fact(name);
  GRID_TRY(place.status());
  if (bytes.empty() && !place->is_there) return Status::ok;
  if (!place->is_there && facts_.full()) return fail(Status::full, "there are as many facts as this store keeps");
  Head head;
  head.kind = Kind::fact;
  head.key_bytes = static_cast<std::uint32_t>(name.size());
  head.value_bytes = static_cast<std::uint32_t>(bytes.size());
  GRID_TRY(check_room(head.record_bytes(), place->is_there ? place->head.units : 0, bytes.empty()));
  if (compact_some(head.record_bytes())) place = place_of_fact(name);
  GRID_TRY(place.status());
  const Bytes parts[] = {as_bytes(name), bytes};
  const Result<Address> at = write(head, parts, bytes.empty());
  GRID_TRY(at.status());
  if (place->is_there) release(place->head.units);
  if (bytes.empty()) {
    if (place->is_there) facts_.remove_at(place->index);
    return Status::ok;
  }
  live_units_ += units_of(head.record_bytes());
  if (!place->is_there) return insert_at(facts_, place->index, *at);
  facts_[place->index] = *at;
  return Status::ok;
}

FlashStore::Wear FlashStore::wear() const {
  return {ring_.count(), ring_.good(), ring_.erases_max(), ring_.erases_sum(), records_lost_};
}

Status FlashStore::fail(Status status, const char* what) { return fail_at(status, what, ~std::uint64_t{0}); }

Status FlashStore::fail_read(Status status, Address at) {
  const char* what = status == Status::corrupt ? "damaged is the record" : "the device failed to read the record";
  return fail_at(status, what, std::uint64_t{at} * kUnitBytes);
}

// "flash store: WHAT", and " at offset 0x..." when there is one.
Status FlashStore::fail_at(Status status, const char* what, std::uint64_t offset) {
  char* to = problem_;
  const auto add = [&](const char* text) {
    while (*text != '\0' && to < problem_ + sizeof(problem_) - 20) *to++ = *text++;
  };
  add("flash store: ");
  add(what);
  if (offset != ~std::uint64_t{0}) {
    add(" at offset 0x");
    to = std::to_chars(to, problem_ + sizeof(problem_) - 1, offset, 16).ptr;
  }
  *to = '\0';
  return status;
}

}  // namespace grid::storage
