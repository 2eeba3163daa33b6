// SPDX-License-Identifier: Apache-2.0
//
// How long a sweep is; the soak sets these in its environment.
#pragma once

#include <cstdlib>

namespace grid::test {

inline int number_in(const char* name, int otherwise) {
  const char* given = std::getenv(name);
  return given == nullptr ? otherwise : std::atoi(given);
}

inline int sweep_steps() { return number_in("GRID_SWEEP_STEPS", 42); }
inline int sweep_seeds() { return number_in("GRID_SWEEP_SEEDS", 2); }
// Images of each cut with some of what was not synced, besides one with all of it and one with nothing.
inline int sweep_losses() { return number_in("GRID_SWEEP_LOSSES", 1); }

}  // namespace grid::test
