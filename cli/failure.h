// SPDX-License-Identifier: Apache-2.0
//
// Failure: how a verb ends that could not do what was asked: a sentence for stderr and an exit code.
//
// Place     Lowest of cli/. The only exception that cli/ throws; main() prints it. Never thrown through a callback.
#pragma once

#include <stdexcept>
#include <string>

namespace grid::cli {

// Scripts depend on the numbers.
enum class Exit : int {
  ok = 0,
  failure = 1,
  usage = 2,
  not_found = 3,
  differs = 4,
  denied = 5,
  unreachable = 6,
  corrupt = 7,
  partial = 8,
};

class Failure : public std::runtime_error {
 public:
  Failure(Exit exit, const std::string& sentence) : std::runtime_error(sentence), exit_(exit) {}
  Exit exit() const { return exit_; }

 private:
  Exit exit_;
};

}  // namespace grid::cli
