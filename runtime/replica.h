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
#include "runtime/action_list.h"
#include "runtime/call.h"
#include "runtime/link_guest.h"
#include "runtime/machine.h"
#include "runtime/merkle_walk.h"
#include "runtime/oplog.h"
#include "runtime/partial.h"
#include "runtime/problem.h"
#include "runtime/pulls.h"
#include "runtime/random.h"
#include "runtime/replica_status.h"
#include "runtime/sync_session.h"
#include "runtime/timekeeper.h"
#include "runtime/upkeep.h"
#include "runtime/watches.h"
#include "storage/store.h"

namespace grid::runtime {

class Replica;

// What a replica must have for sets, counters and batches: kViews, in libraries that link them.
struct Views {
  const OpLog::Rules* log;
  Status (*edit)(Replica& replica, Call& call);
};
extern const Views kViews;
extern const Views kFactViews;  // And facts. Without them they are cells that nobody reads: subscribe to none.

struct ReplicaOptions {
  std::string_view app;    // Kept by reference.
  std::uint64_t seed = 0;  // From the machine's entropy: ids and jitter.
  const Limits* limits = &kLinux;
  OnFull on_full = OnFull::refuse;
  std::uint32_t backoff_ms_min = 250;
  std::uint32_t backoff_ms_max = 30'000;
  const Views* views = nullptr;  // kViews, kFactViews; null: rows only.
  LinkGuest* guest = nullptr;    // Topics and rooms (runtime/channels.h); null: none.
  LetterBox* letters = nullptr;  // Where ops go that do not get through (runtime/dead_letters.h); null: nowhere.
  Upkeep* upkeep = nullptr;      // Expiry and retention (runtime/housekeeping.h); null: none.
  Partial* partial = nullptr;    // Scopes of predicates (runtime/query/row_tests.h); null: none.
};

class Replica final : public Machine {
 public:
  // What the constructor carves from its arena at most, under `limits`.
  static constexpr std::size_t memory_bytes(const Limits& limits) {
    return OpLog::memory_bytes(limits) + Pulls::memory_bytes(limits) + Watches::memory_bytes(limits) +
           MerkleWalk::memory_bytes(limits) + ActionList::memory_bytes(limits);
  }

  // `store` is open; `memory` is the replica's for life and holds memory_bytes().
  Replica(storage::Store& store, const ReplicaOptions& options, MutBytes memory);

  std::span<const Action> step(const Event& event) override;
  std::uint64_t wake_at_ms() const override;

  // Reads of the open batch. `wall_ms` as in an event; it decides what has expired.
  //   not_found  No live row.
  Result<crdt::Op> find(std::string_view map, std::string_view key, std::uint64_t wall_ms);
  // The first live row of `scope` behind `after`: keys that hold one value.
  Result<crdt::Op> next(const Scope& scope, const crdt::CellName& after, std::uint64_t wall_ms);
  // The first live cell of any view whose name is greater than `after`.
  Result<crdt::Op> next_cell(const crdt::CellName& after, std::uint64_t wall_ms);
  // The log's record `seq`, if it still stands.
  Result<crdt::Op> op_at(crdt::Seq seq);
  // The row that the action `vanished` is about, during its step.
  const crdt::CellName& vanished() const { return log_.vanished(); }
  // Whether the watch `id` is about such a name.
  bool is_watched_by(std::uint32_t id, const crdt::CellName& name);
  LetterBox* letters() const { return options_.letters; }
  Outcome outcome_of(crdt::Seq seq);
  Version version_of(const crdt::Op& op) const { return Version::of(op, log_.is_pending(op)); }
  ReplicaStatus status(std::uint64_t now_ms) const;
  // Bits of the server's welcome; none while it has not come.
  std::uint32_t features() const { return session_.features(); }
  crdt::Stamp last_stamp() const { return log_.clock().last(); }
  // By which expiry is judged at a read, `wall_ms` as in an event; 0 while the time is unknown.
  std::uint64_t known_ms(std::uint64_t wall_ms) const { return time_.known_ms(wall_ms); }
  // Over the live, settled cells of the scope, by scanning them.
  crdt::Digest digest(const Scope& scope, std::uint64_t wall_ms);
  // Carries out a call's edit; of kViews.
  static Status edit(Replica& replica, Call& call);
  // The last trouble as a sentence. Never null.
  const char* problem() const { return problem_.line(); }

 private:
  class Hand;  // What an edit gets to work with.

  void start(const Event& event);
  void dispatch(const Event& event);
  void perform(Call& call);
  Status perform(ChannelCall& call);
  Status write(Call& call);
  Status check_value(Bytes value);
  Status write_cell(const crdt::CellName& name, Bytes value, std::uint64_t ttl_ms, Call& call);
  Status refuse_edit();
  Status make_room_for(const crdt::CellName& name);
  Status subscribe(Call& call);
  bool find_test(Scope& scope);
  void release(const Call& call);
  void finish_step(const Event& event);
  bool keep_up(std::uint64_t now_ms);
  Status check_row(const Call& call);
  void stop(Status status);

  storage::Store& store_;
  ReplicaOptions options_;
  bool stopped_ = false;                    // The store failed: nothing goes on (docs/STORAGE.md).
  StateReason reason_ = StateReason::none;  // Why.
  Arena arena_;
  ActionList actions_;
  Random random_;
  Timekeeper time_;
  Problem problem_;
  OpLog log_;
  Pulls pulls_;
  Watches watches_;
  MerkleWalk walk_;
  SyncSession session_;
};

}  // namespace grid::runtime
