// SPDX-License-Identifier: Apache-2.0

#include "ports/bare/clock.h"

#include <algorithm>

#include "ports/bare/registers.h"
#include "ports/bare/virt/virt.h"

namespace grid::bare {
namespace {

// The core's own interrupter: a clock of 10 MHz, and when it is to ring.
constexpr std::uintptr_t kAlarmAt = 0x0200'4000;
constexpr std::uintptr_t kClockAt = 0x0200'bff8;
constexpr std::uint64_t kTicksPerMs = 10'000;
constexpr std::uint64_t kRestMsMax = 3'600'000;

// The platform's interrupt controller, as the first core sees it.
constexpr std::uintptr_t kPriorityAt = 0x0c00'0000;
constexpr std::uintptr_t kEnableAt = 0x0c00'2000;
constexpr std::uintptr_t kClaimAt = 0x0c20'0004;
constexpr std::uint32_t kVirtioInterrupt = 1;  // Of the first slot.
constexpr std::uint32_t kUartInterrupt = 10;
constexpr std::uintptr_t kInterruptStatus = 0x060, kInterruptAcknowledge = 0x064;

constexpr std::uint32_t kTimerBit = 1u << 7, kExternalBit = 1u << 11;

std::uint64_t ticks() {
  for (;;) {
    const std::uint32_t high = load_register(kClockAt + 4);
    const std::uint32_t low = load_register(kClockAt);
    if (load_register(kClockAt + 4) == high) return std::uint64_t{high} << 32 | low;
  }
}

void ring_at(std::uint64_t tick) {
  store_register(kAlarmAt + 4, UINT32_MAX);  // So that no half of it rings.
  store_register(kAlarmAt, static_cast<std::uint32_t>(tick));
  store_register(kAlarmAt + 4, static_cast<std::uint32_t>(tick >> 32));
}

// Interrupts are never taken: what is pending ends the processor's rest, and that is all that is wanted of it.
void take_back_interrupts() {
  for (std::uint32_t claim = load_register(kClaimAt); claim != 0; claim = load_register(kClaimAt)) {
    if (claim == kUartInterrupt) {
      store_byte(kUartAt + kUartInterrupts, 0);  // It wakes once; who reads and writes it asks for more.
    } else {
      const std::uintptr_t device = kVirtioAt + (claim - kVirtioInterrupt) * kVirtioBytes;
      store_register(device + kInterruptAcknowledge, load_register(device + kInterruptStatus));
    }
    store_register(kClaimAt, claim);
  }
}

}  // namespace

std::uint64_t monotonic_ms() { return ticks() / kTicksPerMs; }

void listen_to_devices() {
  for (std::uint32_t i = 0; i < kVirtioSlots; ++i) store_register(kPriorityAt + 4 * (kVirtioInterrupt + i), 1);
  store_register(kPriorityAt + 4 * kUartInterrupt, 1);
  store_register(kEnableAt, ((1u << kVirtioSlots) - 1) << kVirtioInterrupt | 1u << kUartInterrupt);
}

void rest(std::uint64_t ms_max) {
  ring_at(ticks() + std::min(ms_max, kRestMsMax) * kTicksPerMs);
  asm volatile(".option push\n.option arch, +zicsr\ncsrs mie, %0\nwfi\n.option pop" ::"r"(kTimerBit | kExternalBit)
               : "memory");
  take_back_interrupts();
}

}  // namespace grid::bare
