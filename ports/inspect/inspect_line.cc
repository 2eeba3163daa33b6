// SPDX-License-Identifier: Apache-2.0

#include "ports/inspect/inspect_line.h"

namespace grid::port {

void InspectLine::turn(const runtime::ReplicaStatus& status, std::uint64_t wall_ms) {
  if (!write()) return;
  if (rest_.empty()) {
    const Result<std::size_t> size = line_.read(heard_);
    rest_ = Bytes(heard_).first(size.ok() ? *size : 0);
  }
  while (!rest_.empty()) {
    service_.hear(rest_, status, wall_ms);
    if (!write()) return;
  }
}

// True: nothing is on its way any more, and the line is open for whoever asks next.
bool InspectLine::write() {
  while (!link_.outgoing().empty()) {
    const Result<std::size_t> size = line_.write(link_.outgoing());
    if (!size.ok() || *size == 0) return false;
    link_.sent(*size);
  }
  if (link_.is_over()) link_.accept();
  return true;
}

}  // namespace grid::port
