// SPDX-License-Identifier: Apache-2.0
//
// OpLog: what a device does to its store: local writes, merges of what the server sent, and the unsynced part of the
// log with what became of it.
//
// Place     Above storage/store.h, below sync_session.h. Knows no frame and no link.
// Promises  LOG-1  An op leaves the log only by a durable ack, a superseding op of its cell, a rejection or a
//                  visible drop.
//           Bounded by keys, not by time offline: an op that was never sent and is superseded is gone.
//           Clock and data are one commit: a write that fails leaves the clock unmoved.
// Ownership Borrows the store and the memory of its tables for life.
#pragma once

#include <utility>

#include "crdt/base/arena.h"
#include "crdt/base/limits.h"
#include "crdt/clock.h"
#include "crdt/merkle.h"
#include "crdt/pn_counter.h"
#include "runtime/letter_box.h"
#include "runtime/partial.h"
#include "runtime/problem.h"
#include "runtime/replica_status.h"
#include "runtime/scan.h"
#include "runtime/timekeeper.h"
#include "storage/store.h"

namespace grid::runtime {

// What a write makes of one cell. By reference.
struct CellChange {
  crdt::CellName name;
  Bytes value{};  // Empty removes.
  std::uint64_t expires_ms = 0;
  // Vouched for, and of what the cell is a part of: its base, unless its own is greater (PROTOCOL P17).
  crdt::Stamp base{};
};

class OpLog {
  // What became of one of the last ops that did not get through, for whoever asks.
  struct Fate {
    crdt::Seq seq = 0;
    Outcome outcome = Outcome::pending;
  };
  // An op of a unit.
  struct Member {
    crdt::Seq seq;
    crdt::Unit unit;
  };
  // What a unit comes to.
  struct Load {
    std::size_t count = 0;
    std::size_t store_bytes = 0;
    std::size_t frame_bytes = 0;  // Beside the frame's head.

    void add(const crdt::Op& op);
  };
  static constexpr std::size_t scratch_bytes(const Limits& limits) { return kNameBytesMax + limits.value_bytes_max; }

 public:
  static constexpr std::size_t memory_bytes(const Limits& limits) {
    return limits.window_ops_max * sizeof(Fate) + (in_flight_max(limits) + unit_ops_max(limits)) * sizeof(crdt::Seq) +
           scratch_bytes(limits) + 4 * alignof(crdt::Seq);
  }

  // The most that one unit holds.
  static constexpr std::size_t unit_ops_max(const Limits& limits) {
    return limits.window_ops_max < kUnitOpsMax ? limits.window_ops_max : kUnitOpsMax;
  }

  // A unit that begins within the window is sent whole.
  static constexpr std::size_t in_flight_max(const Limits& limits) {
    return limits.window_ops_max + unit_ops_max(limits) - 1;
  }

  // What must be known of cells beyond rows: sets, counters, and units of several ops. Linked by who uses it.
  struct Rules;
  static const Rules kRules;
  static const Rules kFactRules;  // And deleted entities (TRI-1): without them facts are cells like any other.

  // `rules` may be null: then there are rows only.
  OpLog(storage::Store& store, const Limits& limits, Arena& arena, Problem& problem, const Rules* rules = nullptr);

  // Before open(): where ops go that do not get through. Null: nowhere.
  void post_to(LetterBox* letters) { letters_ = letters; }
  // Reads node, clock and pending ops from the store; a new store gets `fresh_node`.
  Status open(std::uint64_t fresh_node);
  // Into the last batch: the clock as it stands, without its lead.
  Status close();

  // A local write; empty `value` removes.
  //   full                 pending_ops_max is reached, or the store's batch is.
  //   invalid, too_large   The name or the value breaks a rule.
  Result<crdt::Seq> write(const CellChange& cell, const Timekeeper& time);
  //   too_large  They are more than one frame or unit_ops_max() holds.
  Status check_unit(std::span<const CellChange> cells);
  // Several at once, of different cells of one partition, which are taken together or not at all (PROTOCOL P9); what
  // they supersede of other units comes with them. Returns the last one's sequence.
  //   full       As above; nothing was written.
  //   too_large  More than one frame or unit_ops_max() holds; nothing was written.
  //   io         The store failed, perhaps halfway.
  Result<crdt::Seq> write_unit(std::span<const CellChange> cells, const Timekeeper& time);
  // Lets go of a settled cell, without a tombstone (PROTOCOL P22). `name` refers to nothing of the store.
  Status erase(const crdt::CellName& name) { return append({.cell = {name, {}, 0, {}}}); }
  // Who is told of each name that leaves so; null: nobody.
  void listen(ErasureListener* listener) { listener_ = listener; }
  // Takes an unshared op back, without a trace. Nothing that the server may have is under its name (PROTOCOL P26).
  Status withdraw(const crdt::Op& op);
  // Merges a cell that the server vouches for. A marker takes all facts of its entity with it, pending ones too, and a
  // fact under a marker is dropped (TRI-1).
  Status merge(const crdt::Op& op);

