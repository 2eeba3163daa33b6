// SPDX-License-Identifier: Apache-2.0
//
// Makes a failing plan small: leaves out halves, quarters, ... of its steps, then its weather, then devices that no
// step needs, as long as some failure remains.

#include <algorithm>

#include "tests/sim/run.h"

namespace grid::sim {

namespace {

class Shrinker {
 public:
  Shrinker(const Plan& plan, std::uint64_t runs) : best_(plan), kind_(run_plan(plan).kind), runs_(runs) {}

  Plan go() {
    calm_weather();
    drop_steps();
    drop_devices();
    shorten();
    drop_steps();
    return best_;
  }

 private:
  bool keep_if_failing(const Plan& plan) {
    if (runs_ == 0) return false;
    --runs_;
    if (run_plan(plan).kind != kind_) return false;
    best_ = plan;
    return true;
  }

  void calm_weather() {
    std::uint32_t Weather::*const kinds[] = {
        &Weather::jitter_ms,        &Weather::loss,  &Weather::drop,    &Weather::half_open,
        &Weather::bytes_per_second, &Weather::stall, &Weather::spurious};
    for (const auto kind : kinds) {
      Plan plan = best_;
      if (plan.options.weather.*kind == 0) continue;
      plan.options.weather.*kind = 0;
      keep_if_failing(plan);
    }
  }

  void drop_steps() {
    for (std::size_t chunk = best_.steps.size() / 2; chunk > 0; chunk /= 2) {
      for (std::size_t at = 0; at < best_.steps.size();) {
        Plan plan = best_;
        const auto first = plan.steps.begin() + static_cast<std::ptrdiff_t>(at);
        plan.steps.erase(first, first + static_cast<std::ptrdiff_t>(std::min(chunk, plan.steps.size() - at)));
        if (!keep_if_failing(plan)) at += chunk;
        if (runs_ == 0) return;
      }
    }
  }

  // The last devices go first: names stay what they were.
  void drop_devices() {
    while (best_.options.devices > 1) {
      Plan plan = best_;
      const std::size_t last = plan.options.devices--;
      std::erase_if(plan.steps, [last](const Step& step) { return step.site == last; });
      if (!keep_if_failing(plan)) return;
    }
  }

  void shorten() {
    for (std::size_t i = 0; i < best_.steps.size(); ++i) {
      Plan plan = best_;
      if (plan.steps[i].ms < 2) continue;
      plan.steps[i].ms /= 2;
      if (keep_if_failing(plan)) --i;
      if (runs_ == 0) return;
    }
  }

  Plan best_;
  const std::string kind_;  // Another failure is another story.
  std::uint64_t runs_;
};

}  // namespace

Plan shrink(const Plan& plan, std::uint64_t runs_max) { return Shrinker(plan, runs_max).go(); }

}  // namespace grid::sim
