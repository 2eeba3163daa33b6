// SPDX-License-Identifier: Apache-2.0
//
// How a FlashStore finds and reads: by binary search over addresses, with the names and sequences on the flash.
//
// A damaged record that reads as another one leads a search astray. From there on the search goes towards it, so it
// ends beside it: what stands there is checked before anybody believes that nothing has the name. The damaged record
// leaves the orders, and the search begins anew.

#include <algorithm>

#include "storage/flash/flash_slots.h"
#include "storage/flash/flash_store.h"

namespace grid::storage {

using flash::kInFlight;
using flash::kUnitBytes;
using flash::slot_of;

namespace {

constexpr std::size_t kNameReadBytes = 128;  // Most names are in the first read.

}  // namespace

// One that is damaged when it is read again, too, is lost.
Status FlashStore::check(Address at, Head& head) {
  at &= ~kInFlight;
  Status status = ring_.check(at, head);
  if (status == Status::corrupt) status = ring_.check(at, head);
  if (status == Status::ok) return status;
  if (status == Status::corrupt) forget(at);
  return fail_read(status, at);
}

// What it took is no longer known, so all others are counted.
void FlashStore::forget(Address at) {
  ++records_lost_;
  const std::size_t slot = slot_of(by_seq_, at), named = slot_of(by_name_, at), fact = slot_of(facts_, at);
  if (slot != by_seq_.size()) {
    if ((by_seq_[slot] & kInFlight) != 0) --in_flight_count_;
    by_seq_.remove_at(slot);
  }
  if (named != by_name_.size()) by_name_.remove_at(named);
  if (fact != facts_.size()) facts_.remove_at(fact);
  live_units_ = 0;
  const auto count = [this](Address each) {
    Head head;
    if (ring_.read_head(each & ~kInFlight, head) == Status::ok) live_units_ += head.units;
  };
  std::for_each(by_seq_.begin(), by_seq_.end(), count);
  std::for_each(facts_.begin(), facts_.end(), count);
}

// What a search ended at that did not find. At a mount all records have been checked.
Status FlashStore::check_around(const Addresses& order, std::size_t index) {
  Head head;
  if (is_mounted_ && index != 0) GRID_TRY(check(order[index - 1], head));
  return is_mounted_ && index != order.size() ? check(order[index], head) : Status::ok;
}

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

// By sequence where that is the order, else by name; a fact's name is a key.
Status FlashStore::compare(const Addresses& order, Address at, const crdt::CellName& name, Seq seq, Compared& out) {
  if (&order == &by_seq_) {
    GRID_TRY(ring_.read_head(at & ~kInFlight, out.head));
    out.is_before = out.head.seq < seq;
    out.is_it = out.head.seq == seq;
    return Status::ok;
  }
  std::string_view parts[3];
  GRID_TRY(read_name(at, out.head, parts));
  const crdt::CellName its{parts[0], parts[1], parts[2]};
  out.is_before = its < name;
  out.is_it = its == name;
  return Status::ok;
}

Result<FlashStore::Place> FlashStore::search_once(const Addresses& order, const crdt::CellName& name, Seq seq,
                                                  bool after) {
  Place place;
  for (std::size_t high = order.size(); place.index < high;) {
    const std::size_t middle = place.index + (high - place.index) / 2;
    Compared its;
    const Status status = compare(order, order[middle], name, seq, its);
    if (status == Status::corrupt && is_mounted_) GRID_TRY(check(order[middle], its.head));
    if (status != Status::ok) return fail_read(status, order[middle] & ~kInFlight);
    if (its.is_it) {
      place.is_there = true;
      place.head = its.head;
    }
    if (its.is_before || (after && its.is_it)) {
      place.index = middle + 1;
    } else {
      high = middle;
    }
  }
  if (!place.is_there) GRID_TRY(check_around(order, place.index));
  return place;
}

// The first that is not less; with `after`, is greater.
Result<FlashStore::Place> FlashStore::search(const Addresses& order, const crdt::CellName& name, Seq seq, bool after) {
  for (;;) {
    const std::uint32_t lost = records_lost_;
    const Result<Place> place = search_once(order, name, seq, after);
    if (place.ok() || lost == records_lost_) return place;
  }
}

Result<FlashStore::Place> FlashStore::place_of(const crdt::CellName& name) { return search(by_name_, name, 0, false); }

// The first record with a sequence that is not less.
Result<std::size_t> FlashStore::index_of_seq(Seq seq) {
  const Result<Place> place = search(by_seq_, {}, seq, false);
  return place.ok() ? Result<std::size_t>(place->index) : place.status();
}

Result<FlashStore::Place> FlashStore::place_of_fact(std::string_view name) {
  return search(facts_, {{}, name, {}}, 0, false);
}

Result<Bytes> FlashStore::read_record(Address at, Head& head) {
  Status status = check(at, head);
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
  for (;;) {
    const Result<Place> place = search(facts_, {{}, from_prefix ? prefix : after, {}}, 0, !from_prefix);
    GRID_TRY(place.status());
    if (place->index == facts_.size()) return Status::not_found;
    // The name is compared where the search reads it: `prefix` may be a view of what the last read gave out.
    Head head;
    std::string_view parts[3];
    GRID_TRY(read_name(facts_[place->index], head, parts));
    if (!parts[1].starts_with(prefix)) return Status::not_found;
    const std::uint32_t lost = records_lost_;
    const Result<Fact> fact = read_fact(facts_[place->index]);
    if (lost == records_lost_) return fact;
  }
}

Result<crdt::Op> FlashStore::find(const crdt::CellName& name) {
  const Result<Place> place = place_of(name);
  GRID_TRY(place.status());
  if (!place->is_there) return Status::not_found;
  return read_op(by_name_[place->index]);
}

// Passes over what is lost: a scan that ended there would hide what comes behind.
Result<crdt::Op> FlashStore::next_of(const Addresses& order, const crdt::CellName& name, Seq seq) {
  for (;;) {
    const Result<Place> place = search(order, name, seq, true);
    GRID_TRY(place.status());
    if (place->index == order.size()) return Status::not_found;
    const std::uint32_t lost = records_lost_;
    const Result<crdt::Op> op = read_op(order[place->index]);
    if (lost == records_lost_) return op;
  }
}

Result<crdt::Op> FlashStore::next_cell(const crdt::CellName& after) { return next_of(by_name_, after, 0); }

Result<crdt::Op> FlashStore::next_op(Seq after) { return next_of(by_seq_, {}, after); }

}  // namespace grid::storage
