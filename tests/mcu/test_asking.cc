// SPDX-License-Identifier: Apache-2.0
//
// A device without a heap that is asked about its facts: the story that the firmware of ask.cc tells on a chip.

#include <memory>
#include <vector>

#include "ports/chip/grid/chip.h"
#include "tests/check.h"
#include "tests/mcu/asking.h"
#include "tests/mcu/lone_board.h"

// DLQ-1, DLQ-2, BND-1
static void a_small_device_answers_within_its_memory_or_says_what_is_beyond(void**) {
  using namespace grid;
  const auto board = std::make_unique<mcu::LoneBoard>();
  const auto host = std::make_unique<ChipHost<kChip, 256, mcu::LoneBoard::kSectors>>(*board);
  Node* node = host->open({.app = "farm", .store = "grid", .views = &runtime::kFactViews});
  assert_non_null(node);
  std::vector<std::uint8_t> memory(mcu::kAskingBytes), room(mcu::kAskingQueryBytes);
  mcu::Asking asking;
  mcu::tell(*node, memory, room, asking);
  if (asking.failed != nullptr) fail_msg("%s: %s", asking.failed, asking.came);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_small_device_answers_within_its_memory_or_says_what_is_beyond),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
