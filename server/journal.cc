// SPDX-License-Identifier: Apache-2.0

#include "server/journal.h"

#include <algorithm>

#include "crdt/base/check.h"
#include "runtime/entity.h"
#include "runtime/facts.h"
#include "runtime/scan.h"
#include "server/scope_walk.h"

namespace grid::server {

namespace {

constexpr std::string_view kJudge = "judge";  // 8 bytes: the judge's time
constexpr std::uint64_t kJudgeStepMs = 10'000;

std::int64_t bytes_of(const crdt::Cell& cell) {
  const crdt::CellName& name = cell.name;
  return static_cast<std::int64_t>(name.map.size() + name.key.size() + name.sub.size() + cell.value.size());
}

}  // namespace

Status Journal::open() {
  const Result<std::uint64_t> judge = runtime::number_fact(store_, kJudge);
  if (judge.ok()) judge_ = crdt::Judge(saved_judge_ms_ = *judge);
  if (!judge.ok() && judge.status() != Status::not_found) return judge.status();
  const Result<Floor> floor = load_floor(store_);
  if (!floor.ok()) return floor.status();
  floor_ = sealed_floor_ = durable_floor_ = *floor;
  durable_head_ = store_.head();
  std::pair<std::string, std::string> marker;  // The last that was passed.
  for (runtime::Scan scan(runtime::Scope{});;) {
    const Result<crdt::Op> op = scan.next(store_);
    if (op.status() == Status::not_found) return Status::ok;
    if (!op.ok()) return op.status();
    if (op->cell.stamp > greatest_) greatest_ = op->cell.stamp;
    if (op->cell.is_tombstone()) ++tombstone_count_;
    ++held_.cells;
    held_.bytes += bytes_of(op->cell);
    partitions_.add(*op);
    const crdt::CellName& name = op->cell.name;
    if (runtime::may_be_buried(name) && marker.first == name.map && marker.second == name.key) unburied_.insert(marker);
    if (crdt::is_marker(name.sub)) marker = {std::string(name.map), std::string(name.key)};
  }
}

// A marker stands in front of its entity's facts, so the first of these is what is left of them.
Status Journal::bury_facts(const std::string& map, const std::string& key) {
  const crdt::CellName marker{map, key, crdt::kMarker};
  for (;;) {
    const Result<crdt::Op> fact = runtime::next_fact_behind(store_, marker);
    if (!fact.ok()) return fact.status() == Status::not_found ? Status::ok : fact.status();
    const std::string sub(fact->cell.name.sub);  // The store's view ends with the erasure.
    GRID_TRY(erase({map, key, sub}));
  }
}

// What a full batch leaves of them is found again behind the commit.
void Journal::bury_the_rest() {
  while (!unburied_.empty()) {
    const auto& [map, key] = *unburied_.begin();
    if (store_.find({map, key, crdt::kMarker}).ok() && bury_facts(map, key) != Status::ok) {
      dirty_ = true;
      return;
    }
    unburied_.erase(unburied_.begin());
  }
}

bool Journal::is_burying(const crdt::CellName& name) const {
  if (unburied_.empty() || !runtime::may_be_buried(name)) return false;
  return unburied_.contains({std::string(name.map), std::string(name.key)});
}

void Journal::observe(std::uint64_t now_ms, std::uint64_t wall_ms) {
  if (wall_ms == 0 && wall_ms_ != 0) wall_ms = wall_ms_ + (now_ms - now_ms_);
  now_ms_ = now_ms;
  wall_ms_ = wall_ms;
  judge_.advance(now_ms, wall_ms, greatest_);
  if (wall_ms != 0) partitions_.expire(wall_ms, store_);
  bury_the_rest();
  if (judge_.judging() && judge_.at_ms() >= saved_judge_ms_ + kJudgeStepMs && dirty_) {
    // Goes with a batch that is written anyhow.
    if (save_judge() == Status::ok) saved_judge_ms_ = judge_.at_ms();
  }
}

Status Journal::save_judge() { return runtime::set_number_fact(store_, kJudge, judge_.at_ms()); }

// Of a cell with a sub, its row is told as it stands, and stays.
Status Journal::tell_row_of(const crdt::CellName& name) {
  if (listener_ == nullptr || name.sub.empty()) return Status::ok;
  const Result<crdt::Op> row = store_.find({name.map, name.key, {}});
  if (!row.ok() && row.status() != Status::not_found) return row.status();
  listener_->arrived(name, crdt::Value(row.ok() ? row->cell.value : Bytes{}), store_.head(), 0);
  return Status::ok;
}

Result<Journal::Held> Journal::growth_by(const crdt::Op& op, bool is_decided) const {
  if (crdt::is_marker(op.cell.name.sub)) return growth_by_marker(op.cell.name);
  const Result<crdt::Op> standing = runtime::standing_for(store_, op.cell.name);
  if (standing.status() == Status::not_found) return Held{1, bytes_of(op.cell)};
  if (!standing.ok()) return standing.status();
  const bool is_buried = standing->cell.name != op.cell.name;
  if (is_buried || (!is_decided && !crdt::wins(op.cell, standing->cell))) return Held{};
  return Held{0, bytes_of(op.cell) - bytes_of(standing->cell)};
}

// Whatever there is of the entity goes.
Result<Journal::Held> Journal::growth_by_marker(const crdt::CellName& marker) const {
  const Result<crdt::Op> standing = store_.find(marker);
  if (standing.status() != Status::not_found) return standing.ok() ? Result<Held>(Held{}) : standing.status();
  Held growth{1, bytes_of({.name = marker, .stamp = {}})};
  std::string sub(marker.sub);
  for (;;) {
    const Result<crdt::Op> fact = runtime::next_fact_behind(store_, {marker.map, marker.key, sub});
    if (fact.status() == Status::not_found) return growth;
    if (!fact.ok()) return fact.status();
    growth = {growth.cells - 1, growth.bytes - bytes_of(fact->cell)};
    sub = fact->cell.name.sub;
  }
}

Result<bool> Journal::merge(const crdt::Op& op) {
  const Result<crdt::Op> marker = runtime::marker_over(store_, op.cell.name);
  if (marker.status() != Status::not_found) return marker.ok() ? Result<bool>(false) : marker.status();
  GRID_TRY(tell_row_of(op.cell.name));
  const Result<crdt::Op> standing = store_.find(op.cell.name);
  if (!standing.ok() && standing.status() != Status::not_found) return standing.status();
  if (standing.ok() && !crdt::wins(op.cell, standing->cell)) return false;
  const bool tells = listener_ != nullptr && op.cell.name.sub.empty();
  const storage::Seq head = store_.head();
  const storage::Seq hidden = standing.ok() ? standing->seq : 0;
  const crdt::Value was(standing.ok() ? standing->cell.value : Bytes{});
  if (tells) listener_->arrived(op.cell.name, was, head, hidden);
  const crdt::Op arrival{.cell = op.cell, .base = op.base, .quality = op.quality};
  // The views of `standing` end with the append: what the digests count of it is taken first.
  const Partitions::Counted before = standing.ok() ? partitions_.counted(*standing) : Partitions::Counted{};
  const bool buried = standing.ok() && standing->cell.is_tombstone();
  const Held growth =
      standing.ok() ? Held{0, bytes_of(op.cell) - bytes_of(standing->cell)} : Held{1, bytes_of(op.cell)};
  const Result<storage::Seq> seq = store_.append(arrival);
  if (!seq.ok()) {
    problem_.say("the journal takes no more: ").text(store_.problem());
    return seq.status();
  }
  if (tells) listener_->arrived(op.cell.name, crdt::Value(op.cell.value), head, 0);
  if (hidden != 0) hidden_.push_back({hidden, *seq});
  partitions_.remove(op.cell.name, before);
  crdt::Op now = arrival;
  now.seq = *seq;
  partitions_.add(now);
  tombstone_count_ += op.cell.is_tombstone();
  tombstone_count_ -= buried;
  held_ = {held_.cells + growth.cells, held_.bytes + growth.bytes};
  if (op.cell.stamp > greatest_) greatest_ = op.cell.stamp;
  dirty_ = true;
  if (crdt::is_marker(op.cell.name.sub)) {
    unburied_.emplace(op.cell.name.map, op.cell.name.key);
    bury_the_rest();
  }
  return true;
}

Result<bool> Journal::heal(const crdt::Op& op) {
  if (op.cell.stamp.wall_ms() > crdt::Clock::kMergeMsMax) return Status::corrupt;
  Result<bool> won = merge(op);
  if (won.ok() && *won && judge_.judging()) judge_.vouch(op.cell.stamp);
  return won;
}

Status Journal::raise_floor(const Floor& floor) {
  GRID_TRY(save_floor(store_, floor));
  floor_ = floor;
  dirty_ = true;
  return Status::ok;
}

Status Journal::erase(const crdt::CellName& name) {
  const Result<crdt::Op> standing = store_.find(name);
  if (!standing.ok()) return standing.status();
  const Partitions::Counted before = partitions_.counted(*standing);
  const storage::Seq hidden = standing->seq;
  const bool is_tombstone = standing->cell.is_tombstone();
  const std::int64_t bytes = bytes_of(standing->cell);
  const Result<storage::Seq> seq = store_.append({.cell = {name, {}, 0, {}}});
  if (!seq.ok()) return seq.status();
  hidden_.push_back({hidden, *seq});
  partitions_.remove(name, before);
  tombstone_count_ -= is_tombstone;
  held_ = {held_.cells - 1, held_.bytes - bytes};
  dirty_ = true;
  if (erasures_ != nullptr) erasures_->erased(name);
  return Status::ok;
}

crdt::Digest Journal::digest(const runtime::Scope& scope) {
  const Result<crdt::Digest> kept = partitions_.root(scope);
  if (kept.ok()) return *kept;
  crdt::Digest sum;
  for (ScopeWalk walk(scope, store_, finder_, partitions_.expired_through_ms());;) {
    const Result<crdt::Op> op = walk.next();
    if (!op.ok()) return sum;
    const Partitions::Counted now = partitions_.counted(*op);
    if (now.counted) sum.add(now.digest);
  }
}

std::uint64_t Journal::seal() {
  sealed_head_ = store_.head();
  sealed_floor_ = floor_;
  dirty_ = false;
  committing_ = true;
  return store_.seal();
}

void Journal::durable() {
  durable_head_ = sealed_head_;
  durable_floor_ = sealed_floor_;
  committing_ = false;
  hidden_.erase(hidden_.begin(), hidden_by_later_than(durable_head_));
}

std::vector<Journal::Hidden>::const_iterator Journal::hidden_by_later_than(storage::Seq seq) const {
  return std::partition_point(hidden_.begin(), hidden_.end(), [seq](const Hidden& one) { return one.by <= seq; });
}

storage::Seq Journal::read_through(storage::Seq from, storage::Seq through) const {
  storage::Seq safe = through;
  for (auto at = hidden_by_later_than(through); at != hidden_.end(); ++at) {
    if (at->record > from && at->record <= safe) safe = at->record - 1;
  }
  return safe;
}

}  // namespace grid::server
