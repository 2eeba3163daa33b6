// SPDX-License-Identifier: Apache-2.0
//
// The machine's clock, and its rest. Each board has its own: clock.cc in its folder.
//
// Place     Lowest of ports/bare.
// Promises  Nothing runs beside the loop: interrupts end a rest, and are never taken.
#pragma once

#include <cstdint>

namespace grid::bare {

// Since the machine was switched on; never goes back.
std::uint64_t monotonic_ms();
// Stops the processor until a device that was opened has something, or `ms_max` are over; sooner is well too. What came
// before the rest ends it at once.
void rest(std::uint64_t ms_max);

}  // namespace grid::bare
