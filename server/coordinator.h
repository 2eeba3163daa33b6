// SPDX-License-Identifier: Apache-2.0
//
// Coordinator: the gateway's replica of one app as a function: sessions of many devices over one journal.
//
// Place     Top of server/'s pure part. Below it session.h, journal.h, subscription.h, epochs.h, merkle_answer.h and
//           write_behind.h share its work; beside it a host turns the world into events (runtime/machine.h).
// Promises  ACK-1  Every op acknowledged durable survives kill -9, power cut and restart of the server.
//           BND-1  No queue grows without a configured limit; queues hold positions of the journal, never frames.
// Ownership Borrows its store for life. The server may use the heap, under the caps of CoordinatorOptions.
// Threads   None: the caller's.
//
// docs/SESSION.md tells what it does with each frame.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "crdt/merkle.h"
#include "runtime/machine.h"
#include "runtime/partial.h"
#include "runtime/scope.h"
#include "server/channels.h"
#include "server/desk.h"
#include "server/entity_asks.h"
#include "server/quota.h"
#include "server/row_finder.h"
#include "server/searches.h"
#include "storage/sink.h"
#include "storage/store.h"

namespace grid::server {

class Access;    // server/access.h
class Observer;  // server/observer.h
class Policy;    // server/policy.h

inline constexpr std::uint64_t kDayMs = 86'400'000;

// How long a deletion is kept: for devices that have not acknowledged it; unless they were silent for longer than
// `enroll_lapse_ms`; and at least until each backup that lacks it has expired.
struct Keeping {
  std::uint64_t retention_ms = 90 * kDayMs;
  std::uint64_t enroll_lapse_ms = 30 * kDayMs;
  std::uint64_t backup_horizon_ms = 90 * kDayMs;
};

struct CoordinatorOptions {
  std::string_view app{};  // Kept by reference.
  std::uint64_t seed = 0;  // From the machine's entropy: epochs and fork tokens.
  std::uint32_t links_max = 1'024;
  std::uint32_t subscriptions_max = 256;    // of one link
  std::uint32_t rows_held_max = 1'048'576;  // Rows of one predicate that a device is known to hold, 40 bytes each.
  std::uint32_t frame_bytes_max = 2 * 1'048'576;
  std::uint32_t value_bytes_max = 1'048'576;
  std::uint32_t window_ops = 4'096;  // Ops that a device may have in flight.
  std::uint32_t drift_ms_max = 60'000;
  std::uint32_t maps_max = 64;           // Maps whose Merkle tree is kept in memory; the rest are scanned.
  std::uint32_t drain_rows_max = 1'000;  // Write-behind: a batch is that many rows ...
  std::uint32_t drain_ms_max = 100;      // ... or that old.
  ChannelOptions channels{};
  Access* access = nullptr;                      // Null: everybody may do everything.
  Policy* policy = nullptr;                      // Null: every legal write is taken.
  Observer* observer = nullptr;                  // Null: nobody wants to know.
  runtime::ErasureListener* erasures = nullptr;  // Of what leaves the journal without a record. Null: likewise.
  std::span<const IndexedField> indexes{};       // Each passed add_index().
  std::size_t index_bytes_max = 256u << 20;
  SearchOptions search{};
  std::uint32_t entity_asks_max = 0;  // Of one link; 0: the host answers no questions about facts.
  Keeping keeping{};
  QuotaLimits quota{};
  bool has_sink = false;
  // Maps whose ops are acknowledged durable when the database has them; others when the journal is on disk.
  std::span<const std::string> through_maps{};
  crdt::Seq drained_through = 0;  // What the sink says it has.
};

// The database, as the queue into it sees it.
struct SinkFigures {
  Status status = Status::ok;       // Of the last drain.
  std::uint64_t since_wall_ms = 0;  // Since when it has been that; 0: no drain yet, or the time was not known.
  std::string problem{};            // The last that there was; empty: none yet.
  std::uint64_t queue_cells = 0;    // Positions that are durable and not drained: that many cells at most.
  std::uint64_t queue_age_ms = 0;   // How long the first of them has waited.
  std::uint64_t dead_letters = 0;   // Rows that the database refuses for their own sake.
};

inline constexpr std::size_t kStatuses = static_cast<std::size_t>(Status::collected) + 1;

struct CoordinatorStatus {
  std::uint64_t epoch = 0;
  std::uint32_t links = 0;
  std::uint32_t subscriptions = 0;
  crdt::Seq head = 0;
  crdt::Seq durable = 0;
  crdt::Seq drained = 0;
  std::uint64_t ops_applied = 0;
  std::uint64_t ops_rejected = 0;
  std::uint64_t rejected_by[kStatuses] = {};  // Of these, by their status.
  std::uint64_t ops_unpaid = 0;               // Taken, and acknowledged later: they came too fast.
  std::uint64_t cells_sent = 0;
  std::uint64_t cells_healed = 0;
  std::uint64_t rows_judged = 0;  // Held against the predicates of subscriptions.
  std::uint32_t indexes = 0;
  std::uint32_t indexes_over_cap = 0;  // Of these switched off, because they would take too much.
  std::uint64_t index_bytes = 0;
  std::uint64_t cells = 0;            // That are kept, deletions among them,
  std::uint64_t cell_bytes = 0;       // and their names and values;
  QuotaLimits quota{};                // what there may be of them.
  std::uint64_t tombstones = 0;       // Removed or expired cells that are still kept,
  std::uint64_t cells_collected = 0;  // and those that are no more.
  crdt::Seq floor = 0;                // The greatest arrival of these; of what is durable.
  storage::SinkMark gone{};           // What a database is to be told of it.
  std::uint32_t devices_enrolled = 0;
  std::uint32_t devices_lapsed = 0;
  bool judging = false;
  std::uint64_t judge_ahead_ms = 0;  // By which the judge's time is ahead of the wall clock: something was far ahead.
  SinkFigures sink{};
  ChannelFigures channels{};

