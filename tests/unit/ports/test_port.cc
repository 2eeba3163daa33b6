// SPDX-License-Identifier: Apache-2.0
//
// The port of this machine: clocks that make sense, random numbers that differ.

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "crdt/clock.h"
#include "ports/port.h"
#include "tests/check.h"

namespace {

using namespace grid;

void the_monotonic_clock_never_goes_back(void**) {
  std::uint64_t before = port::monotonic_ms();
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t now = port::monotonic_ms();
    assert_true(now >= before);
    before = now;
  }
}

// The offset in the environment is read once a process: main() sets it.
void the_wall_clock_is_moved_by_the_environment(void**) {
  constexpr std::uint64_t kYearMs = 365 * 24 * 3'600'000ull;
  const std::uint64_t real_ms = static_cast<std::uint64_t>(std::time(nullptr)) * 1'000;
  const std::uint64_t wall_ms = port::wall_ms();
  assert_true(wall_ms > crdt::kBuildEpochMs);
  assert_true(wall_ms > real_ms + kYearMs - 60'000 && wall_ms < real_ms + kYearMs + 60'000);
}

void random_bytes_fill_all_of_their_room(void**) {
  std::uint8_t one[64] = {}, two[64] = {};
  port::entropy(one);
  port::entropy(two);
  assert_memory_not_equal(one, two, sizeof(one));
  assert_true(std::any_of(one + 56, one + 64, [](std::uint8_t byte) { return byte != 0; }));
}

void there_is_headroom(void**) { assert_true(port::headroom_bytes() > 1'000'000); }

}  // namespace

int main() {
  setenv("GRID_WALL_OFFSET_MS", "31536000000", 1);
  const CMUnitTest tests[] = {cmocka_unit_test(the_monotonic_clock_never_goes_back),
                              cmocka_unit_test(the_wall_clock_is_moved_by_the_environment),
                              cmocka_unit_test(random_bytes_fill_all_of_their_room),
                              cmocka_unit_test(there_is_headroom)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
