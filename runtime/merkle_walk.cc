// SPDX-License-Identifier: Apache-2.0

#include "runtime/merkle_walk.h"

#include <algorithm>

namespace grid::runtime {

using crdt::Digest;
using crdt::Op;
using crdt::Position;
using crdt::Range;

namespace {

// A split that no round has room for is never asked for.
std::size_t reply_children_max(const Limits& limits) {
  return std::min<std::size_t>(limits.walk_digests_max, std::size_t{1} << wire::kSplitBitsMax);
}

}  // namespace

std::size_t MerkleWalk::memory_bytes(const Limits& limits) {
  return limits.maps_max * sizeof(MapName) + std::size_t{2} * limits.walk_ranges_max * sizeof(Item) +
         limits.walk_digests_max * (sizeof(Digest) + sizeof(Owned) + 2 * sizeof(std::uint64_t)) +
         reply_children_max(limits) * sizeof(Digest) + 64;
}

MerkleWalk::MerkleWalk(OpLog& log, const Limits& limits, std::string_view app, Arena& arena)
    : log_(log),
      app_(app),
      maps_(arena.make<MapName>(limits.maps_max)),
      items_(arena.make<Item>(limits.walk_ranges_max)),
      asked_(arena.make<Item>(limits.walk_ranges_max)),
      theirs_(arena.make<Digest>(reply_children_max(limits))),
      own_(arena.make<Digest>(limits.walk_digests_max)),
      owned_(arena.make<Owned>(limits.walk_digests_max)),
      listed_(arena.make<std::uint64_t>(limits.walk_digests_max)),
      lost_(arena.make<std::uint64_t>(limits.walk_digests_max)) {
  GRID_CHECK(lost_.capacity() == limits.walk_digests_max && limits.walk_digests_max >= crdt::kPartitions);
}

void MerkleWalk::begin(std::uint32_t id, const Scope& scope, bool heal) {
  phase_ = Phase::first;
  id_ = id;
  heal_ = heal;
  scope_.set(scope);
  unconfirmed_count_ = 0;
  naming_dead_ = false;
  dead_maps_ = 0;
  maps_.clear();
  items_.clear();
  asked_.clear();
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

// What a digest covers (PROTOCOL P16).
bool MerkleWalk::counts(const Op& op, std::uint64_t known_ms) const {
  return op.cell.is_live(known_ms) && !log_.is_pending(op);
}

template <typename Visit>
Status MerkleWalk::each_own(std::uint16_t map, std::uint64_t known_ms, Visit visit) {
  Scan scan(map_scope(map));
  for (;;) {
    const Result<Op> op = scan.next(log_.store());
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
  if (items_.push(item) != Status::ok) return;
}

Status MerkleWalk::compare_first(std::uint16_t map, std::span<const Digest> theirs, std::uint64_t known_ms) {
  own_.clear();
  for (std::size_t i = 0; i < crdt::kPartitions; ++i) GRID_TRY(own_.push({}));
  GRID_TRY(
      each_own(map, known_ms, [this](const Position& at, std::uint64_t digest) { own_[at.partition].add(digest); }));
  for (std::uint16_t i = 0; i < crdt::kPartitions; ++i) {
    differ(map, {i, 0, 0}, own_[i], theirs.empty() ? Digest{} : theirs[i]);
  }
  return Status::ok;
}

// Maps that only this replica has.
Status MerkleWalk::add_unlisted_maps(std::uint64_t known_ms) {
  const std::size_t listed = maps_.size();
  Scan scan(scope_.get());
  for (;;) {
    const Result<Op> op = scan.next(log_.store());
    if (op.status() == Status::not_found) break;
    if (!op.ok()) return op.status();
    if (!maps_.empty() && maps_[maps_.size() - 1].view() == op->cell.name.map) continue;
    if (!map_index(op->cell.name.map).ok()) break;
  }
  for (std::size_t i = listed; i < maps_.size(); ++i) {
    GRID_TRY(compare_first(static_cast<std::uint16_t>(i), {}, known_ms));
  }
  return Status::ok;
}

Status MerkleWalk::receive_reply(wire::DigestsReader& reader, std::uint64_t known_ms) {
  wire::Split split;
  while (reader.next_reply(split, theirs_)) {
    const bool first = split.range == wire::kWholeMap;
    // The first digests of a comparison that was asked for twice.
    if (first && phase_ != Phase::first) return Status::ok;
    if (!first && phase_ != Phase::splitting) return Status::corrupt;
    if (!first) {
      GRID_TRY(compare_split(split));
      continue;
    }
    if (!scope_.get().covers_map(reader.map())) return Status::corrupt;
    const Result<std::uint16_t> map = map_index(reader.map());
    if (map.ok()) GRID_TRY(compare_first(*map, theirs_.first(crdt::kPartitions), known_ms));
  }
  GRID_TRY(reader.status());
  if (!reader.last() || (phase_ != Phase::first && phase_ != Phase::splitting)) return Status::ok;
  if (phase_ == Phase::first) GRID_TRY(add_unlisted_maps(known_ms));
  phase_ = Phase::pick;
  return Status::ok;
}

Status MerkleWalk::compare_split(const wire::Split& split) {
  const Item* asked =
      std::lower_bound(asked_.begin(), asked_.end(), split.range,
                       [](const Item& item, const Range& range) { return item.range.begins_before(range); });
  if (asked == asked_.end() || asked->range != split.range || asked->more() != split.more) return Status::corrupt;
  for (std::size_t i = 0; i < wire::children_of(split); ++i) {
    differ(asked_map_, wire::child_of(split, i), own_[asked->first + i], theirs_[i]);
  }
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
  std::sort(listed_.begin(), listed_.end());
  scan_ = Scan(map_scope(asked_map_));
  phase_ = Phase::naming;
  return Status::ok;
}

// Ours stands against what the server has: the server lost it, and gets it back if it may.
Status MerkleWalk::receive_answer(const Op& op) {
  if (phase_ != Phase::answers && phase_ != Phase::having) return Status::ok;
  const Result<Op> own = log_.store().find(op.cell.name);
  if (own.status() == Status::not_found) return Status::ok;
  if (!own.ok()) return own.status();
  if (log_.is_pending(*own) || !crdt::wins(own->cell, op.cell)) return Status::ok;
  if (!heal_) ++unconfirmed_count_;
  // What does not fit is found by the next walk.
  if (heal_ && !lost_.full()) return lost_.push(crdt::digest_of(own->cell));
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
  return count <= kLeafCells || item.own == 0 || more == 0 || item.range.bits + more > Range::kBitsMax ||
         (std::size_t{1} << more) > theirs_.size();
}

// Takes items of one map and one sort off the stack, as many as one round has room for.
Bytes MerkleWalk::write_pick(MutBytes room, std::uint64_t known_ms) {
  asked_.clear();
  if (items_.empty()) {
    phase_ = begin_dead() ? Phase::naming : Phase::done;
    return {};
  }
  const Item top = items_[items_.size() - 1];
  const bool leaf = is_leaf(top);
  asked_map_ = top.map;
  // A group of a frame takes its head and 10 bytes a child, or 8 a digest.
  std::size_t digests = 0;
  std::size_t bytes = wire::kControlBytesMax;
  while (!items_.empty() && !asked_.full()) {
    const Item& item = items_[items_.size() - 1];
    if (item.map != asked_map_ || is_leaf(item) != leaf) break;
    const std::size_t more = leaf ? item.own : std::size_t{1} << item.more();
    const std::size_t cost = 24 + (leaf ? 8 * more : 0);
    if (!asked_.empty() && (digests + more > owned_.capacity() || bytes + cost > room.size())) break;
    digests += more;
    bytes += cost;
    GRID_CHECK(asked_.push(item) == Status::ok);
    items_.remove_at(items_.size() - 1);
  }
  // Ranges of one ask don't overlap, so the order of where they begin is their order.
  std::sort(asked_.begin(), asked_.end(), [](const Item& a, const Item& b) { return a.range.begins_before(b.range); });
  return leaf ? write_have(room, known_ms) : write_split(room, known_ms);
}

const MerkleWalk::Item* MerkleWalk::asked_item(const Position& at) const {
  const Item* behind = std::upper_bound(asked_.begin(), asked_.end(), at,
                                        [](const Position& p, const Item& item) { return item.range.begins_after(p); });
  return behind != asked_.begin() && (behind - 1)->range.contains(at) ? behind - 1 : nullptr;
}

Bytes MerkleWalk::write_split(MutBytes room, std::uint64_t known_ms) {
  own_.clear();
  wire::DigestsWriter writer(wire::Kind::digest_ask, id_, maps_[asked_map_].view(), room);
  for (Item& item : asked_) {
    GRID_CHECK(writer.add_ask({item.range, item.more()}));
    item.first = static_cast<std::uint32_t>(own_.size());
    for (std::size_t i = 0; i < std::size_t{1} << item.more(); ++i) GRID_CHECK(own_.push({}) == Status::ok);
  }
  const Status scanned = each_own(asked_map_, known_ms, [this](const Position& at, std::uint64_t digest) {
    const Item* item = asked_item(at);
    if (item == nullptr) return;
    const std::uint64_t path = at.path << item->range.bits;
    own_[item->first + (path >> (64 - item->more()))].add(digest);
  });
  phase_ = scanned == Status::ok ? Phase::splitting : Phase::done;
  return scanned == Status::ok ? writer.finish(true) : Bytes{};
}

Bytes MerkleWalk::write_have(MutBytes room, std::uint64_t known_ms) {
  owned_.clear();
  lost_.clear();
  const Status scanned = each_own(asked_map_, known_ms, [this](const Position& at, std::uint64_t digest) {
    const Item* item = asked_item(at);
    // More than when it was counted: the next walk will see the rest.
    if (item == nullptr || owned_.full()) return;
    GRID_CHECK(owned_.push({static_cast<std::uint32_t>(item - asked_.begin()), digest}) == Status::ok);
  });
  std::sort(owned_.begin(), owned_.end(), [](const Owned& a, const Owned& b) { return a.group < b.group; });
  wire::DigestsWriter writer(wire::Kind::have, id_, maps_[asked_map_].view(), room);
  std::size_t at = 0;
  for (std::uint32_t group = 0; group < asked_.size(); ++group) {
    listed_.clear();
    for (; at < owned_.size() && owned_[at].group == group; ++at) {
      if (listed_.push(owned_[at].digest) != Status::ok) break;
    }
    if (!writer.add_digests(asked_[group].range, listed_.span())) break;
  }
  listed_.clear();
  phase_ = scanned == Status::ok ? Phase::having : Phase::done;
  return scanned == Status::ok ? writer.finish(true) : Bytes{};
}

// Names, or whole cells, of what is in listed_: as many as the frame takes, going on where it stopped.
Bytes MerkleWalk::write_listed(MutBytes room, wire::Kind kind, Phase next, std::uint64_t known_ms) {
  wire::OpsWriter writer(kind, {.id = id_, .map = maps_[asked_map_].view()}, room);
  for (;;) {
    const Scan place = scan_;
    const Result<Op> op = scan_.next(log_.store());
    if (!op.ok()) break;
    // Only live cells are named, but a removal that the server lost goes back too.
    if (kind == wire::Kind::heal ? log_.is_pending(*op) : !counts(*op, known_ms)) continue;
    if (!std::binary_search(listed_.begin(), listed_.end(), crdt::digest_of(op->cell))) continue;
    Op entry{.cell = op->cell};
    if (kind == wire::Kind::cells_ask) entry.cell = {op->cell.name, {}};
    if (writer.add(entry)) continue;
    scan_ = place;
    break;
  }
  if (writer.count() > 0) {
    phase_ = next;
    return writer.finish({}, true);
  }
  next_phase_after_answers();
  return {};
}

// A server that lost something may have lost removals. No digest tells: they cover live cells only. Without this, a
// row comes back when a replica that never saw its removal heals it.
bool MerkleWalk::begin_dead() {
  if (!heal_ || dead_maps_ == maps_.size()) return false;
  asked_map_ = static_cast<std::uint16_t>(dead_maps_++);
  naming_dead_ = true;
  dead_scan_ = Scan(map_scope(asked_map_));
  lost_.clear();
  return true;
}

// Names of dead cells: as many as could be given back at once.
Bytes MerkleWalk::write_dead(MutBytes room, std::uint64_t known_ms) {
  wire::OpsWriter writer(wire::Kind::cells_ask, {.id = id_, .map = maps_[asked_map_].view()}, room);
  while (writer.count() < lost_.capacity()) {
    const Scan place = dead_scan_;
    const Result<Op> op = dead_scan_.next(log_.store());
    if (!op.ok()) break;
    if (op->cell.is_live(known_ms) || log_.is_pending(*op)) continue;
    if (writer.add({.cell = {op->cell.name, {}}})) continue;
    dead_scan_ = place;
    break;
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
  std::sort(listed_.begin(), listed_.end());
  scan_ = Scan(map_scope(asked_map_));
}

}  // namespace grid::runtime
