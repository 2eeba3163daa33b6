// SPDX-License-Identifier: Apache-2.0
//
// Firmware that is asked about its facts: a whole device on a board without a network (lone_board.h). It has no heap,
// and says what its questions took.

#include <stdio.h>
#include <stdlib.h>

#include "ports/bare/stack.h"
#include "ports/chip/grid/chip.h"
#include "tests/mcu/asking.h"
#include "tests/mcu/lone_board.h"

namespace {

using namespace grid;

mcu::LoneBoard board;
ChipHost<kChip, 256, mcu::LoneBoard::kSectors> host(board);
alignas(8) std::uint8_t memory[mcu::kAskingBytes];
alignas(8) std::uint8_t room[mcu::kAskingQueryBytes];
mcu::Asking asking;

}  // namespace

int main() {
  bare::paint_stack();
  Node* node = host.open({.app = "farm", .store = "grid", .views = &runtime::kFactViews});
  if (node == nullptr) {
    printf("FAIL: cannot open: %s\n", host.problem());
    return EXIT_FAILURE;
  }
  mcu::tell(*node, memory, room, asking);
  printf("memory %u\nquery %u\nsteps %u\nstack %u\n", static_cast<unsigned>(asking.memory),
         static_cast<unsigned>(asking.query), static_cast<unsigned>(asking.steps),
         static_cast<unsigned>(bare::stack_used_bytes()));
  if (asking.failed != nullptr) {
    printf("FAIL: %s: %s\n", asking.failed, asking.came);
    return EXIT_FAILURE;
  }
  puts("PASS");
  return EXIT_SUCCESS;
}
