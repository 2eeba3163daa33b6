// SPDX-License-Identifier: Apache-2.0
//
// Replica: one device's replica as a function: its cells, its log of unsent ops, its link to one server.
//
// Place     Top of runtime/'s client half. Below it oplog.h, sync_session.h, merkle_walk.h and watches.h share its
//           work; beside it a host turns the world into events (machine.h).
// Promises  LOG-1  An op leaves the log only by a durable ack, a superseding op of its cell, a rejection or a
//                  visible drop.
//           SYN-2  A subscription never misses a cell and, rejections and evictions apart, never goes back to an
//                  older stamp.
// Ownership Borrows its store and its memory for life. What reads hand out stands until the next call or step.
// Threads   None: the caller's.
#pragma once

#include <cstdint>
#include <string_view>

#include "crdt/base/arena.h"
#include "crdt/base/limits.h"
#include "crdt/base/status.h"
#include "crdt/cell.h"
#include "crdt/clock.h"
#include "crdt/merkle.h"
#include "runtime/call.h"
#include "runtime/machine.h"
#include "runtime/problem.h"
#include "storage/store.h"

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

// What became of a local op.
enum class Outcome : std::uint8_t {
  pending,     // Kept here, not acknowledged yet.
  applied,     // Merged by the server, in memory.
  durable,     // On the server's disk. The log has let go of it.
  superseded,  // A later write of the same cell took its place before it was sent.
  rejected,    // The server refused it; problem() says why.
  dropped,     // Taken back here, visibly.
};
const char* name_of(Outcome outcome);

}  // namespace grid

namespace grid::runtime {

struct ReplicaOptions {
  std::string_view app;              // Kept by reference.
  std::uint64_t seed = 0;            // From the machine's entropy: ids and jitter.
  const Limits* limits = &kLinux;
  std::uint32_t backoff_ms_min = 250;
  std::uint32_t backoff_ms_max = 30'000;
};

// Figures since the replica was made (bytes and round trips: of frames, so without the transport's own).
struct ReplicaFigures {
  std::uint64_t cells_pushed = 0;
  std::uint64_t cells_pulled = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t round_trips = 0;
  std::uint64_t rejected = 0;
  std::uint64_t reconnects = 0;
};

struct ReplicaStatus {
  SyncState state = SyncState::disconnected;
  crdt::NodeId node = 0;
  std::uint64_t epoch = 0;           // Of the server, when connected; 0 before.
  std::uint64_t ops_pending = 0;     // Local ops that are not durable at the server.
  crdt::Seq head = 0;
  crdt::Seq applied = 0;             // Local ops up to it are applied at the server.
  crdt::Seq durable = 0;             // Local ops up to it are durable at the server.
  bool current = false;              // Every subscription has everything that the server had when it was asked.
  bool verified = false;             // ... and its digest was equal to the server's since the last `verify`.
  bool quiet = false;                // current, no op pending, nothing uncommitted.
  std::int64_t clock_offset_ms = 0;  // What is added to the machine's wall clock.
  crdt::ClockQuality quality = crdt::ClockQuality::unknown;
  std::uint64_t retry_in_ms = 0;     // While in backoff.
  ReplicaFigures figures{};
};

class Replica;  // replica_machine.h

}  // namespace grid::runtime
