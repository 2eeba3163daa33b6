// SPDX-License-Identifier: Apache-2.0
//
// A sweep: the same scripted run again and again, with the power cut after each call that changes a file, or with one
// such call failing. A Run is made from a seed, owns a Platter, plays so many steps, and says what was `wrong` first.
#pragma once

#include <cstdlib>
#include <memory>

#include "tests/check.h"
#include "tests/faults/platter.h"
#include "tests/unit/crdt/dice.h"

namespace grid::test {

// The soak sets these in its environment.
inline int number_in(const char* name, int otherwise) {
  const char* given = std::getenv(name);
  return given == nullptr ? otherwise : std::atoi(given);
}

inline int sweep_steps() { return number_in("GRID_SWEEP_STEPS", 42); }
inline int sweep_seeds() { return number_in("GRID_SWEEP_SEEDS", 2); }
// Images of each cut with some of what was not synced, besides one with all of it and one with nothing.
inline int sweep_losses() { return number_in("GRID_SWEEP_LOSSES", 1); }

// The state of a test: the run under way, which a failing assert must not leave behind.
template <typename Run>
struct Sweep {
  std::unique_ptr<Run> run;

  static int make(void** state) {
    *state = new Sweep;
    return 0;
  }
  static int drop(void** state) {
    delete static_cast<Sweep*>(*state);
    return 0;
  }
  static Sweep& of(void** state) { return *static_cast<Sweep*>(*state); }

  Run& start(std::uint64_t seed) {
    run.reset();
    run = std::make_unique<Run>(seed);
    return *run;
  }

  void cut_everywhere(int steps) {
    const std::uint64_t base = Dice().any();
    std::uint64_t cuts = 0, images = 0;
    for (int seed = 0; seed < sweep_seeds(); ++seed) {
      start(base + static_cast<std::uint64_t>(seed)).play(steps);
      assert_string_equal(run->wrong.c_str(), "");
      cuts += run->cuts;
      images += run->images;
    }
    print_message("%llu cuts, %llu images of them\n", 0ull + cuts, 0ull + images);
    assert_true(cuts > 50);
  }

  void fail_everywhere(int steps, Platter::Failure failure) {
    const std::uint64_t seed = Dice().any();
    std::uint64_t ends = 0, call = 1;
    for (;; ++call) {
      start(seed).looks = false;
      run->platter.fail_at(call, failure);
      run->play(steps);
      if (!run->wrong.empty()) fail_msg("call %llu failed: %s", 0ull + call, run->wrong.c_str());
      if (!run->platter.has_failed()) break;
      if (run->is_over) ++ends;
    }
    print_message("%llu calls failed, one a run; %llu of them were its end\n", 0ull + call - 1, 0ull + ends);
    assert_true(call > 50);
  }
};

}  // namespace grid::test
