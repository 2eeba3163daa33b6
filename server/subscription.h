// SPDX-License-Identifier: Apache-2.0
//
// Subscription: one device's reader of the journal: a scope and a position, never a queue of frames.
//
// Place     Below session.h, above journal.h.
// Promises  SYN-2, the gateway's half: the position moves over a record only when the record was sent, or need not be.
#pragma once

#include <algorithm>
#include <memory>
#include <set>
#include <string>

#include "crdt/hash.h"
#include "runtime/query/row_tests.h"
#include "runtime/scope.h"
#include "server/epochs.h"
#include "server/journal.h"
#include "server/leaps.h"
#include "server/queue.h"
#include "server/wanted.h"
#include "transport/wire.h"

namespace grid::server {

// Arrivals that came over a link itself, in order: they need not go back over it.
class OwnArrivals {
 public:
  // Past this many the oldest are forgotten, and then sent back: harmless, only wasteful.
  static constexpr std::size_t kOwnMax = 65'536;

  void add(storage::Seq seq);
  bool contains(storage::Seq seq) const;
  void forget_through(storage::Seq seq);

 private:
  Queue<storage::Seq> seqs_;
};

// The rows of a predicate that a device holds, as far as the gateway knows (PROTOCOL P21): only these are evicted.
class RowsHeld {
 public:
  // False: there is no room, and from now on a row may be held that is not known to be.
  bool add(std::string_view key);
  bool has(std::string_view key) const { return keys_.count(hash_of(key)) != 0; }
  bool remove(std::string_view key) { return keys_.erase(hash_of(key)) != 0; }
  bool knows_all() const { return knows_all_; }
  std::size_t size() const { return keys_.size(); }
  void limit(std::size_t rows) { rows_max_ = rows; }

 private:
  static std::uint64_t hash_of(std::string_view key) { return crdt::hash64(as_bytes(key)); }

  std::set<std::uint64_t> keys_;
  std::size_t rows_max_ = 0;
  bool knows_all_ = true;
};

class Subscription {
 public:
  using Test = std::unique_ptr<runtime::CompiledRowTest>;

  // The device takes no larger values than that. `test` is that of a scope of the kind `where`, of which the device may
  // see those that pass `granted`: it has that in it. Null: it may see all.
  Subscription(std::uint32_t id, const runtime::Scope& scope, std::uint32_t value_bytes_max, Test test = nullptr,
               Test granted = nullptr)
      : id_(id),
        value_bytes_max_(value_bytes_max),
        kind_(scope.kind),
        map_(scope.map),
        text_(scope.text),
        test_(std::move(test)),
        granted_(std::move(granted)) {}

  std::uint32_t id() const { return id_; }
  runtime::Scope scope() const { return {kind_, map_, text_, test_.get()}; }
  // Names what the device sees (PROTOCOL P13).
  std::uint64_t scope_hash() const;
  // Null: it may see all rows of its map.
  const runtime::RowTest* granted() const { return granted_.get(); }
  query::Predicate predicate() const { return test_ ? test_->predicate() : query::Predicate(); }
  // Whether it is told what becomes of every name that its scope matches: a predicate's, of its rows alone.
  bool is_told_of_all() const { return test_ == nullptr; }
  // Whether it wants this row as it stands.
  bool wants_row(const crdt::Cell& row) const;
  storage::Seq position() const { return position_; }
  // Whether this record is not going to be sent any more.
  bool is_past(const crdt::Op& op) const {
    return op.seq <= position_ || (op.seq <= live_only_through_ && op.cell.is_tombstone());
  }
  // Goes on behind a cursor of the device.
  void resume(const PullCursor& cursor);
  // Goes on behind `position`; `skips_tombstones` up to `head` for a device that holds nothing. It has seen what
  // arrived up to `seen`.
  void start(storage::Seq position, storage::Seq head, bool skips_tombstones, storage::Seq seen = 0);
  // Behind start(0): looks only at records that may concern a device that holds nothing, where an index leads to them.
  void leap(const Journal& journal);
  // The device has a cursor of this link on its disk (PROTOCOL P14).
  void acknowledge(storage::Seq position) {
    acked_ = std::max(acked_, position);
    if (acked_ >= told_) awaits_ack_ = false;
  }
  // Up to where the device has what it was sent: all that was read, once nothing is on its way; what a comparison is to
  // tell it instead, only once that has ended.
  storage::Seq seen() const {
    const storage::Seq seen = awaits_ack_ ? acked_ : std::max(acked_, position_);
    return untold_ == 0 ? seen : std::min(seen, untold_ - 1);
  }
  bool awaits_word() const { return awaits_ack_ || untold_ != 0; }

