// SPDX-License-Identifier: Apache-2.0
//
// What told scenarios begin and end with.
//
// Place     Above world.h, beside the scenarios.
#pragma once

#include "crdt/value.h"
#include "tests/check.h"
#include "tests/sim/world.h"

namespace grid::sim {

inline std::string key_of(std::uint64_t number) { return "key/" + std::to_string(number); }

inline std::string canonical(std::int64_t number) {
  std::uint8_t room[16];
  crdt::ValueWriter writer(room);
  writer.integer(number);
  return std::string(as_text(*writer.finish()));
}

inline void join(World& world) {
  for (std::size_t i = 0; i < world.device_count(); ++i) {
    world.subscribe(world.device(i));
    world.online(world.device(i));
  }
}

inline void assert_converged(World& world) {
  assert_true(world.settle());
  for (std::size_t i = 0; i < world.device_count() && !world.converged(); ++i) {
    print_error("gateway:\n%s", world.live_cells(world.gateway()).substr(0, 1'000).c_str());
    print_error("%s:\n%s", world.device(i).name.c_str(), world.live_cells(world.device(i)).substr(0, 1'000).c_str());
  }
  assert_true(world.converged());
}

// Power off and on: nothing is known any more but what the store holds.
inline void start_again(World& world, Site& site) {
  if (site.running) world.crash(site);
  world.restart(site);
}

inline void lose_time(World& world, Site& site) {
  site.knows_time = false;
  start_again(world, site);
}

// Sets the site back to an image of its store that was taken earlier.
inline void set_back(World& world, Site& site, const storage::MemoryStore& image) {
  world.restore(site, image);
  world.restart(site);
}

// Takes all cursors, and what it has seen, from a device that is off, as a release with another cursor format would.
inline void lose_cursors(Site& device) {
  for (;;) {
    const auto fact = device.store->next_fact("cursor/", "");
    if (!fact.ok()) break;
    const std::string name(fact->name);
    assert_ok(device.store->set_fact(name, {}));
  }
  assert_ok(device.store->set_fact("seen", {}));
  assert_ok(device.store->commit());
}

inline std::uint64_t node_of(const Site& device) { return device.replica->status(0).node; }

inline crdt::Cell cell_of(Site& site, std::string_view map, std::string_view key) {
  const auto op = site.store->find({map, key, {}});
  assert_ok(op.status());
  return op->cell;
}

inline void put_rows(World& world, Site& device, std::uint64_t count, std::int64_t value) {
  for (std::uint64_t i = 0; i < count; ++i) assert_ok(world.put(device, "load", key_of(i), value));
}

inline std::uint64_t rejected_by(World& world) { return world.gateway().coordinator->status().ops_rejected; }

inline void verify_all(World& world) {
  for (std::size_t i = 0; i < world.device_count(); ++i) world.verify(world.device(i));
  const auto all_verified = [&world] {
    for (std::size_t i = 0; i < world.device_count(); ++i) {
      if (!world.device(i).replica->status(world.now_ms()).verified) return false;
    }
    return true;
  };
  assert_true(world.run_until(all_verified, 60'000));
}

}  // namespace grid::sim
