// SPDX-License-Identifier: Apache-2.0
//
// A counter of milliseconds, a timer that rings once, and the Cortex-M3's interrupt controller.

#include "ports/bare/clock.h"

#include <algorithm>

#include "ports/bare/mps2_an385/an385.h"
#include "ports/bare/registers.h"

namespace grid::bare {
namespace {

constexpr std::uintptr_t kCountAt = kCounterAt + 0x18, kPrescaleAt = kCounterAt + 0x1c;
constexpr std::uint32_t kTicksPerMs = kClockHz / 1'000;

constexpr std::uintptr_t kAlarmControlAt = kAlarmAt, kAlarmReloadAt = kAlarmAt + 0x08;
constexpr std::uint32_t kRings = 0x09;         // On, and it interrupts.
constexpr std::uint64_t kRestMsMax = 100'000;  // 32 bits of ticks are 171 s.

// A bit an interrupt.
constexpr std::uintptr_t kEnableAt = 0xe000'e100, kPendAt = 0xe000'e200, kForgetAt = 0xe000'e280;
constexpr std::uint32_t bit(Interrupt interrupt) { return 1u << static_cast<std::uint32_t>(interrupt); }

void ring_in(std::uint64_t ms) {
  store_register(kAlarmReloadAt, static_cast<std::uint32_t>(std::min(ms, kRestMsMax)) * kTicksPerMs);
  store_register(kAlarmControlAt, kRings);
}

void take_back_reasons() {
  for (const std::uintptr_t at : {kAlarmReason, kUartReason, kCardReason}) store_register(at, load_register(at));
}

// Whoever rested looks at its devices next, so what comes before this is over is not missed. But a device that begins
// to interrupt before the controller forgets must be made to stop: QEMU's controller heeds it only when it begins.
void take_back_interrupts() {
  store_register(kAlarmControlAt, 0);
  take_back_reasons();
  store_register(kForgetAt, UINT32_MAX);
  take_back_reasons();
}

}  // namespace

// The counter goes around after 49 days; whoever runs a node asks more often.
std::uint64_t monotonic_ms() {
  static std::uint32_t last = 0, rounds = 0;
  if (load_register(kPrescaleAt) != kTicksPerMs - 1) {
    store_register(kPrescaleAt, kTicksPerMs - 1);
    store_register(kCountAt, 0);
  }
  const std::uint32_t now = load_register(kCountAt);
  if (now < last) ++rounds;
  last = now;
  return std::uint64_t{rounds} << 32 | now;
}

// Interrupts are never taken: what is pending ends the processor's rest, and that is all that is wanted of it.
void listen_to(Interrupt interrupt) {
  asm volatile("cpsid i" ::: "memory");
  store_register(kEnableAt, bit(interrupt));
}

void raise(Interrupt interrupt) { store_register(kPendAt, bit(interrupt)); }

void rest(std::uint64_t ms_max) {
  if (ms_max == 0) return;
  listen_to(Interrupt::alarm);
  ring_in(ms_max);
  asm volatile("dsb\nwfi" ::: "memory");
  take_back_interrupts();
}

}  // namespace grid::bare
