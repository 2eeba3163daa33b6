// SPDX-License-Identifier: Apache-2.0
//
// Random: a machine's only source of chance, started from the seed that its host drew.
//
// Place     Beside machine.h. Not for keys: ids and jitter only.
//
// SplitMix64, after Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (2014).
#pragma once

#include <cstdint>

namespace grid::runtime {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t mixed = (state_ += 0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }
  // Never 0: for ids.
  std::uint64_t id() {
    const std::uint64_t drawn = next();
    return drawn != 0 ? drawn : 1;
  }
  // 0 <= result < bound.
  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }

 private:
  std::uint64_t state_;
};

}  // namespace grid::runtime
