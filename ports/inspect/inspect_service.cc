// SPDX-License-Identifier: Apache-2.0

#include "ports/inspect/inspect_service.h"

namespace grid::port {

using transport::Arrival;
using transport::FrameLink;

bool InspectService::hear(Bytes& bytes, const runtime::ReplicaStatus& status, std::uint64_t wall_ms) {
  while (!link_.is_over() && link_.outgoing().empty()) {
    const Arrival arrival = link_.receive(bytes);
    if (arrival.kind == Arrival::Kind::none) break;
    if (arrival.kind != Arrival::Kind::frame) continue;  // A lost ask is asked again.
    // Nothing is on its way, so there is room.
    const Result<Bytes> answer = inspector_.answer(arrival.frame, status, wall_ms, link_.room());
    if (answer.ok()) {
      link_.send(answer->size());
    } else {
      link_.close(FrameLink::kProtocol, "this line answers inspections only");
    }
  }
  return !link_.is_over();
}

}  // namespace grid::port
