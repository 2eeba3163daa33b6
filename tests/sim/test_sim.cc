// SPDX-License-Identifier: Apache-2.0
//
// The simulator under the sanitizers: seeds that once found something, some others, and that a seed is one story.
// GRID_SEEDS=A..B takes other seeds. `./dev sim` is for more of them, and for telling what one does.

#include <cinttypes>
#include <cstdlib>
#include <fstream>

#include "tests/check.h"
#include "tests/sim/run.h"

using grid::sim::draw_plan;
using grid::sim::run_plan;
using grid::sim::Verdict;

namespace {

bool passes(std::uint64_t seed) {
  const Verdict verdict = run_plan(draw_plan(seed));
  if (!verdict.passed) {
    print_error("./dev sim --replay %" PRIu64 " --trace: %s\n", seed, verdict.problem.c_str());
  }
  return verdict.passed;
}

}  // namespace

// SYN-1, SYN-2, ACK-1, CLK-1, LOG-1
static void random_schedules_end_in_equal_replicas(void**) {
  std::uint64_t first = 1, last = 300;
  if (const char* range = std::getenv("GRID_SEEDS")) {
    assert_int_equal(std::sscanf(range, "%" SCNu64 "..%" SCNu64, &first, &last), 2);
  }
  std::uint64_t failures = 0;
  for (std::uint64_t seed = first; seed <= last; ++seed) failures += passes(seed) ? 0U : 1U;
  assert_int_equal(failures, 0);
}

static void seeds_that_once_found_something_pass(void**) {
  std::ifstream file(GRID_REGRESSIONS);
  assert_true(file.is_open());
  std::uint64_t failures = 0, seeds = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    ++seeds;
    failures += passes(std::strtoull(line.c_str(), nullptr, 10)) ? 0U : 1U;
  }
  assert_true(seeds > 0);
  assert_int_equal(failures, 0);
}

// SIM-1
static void a_seed_is_one_trace(void**) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Verdict once = run_plan(draw_plan(seed)), twice = run_plan(draw_plan(seed));
    assert_true(once.trace == twice.trace && once.events == twice.events);
    assert_true(once.trace != run_plan(draw_plan(seed + 1'000)).trace);
  }
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_seed_is_one_trace),
      cmocka_unit_test(seeds_that_once_found_something_pass),
      cmocka_unit_test(random_schedules_end_in_equal_replicas),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
