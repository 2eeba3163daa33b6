// SPDX-License-Identifier: Apache-2.0

#include "ports/bare/stack.h"

#include <cstdint>

// Where the program's variables end and where the stack begins, as the linker has it.
extern "C" std::uint32_t __bss_end[], __stack[];

namespace grid::bare {
namespace {

constexpr std::uint32_t kPaint = 0xa5a5'a5a5;
constexpr std::uintptr_t kOwnFrameBytes = 256;

volatile std::uint32_t* bottom() {
  constexpr std::uintptr_t kMask = sizeof(std::uint32_t) - 1;
  return reinterpret_cast<volatile std::uint32_t*>((reinterpret_cast<std::uintptr_t>(__bss_end) + kMask) & ~kMask);
}

}  // namespace

[[gnu::noinline]] void paint_stack() {
  const std::uintptr_t end = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) - kOwnFrameBytes;
  for (volatile std::uint32_t* at = bottom(); reinterpret_cast<std::uintptr_t>(at) < end; ++at) *at = kPaint;
}

std::size_t stack_free_bytes() {
  const volatile std::uint32_t* at = bottom();
  while (*at == kPaint) ++at;
  return static_cast<std::size_t>(at - bottom()) * sizeof(std::uint32_t);
}

std::size_t stack_used_bytes() {
  return reinterpret_cast<std::uintptr_t>(__stack) - reinterpret_cast<std::uintptr_t>(bottom()) - stack_free_bytes();
}

}  // namespace grid::bare
