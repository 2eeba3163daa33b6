// SPDX-License-Identifier: Apache-2.0
//
// Facts as the scenarios about them write and read them, in one map.
//
// Place     Above story.h, beside the scenarios.
#pragma once

#include "crdt/facts.h"
#include "runtime/edits.h"
#include "tests/sim/story.h"

namespace grid::sim {

using crdt::Cell;
using crdt::FactName;
using runtime::Call;
using runtime::FactWrite;
using runtime::ScopeKind;
using storage::MemoryStore;
using Verb = FactWrite::Verb;

inline constexpr std::uint64_t kHourMs = 3'600'000;
inline constexpr std::uint64_t kDay = 24 * kHourMs;

inline World::Options ten_days(std::uint64_t seed, std::size_t devices = 2) {
  World::Options options{.seed = seed, .devices = devices};
  options.server.keeping = {10 * kDay, 20 * kDay, kDay};
  return options;
}

inline Status transact(World& world, Site& site, std::initializer_list<FactWrite> writes, crdt::Seq* seq = nullptr) {
  Call call{.verb = Call::Verb::edit, .scope = {ScopeKind::map, "f", {}}};
  call.edit = runtime::write_facts;
  call.facts = {writes.begin(), writes.size()};
  const Status status = world.call(site, call);
  if (seq != nullptr) *seq = call.seq;
  return status;
}

inline Status write(World& world, Site& site, Verb verb, std::string_view entity, std::string_view predicate,
                    std::int64_t value, crdt::Seq* seq = nullptr) {
  const std::string object = canonical(value);
  return transact(world, site, {{entity, verb, predicate, as_bytes(object), 0}}, seq);
}

inline Status set(World& world, Site& site, std::string_view entity, std::string_view predicate, std::int64_t value,
                  crdt::Seq* seq = nullptr) {
  return write(world, site, Verb::set, entity, predicate, value, seq);
}

inline Status add(World& world, Site& site, std::string_view entity, std::string_view predicate, std::int64_t value) {
  return write(world, site, Verb::add, entity, predicate, value);
}

inline Status bury(World& world, Site& site, std::string_view entity, crdt::Seq* seq = nullptr) {
  return transact(world, site, {{entity, Verb::delete_entity, {}, {}, 0}}, seq);
}

// Every cell of the entity, its marker among them.
template <typename Visit>
void each_cell(Site& site, std::string_view entity, Visit visit) {
  std::string sub;
  for (;;) {
    const auto op = site.store->next_cell({"f", entity, sub});
    if (!op.ok() || op->cell.name.map != "f" || op->cell.name.key != entity) return;
    sub = op->cell.name.sub;
    visit(op->cell);
  }
}

inline bool is_buried(Site& site, std::string_view entity) {
  return site.store->find({"f", entity, crdt::kMarker}).ok();
}

inline std::size_t facts_of(Site& site, std::string_view entity) {
  std::size_t live = 0;
  each_cell(site, entity, [&live](const Cell& cell) { live += !cell.is_tombstone(); });
  return live;
}

// Not even dead ones.
inline std::size_t cells_of(Site& site, std::string_view entity) {
  std::size_t cells = 0;
  each_cell(site, entity, [&cells](const Cell& cell) { cells += !crdt::is_marker(cell.name.sub); });
  return cells;
}

inline std::string sub_of(std::string_view predicate, bool is_many, std::int64_t value) {
  std::uint8_t room[FactName::kBytesMax];
  const std::string object = canonical(value);
  return std::string(*FactName::write(predicate, is_many, as_bytes(object), room));
}

inline std::int64_t get(Site& site, std::string_view entity, std::string_view predicate) {
  const std::string sub = sub_of(predicate, false, 0);
  const auto op = site.store->find({"f", entity, sub});
  return op.ok() ? crdt::Value(op->cell.value).integer_or(-1) : -1;
}

inline bool has(Site& site, std::string_view entity, std::string_view predicate, std::int64_t value) {
  const std::string sub = sub_of(predicate, true, value);
  const auto op = site.store->find({"f", entity, sub});
  return op.ok() && !op->cell.is_tombstone();
}

inline void assert_buried_everywhere(World& world, std::string_view entity) {
  for (std::size_t i = 0; i <= world.device_count(); ++i) {
    Site& site = world.site(i);
    if (is_buried(site, entity) && cells_of(site, entity) == 0) continue;
    fail_msg("%s: marker %d, facts %zu", site.name.c_str(), is_buried(site, entity), cells_of(site, entity));
  }
}

inline void cut_all(World& world) {
  for (std::size_t i = 0; i < world.device_count(); ++i) world.cut(world.device(i));
  world.run_ms(100);
}

inline void heal_all(World& world) {
  for (std::size_t i = 0; i < world.device_count(); ++i) world.heal(world.device(i));
  assert_converged(world);
}

}  // namespace grid::sim
