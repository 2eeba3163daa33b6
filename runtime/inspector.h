// SPDX-License-Identifier: Apache-2.0
//
// Inspector: answers what somebody who looks into a device asks: its state, its rows, its pending ops. docs/WIRE.md
// gives the questions.
//
// Place     Beside replica.h, above it; linked only by who uses it. Knows no link: ports/inspect/inspect_service.h
// brings the
//           frames.
// Promises  Only reads. Keeps nothing between two asks: who asks says where to go on, so any number may look at once.
//           BND-1  An answer is one frame, and looks at kCellsMax cells at most.
// Ownership Borrows replica, store and what About names for life. An answer stands in the caller's room.
// Threads   None: the caller's, between two steps of the replica.
#pragma once

#include <cstdint>
#include <string_view>

#include "crdt/value.h"
#include "runtime/replica.h"

namespace grid::runtime {

// What a port knows beside the replica: how much memory is left, how worn the flash is.
class Vitals {
 public:
  // Adds fields to the record of the topic "status" (docs/WIRE.md lists the names that mean the same everywhere).
  virtual void tell(crdt::ValueWriter& status) = 0;

 protected:
  ~Vitals() = default;
};

class Inspector {
 public:
  struct About {
    std::string_view app;
    std::string_view software;  // Name and version, for people.
  };
  // The least room of an answer; where every row is to be seen, one op of the profile must fit as well.
  static constexpr std::size_t kRoomBytesMin = 1'024;
  static constexpr std::size_t kCellsMax = 128;

  Inspector(const Replica& replica, storage::Store& store, const About& about, Vitals* vitals = nullptr)
      : replica_(replica), store_(store), about_(about), vitals_(vitals) {}

  // Answers `ask` in the front of `room`. `status` is the replica's, as the host knows it now; `wall_ms` as in an
  // event. What can't be answered is answered by a status.
  //   corrupt, too_large  It is no inspect_ask: the link is to be closed.
  Result<Bytes> answer(Bytes ask, const ReplicaStatus& status, std::uint64_t wall_ms, MutBytes room);

 private:
  Bytes tell(std::uint32_t id, const ReplicaStatus& status, std::uint64_t wall_ms, MutBytes room);
  Bytes list(const grid_InspectAsk& ask, std::size_t cells_max, std::uint64_t wall_ms, MutBytes room);
  Bytes list_pending(const grid_InspectAsk& ask, MutBytes room);
  Bytes sum(const grid_InspectAsk& ask, std::uint64_t wall_ms, MutBytes room);
  crdt::Op shown(const crdt::Op& op, std::uint64_t wall_ms) const;

  const Replica& replica_;
  storage::Store& store_;
  About about_;
  Vitals* vitals_;
};

}  // namespace grid::runtime