  // ---- what was deleted elsewhere, and collected
  // Lets what the server has stand, or nothing when it has nothing, in the place of what it vouched for once.
  Status let_go(const crdt::Op& theirs);
  // Op `seq` came too late, and its server has taken note of its stamp as if it had acknowledged it.
  Status note_late(crdt::Seq seq);
  // Writes op `seq` anew, if it still stands, above the stamp that the server told: a deletion that is collected may be
  // newer than it was.
  //   corrupt  It was never sent, or no clock could go on behind such a stamp.
  Status renew(crdt::Seq seq, const crdt::Stamp& above, const Timekeeper& time);
  // The name or, where it is of a fact and the marker of its entity stands, that of the marker, whose sub is shorter.
  crdt::CellName name_over(const crdt::CellName& name);
  // Forgets the record `seq`, if it is one that stands.
  Status erase(crdt::Seq seq);

  // ---- sending
  // The link is new: everything behind the last durable ack goes out again.
  //   full  Ops of an earlier node id have yet to be signed anew.
  Status restart();
  // Lets up to `ahead` more local ops be handed to a link, from the next commit on.
  Status share_ahead(std::uint32_t ahead);
  // The next op to send, if it may be sent now.
  //   not_found  None just now.
  Result<crdt::Op> next_to_send();
  void sent(const crdt::Op& op);
  // How far sending has come, and back to there: what was counted as sent since never reached a frame.
  struct Sending {
    crdt::Seq sent;
    std::uint64_t in_flight;
    std::uint64_t shared_unsent;
  };
  Sending sending() const { return {sent_, in_flight_, shared_unsent_}; }
  void take_back(const Sending& to) { sent_ = to.sent, in_flight_ = to.in_flight, shared_unsent_ = to.shared_unsent; }
  // How many of its unit come behind `op`, of those that are still in the log.
  std::size_t left_of_unit(const crdt::Op& op);

  // ---- what the server said
  //   corrupt  It acknowledges what was never sent.
  Status acknowledge(crdt::Seq applied, crdt::Seq durable);
  // Op `seq` was refused, and why; `standing` is what the server has (no stamp: nothing). What is no pending op is
  // passed over.
  //   corrupt  It was never sent.
  Status reject(crdt::Seq seq, const crdt::Op& standing, Status why = Status::invalid, std::string_view sentence = {});
  // Op `seq` is lost with the one that is being refused.
  void lose(crdt::Seq seq);
  // The op that is lost with the one that was refused last; 0: none. Says so once.
  crdt::Seq take_lost();
  // The name of the last row that was taken back without a trace, until another op is taken back or signed anew; says
  // so once. Null: none was.
  const crdt::CellName* take_vanished();
  // Whether a marker was refused: what it took away is the server's to give back. Says so once.
  bool take_unburied() { return std::exchange(has_unburied_, false); }
  const crdt::CellName& vanished() const { return vanished_; }
  // Op `seq` was ahead of the server's clock: writes it anew, if it still stands, as an unshared op that can be
  // corrected. Returns the correction that its own stamp calls for.
  //   corrupt  It was never sent.
  Result<Correction> reissue(crdt::Seq seq, const Timekeeper& time);

  // ---- identity and time
  // Moves the stamps of unshared ops (PROTOCOL P4), in order. Only when nothing is in flight. `now_ms` is the corrected
  // time: nothing is left ahead of it.
  //   full  Nothing has changed yet, or correcting() says that some stamps are still to be moved.
  Status correct(const Correction& correction, std::uint64_t now_ms);
  // Goes on where the batch was full. Until it is done nothing may be shared, and no other correction begun.
  bool correcting() const { return correcting_.at < correcting_.end; }
  std::uint64_t corrected_at_ms() const { return correcting_.now_ms; }  // The last time; 0: never.
  Status go_on_correcting();
  // Whether this log has the op of its own that the server took last, or knows that it was acknowledged. Otherwise it
  // is an older image of the one that sent it, whatever its fork token says (PROTOCOL P1). Counts it, and all before
  // it, as shared.
  Result<bool> knows(std::uint64_t taken_time, std::uint64_t taken_digest);
  // Whether a pending op has the node's own id in its name: with another id, its row is another one, and that of before
  // must be fetched again.
  Result<bool> names_itself();
  // Takes a new node id, and signs every pending op with it (PROTOCOL P1). The server has taken what was signed with
  // the old one up to `taken_time`.
  //   full  The old id stands, or the next restart() signs the rest.
  Status refork(crdt::NodeId node, std::uint64_t taken_time);

