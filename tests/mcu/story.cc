// SPDX-License-Identifier: Apache-2.0

#include "tests/mcu/story.h"

#include "tests/mcu/transcript.h"
#include "tests/sim/world.h"

namespace grid::mcu {

using runtime::Scope;
using runtime::ScopeKind;
using sim::Fault;
using sim::Site;
using sim::World;

namespace {

constexpr std::uint64_t kWorldSeed = 4;
constexpr std::uint64_t kOwnRows = 256;
constexpr std::uint64_t kOtherRows = 10'000;

// Writes down what one site is told, and what it answers.
class Recorder final : public sim::Witness {
 public:
  Recorder(Site& site, const Limits& limits) : site_(site), limits_(limits) {}

  void stepped(Site& site, const Event& event, storage::Seq, std::span<const Action> actions) override {
    if (&site != &site_) return;
    Step step{.event = event};
    if (event.kind == Event::Kind::writable) step.room_bytes = limits_.frame_bytes_max;
    if (event.call != nullptr) step.call = *event.call;
    step.answer = answer_of(actions, event.room, event.call);
    add(step);
  }
  void add_seed(std::uint64_t seed) {
    std::uint8_t number[8];
    store_le(seed, number);
    append(number);
  }
  void add(const Step& step) {
    std::uint8_t head[Step::kHeadBytes];
    store_head(step, head);
    append(head);
    append(as_bytes(step.call.scope.map));
    append(as_bytes(step.call.scope.text));
    append(payload_of(step));
  }
  void sent(Site&, Site&, Bytes) override {}
  void called(Site&, const runtime::Call&) override {}
  void forgot(Site&, Fault) override {}

  std::vector<std::uint8_t> bytes;

 private:
  void append(Bytes from) { bytes.insert(bytes.end(), from.begin(), from.end()); }

  Site& site_;
  const Limits& limits_;
};

std::string key_of(const char* prefix, std::uint64_t number) { return prefix + std::to_string(number); }

void put(World& world, Site& site, const char* map, const std::string& key, std::uint64_t number) {
  GRID_CHECK(world.put(site, map, key, static_cast<std::int64_t>(number)) == Status::ok);
  if (number % 16 == 0) world.run_ms(20);
}

// Everybody has what everybody wrote: rows of the device's own, of others in its scope, and of others outside it.
storage::MemoryStore meet(World& world, Site& chip, Site& linux) {
  world.subscribe(linux);
  world.online(linux);
  for (std::uint64_t i = 0; i < kOtherRows; ++i) put(world, linux, "far", key_of("row/", i), i);
  world.subscribe(chip, {ScopeKind::map, "bench", {}}, true);
  world.subscribe(chip, {ScopeKind::key, "fan", "1"}, true);
  for (std::uint64_t i = 0; i < kOwnRows; ++i) put(world, chip, "bench", key_of("cell/", i), i);
  const storage::MemoryStore backup = *world.gateway().store;
  world.online(chip);
  GRID_CHECK(world.settle());
  return backup;
}

// Both sides change rows while they are apart, and the gateway goes back to what it was: nothing but a comparison tells
// what differs.
void compare(World& world, Site& chip, Site& linux, const storage::MemoryStore& backup) {
  world.cut(chip);
  for (std::uint64_t i = 0; i < kOwnRows; i += 2) put(world, linux, "bench", key_of("cell/", i), 1'000 + i);
  for (std::uint64_t i = 0; i < kOwnRows; i += 5)
    GRID_CHECK(world.remove(linux, "bench", key_of("cell/", i)) == Status::ok);
  for (std::uint64_t i = 1; i < kOwnRows; i += 4) put(world, chip, "bench", key_of("cell/", i), 2'000 + i);
  put(world, linux, "fan", "1", 1);
  GRID_CHECK(world.run_until([&] { return linux.replica->status(world.now_ms()).ops_pending == 0; }, 60'000));
  world.restore(world.gateway(), backup);
  world.restart(world.gateway());
  world.heal(chip);
  GRID_CHECK(world.settle(300'000));
  world.verify(chip);
  GRID_CHECK(world.run_until([&] { return chip.replica->status(world.now_ms()).verified; }, 120'000));
}

// What the world gives the device at its second start.
std::uint64_t seed_of_chip() {
  runtime::Random random(kWorldSeed);
  for (int others = 0; others < 3; ++others) random.next();  // The gateway, and both devices before one is a chip.
  return random.next();
}

}  // namespace

std::vector<std::uint8_t> record(const Limits& limits) {
  World world({.seed = kWorldSeed});
  Site& chip = world.device(0);
  Site& linux = world.device(1);
  Recorder recorder(chip, limits);
  recorder.add_seed(seed_of_chip());
  world.watch_by(recorder);
  world.restore(chip, {}, Fault::wipe);
  chip.limits = limits;
  chip.knows_time = false;
  world.restart(chip);
  const storage::MemoryStore without = meet(world, chip, linux);
  compare(world, chip, linux, without);
  const storage::MemoryStore with = *world.gateway().store;
  for (std::uint64_t i = 0; i < kOwnRows; i += 3) put(world, linux, "bench", key_of("cell/", i), 3'000 + i);
  GRID_CHECK(world.settle());
  compare(world, chip, linux, with);
  GRID_CHECK(world.live_cells(chip, {ScopeKind::map, "bench", {}}) ==
             world.live_cells(world.gateway(), {ScopeKind::map, "bench", {}}));
  return recorder.bytes;
}

}  // namespace grid::mcu
