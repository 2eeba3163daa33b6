// SPDX-License-Identifier: Apache-2.0
//
// LinkGuest: what shares a replica's link with its sync session. There is one, runtime/channels.h; a device that has
// none does not link it.
//
// Place     Below replica.h and sync_session.h, which know a guest by this alone.
// Promises  As machine.h: pure. What a guest holds is bounded by what it was given.
// Ownership Whoever made a guest keeps it for as long as the replica lives.
#pragma once

#include <cstdint>

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"
#include "crdt/stamp.h"
#include "runtime/problem.h"

namespace grid::runtime {

struct ChannelCall;
struct ReplicaStatus;

class LinkGuest {
 public:
  // What a welcome says.
  struct Welcomed {
    crdt::NodeId node = 0;
    std::uint32_t features = 0;  // Bits of Welcome.features.
  };
  virtual void welcomed(const Welcomed& welcomed, std::uint64_t now_ms, Problem& problem) = 0;
  virtual void link_down() = 0;

  // Takes a frame of its kind. Whatever it returns but ok ends the link.
  virtual Status receive(Bytes frame, Problem& problem) = 0;
  // Whether something has happened since the last time that deliver() is to tell.
  virtual bool take_news() = 0;
  // Tells listeners what has happened, and what `frame`, which receive() took, says. Called by hosts between two steps;
  // listeners may make calls.
  virtual void deliver(Bytes frame) = 0;

  virtual bool wants_write(std::uint64_t now_ms) const = 0;
  // The next frame; empty: there is nothing to say after all.
  virtual Bytes write(MutBytes room, std::uint64_t now_ms) = 0;
  virtual std::uint64_t wake_at_ms() const = 0;

  // Answers the call, and says what was wrong with it.
  virtual Status perform(ChannelCall& call, Problem& problem) = 0;
  virtual void tell(ReplicaStatus& status) const = 0;

 protected:
  ~LinkGuest() = default;
};

}  // namespace grid::runtime