  // ---- durability
  bool dirty() const { return dirty_; }
  void touch() { dirty_ = true; }  // The open batch got a fact from somebody else.
  Result<std::uint64_t> seal();
  void durable();  // What was sealed last is on disk.
  bool committing() const { return committing_; }

  // As many ops are pending as may be, and none of them is one that a write of `name` would take the place of.
  bool is_full_for(const crdt::CellName& name);
  // The oldest op that may be dropped (PROTOCOL P8), a copy that stands until another op is taken back or signed anew.
  // Not a counter's: its node would forget what it counted. Nor one of a unit.
  //   full  Links have seen all that are pending.
  Result<crdt::Op> oldest_to_drop();
  // Takes it back: its row is gone.
  Status drop(const crdt::Op& op);

  storage::Store& store() { return store_; }
  crdt::NodeId node() const { return clock_.node(); }
  const crdt::Clock& clock() const { return clock_; }
  // Of the greatest stamp under the present node id that the server has acknowledged as durable; 0: none.
  std::uint64_t shared_time() const { return clock_.shared().node == node() ? clock_.shared().time : 0; }
  std::uint64_t pending_count() const { return pending_count_; }
  std::uint64_t in_flight() const { return in_flight_; }
  std::uint64_t rejected_count() const { return rejected_count_; }
  std::uint64_t dropped_count() const { return dropped_count_; }
  crdt::Seq applied() const { return applied_; }
  bool is_pending(const crdt::Op& op) const { return op.local && op.seq > store_.settled(); }
  bool is_unshared(const crdt::Op& op) const { return op.local && op.seq > store_.shared(); }
  Outcome outcome_of(crdt::Seq seq);
  Result<crdt::Op> op_at(crdt::Seq seq);
  // Over the live, settled cells of the scope, by scanning them (PROTOCOL P16).
  crdt::Digest digest(const Scope& scope, std::uint64_t known_ms);

 private:
  static constexpr std::size_t kUnitOpsMax = 64;

  // The first local op in (from, to].
  //   not_found  There is none.
  Result<crdt::Op> next_local(crdt::Seq from, crdt::Seq to);
  // Calls `visit(op)` for each local op in (from, to], in order; stops at the first status that is not ok.
  template <typename Visit>
  Status each_local(crdt::Seq from, crdt::Seq to, Visit visit);
  // The same by sequence, for visits that write: the views of an op end with the next call on the store.
  template <typename Visit>
  Status each_seq(crdt::Seq from, crdt::Seq to, Visit visit);
  Status append(const crdt::Op& op);
  Status append_one(const crdt::Op& op);
  bool is_burial(const crdt::Op& op) const;
  Status bury_facts(const crdt::CellName& marker);
  static bool is_named_after_node(const crdt::Cell& cell);
  // A correction under way: ops up to `at` have their new stamps, the last of which is `highest`.
  struct Correcting {
    Correction correction;
    std::uint64_t now_ms = 0;
    crdt::Stamp highest;
    crdt::Seq at = 0;
    crdt::Seq end = 0;
    bool concerns(const crdt::Op& op) const {
      return (op.quality == crdt::ClockQuality::unknown) == correction.of_unknown;
    }
  };
  crdt::Stamp corrected(const crdt::Op& op, const Correcting& by) const;
  Status rename(crdt::NodeId node);
  Status sign_pending();
  Status sign(crdt::Seq seq);
  Status sign_renamed(const crdt::Op& op);
  enum class Taken : std::uint8_t { back, along };
  Status rebase_counter(crdt::Seq refused, crdt::Seq standing, Taken taken);
  Result<crdt::Sums> counted_before(const crdt::CellName& name);
  Status count_pending();
  void note_superseded(const crdt::CellName& name, crdt::Seq by);
  Status stand_instead(const crdt::Op& rejected, const crdt::Op& standing);
  Status reopen_above_all();
  Status save_clock();
  Status set_clock(const crdt::ClockState& state);
  // Where it stands in refused_; its size when it was not refused.
  std::size_t refusal_of(crdt::Seq seq) const;
  void forget_refusals(crdt::Seq through);
  const Fate* fate_of(crdt::Seq seq) const;
  void note_end(crdt::Seq seq, Outcome outcome);
  void note_fate(crdt::Seq seq, Outcome outcome);
  Result<crdt::Op> copied(crdt::Seq seq);
  Result<bool> is_under_way(const crdt::CellName& name);
  crdt::Op new_op(const CellChange& cell, crdt::ClockQuality quality);
  bool fits_a_frame(const Load& load) const;
  template <typename Visit>
  Status each_member(const Member& op, Visit visit);
  Status add_member(crdt::Seq seq, Load& load, std::span<const CellChange> instead);
  Status gather(std::span<const CellChange> cells, Load& load);
  Status tick_ahead(std::size_t count, std::uint64_t now_ms);
  Status renew_unit(const crdt::Op& op);
  Status write_anew(const crdt::Op& op);
  Status rebase(crdt::Seq refused, crdt::Seq standing, Taken taken);

