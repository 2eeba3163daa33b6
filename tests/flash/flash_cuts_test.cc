// SPDX-License-Identifier: Apache-2.0
//
// FlashStore under a scripted workload, with the power cut before, within and after every program and erase; and cut a
// second time in what follows.

#include <memory>

#include "tests/check.h"
#include "tests/flash/flash_chip.h"
#include "tests/flash/flash_script.h"
#include "tests/unit/crdt/dice.h"

namespace grid::test {
namespace {

using storage::FlashOptions;

constexpr int kFlushEvery = 3;  // Steps.
constexpr std::uint32_t kSectors = 8;
constexpr FlashOptions kOptions{.cells_max = 30, .in_flight_max = 400, .facts_max = 8, .batch_bytes_max = 12'000};

int number_in(const char* name, int otherwise) {
  const char* given = std::getenv(name);
  return given == nullptr ? otherwise : std::atoi(given);
}

using Tear = NorEmulator::Tear;

// One script on one chip.
struct Run {
  explicit Run(std::uint64_t seed) : script(seed) {}

  bool open() {
    chip = std::make_unique<FlashChip>(device, kOptions);
    if (chip->store().mount() == Status::ok) return true;
    if (!device.is_cut()) wrong = chip->store().problem();
    return false;
  }
  // False: the power has gone.
  bool step(int i) {
    if (!script.step(chip->store())) return stopped();
    if (i % kFlushEvery != 0) return true;
    return script.flush(chip->store()) || stopped();
  }
  bool stopped() {
    if (!device.is_cut()) wrong = chip->store().problem();
    return false;
  }
  // After a cut: mounts, and holds a prefix with all that was durable.
  void judge() {
    device.power_on();
    if (!open()) return;
    const std::string text = FlashScript::text_of(chip->store());
    if (!script.go_on_from(text)) wrong = "neither durable nor sealed later: " + text;
  }
  void check_violation() {
    if (wrong.empty() && !device.violation().empty()) wrong = device.violation();
  }

  NorEmulator device{kSectors};
  FlashScript script;
  std::unique_ptr<FlashChip> chip;
  std::string wrong;
};

struct Sweep {
  std::unique_ptr<Run> run, before, fork;
  std::uint64_t cuts = 0;
};

int make(void** state) {
  *state = new Sweep;
  return 0;
}
int drop(void** state) {
  delete static_cast<Sweep*>(*state);
  return 0;
}

// From the state that `from` left on its chip and in its model, with nothing open.
void fork_of(Sweep& sweep, const Run& from) {
  sweep.fork = std::make_unique<Run>(0);
  sweep.fork->device = from.device;
  sweep.fork->script = from.script;
}

// What the steps of a stretch do on a chip that is cut in it; then it mounts, is judged, and goes on for a stretch.
void cut_once(Sweep& sweep, const Run& from, int first, int last, std::uint64_t call, Tear tear, std::uint64_t seed) {
  fork_of(sweep, from);
  Run& run = *sweep.fork;
  run.device.cut_at(call, tear, seed);
  bool goes_on = run.open();
  for (int i = first; i <= last && goes_on; ++i) goes_on = run.step(i);
  if (!run.wrong.empty()) return;
  if (!run.device.is_cut()) run.wrong = "the cut never came";
  ++sweep.cuts;
  run.judge();
}

void go_on(Run& run, int steps) {
  for (int i = 1; i <= steps && run.wrong.empty(); ++i) {
    if (!run.step(i)) return;
  }
  if (run.wrong.empty() && FlashScript::text_of(run.chip->store()) != run.script.text()) run.wrong = "goes on wrongly";
}

// Plays `steps` in stretches of kFlushEvery, each on a store mounted anew; at each, `visit(run, first, last, calls)`.
template <typename Visit>
void play(Sweep& sweep, std::uint64_t seed, int steps, Visit visit) {
  sweep.run = std::make_unique<Run>(seed);
  Run& run = *sweep.run;
  for (int first = 1; first <= steps; first += kFlushEvery) {
    const int last = first + kFlushEvery - 1;
    sweep.before = std::make_unique<Run>(0);
    sweep.before->device = run.device;
    sweep.before->script = run.script;
    const std::uint64_t calls = run.device.counts().changes();
    // The forks mount anew; so does this one, for the same calls.
    if (!run.open()) fail_msg("seed %llu, step %d: %s", 0ull + seed, first, run.wrong.c_str());
    for (int i = first; i <= last; ++i) {
      if (!run.step(i)) fail_msg("seed %llu, step %d: %s", 0ull + seed, i, run.wrong.c_str());
    }
    const std::string text = FlashScript::text_of(run.chip->store());
    if (text != run.script.text()) fail_msg("seed %llu, step %d: holds %s", 0ull + seed, last, text.c_str());
    assert_string_equal(run.device.violation().c_str(), "");
    visit(*sweep.before, first, last, run.device.counts().changes() - calls);
  }
}

void judge_fork(Sweep& sweep, std::uint64_t seed, int first, std::uint64_t call, Tear tear) {
  sweep.fork->check_violation();
  if (sweep.fork->wrong.empty()) return;
  fail_msg("seed %llu, stretch %d, cut at call %llu (%d): %s", 0ull + seed, first, 0ull + call, static_cast<int>(tear),
           sweep.fork->wrong.c_str());
}

// STO-1
void a_power_cut_at_any_program_or_erase_leaves_a_prefix_with_all_that_was_durable(void** state) {
  Sweep& sweep = *static_cast<Sweep*>(*state);
  Dice dice;
  for (int i = 0; i < number_in("GRID_FLASH_SEEDS", 1); ++i) {
    const std::uint64_t seed = dice.any();
    play(sweep, seed, number_in("GRID_FLASH_STEPS", 300),
         [&](const Run& before, int first, int last, std::uint64_t calls) {
           for (std::uint64_t call = 0; call < calls; ++call) {
             for (const Tear tear : {Tear::before, Tear::within, Tear::after}) {
               cut_once(sweep, before, first, last, call, tear, seed + call);
               if (sweep.fork->wrong.empty()) go_on(*sweep.fork, kFlushEvery);
               judge_fork(sweep, seed, first, call, tear);
             }
           }
         });
    const std::uint64_t rounds = sweep.run->device.counts().erases / kSectors;
    print_message("%llu cuts so far, the log went round %llu times\n", 0ull + sweep.cuts, 0ull + rounds);
    assert_true(rounds >= 2);
  }
  assert_true(sweep.cuts > 1'000);
}

// STO-1
void a_second_power_cut_after_the_first_costs_no_more(void** state) {
  Sweep& sweep = *static_cast<Sweep*>(*state);
  Dice dice;
  const int wanted = number_in("GRID_FLASH_PAIRS", 4'000);
  int pairs = 0;
  while (pairs < wanted) {
    const std::uint64_t seed = dice.any();
    play(sweep, seed, 150, [&](const Run& before, int first, int last, std::uint64_t calls) {
      for (int i = 0; i < 12 && calls != 0 && pairs < wanted; ++i) {
        const std::uint64_t call = dice.below(calls);
        const Tear tear = static_cast<Tear>(dice.below(3));
        cut_once(sweep, before, first, last, call, tear, dice.any());
        judge_fork(sweep, seed, first, call, tear);
        Run& run = *sweep.fork;
        run.device.cut_at(dice.below(dice.one_in(2) ? 6 : 60), static_cast<Tear>(dice.below(3)), dice.any());
        for (int step = 1; step <= 12 && run.step(step); ++step) continue;
        if (run.device.is_cut()) ++pairs;
        if (run.wrong.empty() && run.device.is_cut()) run.judge();
        run.device.power_on();  // A cut that did not come doesn't come later either.
        if (run.wrong.empty()) go_on(run, kFlushEvery);
        judge_fork(sweep, seed, first, call, tear);
      }
    });
  }
  print_message("%d pairs of cuts\n", pairs);
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
#define sweep_test(test) cmocka_unit_test_setup_teardown(test, make, drop)
  const CMUnitTest tests[] = {
      sweep_test(a_power_cut_at_any_program_or_erase_leaves_a_prefix_with_all_that_was_durable),
      sweep_test(a_second_power_cut_after_the_first_costs_no_more),
  };
  return cmocka_run_group_tests_name("flash store, every cut", tests, nullptr, nullptr);
}
