// SPDX-License-Identifier: Apache-2.0
//
// Carrying out a Plan, judging it, and making a failing one small.
//
// Place     Above plan.h, world.h and judge.h.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

#include "tests/sim/plan.h"

namespace grid::sim {

struct Verdict {
  bool passed = false;
  std::string problem;  // In one sentence, when it did not pass,
  std::string kind;     // and what it has in common with others of its kind.
  std::uint64_t trace = 0;
  std::uint64_t events = 0;
  std::uint64_t writes = 0;
  std::uint64_t virtual_ms = 0;
  std::uint64_t faults[kFaults] = {};
};

// `story` gets a transcript; null: nobody does.
Verdict run_plan(const Plan& plan, std::FILE* story = nullptr);

// A plan with fewer devices, faults and steps that still fails; `runs_max` bounds the work.
Plan shrink(const Plan& plan, std::uint64_t runs_max);

}  // namespace grid::sim
