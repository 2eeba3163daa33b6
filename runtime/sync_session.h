// SPDX-License-Identifier: Apache-2.0
//
// SyncSession: the device's end of a link: greets, pushes, pulls, compares (docs/SESSION.md).
//
// Place     Below replica.h; above oplog.h, pulls.h and merkle_walk.h, which it tells what the server said.
// Promises  ACK-1, the device's half: an op that was handed to the link stays in the log until its durable ack.
//           SYN-2  A cursor moves only in one batch with the cells that it covers.
//           A peer that breaks the protocol loses the link, with a sentence; nothing is checked on what it sent.
#pragma once

#include "crdt/base/limits.h"
#include "runtime/action_list.h"
#include "runtime/link_guest.h"
#include "runtime/merkle_walk.h"
#include "runtime/oplog.h"
#include "runtime/partial.h"
#include "runtime/problem.h"
#include "runtime/pulls.h"
#include "runtime/random.h"
#include "runtime/replica_status.h"
#include "runtime/sweep.h"
#include "runtime/timekeeper.h"

namespace grid::runtime {

// Begins the sentence of a subscription that the server refuses; behind it stands name_of() the status.
inline constexpr const char* kSubscriptionRefused = "the server refused a subscription: ";

class SyncSession {
 public:
  struct Options {
    std::string_view app;
    std::uint32_t backoff_ms_min = 0;
    std::uint32_t backoff_ms_max = 0;
  };

  SyncSession(const Options& options, const Limits& limits, OpLog& log, Pulls& pulls, MerkleWalk& walk,
              Timekeeper& time, Random& random, Problem& problem, LinkGuest* guest = nullptr,
              Partial* partial = nullptr)
      : options_(options),
        limits_(limits),
        log_(log),
        pulls_(pulls),
        walk_(walk),
        time_(time),
        random_(random),
        problem_(problem),
        guest_(guest),
        partial_(partial),
        sweep_(log) {}

  Status open();  // Reads the fork token.

  // Of the server's welcome (wire); none while it has not come.
  std::uint32_t features() const { return features_; }
  void go_online() { online_ = true; }
  void go_offline(ActionList& actions);

  void link_up(LinkId link, std::uint64_t now_ms);
  // `why` is denied where the server did not let it open.
  void link_down(LinkId link, Status why, std::uint64_t now_ms);
  void receive(LinkId link, Bytes frame, std::uint64_t now_ms, ActionList& actions);
  void write(LinkId link, MutBytes room, ActionList& actions);

  // Once a step, before the batch is sealed: connects, corrects, shares ahead, asks to be let write.
  void advance(std::uint64_t now_ms, ActionList& actions);
  // A correction that observe() or learn() found; it waits until nothing is in flight.
  void owe(const Correction& correction) {
    const bool adds_up = owed_.needed() && owed_.of_unknown == correction.of_unknown;
    if (adds_up) owed_.by_ms += correction.by_ms;
    if (!adds_up && correction.needed()) owed_ = correction;
  }
  // No cursor stands any more, neither here nor on the link that it may have been shown on: that one ends.
  Status start_over(ActionList& actions);
  void want_verify();

  void sealed();
  void durable();

  std::uint64_t wake_at_ms() const;
  SyncState state() const;
  StateReason reason() const;
  bool is_up() const { return phase_ != Phase::down && phase_ != Phase::connecting; }
  bool awaits_welcome() const { return phase_ == Phase::greeting || (phase_ == Phase::live && reforking_); }
  bool is_welcome_late(std::uint64_t now_ms) const { return awaits_welcome() && now_ms >= greeted_at_ms_ + kWelcomeMs; }
  // Ends the link over `status`, whose sentence the problem already has.
  void fail(Status status, std::uint64_t now_ms, ActionList& actions);
  std::uint64_t epoch() const { return epoch_; }
  std::uint64_t retry_in_ms(std::uint64_t now_ms) const {
    return phase_ == Phase::down && online_ && retry_at_ms_ > now_ms ? retry_at_ms_ - now_ms : 0;
  }
  const ReplicaFigures& figures() const { return figures_; }
  // There is more to forget than one step may.
  bool is_sweeping() const { return is_sweeping_; }
  // Whether stamps of unsent ops are about to be corrected.
  bool owes() const { return owed_.needed() || log_.correcting(); }

