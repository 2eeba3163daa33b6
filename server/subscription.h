// SPDX-License-Identifier: Apache-2.0
//
// Subscription: one device's reader of the journal: a scope and a position, never a queue of frames.
//
// Place     Below session.h, above journal.h.
// Promises  SYN-2, the gateway's half: the position moves over a record only when the record was sent, or need not be.
#pragma once

#include <algorithm>
#include <deque>
#include <string>

#include "runtime/scope.h"
#include "server/epochs.h"
#include "server/journal.h"
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
  std::deque<storage::Seq> seqs_;
};

class Subscription {
 public:
  // The device takes no larger values than that.
  Subscription(std::uint32_t id, const runtime::Scope& scope, std::uint32_t value_bytes_max)
      : id_(id), value_bytes_max_(value_bytes_max), kind_(scope.kind), map_(scope.map), text_(scope.text) {}

  std::uint32_t id() const { return id_; }
  runtime::Scope scope() const { return {kind_, map_, text_}; }
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
  // The device has a cursor of this link on its disk (PROTOCOL P14).
  void acknowledge(storage::Seq position) {
    acked_ = std::max(acked_, position);
    if (acked_ >= told_) awaits_ack_ = false;
  }
  // Up to where the device has what it was sent: all that was read, once nothing is on its way.
  storage::Seq seen() const { return awaits_ack_ ? acked_ : std::max(acked_, position_); }
  bool awaits_ack() const { return awaits_ack_; }

  bool heal = false;                // The device has proven that something was lost here.
  bool current_due = false;         // It waits for `current`,
  storage::Seq healed_through = 0;  // which waits until what was healed is on disk.

  // Writes what comes next: a delta, or empty when there was nothing to send among the records looked at.
  // Sets `more` when there is more to look at.
  Result<Bytes> write(Journal& journal, const OwnArrivals& own, std::uint64_t epoch, MutBytes room, bool& more);
  std::uint64_t sent_count() const { return sent_count_; }
  bool is_behind(storage::Seq head) const { return position_ < head; }
  Bytes cursor(const Journal& journal, std::uint64_t epoch, std::uint8_t (&bytes)[PullCursor::kBytes]);
  // The same, or nothing while that is what the device has shown.
  Bytes news(const Journal& journal, std::uint64_t epoch, std::uint8_t (&bytes)[PullCursor::kBytes]);

 private:
  // Records that one write looks at.
  static constexpr std::uint32_t kLooksMax = 8'192;

  bool wants(const crdt::Op& op, const OwnArrivals& own) const;

  std::uint32_t id_;
  std::uint32_t value_bytes_max_;
  runtime::ScopeKind kind_;
  std::string map_;
  std::string text_;
  storage::Seq position_ = 0;
  storage::Seq told_ = 0;   // The position of its last cursor, at most that,
  storage::Seq acked_ = 0;  // and of the last that the device has acknowledged.
  bool awaits_ack_ = true;
  PullCursor shown_;  // By the device, when it subscribed.
  storage::Seq live_only_through_ = 0;
  std::uint64_t sent_count_ = 0;
};

}  // namespace grid::server
