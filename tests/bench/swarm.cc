// SPDX-License-Identifier: Apache-2.0
//
// grid_swarm: many devices in one process, each with a host, a loop and a thread of its own, which do as they are told
// on stdin.
//
//     grid_swarm URL COUNT [CA]
//
// Each is subscribed to the rows that it writes. Prints `up` once every device is in sync. Upon a line with a number N
// each waits until its link is down and writes N rows; then `written` is printed. Upon `back` each waits for a session,
// and until what it wrote is durable and its subscription current; then `back SESSIONS SYNCED` is printed: when the
// last session was there, and when the last device was in sync, in seconds of the monotonic clock.

#include <grid/grid.h>
#include <grid/linux.h>

#include <atomic>
#include <barrier>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/figures.h"

namespace {

constexpr std::uint64_t kPatienceMs = 600'000;
constexpr std::uint32_t kBackoffMs = 250;  // All come back within it: this is about what a gateway takes at once.

constexpr std::uint64_t kLookMs = 100;  // Between two looks for an order.

enum class Order { none, write, back, end };

struct Swarm {
  explicit Swarm(int count) : done(count + 1) {}

  std::string url;
  std::string ca;
  std::atomic<std::uint64_t> orders = 0;  // Given so far; the newest:
  Order order = Order::none;
  int rows = 0;
  std::barrier<> done;
  std::atomic<bool> failed = false;
};

struct Device {
  double session_at = 0;
  double synced_at = 0;
};

bool is_linked(const grid::runtime::ReplicaStatus& status) {
  return status.state >= grid::SyncState::syncing_up && status.state <= grid::SyncState::realtime;
}

bool is_synced(const grid::runtime::ReplicaStatus& status) {
  return status.state == grid::SyncState::realtime && status.ops_pending == 0;
}

// False: the host says why.
bool obey(Swarm& swarm, grid::LinuxHost& host, grid::Node& node, const std::string& rows, Device& device) {
  if (swarm.order == Order::write) {
    if (!host.wait_until([](const auto& status) { return !is_linked(status); }, kPatienceMs)) return false;
    grid::Map map = node.map("swarm");
    for (int row = 0; row < swarm.rows; ++row) {
      if (map.put(rows + std::to_string(row), {{"n", row}}).status() != grid::Status::ok) return false;
    }
    return true;
  }
  if (!host.wait_until(is_linked, kPatienceMs)) return false;
  device.session_at = bench::seconds();
  const bool is_done = host.wait_until(is_synced, kPatienceMs);
  device.synced_at = bench::seconds();
  return is_done;
}

void live(Swarm& swarm, Device& device, int number) {
  grid::LinuxHost host;
  grid::Node* node = host.open({.app = "default",
                                .server = swarm.url,
                                .ca = swarm.ca,
                                .backoff_ms_min = kBackoffMs,
                                .backoff_ms_max = kBackoffMs});
  const std::string rows = std::to_string(number) + "/";
  bool is_well = node != nullptr && node->subscribe({grid::ScopeKind::prefix, "swarm", rows}) == grid::Status::ok &&
                 host.wait_until(is_synced, kPatienceMs);
  for (std::uint64_t obeyed = 0;; ++obeyed) {
    if (!is_well && !swarm.failed.exchange(true)) std::fprintf(stderr, "grid_swarm: %s\n", host.problem());
    swarm.done.arrive_and_wait();
    while (swarm.orders == obeyed) host.run_for(kLookMs);
    if (swarm.order == Order::end) return;
    is_well = is_well && obey(swarm, host, *node, rows, device);
  }
}

// Gives an order, and waits until all have done so.
void give(Swarm& swarm, Order order, int rows = 0) {
  swarm.order = order;
  swarm.rows = rows;
  ++swarm.orders;
  if (order != Order::end) swarm.done.arrive_and_wait();
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc > 2 ? std::atoi(argv[2]) : 0;
  if (count < 1 || argc > 4) return std::fprintf(stderr, "grid_swarm URL COUNT [CA]\n"), 2;
  Swarm swarm(count);
  swarm.url = argv[1];
  swarm.ca = argc > 3 ? argv[3] : "";
  std::vector<Device> devices(static_cast<std::size_t>(count));
  std::vector<std::thread> threads;
  threads.reserve(devices.size());
  for (int number = 0; number < count; ++number) {
    threads.emplace_back([&, number] { live(swarm, devices[static_cast<std::size_t>(number)], number); });
  }
  swarm.done.arrive_and_wait();
  std::puts("up");
  std::fflush(stdout);
  for (char line[64]; !swarm.failed && std::fgets(line, sizeof(line), stdin) != nullptr;) {
    const bool is_back = std::strcmp(line, "back\n") == 0;
    give(swarm, is_back ? Order::back : Order::write, std::atoi(line));
    double session_at = 0, synced_at = 0;
    for (const Device& device : devices) {
      session_at = std::max(session_at, device.session_at);
      synced_at = std::max(synced_at, device.synced_at);
    }
    if (swarm.failed) break;
    if (is_back) std::printf("back %.3f %.3f\n", session_at, synced_at);
    if (!is_back) std::puts("written");
    std::fflush(stdout);
  }
  give(swarm, Order::end);
  for (std::thread& thread : threads) thread.join();
  return swarm.failed ? 1 : 0;
}
