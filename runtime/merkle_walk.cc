// SPDX-License-Identifier: Apache-2.0

#include "runtime/merkle_walk.h"

#include <algorithm>

#include "crdt/facts.h"
#include "crdt/pn_counter.h"
#include "crdt/stub.h"

namespace grid::runtime {

using crdt::Digest;
using crdt::Op;
using crdt::Position;
using crdt::Range;

namespace {

// What is sorted, as the one sort sees it.
struct Row {
  void* items;
  bool (*is_before)(const void* items, std::size_t a, std::size_t b);
  void (*swap)(void* items, std::size_t a, std::size_t b);
};

// Lets the item at `root` sink to where no item below it, before `end`, is behind it.
void sink(const Row& row, std::size_t root, std::size_t end) {
  for (std::size_t below; (below = 2 * root + 1) < end; root = below) {
    if (below + 1 < end && row.is_before(row.items, below, below + 1)) ++below;
    if (!row.is_before(row.items, root, below)) return;
    row.swap(row.items, root, below);
  }
}

// By heap: no recursion, and the code is there once, whatever is sorted.
void sort(const Row& row, std::size_t count) {
  for (std::size_t root = count / 2; root-- > 0;) sink(row, root, count);
  for (std::size_t end = count; end-- > 1;) {
    row.swap(row.items, 0, end);
    sink(row, 0, end);
  }
}

template <typename Item, typename Before>
void sort(std::span<Item> items, Before) {
  const auto is_before = [](const void* at, std::size_t a, std::size_t b) {
    const auto* all = static_cast<const Item*>(at);
    return Before{}(all[a], all[b]);
  };
  const auto swap = [](void* at, std::size_t a, std::size_t b) {
    std::swap(static_cast<Item*>(at)[a], static_cast<Item*>(at)[b]);
  };
  sort({items.data(), is_before, swap}, items.size());
}

void sort_numbers(Vec<std::uint64_t>& numbers) {
  sort(std::span(numbers.begin(), numbers.end()), [](std::uint64_t a, std::uint64_t b) { return a < b; });
}

// What a cell takes of a frame behind another one of its map: its stamp, its expiry, and what stands before each field.
std::size_t entry_bytes_max(const crdt::Cell& cell) {
  constexpr std::size_t kFixedBytesMax = 18 + 11 + 5 * 3;
  return kFixedBytesMax + cell.name.key.size() + cell.name.sub.size() + cell.value.size();
}

}  // namespace

MerkleWalk::MerkleWalk(OpLog& log, const Limits& limits, std::string_view app, Arena& arena)
    : log_(log),
      app_(app),
      maps_(arena.make<MapName>(limits.maps_max)),
      slots_(arena.make<Item>(limits.walk_ranges_max)),
      own_(arena.make<Digest>(limits.walk_digests_max)),
      listed_(arena.make<std::uint64_t>(limits.walk_digests_max)),
      lost_(arena.make<std::uint64_t>(limits.walk_digests_max)) {
  GRID_CHECK(lost_.capacity() == limits.walk_digests_max && lost_.capacity() > 1 && slots_.size() > 1);
}

void MerkleWalk::begin(std::uint32_t id, const Scope& scope, bool heal, crdt::Stamp collected) {
  phase_ = Phase::first;
  id_ = id;
  heal_ = heal;
  collected_ = collected;
  scope_.set(scope);
  unconfirmed_count_ = 0;
  naming_dead_ = false;
  dead_maps_ = 0;
  cut_short_ = lacks_maps_ = false;
  gained_count_ = 0;
  maps_.clear();
  item_count_ = 0;
  asked_count_ = 0;
  asked_map_ = kNoMap;
  listed_.clear();
  lost_.clear();
}

Result<std::uint16_t> MerkleWalk::map_index(std::string_view name) {
  for (std::size_t i = 0; i < maps_.size(); ++i) {
    if (maps_[i].view() == name) return static_cast<std::uint16_t>(i);
  }
  MapName entry{.size = static_cast<std::uint8_t>(name.size())};
  std::memcpy(entry.text, name.data(), name.size());
  const Status status = maps_.push(entry);
  if (status != Status::ok) return status;
  return static_cast<std::uint16_t>(maps_.size() - 1);
}

Scope MerkleWalk::map_scope(std::uint16_t map) const {
  const Scope scope = scope_.get();
  return scope.kind == ScopeKind::everything ? Scope{ScopeKind::map, maps_[map].view(), {}} : scope;
}

// A removed row is in no predicate's scope.
Scope MerkleWalk::dead_scope(std::uint16_t map) const {
  return scope_.rows() == nullptr ? map_scope(map) : Scope{ScopeKind::map, maps_[map].view(), {}};
}

// What a digest covers (PROTOCOL P16).
bool MerkleWalk::counts(const Op& op, std::uint64_t known_ms) const {
  return op.cell.is_live(known_ms) && !log_.is_pending(op);
}

template <typename Visit>
Status MerkleWalk::each_own(std::uint16_t map, std::uint64_t known_ms, Visit visit) {
  Scan scan(map_scope(map));
  for (;;) {
    const Result<Op> op = scan.next(log_.store(), known_ms);
    if (op.status() == Status::not_found) return Status::ok;
    if (!op.ok()) return op.status();
    if (!counts(*op, known_ms)) continue;
    visit(crdt::position_of(app_, op->cell.name.map, op->cell.name.key), crdt::digest_of(op->cell));
  }
}

void MerkleWalk::differ(std::uint16_t map, const Range& range, const Digest& own, const Digest& theirs) {
  if (own == theirs) return;
  const Item item{range, map, static_cast<std::uint32_t>(std::min<std::uint64_t>(own.count, UINT32_MAX)),
                  static_cast<std::uint32_t>(std::min<std::uint64_t>(theirs.count, UINT32_MAX))};
  // A full stack leaves the rest to the next walk: the check that follows will ask for one.
  cut_short_ = cut_short_ || item_count_ + asked_count_ == slots_.size();
  if (item_count_ + asked_count_ < slots_.size()) slots_[item_count_++] = item;
}

// ---- the first digests: the partitions of every map

Status MerkleWalk::receive_first(const wire::Split& split, wire::DigestsReader& reader, std::uint64_t known_ms) {
  const bool whole = split.range == wire::kWholeMap;
  if (asked_map_ == kNoMap || maps_[asked_map_].view() != reader.map()) GRID_TRY(begin_map(reader.map(), known_ms));
  std::size_t child = 0;
  for (Digest theirs; reader.next_child(child, theirs);) {
    const std::size_t partition = whole ? child : split.range.partition;
    GRID_TRY(compare_partition(static_cast<std::uint16_t>(partition), theirs, known_ms));
  }
  return Status::ok;
}

Status MerkleWalk::begin_map(std::string_view name, std::uint64_t known_ms) {
  GRID_TRY(pass_to(crdt::kPartitions, known_ms));
  const Result<std::uint16_t> map = map_index(name);
  lacks_maps_ = lacks_maps_ || !map.ok();
  asked_map_ = map.ok() ? *map : kNoMap;
  partition_ = 0;
  window_ = 0;
  own_.clear();
  return Status::ok;
}

Status MerkleWalk::compare_partition(std::uint16_t partition, const Digest& theirs, std::uint64_t known_ms) {
  // Passed already: from an answer that was asked for twice.
  if (asked_map_ == kNoMap || partition < partition_) return Status::ok;
  GRID_TRY(pass_to(partition, known_ms));
  GRID_TRY(look_at_partition(known_ms));
  differ(asked_map_, {partition, 0, 0}, own_[partition - window_], theirs);
  ++partition_;
  return Status::ok;
}

// Of those before `partition` the server has nothing.
Status MerkleWalk::pass_to(std::uint16_t partition, std::uint64_t known_ms) {
  for (; asked_map_ != kNoMap && partition_ < partition; ++partition_) {
    GRID_TRY(look_at_partition(known_ms));
    differ(asked_map_, {partition_, 0, 0}, own_[partition_ - window_], {});
  }
  return Status::ok;
}

// Sums up as many partitions from the next one on as there is memory for, unless that one is among them already.
Status MerkleWalk::look_at_partition(std::uint64_t known_ms) {
  if (partition_ < window_ + own_.size()) return Status::ok;
  window_ = partition_;
  own_.clear();
  while (!own_.full() && window_ + own_.size() < crdt::kPartitions) GRID_TRY(own_.push({}));
  return each_own(asked_map_, known_ms, [this](const Position& at, std::uint64_t digest) {
    if (at.partition >= window_ && at.partition < window_ + own_.size()) own_[at.partition - window_].add(digest);
  });
}

// Maps that only this replica has.
Status MerkleWalk::add_unlisted_maps(std::uint64_t known_ms) {
  GRID_TRY(pass_to(crdt::kPartitions, known_ms));
  const std::size_t listed = maps_.size();
  Scan scan(scope_.get());
  for (;;) {
    const Result<Op> op = scan.next(log_.store());
    if (op.status() == Status::not_found) break;
    if (!op.ok()) return op.status();
    if (!maps_.empty() && maps_[maps_.size() - 1].view() == op->cell.name.map) continue;
    lacks_maps_ = !map_index(op->cell.name.map).ok() || lacks_maps_;
    if (lacks_maps_) break;
  }
  for (std::size_t i = listed; i < maps_.size(); ++i) {
    GRID_TRY(begin_map(maps_[i].view(), known_ms));
    GRID_TRY(pass_to(crdt::kPartitions, known_ms));
  }
  return Status::ok;
}

Status MerkleWalk::receive_reply(wire::DigestsReader& reader, std::uint64_t known_ms) {
  wire::Split split;
  while (reader.next_split(split)) {
    // The whole map, or one of its partitions where the whole did not fit a frame.
    const bool first = split.range == wire::kWholeMap || (split.range.bits == 0 && split.more == 0);
    // The first digests of a comparison that was asked for twice.
    if (first && phase_ != Phase::first) return Status::ok;
    if (!first && phase_ != Phase::splitting) return Status::corrupt;
    if (first && !scope_.get().covers_map(reader.map())) return Status::corrupt;
    GRID_TRY(first ? receive_first(split, reader, known_ms) : compare_split(split, reader));
  }
  GRID_TRY(reader.status());
  if (!reader.last() || (phase_ != Phase::first && phase_ != Phase::splitting)) return Status::ok;
  if (phase_ == Phase::first) GRID_TRY(add_unlisted_maps(known_ms));
  phase_ = Phase::pick;
  return Status::ok;
}

Status MerkleWalk::compare_split(const wire::Split& split, wire::DigestsReader& reader) {
  const std::span<Item> items = asked();
  const auto asked =
      std::lower_bound(items.begin(), items.end(), split.range,
                       [](const Item& item, const Range& range) { return item.range.begins_before(range); });
  if (asked == items.end() || asked->range != split.range || asked->more() != split.more) return Status::corrupt;
  const std::span<const Digest> own = own_.span().subspan(asked->first, wire::children_of(split));
  std::size_t next = 0;
  const auto compare = [&](const Digest& theirs) {
    differ(asked_map_, wire::child_of(split, next), own[next], theirs);
    ++next;
  };
  std::size_t child = 0;
  for (Digest theirs; reader.next_child(child, theirs); compare(theirs)) {
    while (next < child) compare({});
  }
  while (next < own.size()) compare({});
  return Status::ok;
}

Status MerkleWalk::receive_lacks(wire::DigestsReader& reader) {
  if (phase_ != Phase::having) return Status::corrupt;
  Range range;
  std::size_t count = 0;
  while (reader.next_digests(range, count)) {
    for (std::size_t i = 0; i < count; ++i) GRID_TRY(listed_.push(reader.digest(i)));
  }
  GRID_TRY(reader.status());
  if (!reader.last()) return Status::ok;
  sort_numbers(listed_);
  scan_ = Scan(map_scope(asked_map_));
  phase_ = Phase::naming;
  return Status::ok;
}

// Ours stands against what the server has: it was deleted, and the deletion collected; or the server lost it, and gets
// it back if it may. Parts of counters are never deleted. What stands against a fact may be the marker of its entity:
// then the server lacks that.
Status MerkleWalk::receive_answer(const Op& op) {
  if (phase_ != Phase::answers && phase_ != Phase::having) return Status::ok;
  const Result<Op> own = log_.store().find(log_.name_over(op.cell.name));
  if (!own.ok() && own.status() != Status::not_found) return own.status();
  const bool is_buried = own.ok() && own->cell.name.sub.size() != op.cell.name.sub.size();
  const bool is_news = own.ok() ? !is_buried && crdt::wins(op.cell, own->cell) && !crdt::is_stub_of(op.cell, own->cell)
                                : !op.cell.stamp.is_none();
  if (is_news) ++gained_count_;
  if (!own.ok() || log_.is_pending(*own) || !(is_buried || crdt::wins(own->cell, op.cell))) return Status::ok;
  // An entity's deletion takes what is newer than it, too; unless the server was set back, and lost what it had.
  const bool is_fact = crdt::is_fact_sub(own->cell.name.sub) && !collected_.is_none() && !heal_;
  if ((own->cell.stamp <= collected_ || is_fact) && !crdt::CounterPart::is(own->cell.name.sub)) {
    ++gained_count_;
    return is_buried ? log_.erase(own->seq) : log_.let_go(op);
  }
  // A stub stands for what this replica never had.
  const bool may_heal = heal_ && !crdt::Stub::is(own->cell.value);
  if (!may_heal) ++unconfirmed_count_;
  // What does not fit is found by the next walk.
  cut_short_ = cut_short_ || lost_.full();
  if (may_heal && !lost_.full()) return lost_.push(crdt::digest_of(own->cell));
  return Status::ok;
}

void MerkleWalk::answer_ended() {
  if (phase_ != Phase::answers) return;
  phase_ = Phase::naming;
  if (naming_dead_ && !lost_.empty()) begin_healing();
}

bool MerkleWalk::wants_write() const {
  return phase_ == Phase::pick || phase_ == Phase::naming || phase_ == Phase::healing;
}

bool MerkleWalk::finished() {
  if (phase_ != Phase::done) return false;
  phase_ = Phase::idle;
  return true;
}

Bytes MerkleWalk::write(MutBytes room, std::uint64_t known_ms) {
  switch (phase_) {
    case Phase::pick:
      return write_pick(room, known_ms);
    case Phase::naming:
      if (naming_dead_) return write_dead(room, known_ms);
      return write_listed(room, wire::Kind::cells_ask, Phase::answers, known_ms);
    case Phase::healing:
      return write_listed(room, wire::Kind::heal, Phase::healing, known_ms);
    default:
      return {};
  }
}

bool MerkleWalk::is_leaf(const Item& item) const {
  const std::uint32_t count = std::max(item.own, item.theirs);
  const std::uint8_t more = item.more();
  return count <= std::min<std::size_t>(kLeafCells, own_.capacity()) || item.own == 0 || more == 0 ||
         item.range.bits + more > Range::kBitsMax || (std::size_t{1} << more) > own_.capacity();
}

// Takes items of one map and one sort off the stack, as many as one round has room for.
Bytes MerkleWalk::write_pick(MutBytes room, std::uint64_t known_ms) {
  asked_count_ = 0;
  if (item_count_ == 0) {
    phase_ = begin_dead() ? Phase::naming : Phase::done;
    return {};
  }
  const Item top = slots_[item_count_ - 1];
  const bool leaf = is_leaf(top);
  asked_map_ = top.map;
  // A group of a frame takes its head and 10 bytes a child, or 8 a digest.
  std::size_t digests = 0;
  std::size_t bytes = wire::kControlBytesMax;
  while (item_count_ > 0) {
    const Item item = slots_[item_count_ - 1];
    if (item.map != asked_map_ || is_leaf(item) != leaf) break;
    const std::size_t more = leaf ? item.own : std::size_t{1} << item.more();
    const std::size_t cost = 24 + (leaf ? 8 * more : 0);
    if (asked_count_ > 0 && (digests + more > own_.capacity() || bytes + cost > room.size())) break;
    digests += more;
    bytes += cost;
    --item_count_;
    slots_[slots_.size() - ++asked_count_] = item;
  }
  // Ranges of one ask don't overlap, so the order of where they begin is their order.
  sort(asked(), [](const Item& a, const Item& b) { return a.range.begins_before(b.range); });
  return leaf ? write_have(room, known_ms) : write_split(room, known_ms);
}

const MerkleWalk::Item* MerkleWalk::asked_item(const Position& at) const {
  const std::span<const Item> items = asked();
  const auto behind = std::upper_bound(items.begin(), items.end(), at,
                                       [](const Position& p, const Item& item) { return item.range.begins_after(p); });
  return behind != items.begin() && (behind - 1)->range.contains(at) ? &*(behind - 1) : nullptr;
}

Bytes MerkleWalk::write_split(MutBytes room, std::uint64_t known_ms) {
  own_.clear();
  wire::DigestsWriter writer(wire::Kind::digest_ask, id_, maps_[asked_map_].view(), room);
  for (Item& item : asked()) {
    GRID_CHECK(writer.add_ask({item.range, item.more()}));
    item.first = static_cast<std::uint32_t>(own_.size());
    for (std::size_t i = 0; i < std::size_t{1} << item.more(); ++i) GRID_CHECK(own_.push({}) == Status::ok);
  }
  const Status scanned = each_own(asked_map_, known_ms, [this](const Position& at, std::uint64_t digest) {
    const Item* item = asked_item(at);
    if (item == nullptr) return;
    const std::uint64_t path = at.path << item->range.bits;
    own_[item->first + static_cast<std::size_t>(path >> (64 - item->more()))].add(digest);
  });
  phase_ = scanned == Status::ok ? Phase::splitting : Phase::done;
  return scanned == Status::ok ? writer.finish(true) : Bytes{};
}

Bytes MerkleWalk::write_have(MutBytes room, std::uint64_t known_ms) {
  own_.clear();
  lost_.clear();
  const Status scanned = each_own(asked_map_, known_ms, [this](const Position& at, std::uint64_t digest) {
    const Item* item = asked_item(at);
    if (item == nullptr) return;
    // More than when it was counted: the next walk will see the rest.
    if (own_.push({digest, static_cast<std::uint64_t>(item - asked().data())}) != Status::ok) cut_short_ = true;
  });
  sort(std::span<Digest>(own_.begin(), own_.end()), [](const Digest& a, const Digest& b) { return a.count < b.count; });
  wire::DigestsWriter writer(wire::Kind::have, id_, maps_[asked_map_].view(), room);
  std::size_t at = 0;
  for (std::size_t group = 0; group < asked_count_; ++group) {
    listed_.clear();
    for (; at < own_.size() && own_[at].count == group; ++at) {
      GRID_CHECK(listed_.push(own_[at].sum) == Status::ok);
    }
    if (!writer.add_digests(asked()[group].range, listed_.span())) break;
  }
  listed_.clear();
  phase_ = scanned == Status::ok ? Phase::having : Phase::done;
  return scanned == Status::ok ? writer.finish(true) : Bytes{};
}

// Names, or whole cells, of what is in listed_: as many as the frame takes, going on where it stopped.
Bytes MerkleWalk::write_listed(MutBytes room, wire::Kind kind, Phase next, std::uint64_t known_ms) {
  wire::OpsWriter writer(kind, {.id = id_, .map = maps_[asked_map_].view()}, room);
  // Dead cells that were lost fit one frame, and scan_ is where their naming goes on.
  for (Scan ahead = naming_dead_ ? Scan(dead_scope(asked_map_)) : scan_;;) {
    const Result<Op> op = ahead.next(log_.store());
    if (!op.ok()) break;
    // Only live cells are named, but a removal that the server lost goes back too.
    if (kind == wire::Kind::heal ? log_.is_pending(*op) : !counts(*op, known_ms)) continue;
    if (!std::binary_search(listed_.begin(), listed_.end(), crdt::digest_of(op->cell))) continue;
    Op entry{.cell = op->cell};
    if (kind == wire::Kind::cells_ask) entry.cell = {op->cell.name, {}};
    if (!writer.add(entry)) {
      cut_short_ = cut_short_ || naming_dead_;
      break;
    }
    gained_count_ += kind == wire::Kind::heal;
    if (!naming_dead_) scan_ = ahead;
  }
  if (writer.count() > 0) phase_ = next;
  if (writer.count() == 0 || naming_dead_) next_phase_after_answers();
  return writer.count() > 0 ? writer.finish({}, true) : Bytes{};
}

// A server that lost something may have lost removals. No digest tells: they cover live cells only. Without this, a
// row comes back when a replica that never saw its removal heals it.
bool MerkleWalk::begin_dead() {
  if (!heal_ || dead_maps_ == maps_.size()) return false;
  asked_map_ = static_cast<std::uint16_t>(dead_maps_++);
  naming_dead_ = true;
  scan_ = Scan(dead_scope(asked_map_));
  lost_.clear();
  return true;
}

// Names of dead cells: as many as can be given back at once, in one frame.
Bytes MerkleWalk::write_dead(MutBytes room, std::uint64_t known_ms) {
  wire::OpsWriter writer(wire::Kind::cells_ask, {.id = id_, .map = maps_[asked_map_].view()}, room);
  std::size_t heal_bytes = 0;
  for (Scan ahead = scan_; writer.count() < lost_.capacity();) {
    const Result<Op> op = ahead.next(log_.store());
    if (!op.ok()) break;
    if (op->cell.is_live(known_ms) || log_.is_pending(*op)) continue;
    heal_bytes += writer.count() == 0 ? wire::OpsWriter::frame_bytes({.cell = op->cell}) : entry_bytes_max(op->cell);
    if (writer.count() > 0 && heal_bytes > room.size()) break;
    if (!writer.add({.cell = {op->cell.name, {}}})) break;
    scan_ = ahead;
  }
  naming_dead_ = writer.count() > 0;
  phase_ = naming_dead_ ? Phase::answers : Phase::pick;
  return naming_dead_ ? writer.finish({}, true) : Bytes{};
}

// Every name was asked and answered, or every lost cell was sent.
void MerkleWalk::next_phase_after_answers() {
  listed_.clear();
  if (phase_ == Phase::naming && !lost_.empty()) return begin_healing();
  phase_ = naming_dead_ ? Phase::naming : Phase::pick;
}

void MerkleWalk::begin_healing() {
  phase_ = Phase::healing;
  listed_.clear();
  for (const std::uint64_t digest : lost_) GRID_CHECK(listed_.push(digest) == Status::ok);
  lost_.clear();
  sort_numbers(listed_);
  if (!naming_dead_) scan_ = Scan(map_scope(asked_map_));
}

}  // namespace grid::runtime
