// SPDX-License-Identifier: Apache-2.0
//
// QEMU's `mps2-an385`, a Cortex-M3 in the parts of ARM's application note 385: where its devices are, and which of them
// end a rest().
//
// Place     Lowest of ports/bare/mps2_an385.
#pragma once

#include <cstdint>

namespace grid::bare {

inline constexpr std::uintptr_t kAlarmAt = 0x4000'0000;  // A CMSDK timer.
inline constexpr std::uintptr_t kUartAt = 0x4000'4000;   // The first of its CMSDK UARTs.
inline constexpr std::uintptr_t kCounterAt = 0x4002'8000;
inline constexpr std::uintptr_t kCardAt = 0x4020'0000;
inline constexpr std::uint32_t kClockHz = 25'000'000;  // Of all of them.

// Where a device says why it interrupts, and takes that back when the same bits are written.
inline constexpr std::uintptr_t kAlarmReason = kAlarmAt + 0x0c, kUartReason = kUartAt + 0x0c,
                                kCardReason = kCardAt + 0x58;

enum class Interrupt : std::uint8_t { uart_arrived = 0, uart_left = 1, alarm = 8, card = 13 };

// Lets it end a rest().
void listen_to(Interrupt interrupt);
// As if it had come now.
void raise(Interrupt interrupt);

}  // namespace grid::bare
