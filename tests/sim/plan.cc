// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/plan.h"

#include <algorithm>

#include "tests/sim/rules.h"

namespace grid::sim {

namespace {

using runtime::Random;

constexpr std::uint32_t kMillion = 1'000'000;

// Small enough that pages, windows and walks are short.
constexpr Limits kSmall{.value_bytes_max = 4'096,
                        .frame_bytes_max = 8'192,
                        .window_ops_max = 32,
                        .pending_ops_max = 300,
                        .subscriptions_max = 8,
                        .watches_max = 4,
                        .maps_max = 4,
                        .walk_ranges_max = 400,
                        .walk_digests_max = 1'024,
                        .actions_max = 64,
                        .clock_lead_ms = 10'000};

// How often each act is drawn, when the seed draws it at all; and whether it may be the gateway's.
struct Kind {
  const char* name;
  std::uint32_t weight;
  bool always;   // Every plan has it.
  bool gateway;  // May befall the gateway too.
  bool only_gateway;
  std::uint64_t ms_max;
};
constexpr Kind kKinds[kActs] = {
    {"puts", 300, true, false, false, 0},
    {"puts, to expire,", 30, false, false, false, 20'000},
    {"puts a large value", 30, false, false, false, 0},
    {"puts an empty value", 20, false, false, false, 0},
    {"removes", 60, true, false, false, 0},
    {"writes a burst", 20, false, false, false, 0},
    {"subscribes", 10, false, false, false, 0},
    {"watches", 10, false, false, false, 0},
    {"unsubscribes", 10, false, false, false, 0},
    {"verifies", 10, false, false, false, 0},
    {"goes offline", 20, false, false, false, 20'000},
    {"is cut off", 60, false, false, false, 20'000},
    {"can send nothing", 15, false, false, false, 60'000},
    {"can hear nothing", 15, false, false, false, 60'000},
    {"can neither send nor hear", 15, false, false, false, 60'000},
    {"reads slowly", 20, false, false, false, 20'000},
    {"loses power", 40, false, true, false, 5'000},
    {"loses power while it commits", 30, false, true, false, 5'000},
    {"is copied", 10, false, true, false, 0},
    {"is set back to its copy", 10, false, true, false, 2'000},
    {"is wiped", 6, false, false, false, 2'000},
    {"loses its journal", 4, false, true, true, 2'000},
    {"has its clock set", 25, false, true, false, 60'000},
    {"loses the time", 12, false, true, false, 60'000},
    {"has a clock that drifts", 8, false, true, false, 60'000},
    {"stands still", 15, false, true, false, 30'000},
    {"has a full disk", 12, false, true, false, 20'000},
    {"has a failing disk", 12, false, true, false, 5'000},
    {"has a database that refuses", 12, false, true, true, 0},
    {"runs an older release", 6, false, false, false, 20'000},
};

std::uint32_t up_to(Random& random, std::uint32_t most) { return static_cast<std::uint32_t>(random.below(most + 1)); }

// Each kind of weather is there or not: few kinds at a time go deeper than all at once.
Weather draw_weather(Random& random) {
  Weather weather;
  const auto maybe = [&random](std::uint32_t most) { return random.below(2) == 0 ? 0 : up_to(random, most); };
  weather.jitter_ms = maybe(200);
  weather.loss = maybe(kMillion / 20);
  weather.drop = maybe(kMillion / 100);
  weather.half_open = maybe(kMillion / 2);
  weather.bytes_per_second = random.below(4) == 0 ? 2'000 + up_to(random, 100'000) : 0;
  weather.stall = maybe(kMillion / 50);
  weather.spurious = maybe(kMillion / 10);
  weather.database_ms = up_to(random, 200);
  return weather;
}

std::size_t draw_devices(Random& random) {
  const std::uint64_t dice = random.below(100);
  if (dice < 70) return 2 + random.below(3);
  if (dice < 97) return 5 + random.below(8);
  return 13 + random.below(38);
}

const std::string kThrough[] = {"m"};

World::Options draw_options(Random& random, std::uint64_t seed) {
  World::Options options;
  options.seed = seed;
  options.devices = draw_devices(random);
  options.latency_ms = 1 + up_to(random, 60);
  options.commit_ms = 1 + up_to(random, 40);
  options.limits = kSmall;
  options.weather = draw_weather(random);
  options.server.has_sink = random.below(2) == 0;
  options.server.window_ops = 4 + up_to(random, 60);
  options.server.frame_bytes_max = 8'192;
  options.server.value_bytes_max = random.below(3) == 0 ? 1'000 : 4'096;
  options.server.drain_rows_max = 1 + up_to(random, 50);
  options.server.maps_max = 1 + up_to(random, 3);
  if (seed % 8 == 3) options.server.through_maps = kThrough;
  if (random.below(4) == 0) options.batch_bytes_max = 16'384 + up_to(random, 50'000);
  // Without a dice: the seeds that found something once must go on meaning what they meant.
  options.predicates = seed % 32 == 16 || seed % 32 == 22;
  if (options.predicates && seed / 32 % 3 == 0) options.server.rows_held_max = 3;
  const std::uint64_t part = seed % 64;
  options.attributes = part == 39 || part == 46 || part == 58;
  options.entities = options.attributes && seed / 64 % 2 == 1;
  if (options.entities) options.limits.subscriptions_max = 24;  // Each takes one.
  options.facts = options.attributes || part == 3 || part == 57;
  const bool collects_facts = options.facts && seed / 64 % 3 == 0;
  if (seed % 32 == 10 || (options.predicates && seed / 32 % 5 == 0) || collects_facts) {
    const std::uint64_t spans_ms[] = {0, 500, 3'000, 15'000};
    const auto span_ms = [&](std::uint64_t digit) { return spans_ms[seed / 32 / digit % 4]; };
    options.server.keeping = {span_ms(1), span_ms(4), span_ms(16)};
    // Longer than any write to a deleted entity is under way on a link.
    if (collects_facts) options.server.keeping.retention_ms = options.server.keeping.backup_horizon_ms = 15'000;
  }
  if (seed % 32 == 20 || seed % 32 == 25 || seed % 32 == 29) {
    options.ruling = 1 + static_cast<std::uint32_t>(seed / 32 % (kRulings - 1));
    options.rules_late = seed / 160 % 4 == 3;
    options.letters = seed / 160 % 3 == 0 ? 4 : 1'000;
  }
  if (seed % 16 == 13) options.short_logs = 1 + static_cast<std::uint32_t>(seed / 16 % 40);
  return options;
}

void draw_steps(Random& random, Plan& plan) {
  std::uint32_t weights[kActs];
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < kActs; ++i) {
    weights[i] = kKinds[i].always || random.below(3) == 0 ? kKinds[i].weight : 0;
    total += weights[i];
  }
  const std::uint64_t count = 60 + random.below(400);
  const std::uint64_t pause_ms = 1 + random.below(random.below(4) == 0 ? 3'000 : 200);
  std::uint64_t at_ms = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    at_ms += random.below(2 * pause_ms);
    std::uint64_t dice = random.below(total);
    std::size_t act = 0;
    while (dice >= weights[act]) dice -= weights[act++];
    const Kind& kind = kKinds[act];
    const bool gateway = kind.only_gateway || (kind.gateway && random.below(4) == 0);
    const std::uint64_t site = gateway ? 0 : 1 + random.below(plan.options.devices);
    plan.steps.push_back({at_ms, static_cast<Act>(act), static_cast<std::uint32_t>(site), random.next(),
                          kind.ms_max == 0 ? 0 : 1 + random.below(kind.ms_max)});
  }
}

}  // namespace

const char* name_of(Act act) { return kKinds[static_cast<std::size_t>(act)].name; }

Plan draw_plan(std::uint64_t seed) {
  Random random(seed);
  Plan plan;
  plan.options = draw_options(random, seed);
  plan.keys = 1 + up_to(random, random.below(3) == 0 ? 200 : 12);
  draw_steps(random, plan);
  return plan;
}

}  // namespace grid::sim
