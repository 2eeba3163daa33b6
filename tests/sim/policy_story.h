// SPDX-License-Identifier: Apache-2.0
//
// Worlds whose gateway has rules for map "m", and what is written against them.
//
// Place     Above story.h, beside the scenarios of policies and of letters.
#pragma once

#include "crdt/partition.h"
#include "runtime/edits.h"
#include "server/row_rules.h"
#include "tests/sim/story.h"

namespace grid::sim {

using runtime::Call;
using runtime::RowWrite;
using server::MapRules;
using server::RowRules;

inline RowRules rules_of(const MapRules& of_map) {
  RowRules rules;
  RowRules::Fault fault;
  assert_ok(rules.add(of_map, fault));
  return rules;
}

inline World::Options under(RowRules& rules, std::uint64_t seed, std::size_t devices = 2) {
  World::Options options{.seed = seed, .devices = devices};
  options.server.policy = &rules;
  return options;
}

inline MapRules rules_for_m() {
  MapRules rules;
  rules.map = "m";
  return rules;
}

inline MapRules between() {
  MapRules rules = rules_for_m();
  rules.require = "$value between -60 and 125";
  return rules;
}

inline MapRules first() {
  MapRules rules = rules_for_m();
  rules.first_write_wins = true;
  return rules;
}

inline MapRules greatest() {
  MapRules rules = rules_for_m();
  rules.max_wins = "$value";
  return rules;
}

// Keys of map "m" in one partition.
inline std::vector<std::string> keys_together(std::size_t count) {
  std::vector<std::string> keys;
  for (std::uint64_t i = 0; keys.size() < count; ++i) {
    const std::string key = "together/" + std::to_string(i);
    if (crdt::position_of("farm", "m", key).partition == 7) keys.push_back(key);
  }
  return keys;
}

inline Status write_batch(World& world, Site& site, const std::vector<std::string>& keys,
                          const std::vector<std::int64_t>& values) {
  std::vector<std::string> bytes;
  for (const std::int64_t value : values) bytes.push_back(canonical(value));
  std::vector<RowWrite> rows;
  for (std::size_t i = 0; i < keys.size(); ++i) rows.push_back({"m", keys[i], as_bytes(bytes[i]), 0});
  Call call{.verb = Call::Verb::edit};
  call.edit = runtime::write_batch;
  call.rows = rows;
  return world.call(site, call);
}

inline void assert_everywhere(World& world, std::string_view key, std::int64_t value) {
  assert_int_equal(world.get(world.gateway(), "m", key, -999), value);
  for (std::size_t i = 0; i < world.device_count(); ++i) {
    assert_int_equal(world.get(world.device(i), "m", key, -999), value);
  }
}

inline Outcome outcome_at(Site& site, crdt::Seq seq) { return site.replica->outcome_of(seq); }

}  // namespace grid::sim
