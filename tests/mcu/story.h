// SPDX-License-Identifier: Apache-2.0
//
// Story: what the device of a transcript lives through. It is the sum of what a small device must be able to do, so
// that a chip that plays it has been on the paths that take most stack.
//
// Place     Above tests/sim/world.h. On Linux only.
#pragma once

#include <vector>

#include "crdt/base/limits.h"

namespace grid::mcu {

// The transcript of a device with `limits`; stops the program when the story does not end well.
std::vector<std::uint8_t> record(const Limits& limits);

}  // namespace grid::mcu