  // Takes note of the rows that a device holds whose cursor stands at `position`, or that a comparison up to there will
  // have given it. That leaves out what has expired meanwhile: rows that may are known in part.
  Status know_rows(Journal& journal, storage::Seq position, std::size_t rows_max, bool by_comparison);
  // A record behind `before` may concern it, in the place of the record `gone`. What it was not told of before
  // concerns it not.
  void touch(storage::Seq before, storage::Seq gone);
  bool is_stale() const { return stale_; }
  // The device has written something of the row, and so may hold it.
  //   corrupt, io  Of the store.
  Status show(Journal& journal, std::string_view key);
  // The row has been collected, and the device may still hold something of it.
  void forget(std::string_view key) {
    if (!held_.remove(key) && !partly_held_.has(key)) return;
    partly_held_.add(key);
    compare_due = !remains_.add(key) || compare_due;
  }

  // It has looked at a row that the device may hold, and that is not known to be: the device must show what it has,
  bool compare_due = false;
  bool compare_asked = false;  // and has been told so.
  bool owes_comparison() const { return compare_due && !compare_asked; }
  void begin_comparison() { compare_due = compare_asked = false; }
  // The device asks whether it has all, which it does with no comparison open.
  void end_comparison() {
    if (!compare_due) untold_ = 0;
  }
  bool sees_nothing = false;        // Of what is granted: it is here to let go of what it holds.
  bool is_queued = false;           // Its session is going to look at it.
  bool heal = false;                // The device has proven that something was lost here.
  bool current_due = false;         // It waits for `current`,
  storage::Seq healed_through = 0;  // which waits until what was healed is on disk.

  // Writes what comes next: a delta, or empty when there was nothing to send among the records looked at.
  // Sets `more` when there is more to look at.
  Result<Bytes> write(Journal& journal, const OwnArrivals& own, const Wanted& wanted, std::uint64_t epoch,
                      MutBytes room, bool& more);
  // Rows that were held against its predicate, for those who count.
  std::uint64_t judged_count() const { return judged_count_; }
  std::uint64_t sent_count() const { return sent_count_; }
  // Rows of which a newer record came before the older one was read.
  std::uint64_t coalesced_count() const { return coalesced_count_; }
  std::size_t held_count() const { return held_.size(); }
  bool is_behind(storage::Seq head) const { return position_ < head; }
  Bytes cursor(const Journal& journal, std::uint64_t epoch, std::uint8_t (&bytes)[PullCursor::kBytes]);
  // The same, or nothing while that is what the device has shown.
  Bytes news(const Journal& journal, std::uint64_t epoch, std::uint8_t (&bytes)[PullCursor::kBytes]);

 private:
  // Records that one write looks at.
  static constexpr std::uint32_t kLooksMax = 8'192;

  // What has become of one record: it is done with, or the frame is full.
  enum class Step : std::uint8_t { done, full };
  struct Writing {
    Journal& journal;
    const OwnArrivals& own;
    const Wanted& wanted;
    wire::OpsWriter& writer;
  };

  bool wants(const crdt::Op& op, const OwnArrivals& own) const;
  Result<Step> take(const crdt::Op& op, const Writing& to);
  Result<Step> take_held(const crdt::Op& op, const Writing& to);
  Result<Step> take_beside(const crdt::Op& op, const Writing& to);
  Result<Step> complete(std::string_view key, const Writing& to);
  Result<Step> take_row(const crdt::Op& op, const Writing& to);
  Result<Step> enter(const crdt::Op& row, const Writing& to);
  Step begin_row(const crdt::Op& row, const Writing& to);
  Step leave(const crdt::Op& row, const Writing& to);
  static Step add(const crdt::Op& op, const Writing& to);

  std::uint32_t id_;
  std::uint32_t value_bytes_max_;
  runtime::ScopeKind kind_;
  std::string map_;
  std::string text_;
  Test test_;  // Null: the scope tells by names alone.
  Test granted_;
  RowsHeld held_;              // Rows that were sent whole,
  RowsHeld partly_held_;       // and others that the device has shown to hold something of.
  RowsHeld remains_;           // Of these: what the device has may have been collected here.
  storage::Seq entering_ = 0;  // The record whose row is being sent, cell by cell,
  std::string entered_sub_;    // behind this one.
  std::uint64_t judged_count_ = 0;
  bool stale_ = true;  // There may be something to send.
  storage::Seq position_ = 0;
  Leaps leaps_;
  storage::Seq told_ = 0;   // The position of its last cursor, at most that,
  storage::Seq acked_ = 0;  // and of the last that the device has acknowledged.
  bool awaits_ack_ = true;
  storage::Seq untold_ = 0;  // The first record that it was not told of, since it must compare; 0: none.
  PullCursor shown_;         // By the device, when it subscribed.
  storage::Seq live_only_through_ = 0;
  std::uint64_t sent_count_ = 0;
  std::uint64_t coalesced_count_ = 0;
};

}  // namespace grid::server
