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
    const MutBytes room = link_.room();
    const bool has_room = room.size() >= runtime::Inspector::kRoomBytesMin;
    const Result<Bytes> answer =
        has_room ? inspector_.answer(arrival.frame, status, wall_ms, room) : Result<Bytes>(Status::full);
    if (answer.ok()) {
      link_.send(answer->size());
    } else {
      link_.close(FrameLink::kProtocol, has_room ? "this line answers inspections only" : "no room for an answer");
    }
  }
  return !link_.is_over();
}

}  // namespace grid::port