  storage::Store& store_;
  const Rules* rules_;
  const Limits& limits_;
  Problem& problem_;
  LetterBox* letters_ = nullptr;
  ErasureListener* listener_ = nullptr;
  bool dirty_ = false;
  bool committing_ = false;
  bool has_vanished_ = false;
  bool has_unburied_ = false;
  std::uint64_t pending_count_ = 0;
  std::uint64_t in_flight_ = 0;      // Sent on this link, without a durable ack.
  std::uint64_t shared_unsent_ = 0;  // Marked shared, not sent on this link yet.
  crdt::Seq sent_ = 0;               // The last op that was handed to this link.
  crdt::Seq applied_ = 0;
  crdt::Seq looked_ = 0;  // Up to here, local ops behind the shared mark have been looked for.
  crdt::Clock clock_;
  Vec<crdt::Seq> refused_;        // Not settled yet, so in_flight_max() bounds them;
  std::size_t refused_here_ = 0;  // the first so many on this link.
  std::span<Fate> fates_;
  Vec<crdt::Seq> members_;  // Of the unit that is being written.
  std::size_t next_fate_ = 0;
  Correcting correcting_;
  crdt::Seq reforked_from_ = 0;  // Ops behind it and up to
  crdt::Seq reforked_to_ = 0;    // here were signed anew, as other ops, of which the last
  crdt::Seq reforked_as_ = 0;    // is this one.
  std::uint64_t reforked_taken_ = 0;
  MutBytes scratch_;           // One op, while it is written anew.
  crdt::CellName vanished_{};  // In scratch_.
  crdt::Seq lost_ = 0;
  std::uint64_t rejected_count_ = 0;
  std::uint64_t dropped_count_ = 0;
  crdt::Seq durable_head_ = 0;    // Of the log, as it is on disk,
  crdt::Seq durable_shared_ = 0;  // and of its shared mark.
  crdt::Seq sealed_head_ = 0;
  crdt::Seq sealed_shared_ = 0;
};

struct OpLog::Rules {
  bool (*is_named_after_node)(const crdt::Cell& cell);
  Status (OpLog::*sign_renamed)(const crdt::Op& op);
  Status (OpLog::*rebase_counter)(crdt::Seq refused, crdt::Seq standing, Taken taken);
  Result<crdt::Seq> (OpLog::*write_unit)(std::span<const CellChange> cells, const Timekeeper& time);
  Status (OpLog::*renew_unit)(const crdt::Op& op);
  Status (OpLog::*bury_facts)(const crdt::CellName& marker) = nullptr;
  crdt::CellName (*name_over)(storage::Store& store, const crdt::CellName& name) = nullptr;
};

template <typename Visit>
Status OpLog::each_local(crdt::Seq from, crdt::Seq to, Visit visit) {
  for (crdt::Seq at = from;;) {
    const Result<crdt::Op> op = next_local(at, to);
    if (!op.ok()) return op.status() == Status::not_found ? Status::ok : op.status();
    at = op->seq;
    GRID_TRY(visit(*op));
  }
}

template <typename Visit>
Status OpLog::each_seq(crdt::Seq from, crdt::Seq to, Visit visit) {
  for (crdt::Seq at = from;;) {
    const Result<crdt::Op> op = next_local(at, to);
    if (!op.ok()) return op.status() == Status::not_found ? Status::ok : op.status();
    at = op->seq;
    GRID_TRY(visit(at));
  }
}

}  // namespace grid::runtime
