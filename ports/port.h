// SPDX-License-Identifier: Apache-2.0
//
// Port: all that a machine must lend to a node, beside panic() of crdt/base/check.h.
//
// Place     Only hosts and shells include this file; crdt/, runtime/ and the pure half of server/ are handed their time
//           and their randomness as arguments.
// Threads   Any.
#pragma once

#include <cstdint>

#include "crdt/base/bytes.h"

namespace grid::port {

enum class Level : std::uint8_t { info, warning, error };

// Never goes back. May stop while the machine sleeps.
std::uint64_t monotonic_ms();
// Since 1970 UTC, or 0 while the machine does not know: while its clock stands before crdt::kBuildEpochMs.
std::uint64_t wall_ms();
// From the machine's generator. Stops the program if there is none.
void entropy(MutBytes out);
// One line for people, without its end. May drop it, never blocks.
void log(Level level, const char* line);
// Says `line` and ends the program.
[[noreturn]] void stop(const char* line);
// Memory that is still free, as far as the machine knows.
std::uint32_t headroom_bytes();

}  // namespace grid::port
