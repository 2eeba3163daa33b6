// SPDX-License-Identifier: Apache-2.0
//
// How a FlashStore finds and reads: by binary search over addresses, with the names and sequences on the flash.

#include "storage/flash/flash_slots.h"
#include "storage/flash/flash_store.h"

namespace grid::storage {

using flash::kInFlight;
using flash::kUnitBytes;

namespace {

constexpr std::size_t kNameReadBytes = 128;  // Most names are in the first read.

}  // namespace

Status FlashStore::read_name(Address at, Head& head, std::string_view parts[3]) {
  const MutBytes first = name_.first(kNameReadBytes);
  Status status = ring_.read(at, first);
  if (status == Status::ok && !Head::read(first.data(), head)) status = Status::corrupt;
  const std::size_t size = head.bytes() + head.name_bytes();
  if (status == Status::ok && size > first.size()) status = ring_.read(at, name_.first(size));
  if (status != Status::ok) return fail_read(status, at);
  const auto* const names = reinterpret_cast<const char*>(name_.data()) + head.bytes();
  parts[0] = {names, head.map_bytes};
  parts[1] = {names + head.map_bytes, head.key_bytes};
  parts[2] = {names + head.map_bytes + head.key_bytes, head.sub_bytes};
  return Status::ok;
}

// The first cell whose name is not less than `name`; with `after`, is greater.
Result<std::size_t> FlashStore::index_of(const crdt::CellName& name, bool after) {
  std::size_t low = 0, high = by_name_.size();
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    Head head;
    std::string_view parts[3];
    GRID_TRY(read_name(by_name_[middle], head, parts));
    const crdt::CellName its{parts[0], parts[1], parts[2]};
    if (its < name || (after && its == name)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

Result<FlashStore::Place> FlashStore::place_of(const crdt::CellName& name) {
  Place place;
  const Result<std::size_t> index = index_of(name, false);
  GRID_TRY(index.status());
  place.index = *index;
  if (place.index == by_name_.size()) return place;
  std::string_view parts[3];
  GRID_TRY(read_name(by_name_[place.index], place.head, parts));
  place.is_there = crdt::CellName{parts[0], parts[1], parts[2]} == name;
  return place;
}

// The first record with a sequence that is not less.
Result<std::size_t> FlashStore::index_of_seq(Seq seq) {
  std::size_t low = 0, high = by_seq_.size();
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    Head head;
    const Address at = by_seq_[middle] & ~kInFlight;
    const Status status = ring_.read_head(at, head);
    if (status != Status::ok) return fail_read(status, at);
    if (head.seq < seq) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

Result<FlashStore::Place> FlashStore::place_of_fact(std::string_view name) {
  Place place;
  std::size_t high = facts_.size();
  while (place.index < high) {
    const std::size_t middle = place.index + (high - place.index) / 2;
    std::string_view parts[3];
    GRID_TRY(read_name(facts_[middle], place.head, parts));
    if (parts[1] == name) {
      place.is_there = true;
      place.index = middle;
      return place;
    }
    if (parts[1] < name) {
      place.index = middle + 1;
    } else {
      high = middle;
    }
  }
  return place;
}

Result<Bytes> FlashStore::read_record(Address at, Head& head) {
  Status status = ring_.check(at, head);
  const std::size_t size = std::size_t{head.units} * kUnitBytes;
  if (status == Status::ok && size > record_.size()) status = Status::corrupt;
  if (status == Status::ok) status = ring_.read(at, record_.first(size));
  if (status != Status::ok) return fail_read(status, at);
  return Bytes(record_.first(size));
}

Result<crdt::Op> FlashStore::read_op(Address at) {
  Head head;
  const Result<Bytes> record = read_record(at & ~kInFlight, head);
  GRID_TRY(record.status());
  if (!head.is_op()) return fail_read(Status::corrupt, at & ~kInFlight);
  return flash::view_of(head, *record);
}

Result<Store::Fact> FlashStore::read_fact(Address at) {
  Head head;
  const Result<Bytes> record = read_record(at, head);
  GRID_TRY(record.status());
  if (head.kind != Kind::fact) return fail_read(Status::corrupt, at);
  const Bytes rest = record->subspan(head.bytes());
  return Fact{as_text(rest.first(head.key_bytes)), rest.subspan(head.key_bytes, head.value_bytes)};
}

Result<Bytes> FlashStore::fact(std::string_view name) {
  const Result<Place> place = place_of_fact(name);
  GRID_TRY(place.status());
  if (!place->is_there) return Status::not_found;
  const Result<Fact> fact = read_fact(facts_[place->index]);
  GRID_TRY(fact.status());
  return fact->bytes;
}

Result<Store::Fact> FlashStore::next_fact(std::string_view prefix, std::string_view after) {
  const bool from_prefix = after < prefix;
  const Result<Place> place = place_of_fact(from_prefix ? prefix : after);
  GRID_TRY(place.status());
  const std::size_t index = place->index + (place->is_there && !from_prefix ? 1 : 0);
  if (index == facts_.size()) return Status::not_found;
  // The name is compared where the search reads it: `prefix` may be a view of what the last read gave out.
  Head head;
  std::string_view parts[3];
  GRID_TRY(read_name(facts_[index], head, parts));
  if (!parts[1].starts_with(prefix)) return Status::not_found;
  return read_fact(facts_[index]);
}

Result<crdt::Op> FlashStore::find(const crdt::CellName& name) {
  const Result<Place> place = place_of(name);
  GRID_TRY(place.status());
  if (!place->is_there) return Status::not_found;
  return read_op(by_name_[place->index]);
}

Result<crdt::Op> FlashStore::next_cell(const crdt::CellName& after) {
  const Result<std::size_t> index = index_of(after, true);
  GRID_TRY(index.status());
  if (*index == by_name_.size()) return Status::not_found;
  return read_op(by_name_[*index]);
}

Result<crdt::Op> FlashStore::next_op(Seq after) {
  if (after == ~Seq{0}) return Status::not_found;
  const Result<std::size_t> index = index_of_seq(after + 1);
  GRID_TRY(index.status());
  if (*index == by_seq_.size()) return Status::not_found;
  return read_op(by_seq_[*index]);
}

}  // namespace grid::storage
