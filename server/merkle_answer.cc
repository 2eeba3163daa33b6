// SPDX-License-Identifier: Apache-2.0

#include "server/merkle_answer.h"

#include <algorithm>

#include "runtime/entity.h"
#include "server/scope_walk.h"
#include "server/subscription.h"

namespace grid::server {

using crdt::Digest;
using crdt::Op;
using crdt::Position;
using crdt::Range;
using runtime::Scope;
using runtime::ScopeKind;
using wire::Kind;

namespace {

// The element of `sorted` whose range contains `at`; null when none does.
template <typename Element>
Element* containing(std::vector<Element>& sorted, const Position& at) {
  const auto behind = std::upper_bound(sorted.begin(), sorted.end(), at,
                                       [](const Position& p, const Element& e) { return e.range.begins_after(p); });
  if (behind == sorted.begin() || !(behind - 1)->range.contains(at)) return nullptr;
  return &*(behind - 1);
}

}  // namespace

Status MerkleAnswer::begin(std::uint32_t id, const Scope& scope) {
  if (asks_.size() == kAsksMax) return Status::full;
  Ask ask;
  ask.id = id;
  ask.scope_kind = scope.kind;
  ask.map = scope.kind == ScopeKind::everything ? std::string() : std::string(scope.map);
  ask.text = scope.text;
  ask.rows = scope.rows;
  asks_.push_back(std::move(ask));
  return Status::ok;
}

Status MerkleAnswer::ask(Kind kind, Bytes frame, const Subscription& subscription) {
  const Scope scope = subscription.scope();
  if (asks_.size() == kAsksMax || ask_bytes_ + frame.size() > kAskBytesMax) return Status::full;
  Ask ask;
  ask.kind = kind;
  ask.bytes = frame.size();
  ask.scope_kind = scope.kind == ScopeKind::everything ? ScopeKind::map : scope.kind;
  ask.text = scope.text;
  ask.rows = scope.rows;
  ask.may_heal = subscription.heal;
  ask.granted = subscription.granted();
  ask.sees_nothing = subscription.sees_nothing;
  GRID_TRY(kind == Kind::cells_ask ? read_names(frame, scope, ask) : read_groups(kind, frame, ask));
  if (!scope.covers_map(ask.map)) return Status::corrupt;
  const auto by_range = [](const auto& a, const auto& b) { return a.range.begins_before(b.range); };
  std::sort(ask.listed.begin(), ask.listed.end(), by_range);
  std::sort(ask.splits.begin(), ask.splits.end(), by_range);
  ask_bytes_ += ask.bytes;
  asks_.push_back(std::move(ask));
  // Only now do the views of the scope have their final home.
  asks_.back().scan = runtime::Scan(asks_.back().scope());
  return Status::ok;
}

Status MerkleAnswer::read_names(Bytes frame, const Scope& scope, Ask& ask) {
  wire::OpsReader reader;
  GRID_TRY(reader.open(frame));
  ask.id = reader.head().id;
  ask.map = reader.head().map;
  for (Op op; reader.next(op);) {
    GRID_TRY(reader.status());
    if (op.cell.name.map != ask.map || !scope.matches(op.cell.name)) return Status::corrupt;
    ask.names.push_back({std::string(op.cell.name.key), std::string(op.cell.name.sub)});
  }
  return Status::ok;
}

Status MerkleAnswer::read_groups(Kind kind, Bytes frame, Ask& ask) {
  wire::DigestsReader reader;
  GRID_TRY(reader.open(frame));
  ask.id = reader.id();
  ask.map = reader.map();
  std::size_t children = 0;
  for (wire::Split split; kind == Kind::digest_ask && reader.next_ask(split);) {
    children += wire::children_of(split);
    if (children > kChildrenMax) return Status::too_large;
    ask.splits.push_back(split);
  }
  Range range;
  std::size_t count = 0;
  while (kind == Kind::have && reader.next_digests(range, count)) {
    Listed& listed = ask.listed.emplace_back();
    listed.range = range;
    for (std::size_t i = 0; i < count; ++i) listed.digests.push_back(reader.digest(i));
    std::sort(listed.digests.begin(), listed.digests.end());
    listed.seen.resize(count);
  }
  return reader.status();
}

void MerkleAnswer::forget(std::uint32_t id) {
  for (const Ask& ask : asks_) ask_bytes_ -= ask.id == id ? ask.bytes : 0;
  asks_.remove_if([id](const Ask& ask) { return ask.id == id; });
}

Result<Bytes> MerkleAnswer::write(MutBytes room, const Wanted& wanted) {
  Ask& ask = asks_.front();
  Result<Bytes> frame = Bytes{};
  switch (ask.kind) {
    case Kind::digest_ask:
      frame = write_splits(ask, room);
      break;
    case Kind::have:
      frame = ask.scanned ? write_lacks(ask, room) : write_missing(ask, room);
      break;
    case Kind::cells_ask:
      frame = write_cells(ask, room, wanted);
      break;
    default:
      frame = write_first(ask, room);
      break;
  }
  if (ask.next == SIZE_MAX) {
    ask_bytes_ -= ask.bytes;
    asks_.pop_front();
  }
  return frame;
}

// The map behind the last one that was written; the only one of a narrower scope comes first.
Result<std::string> MerkleAnswer::map_after(const Ask& ask) const {
  if (ask.scope_kind != ScopeKind::everything) {
    return ask.next == 0 ? Result<std::string>(ask.map) : Result<std::string>(Status::not_found);
  }
  // No key has this byte, so this name is behind all of the map's.
  const Result<Op> op = journal_.store().next_cell({ask.map, ask.map.empty() ? "" : "\xff", {}});
  if (!op.ok()) return op.status();
  return std::string(op->cell.name.map);
}

// One frame a map; several where the device's frames are small.
Result<Bytes> MerkleAnswer::write_first(Ask& ask, MutBytes room) {
  if (ask.children.empty()) {
    const Result<std::string> map = map_after(ask);
    if (map.status() == Status::not_found) {
      ask.next = SIZE_MAX;
      return wire::DigestsWriter(Kind::digest_reply, ask.id, {}, room).finish(true);
    }
    if (!map.ok()) return map.status();
    GRID_TRY(count_first(ask, *map));
  }
  wire::DigestsWriter writer(Kind::digest_reply, ask.id, ask.map, room);
  const std::vector<Digest>& partitions = ask.children[0];
  if (ask.part > 0 || !writer.add_reply({wire::kWholeMap, 0}, partitions)) {
    for (; ask.part < crdt::kPartitions; ++ask.part) {
      const Digest& one = partitions[ask.part];
      if (!one.empty() && !writer.add_reply({{ask.part, 0, 0}, 0}, {&one, 1})) return writer.finish(false);
    }
  }
  ask.children.clear();
  ask.part = 0;
  const bool last = map_after(ask).status() == Status::not_found;
  if (last) ask.next = SIZE_MAX;
  return writer.finish(last);
}

Status MerkleAnswer::count_first(Ask& ask, const std::string& map) {
  Ask whole;
  whole.scope_kind = ask.scope_kind == ScopeKind::everything ? ScopeKind::map : ask.scope_kind;
  whole.map = map;
  whole.text = ask.text;
  whole.rows = ask.rows;
  whole.splits.push_back({wire::kWholeMap, 0});
  GRID_TRY(count_children(whole));
  ask.children = std::move(whole.children);
  ask.map = map;
  ++ask.next;
  return Status::ok;
}

// From the kept tree where it is deep enough, else by one scan of the scope.
Status MerkleAnswer::count_children(Ask& ask) {
  const crdt::MerkleTree* tree = ask.scope_kind == ScopeKind::map ? journal_.partitions().tree(ask.map) : nullptr;
  bool scan = false;
  for (const wire::Split& split : ask.splits) {
    std::vector<Digest>& children = ask.children.emplace_back(wire::children_of(split));
    if (tree == nullptr || !tree->keeps(wire::child_of(split, 0))) {
      scan = true;
      continue;
    }
    for (std::size_t i = 0; i < children.size(); ++i) children[i] = tree->node(wire::child_of(split, i));
  }
  if (!scan) return Status::ok;
  const std::uint64_t known_ms = journal_.partitions().expired_through_ms();
  for (ScopeWalk walk(ask.scope(), journal_.store(), journal_.finder(), known_ms);;) {
    const Result<Op> op = walk.next();
    if (op.status() == Status::not_found) return Status::ok;
    if (!op.ok()) return op.status();
    const Partitions::Counted counted = journal_.partitions().counted(*op);
    if (!counted.counted) continue;
    const Position at = journal_.partitions().position_of(op->cell.name);
    if (ask.splits[0].range == wire::kWholeMap) {
      ask.children[0][at.partition].add(counted.digest);
      continue;
    }
    const wire::Split* split = containing(ask.splits, at);
    if (split == nullptr || (tree != nullptr && tree->keeps(wire::child_of(*split, 0)))) continue;
    const std::uint64_t path = at.path << split->range.bits;
    const std::size_t child = split->more == 0 ? 0 : path >> (64 - split->more);
    ask.children[static_cast<std::size_t>(split - ask.splits.data())][child].add(counted.digest);
  }
}

Result<Bytes> MerkleAnswer::write_splits(Ask& ask, MutBytes room) {
  if (!ask.scanned) GRID_TRY(count_children(ask));
  ask.scanned = true;
  wire::DigestsWriter writer(Kind::digest_reply, ask.id, ask.map, room);
  while (ask.next < ask.splits.size() && writer.add_reply(ask.splits[ask.next], ask.children[ask.next])) ++ask.next;
  const bool last = ask.next == ask.splits.size();
  if (!last && writer.count() == 0) return Status::too_large;
  if (last) ask.next = SIZE_MAX;
  return writer.finish(last);
}

// Cells of the ranges that the device did not list.
Result<Bytes> MerkleAnswer::write_missing(Ask& ask, MutBytes room) {
  wire::OpsWriter writer(Kind::delta, {.id = ask.id, .map = ask.map}, room, value_bytes_max_);
  ask.scan.look_again();
  for (std::uint32_t looks = 0; looks < kLooksMax; ++looks) {
    const runtime::Scan place = ask.scan;
    const Result<Op> op = ask.scan.next(journal_.store(), journal_.partitions().expired_through_ms());
    if (op.status() == Status::not_found) {
      ask.scanned = true;
      break;
    }
    if (!op.ok()) return op.status();
    Listed* listed = containing(ask.listed, journal_.partitions().position_of(op->cell.name));
    if (listed == nullptr) continue;
    const Partitions::Counted counted = journal_.partitions().counted(*op);
    if (!counted.counted || journal_.is_burying(op->cell.name)) continue;
    const auto found = std::lower_bound(listed->digests.begin(), listed->digests.end(), counted.digest);
    if (found != listed->digests.end() && *found == counted.digest) {
      listed->seen[static_cast<std::size_t>(found - listed->digests.begin())] = true;
      continue;
    }
    if (writer.add({.cell = op->cell, .quality = op->quality}) || writer.count() == 0) continue;
    ask.scan = place;
    break;
  }
  return writer.count() > 0 ? writer.finish({}, false) : Bytes{};
}

// Those of the device's digests that no cell here has.
Result<Bytes> MerkleAnswer::write_lacks(Ask& ask, MutBytes room) {
  wire::DigestsWriter writer(Kind::lacks, ask.id, ask.map, room);
  for (; ask.next < ask.listed.size(); ++ask.next) {
    const Listed& listed = ask.listed[ask.next];
    std::vector<std::uint64_t> lacking;
    for (std::size_t i = 0; i < listed.digests.size(); ++i) {
      if (!listed.seen[i]) lacking.push_back(listed.digests[i]);
    }
    if (lacking.empty() || writer.add_digests(listed.range, lacking)) continue;
    // A device lists no more of a range than its own frames hold.
    if (writer.count() == 0) return Status::too_large;
    return writer.finish(false);
  }
  ask.next = SIZE_MAX;
  return writer.finish(true);
}

// Whether something stands under the name that the device may not see. What lies beside a row is seen with it, and
// under none not at all; nor is a row that was removed. Who may see nothing does not get to know what stands, unless it
// may give back what does not.
Result<bool> MerkleAnswer::is_unseen(const Ask& ask, const crdt::CellName& name) const {
  if (ask.granted == nullptr) return false;
  const Result<Op> row = journal_.store().find({name.map, name.key, {}});
  if (row.ok()) return !ask.granted->runtime::RowTest::accepts(row->cell);
  if (row.status() != Status::not_found) return row.status();
  if (ask.sees_nothing && !ask.may_heal) return true;
  const Result<Op> beside = journal_.store().find(name);
  if (!beside.ok() && beside.status() != Status::not_found) return beside.status();
  return beside.ok();
}

// Whether all that the device gets to know of the name is that its row is in none of its scopes: it has shown that it
// holds it (PROTOCOL P21). Of a row that is not here, a predicate's subscriber may have missed the deletion before it
// was collected: it was told of its own rows alone.
Result<bool> MerkleAnswer::is_evicted(const Ask& ask, const crdt::CellName& name, const Wanted& wanted) const {
  // What may be given back here must not go there.
  if (ask.rows == nullptr || ask.may_heal) return false;
  const Result<Op> row = journal_.store().find({name.map, name.key, {}});
  if (!row.ok() && row.status() != Status::not_found) return row.status();
  if (!row.ok()) {
    return journal_.floor().position > 0 && !wanted({.name = {name.map, name.key, {}}, .stamp = {}});
  }
  // A removed row goes as what it is.
  const bool is_removal = row->cell.is_tombstone() && name.sub.empty();
  return !is_removal && !wanted(row->cell);
}

Result<Op> MerkleAnswer::answer_to(const Ask& ask, const crdt::CellName& name, const Wanted& wanted) const {
  Op unknown;
  unknown.cell.name = name;
  const Result<bool> unseen = is_unseen(ask, name);
  if (!unseen.ok()) return unseen.status();
  const Result<bool> evicted = *unseen ? unseen : is_evicted(ask, name, wanted);
  if (!evicted.ok()) return evicted.status();
  unknown.evicted = *evicted;
  if (unknown.evicted) return unknown;
  // Of a fact whose entity is deleted, that: it is the marker that takes it away.
  const Result<Op> op = runtime::standing_for(journal_.store(), name);
  if (op.status() == Status::not_found) return unknown;
  if (!op.ok()) return op.status();
  return Op{.cell = op->cell, .quality = op->quality};
}

// Each name with its cell, its entity's marker, or without a stamp when nothing is known of it.
Result<Bytes> MerkleAnswer::write_cells(Ask& ask, MutBytes room, const Wanted& wanted) {
  wire::OpsWriter writer(Kind::delta, {.id = ask.id, .map = ask.map}, room, value_bytes_max_);
  for (; ask.next < ask.names.size(); ++ask.next) {
    const crdt::CellName name{ask.map, ask.names[ask.next].key, ask.names[ask.next].sub};
    const Result<Op> entry = answer_to(ask, name, wanted);
    if (!entry.ok()) return entry.status();
    if (!writer.add(*entry) && writer.count() > 0) return writer.finish({}, false);
  }
  ask.next = SIZE_MAX;
  return writer.finish({}, true);
}

}  // namespace grid::server
