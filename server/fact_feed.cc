// SPDX-License-Identifier: Apache-2.0

#include "server/fact_feed.h"

#include <algorithm>

#include "crdt/facts.h"
#include "runtime/query/fact_reader.h"

namespace grid::server {

using crdt::Op;
using runtime::FactCell;

namespace {

std::size_t size_of(const FactCell& cell) {
  return sizeof(cell) + cell.key.size() + cell.sub.size() + cell.value.size();
}

}  // namespace

void FactFeed::end(std::string_view map) {
  const auto found = maps_.find(map);
  if (found != maps_.end()) maps_.erase(found);
}

bool FactFeed::has_told(std::string_view map, storage::Seq seq) const {
  const auto found = maps_.find(map);
  return found != maps_.end() && found->second.stage == Map::Stage::loaded && position_ >= seq &&
         found->second.touched.empty();
}

void FactFeed::observe(std::uint64_t known_ms) {
  known_ms_ = known_ms;
  for (auto& [name, map] : maps_) {
    map.expiries.pass_to(known_ms, map.touched);
    if (map.touched.size() > kErasedMax) map = {};
  }
}

std::uint64_t FactFeed::next_expiry_ms() const {
  std::uint64_t next_ms = runtime::kNever;
  for (const auto& [name, map] : maps_) next_ms = std::min(next_ms, map.expiries.next_ms());
  return next_ms;
}

FactFeed::Maps::iterator FactFeed::find(bool (*is_it)(const Map& map)) {
  return std::find_if(maps_.begin(), maps_.end(), [is_it](const auto& one) { return is_it(one.second); });
}

bool FactFeed::is_any_loaded() const {
  return std::any_of(maps_.begin(), maps_.end(),
                     [](const auto& one) { return one.second.stage == Map::Stage::loaded; });
}

bool FactFeed::has_more() const {
  const bool has_work = std::any_of(maps_.begin(), maps_.end(), [](const auto& one) {
    return one.second.stage != Map::Stage::loaded || !one.second.touched.empty();
  });
  return has_work || (is_any_loaded() && position_ < store_.head());
}

Status FactFeed::next(FactBatch& batch) {
  batch = {};
  const auto touched = find([](const Map& map) { return map.stage == Map::Stage::loaded && !map.touched.empty(); });
  if (touched != maps_.end()) return tell(touched->first, touched->second, batch);
  const auto loading = find([](const Map& map) { return map.stage != Map::Stage::loaded; });
  const bool has_log = is_any_loaded() && position_ < store_.head();
  is_log_next_ = has_log && (loading == maps_.end() || is_log_next_);
  if (std::exchange(is_log_next_, !is_log_next_)) return read_log();
  return loading == maps_.end() ? Status::not_found : load_on(loading->first, loading->second, batch);
}

Status FactFeed::load_on(const std::string& name, Map& map, FactBatch& batch) {
  batch.map = name;
  if (map.stage == Map::Stage::fresh) {
    map = {.stage = Map::Stage::loading, .from = store_.head()};
    map.expiries.pass_to(known_ms_, map.touched);
    batch.kind = FactBatch::Kind::begin;
    return Status::ok;
  }
  batch.kind = FactBatch::Kind::cells;
  std::size_t bytes = 0;
  for (std::size_t looks = 0; looks < kLooks && bytes < kBatchBytes; ++looks) {
    const Result<Op> op = store_.next_cell({name, map.key, map.sub});
    if (!op.ok() && op.status() != Status::not_found) return op.status();
    if (!op.ok() || op->cell.name.map != name) {
      // The last cells are a batch of their own.
      if (!batch.cells.empty()) return Status::ok;
      position_ = is_any_loaded() ? std::min(position_, map.from) : map.from;
      map.stage = Map::Stage::loaded;
      batch.kind = FactBatch::Kind::loaded;
      return Status::ok;
    }
    map.key = op->cell.name.key;
    map.sub = op->cell.name.sub;
    const Bytes value = op->cell.value;
    if (crdt::is_marker(map.sub)) map.deleted = map.key;
    const bool is_fact = crdt::view_of(map.sub) == crdt::View::facts && map.key != map.deleted;
    if (!is_fact || op->cell.is_tombstone()) continue;
    map.expiries.note(map.key, map.sub, op->cell.expires_ms);
    if (!op->cell.is_live(known_ms_)) continue;
    batch.cells.push_back({map.key, map.sub, {value.begin(), value.end()}, true});
    bytes += size_of(batch.cells.back());
  }
  return batch.cells.empty() ? Status::busy : Status::ok;
}

Status FactFeed::read_log() {
  for (std::size_t looks = 0; looks < kLooks; ++looks) {
    const Result<Op> op = store_.next_op(position_);
    if (op.status() == Status::not_found) {
      position_ = store_.head();  // Erasures take a place that no reader sees.
      return Status::busy;
    }
    if (!op.ok()) return op.status();
    position_ = op->seq;
    const crdt::CellName& name = op->cell.name;
    const auto map = maps_.find(name.map);
    const bool is_fact = map != maps_.end() && crdt::view_of(name.sub) == crdt::View::facts;
    if (is_fact && map->second.stage == Map::Stage::loaded) map->second.touched.emplace(name.key, name.sub);
  }
  return Status::busy;
}

Status FactFeed::tell(const std::string& name, Map& map, FactBatch& batch) {
  batch = {.kind = FactBatch::Kind::change, .map = name};
  std::size_t bytes = 0;
  while (!map.touched.empty() && batch.cells.size() < kLooks && bytes < kBatchBytes) {
    const auto first = map.touched.begin();
    Result<FactCell> cell = runtime::fact_cell(store_, {name, first->first, first->second}, known_ms_, map.expiries);
    if (!cell.ok()) return cell.status();
    map.touched.erase(first);
    bytes += size_of(*cell);
    batch.cells.push_back(std::move(*cell));
  }
  return Status::ok;
}

// What a marker buries, the marker says; so an entity is one name, however large it was.
void FactFeed::erased(const crdt::CellName& name) {
  const auto map = maps_.find(name.map);
  const bool is_fact = map != maps_.end() && crdt::view_of(name.sub) == crdt::View::facts;
  if (!is_fact || map->second.stage == Map::Stage::fresh) return;
  const bool is_buried = store_.find({name.map, name.key, crdt::kMarker}).ok();
  map->second.touched.emplace(name.key, is_buried ? crdt::kMarker : name.sub);
  if (map->second.touched.size() > kErasedMax) map->second = {};
}

}  // namespace grid::server
