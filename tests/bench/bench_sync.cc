// SPDX-License-Identifier: Apache-2.0
//
// What synchronizing costs: bytes and round trips on the simulated link (frames as they are, time virtual), and a cold
// sync over real sockets into LMDB.

#include <grid/grid.h>
#include <grid/linux.h>
#include <lmdb.h>

#include "tests/bench/figures.h"
#include "tests/bench/server.h"
#include "tests/sim/world.h"

namespace {

using grid::sim::Site;
using grid::sim::World;

void must(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "bench_sync: %s\n", what);
  std::exit(1);
}

std::string key_of(std::uint64_t number) { return "key/" + std::to_string(number); }

void fill(World& world, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    must(world.put(world.device(0), "load", key_of(i), static_cast<std::int64_t>(i)) == grid::Status::ok, "no put");
    if (i % 1'000 == 999) world.run_ms(10);
  }
  for (std::size_t i = 0; i < 2; ++i) {
    world.subscribe(world.device(i));
    world.online(world.device(i));
  }
  must(world.settle(), "the world does not come to rest");
}

// A device comes back with ten of `count` cells old and its cursor gone.
void divergence(bench::Figures& figures, std::uint64_t count) {
  World world({.seed = 4});
  fill(world, count);
  Site& device = world.device(1);
  world.cut(device);
  for (std::uint64_t i = 0; i < 10; ++i) {
    must(world.put(world.device(0), "load", key_of(i * 9'973), -1) == grid::Status::ok, "no put");
  }
  must(world.run_until([&] { return world.device(0).replica->status(0).quiet; }, 60'000), "no rest");
  for (;;) {
    const auto fact = device.store->next_fact("cursor/", "");
    if (!fact.ok()) break;
    must(device.store->set_fact(std::string(fact->name), {}) == grid::Status::ok, "no fact");
  }
  must(device.store->commit() == grid::Status::ok, "no commit");
  world.crash(device);
  world.restart(device);
  world.heal(device);
  must(world.settle(), "the world does not come to rest");
  const auto figure = device.replica->status(0).figures;
  const std::string name = "10 of " + std::to_string(count) + " differ, cursor lost";
  figures.plain(name + ": round trips", "", static_cast<double>(figure.round_trips), 5);
  figures.plain(name + ": bytes, cells included", "B", static_cast<double>(figure.bytes_sent + figure.bytes_received),
                16 * 1'024);
}

void reconnect(bench::Figures& figures) {
  World world({.seed = 3});
  fill(world, 10'000);
  Site& device = world.device(1);
  const auto before = device.replica->status(0).figures;
  world.cut(device);
  world.run_ms(1'000);
  world.heal(device);
  must(world.settle(), "the world does not come to rest");
  const auto after = device.replica->status(0).figures;
  figures.plain("unchanged reconnect: round trips", "", static_cast<double>(after.round_trips - before.round_trips), 1);
  figures.plain(
      "unchanged reconnect: bytes", "B",
      static_cast<double>(after.bytes_sent + after.bytes_received - before.bytes_sent - before.bytes_received), 200);
}

// Cells a second into LMDB with nothing around it: in order of name, in one transaction, durable at its end.
double load_raw(const std::string& path, std::uint64_t count) {
  std::vector<std::string> keys;
  for (std::uint64_t i = 0; i < count; ++i) keys.push_back("load" + key_of(i));
  std::sort(keys.begin(), keys.end());
  std::filesystem::create_directories(path);
  const std::string value(16 + 100, 'v');
  const double begin = bench::seconds();
  MDB_env* env = nullptr;
  MDB_txn* txn = nullptr;
  MDB_dbi cells = 0;
  must(mdb_env_create(&env) == 0 && mdb_env_set_mapsize(env, std::size_t{4} << 30) == 0, "no LMDB");
  must(mdb_env_open(env, path.c_str(), 0, 0644) == 0 && mdb_txn_begin(env, nullptr, 0, &txn) == 0, "no LMDB");
  must(mdb_dbi_open(txn, nullptr, 0, &cells) == 0, "LMDB has no table");
  for (const std::string& key : keys) {
    MDB_val k{key.size(), const_cast<char*>(key.data())};
    MDB_val v{value.size(), const_cast<char*>(value.data())};
    must(mdb_put(txn, cells, &k, &v, 0) == 0, "LMDB puts nothing");
  }
  must(mdb_txn_commit(txn) == 0, "LMDB commits nothing");
  const double rate = static_cast<double>(count) / (bench::seconds() - begin);
  mdb_env_close(env);
  return rate;
}

// A fresh device pulls a whole map over real sockets into its own LMDB store.
void cold(bench::Figures& figures, std::uint64_t count) {
  bench::Folder folder;
  bench::Server gridd({bench::program("gridd"), "--dev", "--listen", "127.0.0.1:0", "--data", folder.at("g")}, true);
  const std::string text(90, 'v');
  {
    grid::LinuxHost host;
    grid::Node* node = host.open({.app = "bench", .store = {}, .server = gridd.url()});
    must(node != nullptr, host.problem());
    grid::Map map = node->map("load");
    for (std::uint64_t i = 0; i < count; ++i) {
      must(map.put(key_of(i), {{"v", text.c_str()}}).status() == grid::Status::ok, host.problem());
      if (i % 1'000 == 999) host.run_for(0);
    }
    must(host.wait_until([](const auto& s) { return s.quiet && s.state == grid::SyncState::realtime; }, 300'000),
         "no push");
  }
  std::vector<double> rates, raws;
  double overhead = 0;
  for (int run = 0; run < 5; ++run) {
    raws.push_back(load_raw(folder.at("raw" + std::to_string(run)), count));
    grid::LinuxHost host;
    const double begin = bench::seconds();
    grid::Node* node =
        host.open({.app = "bench", .store = folder.at("d" + std::to_string(run)), .server = gridd.url()});
    must(node != nullptr && node->map("load").subscribe() == grid::Status::ok, host.problem());
    must(host.wait_until([](const auto& s) { return s.current && s.quiet; }, 300'000), "no pull");
    rates.push_back(static_cast<double>(count) / (bench::seconds() - begin));
    const auto status = node->status();
    // Key, stamp and value, as they have to travel.
    const double least = static_cast<double>(count) * (9 + 16 + 90 + 9);
    overhead = static_cast<double>(status.figures.bytes_received) / least;
  }
  figures.ratio("cold sync of " + std::to_string(count) + " cells of 100 B into LMDB", "cells/s", rates,
                "raw sorted load:", raws, 0.5);
  std::printf("%-46s %12.2f         budget <= 1.15: %s\n", "its bytes / (key + stamp + value)", overhead,
              overhead <= 1.15 ? "met" : "NOT met");
}

}  // namespace

int main(int argc, char** argv) {
  bench::Figures figures(argc, argv);
  reconnect(figures);
  divergence(figures, 100'000);
  if (figures.full()) divergence(figures, 1'000'000);
  cold(figures, figures.full() ? 1'000'000 : 100'000);
  return figures.finish();
}
