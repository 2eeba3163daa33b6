// SPDX-License-Identifier: Apache-2.0
//
// A greenhouse's sensor: writes a reading, watches the bench, and goes on whether the network is there or not.

#include <grid/grid.h>   // the same on every machine
#include <grid/linux.h>  // this one: libuv, LMDB, WebSocket
int main() {
  grid::LinuxHost host;
  grid::Node* node = host.open({.app = "farm",
                                .store = "./greenhouse",
                                .server = "ws://127.0.0.1:7271",
                                .inspect = "./greenhouse.sock"});  // gridctl --target unix:greenhouse.sock status
  if (node == nullptr) return std::fprintf(stderr, "%s\n", host.problem()), 1;

  grid::Map climate = node->map("climate");
  grid::Watch watch = climate.watch("bench/", [](const grid::Change& c) {
    std::printf("%.*s %.1f\n", int(c.key.size()), c.key.data(), c.now["temp"].number_or(0));
    std::fflush(stdout);
  });
  grid::Write write = climate.put("bench/3", {{"temp", 21.5}, {"fan", true}});
  if (write.status() != grid::Status::ok) return std::fprintf(stderr, "%s\n", host.problem()), 1;
  if (!host.wait(write, grid::Outcome::durable, 5'000)) std::puts("no link yet: kept here, sent later");
  host.run();  // until SIGTERM; flushes
}
