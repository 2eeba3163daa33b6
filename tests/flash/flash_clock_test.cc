// SPDX-License-Identifier: Apache-2.0
//
// A device's clock on a flash store: whenever the power goes, and wherever the wall clock stands behind it, what is
// stamped next is later than all that was kept before.

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "runtime/facts.h"
#include "runtime/replica.h"
#include "tests/check.h"
#include "tests/flash/flash_chip.h"
#include "tests/unit/crdt/dice.h"

namespace grid::test {
namespace {

using runtime::Action;
using runtime::Call;
using runtime::Event;

constexpr std::uint64_t kWallMs = 1'795'000'000'000;
constexpr storage::FlashOptions kOptions{.cells_max = 60};
constexpr std::uint8_t kOne[] = {0x18, 2};

// A replica on a chip, with a host that flushes when it is told to.
class Device {
 public:
  Device() : memory_(runtime::Replica::memory_bytes(kChip)) {}

  NorEmulator& flash() { return flash_; }
  storage::FlashStore& store() { return chip_->store(); }

  // False: the power has gone.
  bool start(std::uint64_t wall_ms) {
    replica_.reset();
    chip_ = std::make_unique<FlashChip>(flash_, kOptions);
    if (chip_->store().mount() != Status::ok) return false;
    replica_ = std::make_unique<runtime::Replica>(
        store(), runtime::ReplicaOptions{.app = "farm", .seed = 7, .limits = &kChip}, memory_);
    return step({.kind = Event::Kind::start, .wall_ms = wall_ms});
  }

  bool put(int number, std::uint64_t wall_ms) {
    const std::string key = "k" + std::to_string(number);
    Call call{.scope = {runtime::ScopeKind::key, "m", key}, .value = kOne};
    if (!step({.kind = Event::Kind::call, .wall_ms = wall_ms, .call = &call}) || call.status != Status::ok)
      return false;
    const Result<crdt::Op> op = store().find({"m", key});
    if (!op.ok()) return false;
    last_ = op->cell.stamp;
    kept_ = std::max(kept_, last_);
    return true;
  }

  // Of the last put; the latest of those that were durable; the ceiling on the flash.
  crdt::Stamp last() const { return last_; }
  crdt::Stamp kept() const { return kept_; }
  crdt::Stamp ceiling() {
    const Result<Bytes> clock = store().fact(runtime::facts::kClock);
    return clock.ok() ? crdt::ClockState::read(clock->data()).ceiling : crdt::Stamp{};
  }
  // The latest in the log.
  crdt::Stamp latest() {
    crdt::Stamp latest;
    crdt::Seq seq = 0;
    for (Result<crdt::Op> op = store().next_op(seq); op.ok(); op = store().next_op(seq)) {
      latest = std::max(latest, op->cell.stamp);
      seq = op->seq;
    }
    return latest;
  }

 private:
  bool step(Event event) {
    event.now_ms = ++now_ms_;
    std::optional<std::uint64_t> batch;
    for (const Action& action : replica_->step(event)) {
      if (action.kind == Action::Kind::commit) batch = action.batch;
    }
    if (!batch) return !flash_.is_cut();
    if (store().flush() != Status::ok) return false;
    store().flushed();
    return step({.kind = Event::Kind::durable, .wall_ms = event.wall_ms, .batch = *batch});
  }

  NorEmulator flash_{8};
  std::vector<std::uint8_t> memory_;
  std::unique_ptr<FlashChip> chip_;
  std::unique_ptr<runtime::Replica> replica_;
  std::uint64_t now_ms_ = 0;
  crdt::Stamp last_, kept_;
};

int make(void** state) {
  *state = new std::unique_ptr<Device>;
  return 0;
}
int drop(void** state) {
  delete static_cast<std::unique_ptr<Device>*>(*state);
  return 0;
}
Device& fresh(void** state) {
  auto& device = *static_cast<std::unique_ptr<Device>*>(*state);
  device = std::make_unique<Device>();
  return *device;
}

// CLK-1, STO-1
void after_any_cut_the_clock_is_above_all_that_was_kept(void** state) {
  Dice dice;
  const std::uint64_t seed = dice.any();
  int cuts = 0;
  for (std::uint64_t call = 0;; ++call) {
    bool is_cut = false;
    for (int tear = 0; tear < 3; ++tear) {
      Device& device = fresh(state);
      device.flash().cut_at(call, static_cast<NorEmulator::Tear>(tear), seed + call);
      // Minutes apart, so that the ceiling is raised again and again.
      bool goes_on = device.start(kWallMs);
      for (int i = 0; i < 60 && goes_on; ++i)
        goes_on = device.put(i % 12, kWallMs + static_cast<std::uint64_t>(i) * 45'000);
      is_cut = device.flash().is_cut();
      if (!is_cut) break;
      ++cuts;
      device.flash().power_on();
      const crdt::Stamp kept = device.kept();
      // A dead battery, a clock that fell back, and one that stands where it should.
      const std::uint64_t wall_ms = call % 3 == 0 ? 0 : call % 3 == 1 ? 1'000 : kWallMs;
      assert_true(device.start(wall_ms));
      const crdt::Stamp latest = device.latest();
      assert_true(latest >= kept);
      assert_true(device.ceiling() >= latest);
      assert_true(device.put(0, wall_ms));
      if (device.last() > latest && device.last() > kept) continue;
      fail_msg("seed %llu, call %llu, tear %d: a stamp is not above what was kept", 0ull + seed, 0ull + call, tear);
    }
    if (!is_cut) break;
  }
  print_message("%d cuts\n", cuts);
  assert_true(cuts > 300);
}

// CLK-1  As behind rot that took it; nothing is pending that would tell.
void a_clock_whose_record_is_lost_goes_on_behind_all_that_stands(void** state) {
  Device& device = fresh(state);
  assert_true(device.start(kWallMs));
  for (int i = 0; i < 5; ++i) assert_true(device.put(i, kWallMs));
  assert_ok(device.store().settle(device.store().head()));
  assert_ok(device.store().set_fact(runtime::facts::kClock, {}));
  assert_ok(device.store().commit());
  const crdt::Stamp latest = device.latest();
  assert_true(device.start(1'000));
  assert_true(device.put(9, 1'000));
  assert_true(device.last() > latest);
  assert_true(device.ceiling() >= device.last());
}

void the_ceiling_costs_at_most_a_record_a_minute(void** state) {
  Device& device = fresh(state);
  assert_true(device.start(kWallMs));
  int raised = 0;
  crdt::Stamp ceiling = device.ceiling();
  for (int second = 0; second < 3'600; ++second) {
    assert_true(device.put(second % 12, kWallMs + static_cast<std::uint64_t>(second) * 1'000));
    if (device.ceiling() != ceiling) ++raised;
    ceiling = device.ceiling();
  }
  assert_true(raised >= 1);
  assert_true(raised <= 61);
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(after_any_cut_the_clock_is_above_all_that_was_kept, make, drop),
      cmocka_unit_test_setup_teardown(a_clock_whose_record_is_lost_goes_on_behind_all_that_stands, make, drop),
      cmocka_unit_test_setup_teardown(the_ceiling_costs_at_most_a_record_a_minute, make, drop),
  };
  return cmocka_run_group_tests_name("flash store, clock", tests, nullptr, nullptr);
}