  // What a database notes that has taken the journal up to `through`. One that is filled anew is told of the floor only
  // when it has come so far: until then, a row from below it may be one that it never had.
  storage::SinkMark drained_mark(crdt::Seq through) const {
    if (through < gone.floor) return {.epoch = epoch, .through = through, .greatest = gone.greatest};
    return {epoch, through, gone.floor, gone.expired_ms, gone.greatest};
  }
};

class Coordinator final : public runtime::Machine {
 public:
  Coordinator(storage::Store& store, const CoordinatorOptions& options);
  ~Coordinator();

  std::span<const runtime::Action> step(const runtime::Event& event) override;
  std::uint64_t wake_at_ms() const override;

  CoordinatorStatus status() const;
  // Whether a place in this journal is one that it still has, or had in the epoch that is told.
  bool stands(std::uint64_t epoch, crdt::Seq position) const;
  crdt::Digest digest(const runtime::Scope& scope);
  // What who has no replica asks, with what was proven of it (desk.h). What it writes comes as an event `call`, with
  // the same.
  Status ask(std::string_view identity, Bytes claims, const runtime::Question& question, const Desk::Visitor& visitor);
  // Whether a question about the facts of a map may be answered to them: it looks at all there is.
  //   denied  They may not read all of it; desk() says why.
  Status may_ask_facts(std::string_view identity, Bytes claims, std::string_view map);
  const Desk& desk() const;
  crdt::Seq head() const;  // As status() has it, which counts all there is.
  bool may(std::string_view identity, Bytes claims, Right right) const;
  // From the next step on.
  void limit(const QuotaLimits& quota);
  // Of the action `search`.
  const SearchWork& search_work() const;
  // Of the action `ask`: the host takes what is to do.
  EntityAsks& entities();
  // The last trouble as a sentence. Never null.
  const char* problem() const;

 private:
  class Body;
  std::unique_ptr<Body> body_;
};

}  // namespace grid::server
