// SPDX-License-Identifier: Apache-2.0
//
// The profiles of small devices: each lives through the whole story, and the memory that it does so in is the sum of
// limits.h.

#include <memory>

#include "tests/check.h"
#include "tests/mcu/play.h"
#include "tests/mcu/story.h"

using grid::Limits;

namespace {

template <const Limits& kLimits>
void replay(std::size_t& differs, std::size_t& count) {
  using grid::runtime::Replica;
  const std::vector<std::uint8_t> recorded = grid::mcu::record(kLimits);
  grid::Bytes transcript = recorded;
  const std::uint64_t seed = grid::mcu::take_seed(transcript);
  const auto memory = std::make_unique<grid::mcu::Memory<kLimits>>();
  const auto store = std::make_unique<grid::storage::FixedStore>();
  Replica replica(*store, {.app = "farm", .seed = seed, .limits = &kLimits}, memory->arena);
  count = grid::mcu::play(transcript, replica, *store, memory->frame, differs);
}

}  // namespace

// SYN-1
static void a_chip_converges_with_a_gateway_of_10000_other_rows(void**) {
  std::size_t differs = 0, count = 0;
  replay<grid::kChip>(differs, count);
  assert_int_equal(differs, 0);
  assert_true(count > 500);
}

// SYN-1
static void a_pico_converges_with_a_gateway_of_10000_other_rows(void**) {
  std::size_t differs = 0, count = 0;
  replay<grid::kPico>(differs, count);
  assert_int_equal(differs, 0);
  assert_true(count > 500);
}

// SYN-1
static void a_nano_converges_with_a_gateway_of_10000_other_rows(void**) {
  std::size_t differs = 0, count = 0;
  replay<grid::kNano>(differs, count);
  assert_int_equal(differs, 0);
  assert_true(count > 500);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_chip_converges_with_a_gateway_of_10000_other_rows),
      cmocka_unit_test(a_pico_converges_with_a_gateway_of_10000_other_rows),
      cmocka_unit_test(a_nano_converges_with_a_gateway_of_10000_other_rows),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
