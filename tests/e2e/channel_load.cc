// SPDX-License-Identifier: Apache-2.0
//
// grid_channel_load: a device that publishes as fast as its link takes it.
//
//     grid_channel_load URL TOPIC COUNT BYTES
//
// Publishes {"n": 0 ...} COUNT times, each with a text of BYTES, and ends when the gateway has taken all of it.

#include <grid/grid.h>
#include <grid/linux.h>

#include <cstdio>
#include <cstdlib>
#include <string>

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  grid::LinuxHost host;
  grid::Node* node = host.open({.app = "default", .server = argv[1]});
  if (node == nullptr) return std::fprintf(stderr, "%s\n", host.problem()), 1;
  const std::string text(std::strtoul(argv[4], nullptr, 10), 'x');
  grid::Topic topic = node->topic(argv[2]);
  const long count = std::strtol(argv[3], nullptr, 10);
  for (long n = 0; n < count; ++n) {
    for (;;) {
      const grid::Status status = topic.publish({{"n", n}, {"text", text.c_str()}});
      if (status == grid::Status::ok) break;
      if (status != grid::Status::full) return std::fprintf(stderr, "%s\n", host.problem()), 1;
      host.run_for(1);  // Until the link has taken some.
    }
  }
  const std::uint32_t number = node->flush_channels();
  const bool taken = host.wait_until(
      [number](const grid::runtime::ReplicaStatus& status) { return status.channels_flushed >= number; }, 60'000);
  return taken ? 0 : 1;
}