 private:
  enum class Phase : std::uint8_t { down, connecting, greeting, live };
  // Half of it is how far a welcome may mislead about the time.
  static constexpr std::uint32_t kWelcomeMs = 2 * Timekeeper::kToleranceMs;
  static constexpr std::uint32_t kShareAhead = 1'024;
  static constexpr std::uint32_t kComparisonsMax = 4;

  void count_round_trip(Result<wire::Kind> kind);
  Status dispatch(wire::Kind kind, Bytes frame, ActionList& actions);
  Status receive_welcome(Bytes frame);
  Status receive_subscribed(Bytes frame);
  Status receive_ack(Bytes frame, ActionList& actions);
  Status receive_reject(Bytes frame, ActionList& actions);
  Status receive_delta(Bytes frame);
  Status receive_current(Bytes frame);
  Status receive_digests(wire::Kind kind, Bytes frame);
  Status receive_bye(Bytes frame);
  Status keep_fork_token(std::uint64_t token);
  Status merge_all(wire::OpsReader& reader, const Pull& pull);
  void judge_check(Pull& pull, const crdt::Digest& theirs);
  void close_link(std::uint64_t now_ms, ActionList& actions);
  void back_off(std::uint64_t now_ms);

  Bytes next_frame(MutBytes room);
  Bytes write_hello(MutBytes room);
  Bytes write_subscribe(Pull& pull, MutBytes room);
  Bytes write_for_pulls(MutBytes room);
  void begin_comparison(Pull& pull);
  Bytes write_push(MutBytes room);
  bool push_unit(wire::OpsWriter& writer, std::size_t left);
  bool push_alone(wire::OpsWriter& writer, crdt::Op op);
  bool holds_shared(const Scope& scope);
  bool is_quiet() const { return log_.pending_count() == 0 && !log_.dirty() && !log_.committing() && !owes(); }
  bool wants_write();
  bool may_subscribe(const Pull& pull) const;
  bool check_due(const Pull& pull) const;
  bool may_compare(const Pull& pull) const;
  bool may_push() const { return phase_ == Phase::live && !reforking_; }
  void walk_ended();
  void go_on_comparing(Pull& pull);
  Status correct();
  void sweep();

  Options options_;
  const Limits& limits_;
  OpLog& log_;
  Pulls& pulls_;
  MerkleWalk& walk_;
  Timekeeper& time_;
  Random& random_;
  Problem& problem_;
  LinkGuest* guest_;  // Null: none.
  Partial* partial_;  // Null: no predicates.
  Phase phase_ = Phase::down;
  bool online_ = false;
  bool hopeless_ = false;                   // The server said that trying again can't help.
  StateReason reason_ = StateReason::none;  // For the last link's end.
  bool hello_due_ = false;
  bool reforking_ = false;  // Hello was said again, under a new node id.
  bool write_wanted_ = false;
  bool was_guest_ = false;  // Who wrote the last frame.
  LinkId link_ = 0;
  std::uint64_t now_ms_ = 0;
  std::uint64_t greeted_at_ms_ = 0;
  std::uint64_t retry_at_ms_ = 0;
  std::uint32_t attempts_ = 0;
  std::uint32_t hint_ms_ = 0;
  std::uint64_t epoch_ = 0;
  std::uint32_t features_ = 0;           // Of the server, once it has answered hello.
  std::uint64_t fork_token_ = 0;         // The newest that was given,
  std::uint64_t fork_token_sealed_ = 0;  // which of them is being committed,
  std::uint64_t fork_token_shown_ = 0;   // and which is on disk: shown any earlier, a power cut could take it back.
  std::uint32_t window_ops_ = 0;
  std::uint32_t frame_bytes_max_ = 0;
  Correction owed_;
  bool is_room_awaited_ = false;  // For it.
  bool is_sweeping_ = false;
  bool asked_since_reply_ = false;
  ReplicaFigures figures_;
  Sweep sweep_;
};

}  // namespace grid::runtime
