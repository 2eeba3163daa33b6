// SPDX-License-Identifier: Apache-2.0
//
// Rules that more than one kind of message has.
//
// Place     Beside wire_*.cc, and theirs alone.
#pragma once

#include <cstdint>

#include "crdt/base/status.h"

namespace grid::wire {

inline constexpr std::uint64_t kStatusMax = static_cast<std::uint64_t>(Status::collected);
inline constexpr std::uint64_t kIdMax = UINT32_MAX;

// A name's `invalid` is the frame's `corrupt`: whoever sent it should have refused it.
inline Status as_frame_status(Status status) { return status == Status::invalid ? Status::corrupt : status; }

}  // namespace grid::wire
