// SPDX-License-Identifier: Apache-2.0
//
// grid_sim: runs seeds through the simulator, prints what fails, makes it small, and tells one seed's story.

#include <CLI/CLI.hpp>
#include <charconv>
#include <chrono>
#include <cinttypes>
#include <fstream>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/run.h"

namespace {

using grid::sim::Fault;
using grid::sim::kFaults;
using grid::sim::Plan;
using grid::sim::Verdict;

struct Options {
  std::string seeds;
  std::string seeds_file;
  std::uint64_t seconds = 0;
  std::uint64_t first = 0;  // Of the fresh ones; 0: any.
  std::uint64_t replay = 0;
  std::uint64_t failures_max = 1;
  bool trace = false;
  bool shrink = true;
};

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Total {
  std::uint64_t seeds = 0;
  std::uint64_t failures = 0;
  std::uint64_t events = 0;
  std::uint64_t writes = 0;
  std::uint64_t virtual_ms = 0;
  std::uint64_t faults[kFaults] = {};

  void add(const Verdict& verdict) {
    ++seeds;
    failures += verdict.passed ? 0 : 1;
    events += verdict.events;
    writes += verdict.writes;
    virtual_ms += verdict.virtual_ms;
    for (std::size_t i = 0; i < kFaults; ++i) faults[i] += verdict.faults[i];
  }
  void print(double seconds) const {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : faults) sum += count;
    std::printf("%" PRIu64 " seeds, %" PRIu64 " failed; %.1f virtual hours, %" PRIu64
                " events (%.2f million a minute), %" PRIu64 " writes, %" PRIu64 " faults:\n",
                seeds, failures, static_cast<double>(virtual_ms) / 3'600'000, events,
                seconds > 0 ? static_cast<double>(events) / seconds * 60 / 1e6 : 0, writes, sum);
    for (std::size_t i = 0; i < kFaults; ++i) {
      std::printf("  %-24s %12" PRIu64 "\n", name_of(static_cast<Fault>(i)), faults[i]);
    }
  }
};

void tell_failure(std::uint64_t seed, const Verdict& verdict, const Options& options) {
  std::printf("seed %" PRIu64 " FAILED: %s\n  replay: ./dev sim --replay %" PRIu64 " --trace\n", seed,
              verdict.problem.c_str(), seed);
  std::fflush(stdout);
  if (!options.shrink) return;
  constexpr std::uint64_t kRunsMax = 2'000;
  const Plan plan = shrink(grid::sim::draw_plan(seed), kRunsMax);
  std::printf("made small: %zu devices, %zu steps\n", plan.options.devices, plan.steps.size());
  std::fflush(stdout);
  run_plan(plan, stdout);
}

bool run_seed(std::uint64_t seed, const Options& options, Total& total) {
  Verdict verdict = run_plan(grid::sim::draw_plan(seed));
  total.add(verdict);
  if (!verdict.passed) tell_failure(seed, verdict, options);
  return verdict.passed;
}

int replay(const Options& options) {
  const Verdict verdict = run_plan(grid::sim::draw_plan(options.replay), options.trace ? stdout : nullptr);
  std::printf("seed %" PRIu64 ": %s; trace %016" PRIx64 ", %" PRIu64 " events\n", options.replay,
              verdict.passed ? "passed" : verdict.problem.c_str(), verdict.trace, verdict.events);
  return verdict.passed ? 0 : 1;
}

// Takes a number from the front of `text`.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return {};
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

// "A..B", both included, or one number.
std::pair<std::uint64_t, std::uint64_t> range_of(std::string_view text) {
  const auto first = take_number(text);
  if (first && text.empty()) return {*first, *first};
  if (first && text.starts_with("..")) {
    text.remove_prefix(2);
    const auto last = take_number(text);
    if (last && text.empty() && *last >= *first) return {*first, *last};
  }
  throw CLI::ValidationError("--seeds", "takes A..B, A not above B, or one seed");
}

// Lines "SEED what it found"; `#` begins a comment.
std::vector<std::uint64_t> seeds_of(const char* option, const std::string& path) {
  std::vector<std::uint64_t> seeds;
  std::ifstream file(path);
  if (!file) throw CLI::ValidationError(option, "cannot read " + path);
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::string_view rest = line;
    const auto seed = take_number(rest);
    if (!seed) throw CLI::ValidationError(option, "no seed begins the line: " + line);
    seeds.push_back(*seed);
  }
  return seeds;
}

int run_seeds(const Options& options) {
  Total total;
  const double begin = seconds_now();
  const auto over = [&] {
    return total.failures >= options.failures_max ||
           (options.seconds > 0 && seconds_now() - begin > static_cast<double>(options.seconds));
  };
  if (!options.seeds_file.empty()) {
    for (const std::uint64_t seed : seeds_of("--seeds-file", options.seeds_file)) run_seed(seed, options, total);
  }
  // Fresh ones each time, unless they are named: the first is printed, so that a run can be had again.
  std::uint64_t first = options.first != 0 ? options.first : std::random_device()() % 1'000'000'000;
  std::uint64_t last = UINT64_MAX;
  if (!options.seeds.empty()) std::tie(first, last) = range_of(options.seeds);
  if (!options.seeds.empty() || options.seconds > 0) {
    std::printf("seeds from %" PRIu64 "\n", first);
    for (std::uint64_t seed = first; seed <= last && !over(); ++seed) run_seed(seed, options, total);
  }
  total.print(seconds_now() - begin);
  return total.failures == 0 ? 0 : 1;
}

std::uint64_t seconds_of(std::string_view text) {
  const std::uint64_t number = take_number(text).value_or(0);
  const std::uint64_t unit = text == "h" ? 3'600 : text == "m" ? 60 : text.empty() || text == "s" ? 1 : 0;
  if (number == 0 || unit == 0) throw CLI::ValidationError("--for", "takes a duration: 60s, 5m, 2h");
  return number * unit;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  std::string duration;
  CLI::App app("Runs seeds through Grid's simulator", "grid_sim");
  app.add_option("--seeds", options.seeds, "seeds A..B, both included");
  app.add_option("--seeds-file", options.seeds_file, "a file of seeds, one a line, each with what it found");
  app.add_option("--for", duration, "fresh seeds, for so long: 60s, 5m, 2h");
  app.add_option("--first", options.first, "where those begin")->envname("GRID_SIM_FIRST");
  app.add_option("--replay", options.replay, "one seed");
  app.add_flag("--trace", options.trace, "with --replay: its story, line by line");
  app.add_option("--failures", options.failures_max, "go on until so many seeds have failed");
  app.add_flag("!--no-shrink", options.shrink, "leave a failing plan as it is");
  constexpr int kUsage = 2;
  try {
    app.parse(argc, argv);
    if (!duration.empty()) options.seconds = seconds_of(duration);
    if (options.replay != 0) return replay(options);
    if (options.seeds.empty() && options.seeds_file.empty() && duration.empty()) options.seeds = "1..1000";
    return run_seeds(options);
  } catch (const CLI::Error& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
}
