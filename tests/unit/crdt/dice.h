// SPDX-License-Identifier: Apache-2.0
//
// Dice: chance for property tests. The seed is printed, and GRID_SEED in the environment sets it.
#pragma once

#include <cstdlib>
#include <random>
#include <string>

#include "tests/check.h"

namespace grid::test {

class Dice {
 public:
  Dice() : Dice(seed_of_run()) {}
  explicit Dice(std::uint64_t seed) : engine_(seed) { print_message("GRID_SEED=%llu\n", 0ull + seed); }

  // 0 <= result < bound.
  std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  bool one_in(std::uint64_t bound) { return below(bound) == 0; }
  std::uint64_t any() { return engine_(); }
  std::string bytes(std::size_t size) {
    std::string drawn(size, '\0');
    for (char& byte : drawn) byte = static_cast<char>(below(256));
    return drawn;
  }
  std::mt19937_64& engine() { return engine_; }

 private:
  static std::uint64_t seed_of_run() {
    const char* given = std::getenv("GRID_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : 20'261'121;
  }

  std::mt19937_64 engine_;
};

}  // namespace grid::test
