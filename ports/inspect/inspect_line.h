// SPDX-License-Identifier: Apache-2.0
//
// InspectLine: a serial line at which a chip lets itself be looked into: moves bytes between the line and the service.
//
// Place     Above inspect_service.h and transport/stream; a port brings the ByteLink, and its loop the turns.
// Promises  Nothing blocks. BND-1  A turn takes kHeardBytes from the line at most, and nothing while an answer is on
//           its way out.
// Ownership Borrows line, inspector and memory for life.
// Threads   None: the loop's, between two steps of the replica.
#pragma once

#include "crdt/base/limits.h"
#include "ports/inspect/inspect_service.h"
#include "transport/byte_link.h"
#include "transport/stream/stream_link.h"
#include "transport/wire.h"

namespace grid::port {

class InspectLine {
 public:
  static constexpr std::size_t kHeardBytes = 256;
  // The memory for asks, and for answers with any op of the profile.
  static constexpr std::size_t kArrivingBytes = transport::StreamLink::arriving_bytes(wire::kControlBytesMax);
  static constexpr std::size_t sending_bytes(const Limits& limits) {
    constexpr std::size_t kLeast = runtime::Inspector::kRoomBytesMin;
    return transport::StreamLink::sending_bytes(limits.frame_bytes_max < kLeast ? kLeast : limits.frame_bytes_max);
  }

  InspectLine(transport::ByteLink& line, runtime::Inspector& inspector, MutBytes arriving, MutBytes sending)
      : line_(line), link_(arriving, sending), service_(link_, inspector) {
    link_.accept();
  }
  InspectLine(const InspectLine&) = delete;
  InspectLine& operator=(const InspectLine&) = delete;

  // Takes what has come, and gives what may go. `status` and `wall_ms` as InspectService::hear().
  void turn(const runtime::ReplicaStatus& status, std::uint64_t wall_ms);

 private:
  bool write();

  transport::ByteLink& line_;
  transport::StreamLink link_;
  InspectService service_;
  std::uint8_t heard_[kHeardBytes];
  Bytes rest_{};  // Of what was heard.
};

}  // namespace grid::port
