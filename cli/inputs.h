// SPDX-License-Identifier: Apache-2.0
//
// Inputs: what --in gives to a Datalog question.
//
// Place     Beside the verbs.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "crdt/value.h"

namespace grid::cli {

class Inputs {
 public:
  // One JSON array, an element for each input behind $; empty: none. Throws a usage Failure.
  explicit Inputs(const std::string& json);

  std::span<const crdt::Value> values() const { return values_; }

 private:
  std::string canonical_;
  std::vector<crdt::Value> values_;  // Views of canonical_.
};

}  // namespace grid::cli
