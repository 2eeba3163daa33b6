// SPDX-License-Identifier: Apache-2.0
//
// World: a gateway and its devices in one process, on virtual time, from one seed. Real machines, links and disks that
// are queues.
//
// Place     Top of tests/sim. Plays the host of every machine: turns its actions into events.
// Promises  SIM-1  Same seed, same trace.
// Limits    Links are in order and lose frames only by dropping; what a power cut loses is what was not flushed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/random.h"
#include "runtime/replica.h"
#include "server/coordinator.h"
#include "storage/memory/memory_store.h"

namespace grid::sim {

using runtime::Action;
using runtime::Event;

inline constexpr std::uint64_t kEpochMs = 1'795'000'000'000;  // The true time at the world's beginning: late 2026.

// One machine and all that belongs to its host.
struct Site {
  std::string name;
  std::unique_ptr<storage::MemoryStore> store;
  std::vector<std::uint8_t> memory;
  std::unique_ptr<runtime::Replica> replica;         // A device has this one,
  std::unique_ptr<server::Coordinator> coordinator;  // the gateway that one.
  std::int64_t wall_skew_ms = 0;
  bool knows_time = true;
  bool reachable = true;  // A device: whether a link to the gateway can be had.
  bool running = true;
  std::uint64_t life = 0;                                              // Events of an earlier life are not delivered.
  std::map<runtime::LinkId, std::pair<Site*, runtime::LinkId>> links;  // To the other end.
  std::map<crdt::Seq, Outcome> outcomes;
  std::vector<std::pair<std::uint32_t, crdt::Seq>> changes;  // watch, seq
  std::vector<std::string> said;
  std::uint64_t frame_bytes_in = 0;
};

class World {
 public:
  struct Options {
    std::uint64_t seed = 1;
    std::size_t devices = 2;
    std::string app = "farm";
    std::uint32_t latency_ms = 5;
    std::uint32_t commit_ms = 2;
    Limits limits = kLinux;
    server::CoordinatorOptions server{};
  };

  explicit World(const Options& options);

  Site& gateway() { return *sites_[0]; }
  Site& device(std::size_t index) { return *sites_[1 + index]; }
  std::size_t device_count() const { return sites_.size() - 1; }
  std::uint64_t now_ms() const { return now_ms_; }
  std::uint64_t trace() const { return trace_; }
  std::uint64_t event_count() const { return event_count_; }

  // ---- what an application does
  Status put(Site& device, std::string_view map, std::string_view key, std::int64_t number, std::uint64_t ttl_ms = 0,
             crdt::Seq* seq = nullptr);
  Status remove(Site& device, std::string_view map, std::string_view key);
  Status call(Site& device, runtime::Call& call);
  void subscribe(Site& device, const runtime::Scope& scope = {});
  void online(Site& device);
  void verify(Site& device);
  // The integer that the key holds there; `otherwise` when it holds none.
  std::int64_t get(Site& site, std::string_view map, std::string_view key, std::int64_t otherwise);

  // ---- what the world does
  void cut(Site& device);   // Its links drop, and no new one can be had,
  void heal(Site& device);  // until now.
  void crash(Site& site);   // Power cut: what was not flushed is gone. The machine is down until restart().
  void restart(Site& site);
  // Replaces the store by an image that was taken of it earlier, as a restored backup does.
  void restore(Site& site, const storage::MemoryStore& image);

  void run_ms(std::uint64_t ms);
  // Runs until `done()`; false when `ms` went by first.
  template <typename Done>
  bool run_until(Done done, std::uint64_t ms) {
    const std::uint64_t end = now_ms_ + ms;
    while (!done()) {
      if (next_at() > end) return false;
      turn();
    }
    return true;
  }
  // Every device is online, current, and has nothing pending.
  bool quiet();
  bool settle(std::uint64_t ms = 120'000) {
    return run_until([this] { return quiet(); }, ms);
  }
  // Live cells of the scope in scan order, as text: equal for equal replicas.
  std::string live_cells(Site& site, const runtime::Scope& scope = {});
  bool converged();

 private:
  struct Due {
    Site* site;
    std::uint64_t life;
    Event event;
    std::vector<std::uint8_t> bytes;
  };

  void start(Site& site);
  void after(std::uint64_t ms, Site& site, const Event& event, std::vector<std::uint8_t> bytes = {});
  void turn();
  std::uint64_t next_at() const;
  void deliver(Site& site, Event event);
  void carry_out(Site& site, const Action& action);
  void connect(Site& device);
  void drop(Site& site, runtime::LinkId link);
  void drop_all(Site& site);
  std::uint64_t wall_ms(const Site& site) const;
  runtime::Machine& machine(Site& site);

  Options options_;
  runtime::Random random_;
  std::vector<std::unique_ptr<Site>> sites_;
  std::multimap<std::uint64_t, Due> queue_;
  std::vector<std::uint8_t> room_;
  std::uint64_t now_ms_ = 0;
  std::uint64_t event_count_ = 0;
  std::uint64_t trace_ = 0;
  runtime::LinkId next_link_ = 1;
};

}  // namespace grid::sim
