// SPDX-License-Identifier: Apache-2.0
//
// Journal: the gateway's cells of one app: merge, arrival, durability, digests, drift.
//
// Place     Below session.h, above storage/store.h. Knows no link.
// Promises  ACK-1  durable_head() covers only what a commit has covered.
//           A cell is counted by the digests as it is live at expired_through_ms: partitions.h.
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "crdt/clock.h"
#include "crdt/value.h"
#include "runtime/partial.h"
#include "runtime/problem.h"
#include "server/floor.h"
#include "server/partitions.h"
#include "server/row_finder.h"
#include "storage/store.h"

namespace grid::server {

// Who is told of each record, as views that stand during the call.
class ArrivalListener {
 public:
  // A cell of this row has arrived, or is about to, behind `before`. `row` is the row's value: once as it was, and once
  // as it is where the record is the row itself; absent when none stands. `gone` is the row's record that the new one
  // takes the place of; 0: none.
  virtual void arrived(const crdt::CellName& name, const crdt::Value& row, storage::Seq before, storage::Seq gone) = 0;

 protected:
  ~ArrivalListener() = default;
};

class Journal {
 public:
  Journal(storage::Store& store, std::string_view app, std::uint32_t maps_max, runtime::Problem& problem)
      : store_(store), partitions_(app, maps_max), problem_(problem) {}

  void listen(ArrivalListener* listener) { listener_ = listener; }
  void listen(runtime::ErasureListener* listener) { erasures_ = listener; }
  // Where rows of predicates lie; null: that is not known. It reads this store.
  void use(const RowFinder* finder) { finder_ = finder; }
  const RowFinder* finder() const { return finder_; }
  // Reads judge and digests from the store.
  Status open();
  void observe(std::uint64_t now_ms, std::uint64_t wall_ms);

  //   clock_ahead  The judge says so, or no device's clock could go on behind such a stamp.
  Status judge(const crdt::Stamp& stamp, std::uint32_t drift_ms_max) const {
    if (stamp.wall_ms() > crdt::Clock::kMergeMsMax) return Status::clock_ahead;
    return judge_.verdict(stamp, drift_ms_max);
  }
  // Merges a legal op. True: it won, and got the next arrival, head(). A marker takes all facts of its entity with it,
  // and a fact under a marker is dropped (TRI-1).
  //   full, io  The store refused; nothing changed.
  Result<bool> merge(const crdt::Op& op);
  // The same for a cell that was lost here and is given back. The judge counts its stamp among those that were merged
  // before: otherwise a clock that followed it could never write again.
  //   corrupt  No clock could have gone on behind such a stamp.
  Result<bool> heal(const crdt::Op& op);

  // ---- collection (collector.h decides)
  const Floor& floor() const { return floor_; }
  const Floor& durable_floor() const { return durable_floor_; }
  Status raise_floor(const Floor& floor);
  // Forgets a cell without a trace: a dead one, in one batch with the floor; or a fact, in that of its entity's marker.
  //   full, io  The store refused; nothing changed.
  Status erase(const crdt::CellName& name);
  // Whether it is a fact that is about to go with its entity's marker, and that no batch had room for yet. Makes no
  // call on the store.
  bool is_burying(const crdt::CellName& name) const;
  // The cells that are here, deletions among them, and the bytes of their names and values; or by how much they change.
  struct Held {
    std::int64_t cells = 0;
    std::int64_t bytes = 0;
  };
  const Held& held() const { return held_; }
  // By how much they would, with the op in the place of what stands. Nothing, where it would lose to that by its stamp,
  // unless that `is_decided` in another way.
  Result<Held> growth_by(const crdt::Op& op, bool is_decided) const;
  // Removed cells that stand, and those that have expired.
  std::uint64_t dead_count() const { return tombstone_count_ + partitions_.expired().size(); }

  crdt::Digest digest(const runtime::Scope& scope);
  Partitions& partitions() { return partitions_; }
  storage::Store& store() { return store_; }

  void touch() { dirty_ = true; }
  bool dirty() const { return dirty_; }
  bool committing() const { return committing_; }
  bool is_at_rest() const { return !dirty_ && !committing_; }
  std::uint64_t seal();
  void durable();
  // That was ever merged, be it collected.
  crdt::Stamp greatest() const { return std::max(greatest_, floor_.greatest); }
  storage::Seq head() const { return store_.head(); }
  storage::Seq durable_head() const { return durable_head_; }
  // How far a reader that stood at `from`, and has read up to `through`, may say that it has read. A record that was
  // superseded by one that is not durable is not there to be read, and comes back at its old place when a power cut
  // takes the newer one. (Whoever has read that one too is past what is durable, and no such word stands afterwards.)
  storage::Seq read_through(storage::Seq from, storage::Seq through) const;

  // What devices are told. A clock that is lost while the gateway runs goes on from where it stood. 0: never known.
  std::uint64_t wall_ms() const { return wall_ms_; }
  bool judging() const { return judge_.judging(); }
  std::uint64_t judge_ahead_ms() const {
    return judge_.judging() && wall_ms_ != 0 ? judge_.at_ms() - std::min(judge_.at_ms(), wall_ms_) : 0;
  }
  // When the next cell expires, in wall time; kNever when none will.
  std::uint64_t next_expiry_ms() const { return partitions_.next_expiry_ms(); }

 private:
  struct Hidden {
    storage::Seq record;
    storage::Seq by;
  };

  Status save_judge();
  Status bury_facts(const std::string& map, const std::string& key);
  Result<Held> growth_by_marker(const crdt::CellName& marker) const;
  void bury_the_rest();
  Status tell_row_of(const crdt::CellName& name);
  std::vector<Hidden>::const_iterator hidden_by_later_than(storage::Seq seq) const;

  storage::Store& store_;
  Partitions partitions_;
  runtime::Problem& problem_;
  ArrivalListener* listener_ = nullptr;
  runtime::ErasureListener* erasures_ = nullptr;
  const RowFinder* finder_ = nullptr;
  crdt::Judge judge_;
  crdt::Stamp greatest_;
  std::uint64_t saved_judge_ms_ = 0;
  std::uint64_t wall_ms_ = 0;
  std::uint64_t now_ms_ = 0;
  storage::Seq durable_head_ = 0;
  storage::Seq sealed_head_ = 0;
  Floor floor_, sealed_floor_, durable_floor_;
  std::uint64_t tombstone_count_ = 0;
  Held held_;
  // Entities whose marker stands, and of which a full batch, or a crash, may have left facts: map and key.
  std::set<std::pair<std::string, std::string>> unburied_;
  std::vector<Hidden> hidden_;  // By records that are not durable, in their order.
  bool dirty_ = false;
  bool committing_ = false;
};

}  // namespace grid::server
