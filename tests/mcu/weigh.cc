// SPDX-License-Identifier: Apache-2.0
//
// The least device that has all of Grid's base: rows, their log, sync with comparison, the flash store, the WebSocket,
// the loop. Linked to be weighed, alone and with one part more, and never run: mcu.py tells the difference.

#include "ports/bare/bare_board.h"
#include "ports/chip/grid/chip.h"
#ifdef GRID_PART_inspect
#include "ports/bare/grid/bare_inspection.h"
#endif

namespace {

using namespace grid;

constexpr std::uint32_t kCells = 256;
constexpr std::uint32_t kSectors = 16;  // 64 KiB.

bare::BareBoard board;
ChipHost<GRID_LIMITS, kCells, kSectors> host(board);

std::int64_t sum = 0;

void add(const Change& change) { sum += change.now["n"].integer_or(0); }

}  // namespace

int main() {
  Node* node = host.open({.app = "farm", .store = "grid", .server = "ws://10.0.2.2:7271"});
  if (node == nullptr) return 1;
  Map map = node->map("climate");
  if (map.subscribe("set/") != Status::ok || map.scan("", add) != Status::ok) return 1;
  Watch watch = map.watch("fan/", add);
#ifdef GRID_PART_inspect
  static BareInspection<GRID_LIMITS> inspection(host.loop(), "farm");
#endif
  for (;;) {
    const Write write = map.put("bench/1", {{"n", sum}});
    if (!host.wait(write, Outcome::durable, 1'000)) host.sync_once(10'000);
    if (map.get("bench/2").kind() != ValueKind::absent) map.remove("bench/2");
#ifdef GRID_PART_inspect
    inspection.turn();
#endif
    host.run_for(1'000);
  }
}
