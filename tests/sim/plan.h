// SPDX-License-Identifier: Apache-2.0
//
// Plan: all that a seed decides, as data: the world's shape, its weather, and a list of steps. Any subset of the steps
// is a plan again, which is what lets a failing one be made small.
//
// Place     Beside world.h. Drawn by draw_plan(), carried out by run.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/world.h"

namespace grid::sim {

enum class Act : std::uint8_t {
  // What an application does.
  put,
  put_expiring,
  put_large,
  put_empty,
  remove,
  burst,  // Several puts, some over each other.
  subscribe,
  watch,
  unsubscribe,
  verify,
  offline,  // For a while.
  // What goes wrong, for `ms` where it is a state.
  cut,
  block_up,
  block_down,
  block,
  slow,
  crash,
  crash_torn,
  take_image,
  restore_image,
  wipe,
  lose_journal,
  set_clock,
  lose_clock,
  drift_clock,
  sleep,
  fill_disk,
  fail_disk,
  refuse_drains,
  old_release,
  count_,
};
inline constexpr std::size_t kActs = static_cast<std::size_t>(Act::count_);
const char* name_of(Act act);

struct Step {
  std::uint64_t at_ms = 0;
  Act act = Act::put;
  std::uint32_t site = 0;    // 0: the gateway.
  std::uint64_t choice = 0;  // Which key, which value, how far: each act reads it its own way.
  std::uint64_t ms = 0;      // How long.
};

struct Plan {
  World::Options options;
  std::uint32_t keys = 8;  // That all devices write.
  std::vector<Step> steps;
};

Plan draw_plan(std::uint64_t seed);
std::string describe(const Plan& plan, const Step& step);

}  // namespace grid::sim
