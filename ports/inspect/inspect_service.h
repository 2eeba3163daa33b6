// SPDX-License-Identifier: Apache-2.0
//
// InspectService: lets somebody at the other end of a line look into a device: asks come in as frames, answers go out.
//
// Place     Beside port.h, above runtime/inspector.h and a FrameLink: the same on every machine. The host reads and
// writes the line, with what it lends as
//           FrameLink (transport/stream), and opens it as the end that answers.
// Promises  One answer at a time: while one is on its way, no byte is taken, so who asks faster waits, and nothing
//           grows. Whatever comes, the line goes on: a peer that is no asker is sent away, and the next one is heard.
// Ownership Borrows link and inspector for life. The link is lent memory to take wire::kControlBytesMax, and to send
//           Inspector::kRoomBytesMin at least; where every row is to be seen, an op of the profile.
// Threads   None: the host's, between two steps of the replica.
//
// A host pumps it like this:
//
//     read into a buffer, when what it held was taken
//     service.hear(the rest of the buffer, ...)
//     while link.outgoing() is not empty and the line takes some of it: link.sent(); then hear() again
#pragma once

#include "runtime/inspector.h"
#include "transport/frame_link.h"

namespace grid::port {

class InspectService {
 public:
  InspectService(transport::FrameLink& link, runtime::Inspector& inspector) : link_(link), inspector_(inspector) {}

  // Takes from the front of `bytes` what it may: all of it, or up to an ask whose answer has to go first.
  // False once the line has been closed by either end: what is outgoing() may still be sent, then it is to be opened
  // anew.
  bool hear(Bytes& bytes, const runtime::ReplicaStatus& status, std::uint64_t wall_ms);

 private:
  transport::FrameLink& link_;
  runtime::Inspector& inspector_;
};

}  // namespace grid::port
