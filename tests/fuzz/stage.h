// SPDX-License-Identifier: Apache-2.0
//
// Stage: a gateway and two devices, played by a script: calls, deliveries, commits, cuts, crashes, wrong clocks, full
// disks, and frames that nobody sent to one of the two sides. The other machines of the cast are honest, so that the
// victim gets into deep states.
//
// Place     Above forge.h; the body of fuzz_session and fuzz_coordinator.
// Promises  After each event the victim and the cast keep what judge.h holds them to; a broken promise panics.
// Limits    Small ones everywhere, so that the script reaches them.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/query/row_tests.h"
#include "runtime/replica.h"
#include "server/coordinator.h"
#include "storage/memory/memory_store.h"
#include "tests/fuzz/forge.h"
#include "tests/fuzz/guard.h"
#include "tests/fuzz/judge.h"
#include "tests/fuzz/script.h"

namespace grid::test {

using runtime::Action;
using runtime::Event;
using runtime::LinkId;

enum class Victim : std::uint8_t { device, gateway };

class Stage {
 public:
  // With a guard the gateway gives the devices the rights of its principals.
  Stage(Script& script, Victim victim, Guard* guard = nullptr);
  // Plays the script to its end.
  void play();

 private:
  static constexpr std::size_t kDevices = 2;
  static constexpr std::size_t kSeenMax = 48;

  // A machine with all that its host keeps.
  struct Site {
    explicit Site(std::size_t batch_bytes_max) : store({4'096, batch_bytes_max}) {}

    storage::MemoryStore store;
    std::unique_ptr<storage::MemoryStore> image;       // As it was at some moment.
    std::unique_ptr<runtime::Replica> replica;         // A device has this one,
    std::unique_ptr<server::Coordinator> coordinator;  // the gateway that one.
    runtime::RowTests row_tests;                       // Lent to the replica.
    std::vector<std::uint8_t> memory;
    std::uint64_t seed = 0;
    std::uint64_t batch_asked = 0;
    bool stopped = false;  // The store has failed, or the machine was told to stop.
    bool drain_wanted = false;
    std::set<LinkId> writes_wanted;
    DeviceJudge device_judge;
    GatewayJudge gateway_judge;
  };
  // Between a device and the gateway; either end may still know a link that the other has dropped.
  struct Wire {
    LinkId device_link = 0;
    LinkId gateway_link = 0;
    bool asked = false;  // The device waits for its link.
    std::deque<Frame> up, down;
  };

  void act();
  void act_of_device(Site& site);
  void act_of_world();
  void start(Site& site);
  void crash(Site& site);
  void stop(Site& site);
  void restore(Site& site);
  void step(Site& site, Event event);
  void carry_out(Site& site, const Event& event, const Action& action);
  void hear(Site& site, LinkId link, const Frame& frame);
  void sent(Site& site, LinkId link, Frame frame);
  void wake_due(Site& site);

  void connect(std::size_t device);
  void cut(std::size_t device);
  void cut_all(Site& site);
  void drop(Site& site, LinkId link);
  void deliver(std::size_t device, bool up);
  void write(Site& site);
  void flush(Site& site);
  void drain();
  void pump();
  void forge();
  Frame forged(wire::Kind kind);

  void write_row(Site& site, bool removes);
  void read(Site& site);
  void subscribe(Site& site, runtime::Call::Verb verb);
  void call(Site& site, runtime::Call call);
  runtime::Machine& machine(Site& site);
  std::uint64_t wall_ms(const Site& site) const;
  Site& site(std::size_t index) { return *sites_[index]; }
  Site& device(std::size_t index) { return *sites_[1 + index]; }
  Site& gateway() { return *sites_[0]; }
  void judge(Site& site);

  Script& script_;
  const Victim victim_;
  Guard* const guard_;
  std::vector<std::unique_ptr<Site>> sites_;
  Wire wires_[kDevices];
  std::deque<Frame> seen_;
  std::size_t tampered_left_ = 0;
  std::uint64_t now_ms_ = 1'000;
  std::int64_t skew_ms_[1 + kDevices] = {};
  bool knows_time_[1 + kDevices] = {true, true, true};
  LinkId next_link_ = 1;
};

}  // namespace grid::test
