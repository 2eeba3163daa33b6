// SPDX-License-Identifier: Apache-2.0
//
// Firmware that plays a transcript on a chip: the same replica must answer to the byte what it answered on Linux. It
// has no heap, and says how deep its stack got.

#include <stdio.h>
#include <stdlib.h>

#include "tests/mcu/play.h"

// The transcript, as the build made it.
asm(".section .rodata.transcript,\"a\"\n"
    ".balign 8\n"
    ".global transcript_begin\n"
    "transcript_begin: .incbin \"" GRID_TRANSCRIPT
    "\"\n"
    ".global transcript_end\n"
    "transcript_end:\n"
    ".previous\n");
extern "C" const std::uint8_t transcript_begin[], transcript_end[];

namespace {

constexpr std::uint8_t kPaint = 0xa5;
constexpr std::size_t kStackLookedAt = 16 * 1'024;

constexpr const grid::Limits* kLimits = &grid::GRID_LIMITS;
grid::mcu::Memory<*kLimits> memory;
grid::storage::FixedStore store;

// Paints the stack below the caller, and later finds the lowest byte that is not paint.
std::uint8_t* stack_bottom() { return static_cast<std::uint8_t*>(__builtin_frame_address(0)) - kStackLookedAt; }

[[gnu::noinline]] void paint_stack() {
  volatile std::uint8_t* at = stack_bottom();
  volatile std::uint8_t* end = static_cast<std::uint8_t*>(__builtin_frame_address(0)) - 128;
  while (at < end) *at++ = kPaint;
}

[[gnu::noinline]] std::size_t stack_used(const std::uint8_t* top) {
  const std::uint8_t* at = stack_bottom();
  while (*at == kPaint) ++at;
  return static_cast<std::size_t>(top - at);
}

}  // namespace

int main() {
  using grid::runtime::Replica;
  const auto* top = static_cast<const std::uint8_t*>(__builtin_frame_address(0));
  paint_stack();
  grid::Bytes transcript(transcript_begin, static_cast<std::size_t>(transcript_end - transcript_begin));
  const std::uint64_t seed = grid::mcu::take_seed(transcript);
  auto* replica = new (memory.replica) Replica(store, {.app = "farm", .seed = seed, .limits = kLimits}, memory.arena);
  std::size_t differs = 0;
  const std::size_t steps = grid::mcu::play(transcript, *replica, store, memory.frame, differs);
  const std::size_t stack = stack_used(top);
  printf("steps %u\nstack %u\nreplica %u\narena %u\nframe %u\n", static_cast<unsigned>(steps),
         static_cast<unsigned>(stack), static_cast<unsigned>(sizeof(memory.replica)),
         static_cast<unsigned>(sizeof(memory.arena)), static_cast<unsigned>(sizeof(memory.frame)));
  if (differs != 0) {
    printf("FAIL: step %u is answered otherwise than on Linux\n", static_cast<unsigned>(differs));
    return EXIT_FAILURE;
  }
  puts("PASS");
  return EXIT_SUCCESS;
}
