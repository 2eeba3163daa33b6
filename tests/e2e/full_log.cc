// SPDX-License-Identifier: Apache-2.0
//
// grid_full_log: a device whose log of unsent writes is small, for tests of what a full one does.
//
//     grid_full_log STORE URL refuse|drop_oldest|pause COUNT
//
// Writes the rows 0 to COUNT - 1 of the map `load`, in order, into a log of 20, and prints `N ok` or `N full` for each;
// then waits until the gateway has what was taken. Beside that it prints `N durable`, `N dropped` as it hears of them,
// `high N`, `low N`, and at the end `settled`.

#include <grid/linux.h>
#include <grid/outbox.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

constexpr std::uint32_t kPendingMax = 20;
constexpr std::uint64_t kSettleMs = 100'000;

grid::OnFull strategy_of(std::string_view name) {
  if (name == "pause") return grid::OnFull::pause;
  return name == "drop_oldest" ? grid::OnFull::drop_oldest : grid::OnFull::refuse;
}

void tell_fate(const grid::Fate& fate) {
  std::printf("%llu %s\n", static_cast<unsigned long long>(fate.seq), grid::name_of(fate.outcome));
}

void tell_level(const grid::LogLevel& level) {
  std::printf("%s %llu\n", level.is_high ? "high" : "low", static_cast<unsigned long long>(level.pending));
}

int fail(grid::LinuxHost& host) { return std::fprintf(stderr, "grid_full_log: %s\n", host.problem()), 1; }

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return std::fprintf(stderr, "grid_full_log STORE URL STRATEGY COUNT\n"), 2;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  grid::LinuxHost host;
  grid::Node* node = host.open({.app = "default",
                                .store = argv[1],
                                .server = argv[2],
                                .on_full = strategy_of(argv[3]),
                                .pending_ops_max = kPendingMax,
                                .pause_ms_max = 100'000,
                                .backoff_ms_max = 200});
  if (node == nullptr) return fail(host);
  grid::OutboxOf<256> outbox(*node);
  if (outbox.watch_level(kPendingMax, 5, tell_level) != grid::Status::ok) return fail(host);
  grid::Map load = node->map("load");
  for (int number = 0; number < std::atoi(argv[4]); ++number) {
    const grid::Write write = load.put(std::to_string(number), {{"n", number}});
    std::printf("%d %s\n", number, grid::name_of(write.status()));
    if (write.status() == grid::Status::ok &&
        outbox.expect(write, grid::Concern::durable, 0, tell_fate) != grid::Status::ok) {
      return fail(host);
    }
  }
  if (!host.settle(kSettleMs)) return fail(host);
  host.run_for(0);
  std::puts("settled");
  return 0;
}
