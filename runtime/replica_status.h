// SPDX-License-Identifier: Apache-2.0
//
// ReplicaStatus: what a replica says of itself: its link, its pending ops, its figures.
//
// Place     Beside machine.h; part of the embedding API.
#pragma once

#include <cstdint>

#include "crdt/base/status.h"
#include "crdt/cell.h"
#include "crdt/clock.h"
#include "crdt/merkle.h"
#include "crdt/stamp.h"

namespace grid {

// What a user sees of the link. The numbers are the API's.
enum class SyncState : std::uint8_t {
  disconnected,    // Not asked to connect.
  connecting,      // A link is being opened.
  authenticating,  // Hello is sent, Welcome is awaited.
  syncing_up,      // Ops wait for their durable acks.
  syncing_down,    // A subscription is not current yet.
  realtime,        // Nothing to do: changes travel as they happen.
  backoff,         // The link dropped; the next attempt is scheduled.
  error,           // Trying again cannot help; problem() says what to do.
};
const char* name_of(SyncState state);

// Why the state is what it is, when it is none of progress. The names are stable: programs may compare them.
enum class StateReason : std::uint8_t {
  none,         // All is well, or under way.
  offline,      // Nobody asked to connect.
  unreachable,  // No link came about: wrong address, no network, or no server there.
  dropped,      // The link broke.
  silent,       // The server did not answer hello in time.
  ended,        // The server ended the session, and takes a new one later.
  garbled,      // What the server sent made no sense.
  denied,       // The server does not let this device in. (error)
  newer,        // The server speaks no protocol that this release knows. (error)
  store,        // The store failed, or has no room for what the link needs. (error when it failed)
  other_app,    // The store belongs to another app. (error)
};
const char* name_of(StateReason reason);
// The same as a sentence; of an error it says what to do. Null for `none`.
const char* sentence_of(StateReason reason);

// What became of a local op.
enum class Outcome : std::uint8_t {
  pending,     // Kept here, not acknowledged yet.
  applied,     // Merged by the server, in memory.
  durable,     // On the server's disk. The log has let go of it.
  superseded,  // A later write of the same cell took its place before it was sent.
  rejected,    // The server refused it; problem() says why.
  dropped,     // Taken back here, visibly.
  lost_with,   // It was superseded before it was sent, and what took its place was refused.
};
const char* name_of(Outcome outcome);

}  // namespace grid

namespace grid::runtime {

// Figures since the replica was made. Bytes are those of frames, without the transport's own; round trips are those
// behind the handshake: asking, once or several times, and then hearing.
struct ReplicaFigures {
  std::uint64_t cells_pushed = 0;
  std::uint64_t cells_pulled = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t round_trips = 0;
  std::uint64_t rejected = 0;
  std::uint64_t dropped = 0;
  std::uint64_t reconnects = 0;
};

struct ReplicaStatus {
  SyncState state = SyncState::disconnected;
  StateReason reason = StateReason::none;  // What happened in detail, problem() says.
  crdt::NodeId node = 0;
  std::uint64_t epoch = 0;        // Of the server, when connected; 0 before.
  std::uint64_t ops_pending = 0;  // Local ops that are not durable at the server.
  std::uint64_t ops_pending_max = 0;
  crdt::Seq head = 0;
  crdt::Seq applied = 0;  // Local ops up to it are applied at the server.
  crdt::Seq durable = 0;  // Local ops up to it are durable at the server.
  bool current = false;   // Every subscription has everything that the server had when it was asked.
  bool verified = false;  // ... and its digest was equal to the server's since the last `verify`, or since it began.
  bool quiet = false;     // current, no op pending, nothing uncommitted.
  std::int64_t clock_offset_ms = 0;  // What is added to the machine's wall clock.
  crdt::ClockQuality quality = crdt::ClockQuality::unknown;
  std::uint64_t retry_in_ms = 0;  // While in backoff.
  ReplicaFigures figures{};
  // Of topics and rooms (runtime/channels.h): the flushes that are over, what the server has refused, the last why.
  std::uint32_t channels_flushed = 0;
  std::uint32_t channels_refused = 0;
  Status channels_refusal = Status::ok;
};

}  // namespace grid::runtime
