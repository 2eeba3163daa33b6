// SPDX-License-Identifier: Apache-2.0

#include "ports/bare/bare_board.h"

#include <algorithm>
#include <utility>

#include "ports/bare/chance.h"
#include "ports/bare/clock.h"
#include "ports/bare/network.h"

namespace grid::bare {

std::uint64_t BareBoard::monotonic_ms() { return bare::monotonic_ms(); }

void BareBoard::entropy(MutBytes out) { draw(out); }

storage::NorDevice* BareBoard::flash(std::string_view store) {
  char path[256] = {};
  if (store.empty() || store.size() >= sizeof(path)) return nullptr;
  copy(as_bytes(store), {reinterpret_cast<std::uint8_t*>(path), sizeof(path)});
  return flash_.open(path, kSectors) == Status::ok ? &flash_ : nullptr;
}

Status BareBoard::connect(const port::ServerAddress& server) {
  if (!std::exchange(has_network_, true)) open_network();
  return link_.connect(server);
}

void BareBoard::wait(std::uint64_t ms_max) {
  if (!has_network_) return rest(ms_max);
  turn_network();
  if (ms_max == 0) return;
  rest(std::min(ms_max, network_wait_ms()));
  turn_network();
}

}  // namespace grid::bare
