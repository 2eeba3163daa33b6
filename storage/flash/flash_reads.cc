// SPDX-License-Identifier: Apache-2.0
//
// How a FlashStore finds and reads: by binary search over addresses, with the names and sequences on the flash.
//
// A damaged record that reads as another one leads a search astray. From there on the search goes towards it, so it
// ends beside it: what stands there is checked before anybody believes that nothing has the name. The damaged record
// leaves the orders, and the search begins anew.

#include <algorithm>
#include <cstring>
#include <iterator>

#include "storage/flash/flash_slots.h"
#include "storage/flash/flash_store.h"

namespace grid::storage {

using flash::kInFlight;
using flash::kUnitBytes;
using flash::slot_of;

namespace {

// The bytes of one record, read piece by piece: no name needs memory of its own to be compared.
class Pieces {
  using Head = flash::Head;

 public:
  Pieces(flash::FlashRing& ring, flash::Address at) : ring_(ring), at_(at) {}

  Status read_head(Head& head) {
    GRID_TRY(load(0));
    return Head::read(bytes_, head) ? Status::ok : Status::corrupt;
  }

  // How the `size` bytes from `offset` on stand to `text`, as std::string_view::compare() says it.
  Status compare(std::uint32_t offset, std::uint32_t size, std::string_view text, int& out) {
    const std::uint32_t common = std::min(size, static_cast<std::uint32_t>(text.size()));
    for (std::uint32_t done = 0; done < common;) {
      GRID_TRY(load((offset + done) / kBytes));
      const std::uint32_t from = (offset + done) % kBytes;
      const std::uint32_t run = std::min(kBytes - from, common - done);
      out = std::memcmp(bytes_ + from, text.data() + done, run);
      if (out != 0) return Status::ok;
      done += run;
    }
    out = size == text.size() ? 0 : (size < text.size() ? -1 : 1);
    return Status::ok;
  }

 private:
  static constexpr std::uint32_t kBytes = 64;  // A head, and the name where it is short.
  static_assert(kBytes >= Head::kBytesMax);

  Status load(std::uint32_t piece) {
    if (piece == piece_) return Status::ok;
    piece_ = piece;
    return ring_.read(at_, bytes_, std::size_t{piece} * kBytes);
  }

  flash::FlashRing& ring_;
  flash::Address at_;
  std::uint32_t piece_ = UINT32_MAX;
  std::uint8_t bytes_[kBytes];
};

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

// By sequence where that is the order, else by name; a fact's name is a key.
Status FlashStore::compare(const Addresses& order, Address at, const crdt::CellName& name, Seq seq, Compared& out) {
  if (&order == &by_seq_) {
    GRID_TRY(ring_.read_head(at & ~kInFlight, out.head));
    out.is_before = out.head.seq < seq;
    out.is_it = out.head.seq == seq;
    return Status::ok;
  }
  const Status status = compare_name(at, name, out);
  return status == Status::ok ? status : fail_read(status, at);
}

Status FlashStore::compare_name(Address at, const crdt::CellName& name, Compared& out) {
  Pieces pieces(ring_, at);
  GRID_TRY(pieces.read_head(out.head));
  const std::uint32_t sizes[] = {out.head.map_bytes, out.head.key_bytes, out.head.sub_bytes};
  const std::string_view parts[] = {name.map, name.key, name.sub};
  std::uint32_t offset = out.head.bytes();
  int order = 0;
  for (std::size_t i = 0; i < std::size(parts) && order == 0; offset += sizes[i++]) {
    GRID_TRY(pieces.compare(offset, sizes[i], parts[i], order));
  }
  out.is_before = order < 0;
  out.is_it = order == 0;
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

Result<bool> FlashStore::begins_with(Address fact, std::string_view prefix) {
  Head head;
  Pieces pieces(ring_, fact);
  int order = -1;
  Status status = pieces.read_head(head);
  const auto size = static_cast<std::uint32_t>(prefix.size());
  if (status == Status::ok && head.key_bytes >= size) status = pieces.compare(head.bytes(), size, prefix, order);
  if (status != Status::ok) return fail_read(status, fact);
  return order == 0;
}

Result<Store::Fact> FlashStore::next_fact(std::string_view prefix, std::string_view after) {
  const bool from_prefix = after < prefix;
  for (;;) {
    const Result<Place> place = search(facts_, {{}, from_prefix ? prefix : after, {}}, 0, !from_prefix);
    GRID_TRY(place.status());
    if (place->index == facts_.size()) return Status::not_found;
    // The name is compared on the flash: `prefix` may be a view of what the last read gave out.
    const Result<bool> begins = begins_with(facts_[place->index], prefix);
    GRID_TRY(begins.status());
    if (!*begins) return Status::not_found;
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
