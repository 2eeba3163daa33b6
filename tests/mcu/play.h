// SPDX-License-Identifier: Apache-2.0
//
// Play: a replica in fixed memory that lives through a transcript again.
//
// Place     Above transcript.h. Runs on a chip, and on Linux for the sake of sanitizers.
#pragma once

#include "runtime/replica.h"
#include "tests/mcu/fixed_store.h"
#include "tests/mcu/transcript.h"

namespace grid::mcu {

// All the memory that a replica of a profile takes, but for its store and for the room of a frame that comes in.
template <const Limits& kLimits>
struct Memory {
  alignas(8) std::uint8_t arena[runtime::Replica::memory_bytes(kLimits)];
  alignas(8) std::uint8_t replica[sizeof(runtime::Replica)];
  alignas(8) std::uint8_t frame[kLimits.frame_bytes_max];
};

// Steps `replica` through the transcript, committing at once. Returns the number of steps; `differs` is that of the
// first step that was answered differently, counting from 1, or 0.
std::size_t play(Bytes transcript, runtime::Replica& replica, storage::Store& store, MutBytes room,
                 std::size_t& differs);

}  // namespace grid::mcu
