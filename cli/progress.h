// SPDX-License-Identifier: Apache-2.0
//
// Progress: one line on stderr that is written over itself, on a terminal only: how far, how fast, how long still.
//
// Place     Lowest of cli/.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace grid::cli {

class Progress {
 public:
  explicit Progress(std::string what);
  ~Progress();  // Clears the line.
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `total` 0: not known.
  void show(std::uint64_t done, std::uint64_t total);

 private:
  using Clock = std::chrono::steady_clock;

  std::string what_;
  bool on_terminal_;
  bool shown_ = false;
  Clock::time_point began_;
  Clock::time_point last_{};
};

}  // namespace grid::cli
