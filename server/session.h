// SPDX-License-Identifier: Apache-2.0
//
// Session: the gateway's end of one link (docs/SESSION.md).
//
// Place     Below coordinator.h, above journal.h, subscription.h and merkle_answer.h.
// Promises  ACK-1  An op is acknowledged durable only after a commit that covers it.
//           ACK-2  One of a map in CoordinatorOptions::through_maps only when the database has it too, or what it
//                  lost to.
//           P5     reject(n) is sent before any ack that covers n.
//           A peer that breaks the protocol gets `bye` with a sentence; nothing is checked on what it sent.
// Limits    CoordinatorOptions. Everything that waits is a position, a sequence or a flag.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "runtime/problem.h"
#include "runtime/random.h"
#include "server/author.h"
#include "server/coordinator.h"
#include "server/epochs.h"
#include "server/journal.h"
#include "server/merkle_answer.h"
#include "server/peers.h"
#include "server/permit.h"
#include "server/policy.h"
#include "server/queue.h"
#include "server/quota.h"
#include "server/subscription.h"
#include "server/subscription_index.h"
#include "server/write_behind.h"

namespace grid::server {

class Session;

// What a gateway may be asked about itself.
inline constexpr std::string_view kInspectTopics[] = {"status", "subs", "devices"};

// The sessions of one coordinator, in the order of their links.
class Sessions {
 public:
  // Of this link, or of the next one; null behind the last.
  virtual const Session* first_from(runtime::LinkId link) const = 0;

 protected:
  ~Sessions() = default;
};

// What the sessions of one coordinator share.
struct Shared {
  const CoordinatorOptions& options;
  Journal& journal;
  const Epochs& epochs;
  runtime::Random& random;
  runtime::Problem& problem;
  CoordinatorStatus& figures;
  SubscriptionIndex& index;
  Author& author;
  const Sessions& sessions;
  const WriteBehind& write_behind;
  Quota& quota;
};

class Session {
 public:
  Session(const Shared& shared, runtime::LinkId link, const Permit& permit)
      : shared_(shared), link_(link), permit_(permit), answer_(shared.journal) {}
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Takes a frame. What it breaks ends the session, with a bye: wants_write().
  void receive(Bytes frame);
  // The next frame; empty when there is nothing to say after all.
  Bytes write(MutBytes room);
  bool wants_write() const;
  // Bye has been written: the link can be closed.
  bool is_over() const { return over_; }
  void end(Status status, std::string_view reason, std::uint32_t retry_after_ms = 0);

  runtime::LinkId link() const { return link_; }
  // A subscription may have something to send.
  void stir(Subscription& subscription) {
    queue(subscription);
    dirty_ = true;
  }
  // A batch was closed, with all that came over this link before.
  void sealed();
  // That batch is on disk. Owed where sealed() was, where a frame has come since, and where the floor has risen.
  void durable();

  // ---- the database
  // A batch goes to it, of what arrived up to `through`;
  void collected(storage::Seq through);
  // and it has what arrived up to `through`. True: there is something to acknowledge.
  bool drained(storage::Seq through);

  // ---- the rate
  // The first op that may not be acknowledged yet, by its number in the quota; 0: there is none.
  std::uint64_t first_unpaid() const { return unpaid_.empty() ? 0 : unpaid_.front().op; }
  std::size_t unpaid_count() const { return unpaid_.size(); }
  // Some of them may be now.
  void settle_paid();

  // Ends the session over a frame, as receive() does.
  void refuse(wire::Kind kind, Status status);
  bool takes_frames() const { return !bye_due_ && !over_; }
  bool is_greeted() const { return greeted_; }
  bool is_onlooker() const { return is_onlooker_; }
  // Welcome or bye is the next frame, and nothing goes before it.
  bool owes_greeting() const { return welcome_due_ || bye_due_ || over_; }
  // What of `room` a frame to this device may fill.
  MutBytes room_for(MutBytes room) const;
  std::uint32_t frame_bytes_max() const { return frame_bytes_max_; }
  // ---- collection
  // Whether the device has acknowledged what arrived up to `seq`, or wants no cells of this name.
  bool has_seen(const crdt::CellName& name, storage::Seq seq) const;
  // Notes that the device is there, and how far it has come, now and then: for when it is gone.
  void take_leave(bool is_over);
  // The row stands here no more: when it comes again, it comes whole.
  void forget_row(const crdt::CellName& row);

  crdt::NodeId node() const { return greeted_ ? node_ : 0; }
  // The next frame may tell of the whole gateway: CoordinatorStatus must be up to date.
  bool is_inspected() const { return !inspected_due_.empty(); }
  std::size_t subscription_count() const { return subscriptions_.size(); }

 private:
  static constexpr std::size_t kGoneMax = 4'096;  // What is past it is judged alone.
  struct KeptName {
    explicit KeptName(const crdt::CellName& name) : map(name.map), key(name.key), sub(name.sub) {}
    crdt::CellName view() const { return {map, key, sub}; }

    std::string map;
    std::string key;
    std::string sub;
  };
  struct Rejected {
    crdt::Seq seq;
    Status status;
    KeptName name;
    std::string sentence;
    crdt::Stamp renew_above;  // The device is to write it anew, above this; none: it is not.
  };
  enum class Lateness : std::uint8_t { none, moot, renewed, refused };
  // On one op that is taken.
  struct Judged {
    bool is_given_back = false;  // It is far ahead, and shows that the server was set back.
    Lateness late = Lateness::none;
  };
  // On the ops of one unit of a push.
  struct Verdict {
    Status status = Status::ok;
    std::uint32_t left = 0;  // That have yet to be taken.
    bool is_first = false;
    bool is_ruled = false;         // A policy has refused it, and said
    std::string sentence{};        // why.
    crdt::Stamp renew_above{};     // What is refused is to be written anew, above this; none: it is not.
    std::vector<Judged> judged{};  // Each of them.
    bool goes_on() const { return left > 0; }
    // Before lateness, of which the device would keep a stamp that is ahead as one that was taken.
    void refuse(Status why) {
      if (status != Status::ok && status != Status::collected) return;
      status = why;
      sentence.clear();
      renew_above = {};
    }
  };
  struct Inspected {
    std::uint32_t id;
    std::string topic;
    std::string argument;
    bool after;
  };
  // An op that the database is to have before it is durable.
  struct Owed {
    crdt::Seq before;       // The last op of this link that was taken before it,
    std::uint64_t taken;    // and how many were.
    storage::Seq position;  // Of what stands in its cell.
    KeptName name;
  };
  // An op that came too fast.
  struct Unpaid {
    crdt::Seq before;  // As in Owed.
    std::uint64_t taken;
    std::uint64_t op;  // Its number in the quota.
  };
  struct Beaten {
    std::uint32_t subscription;
    KeptName name;
  };
  struct Shown {
    crdt::Seq seq;
    KeptName name;
  };

  Status dispatch(wire::Kind kind, Bytes frame);
  Status save_now();
  Status receive_hello(Bytes frame);
  Status receive_subscribe(Bytes frame);
  Status receive_unsubscribe(Bytes frame);
  Status receive_push(Bytes frame);
  Status receive_heal(Bytes frame);
  Status take_healed(wire::OpsReader& reader, Subscription& subscription);
  Status note_healed(std::uint64_t cells, bool is_first);
  Status receive_pull_ack(Bytes frame);
  Status receive_verify(Bytes frame);
  Status receive_ask(wire::Kind kind, Bytes frame);
  Status receive_inspect(Bytes frame);

  Status judge_op(const crdt::Op& op, Status read) const;
  Status judge_unit(wire::OpsReader behind, const crdt::Op& first, Verdict& unit) const;
  // ---- rights
  enum class Leave : std::uint8_t { denied, given, moot };
  Status ask_access(wire::OpsReader behind, const crdt::Op& first, Verdict& unit) const;
  Result<Leave> leave_for(const crdt::Op& op, std::span<const crdt::Op> unit) const;
  Result<Leave> leave_among(const RowSet& rows, const crdt::Op& op) const;
  Result<Leave> leave_beside(const RowSet& rows, const crdt::Op& op, std::span<const crdt::Op> unit) const;
  Result<bool> is_here(const crdt::Op& op) const;
  Result<bool> may_give_back(const crdt::Op& op) const;
  Result<bool> may_be_shown(const crdt::CellName& name) const;
  bool sees_all(std::string_view map) const { return permit_.rows(Right::read, map).is_all(); }
  Status grant(const grid_Subscribe& message, const runtime::Scope& scope, Subscription::Test& test,
               Subscription::Test& granted) const;

  Status ask_policy(wire::OpsReader behind, crdt::Op op, Verdict& unit) const;
  Result<Resolution> resolve(const crdt::Op& op) const;
  Result<bool> decide(const crdt::Op& op);
  Status ask_quota(wire::OpsReader behind, crdt::Op op, Verdict& unit) const;
  void note_unpaid(std::uint64_t time, bool is_again);
  void show(const crdt::Op& op, const Verdict& unit, storage::Seq position) const;
  Status take_op(const crdt::Op& op, Verdict& unit);
  bool is_own_name(const crdt::Cell& cell) const;
  Status merge_op(const crdt::Op& op, bool given_back);
  void note_taken(const crdt::Op& op);
  bool is_given_back(const crdt::Op& op) const;
  Result<Lateness> lateness_of(const crdt::Op& op) const;
  Result<Lateness> lateness_of_fact(const crdt::Op& op) const;
  Result<Lateness> lateness_of_young_fact(const crdt::Op& op, const crdt::Stamp& base, bool is_known) const;
  crdt::Stamp base_of(const crdt::Op& op) const;
  void note_gone(const crdt::CellName& name);
  bool is_told_of_deletions(const crdt::CellName& name) const;
  Result<bool> is_entity_known(const crdt::CellName& name, const crdt::Stamp& base) const;
  Status judge_lateness(const crdt::Op& op, Verdict& unit, Judged& judged) const;
  bool is_behind(const Subscription& subscription) const;
  void note_seen();
  storage::Seq seen(const Subscription& subscription) const;
  Status note_owed(const crdt::Op& op);
  void settle();
  std::uint64_t in_flight() const;
  Result<bool> wants_renewal(const crdt::Op& op, const Verdict& unit) const;
  Status reject(const crdt::Op& op, const Verdict& unit);
  Status note_beaten(const crdt::Op& op);
  void confirm_token(std::uint64_t token);
  Status refuse_subscription(std::uint32_t id, Status status);
  template <typename Condition>
  void end_subscriptions(Condition condition);
  bool wants_row(const crdt::Cell& row) const;
  Wanted wanted() const {
    return {[](const void* at, const crdt::Cell& row) { return static_cast<const Session*>(at)->wants_row(row); },
            this};
  }
  const Subscription* predicate_of(std::string_view map) const;
  Status note_shown(const crdt::Op& op);
  bool is_shown_due() const { return !shown_.empty() && shown_.front().seq <= acked_durable_; }
  Status begin_pull(Subscription& subscription, const grid_Subscribe& message);
  Subscription* find(std::uint32_t id);

  Bytes next_frame(MutBytes room);
  Bytes write_bye(MutBytes room);
  Bytes write_welcome(MutBytes room);
  Bytes write_subscribed(MutBytes room);
  Bytes write_reject(MutBytes room);
  Bytes write_beaten(MutBytes room);
  Bytes write_shown(MutBytes room);
  Bytes write_ack(MutBytes room);
  Bytes write_inspected(MutBytes room);
  Bytes tell_status(std::uint32_t id, MutBytes room) const;
  Bytes tell_devices(const Inspected& ask, MutBytes room) const;
  bool tell(std::string_view node, const Peer& peer, const Healed& healed, bool is_linked,
            wire::OpsWriter& reply) const;
  std::vector<crdt::NodeId> linked_nodes() const;
  Bytes tell_subscriptions(const Inspected& ask, MutBytes room) const;
  bool tell(const Subscription& one, wire::OpsWriter& reply) const;
  Bytes write_answer(MutBytes room);
  Bytes write_pull(MutBytes room);
  void queue(Subscription& subscription) {
    if (!subscription.is_queued) due_.push_back(&subscription);
    subscription.is_queued = true;
  }
  Bytes write_current(Subscription& subscription, MutBytes room);
  Bytes write_compare(Subscription& subscription, MutBytes room);
  bool ack_due() const { return applied_ != acked_applied_ || durable_ != acked_durable_; }
  bool is_settled() const { return shared_.journal.is_at_rest(); }

  Shared shared_;
  const runtime::LinkId link_;
  const Permit& permit_;
  MerkleAnswer answer_;
  std::vector<std::unique_ptr<Subscription>> subscriptions_;
  Queue<Subscription*> due_;  // Of these, whose turn it is first: none that has something to send is missing.
  std::vector<grid_Subscribed> subscribed_due_;
  OwnArrivals own_;
  Queue<Rejected> rejected_;
  Queue<Beaten> beaten_;  // Cells that the device's clock made it pass over, and whose op has lost here.
  Queue<Shown> shown_;    // Rows that the device wrote, and that may be in none of its scopes.
  Queue<Inspected> inspected_due_;
  Queue<Owed> owed_;
  Queue<Unpaid> unpaid_;
  std::set<std::uint64_t> gone_;  // Entities of which facts came too late, by hash.

  crdt::NodeId node_ = 0;
  Peer peer_;
  bool greeted_ = false;           // Hello was taken, and its node was not forked.
  bool is_onlooker_ = false;       // wire::kOnlookerNode: it has no node.
  bool forked_ = false;            // ... or it was.
  storage::Seq told_floor_ = 0;    // Or what is about to be told.
  std::uint64_t shared_time_ = 0;  // As hello told it.
  bool lost_ = false;              // The node was promised, or has seen, more than what is here.
  bool welcome_due_ = false;
  bool welcome_waits_ = false;  // Until the peer's new token is durable.
  bool bye_due_ = false;
  bool over_ = false;
  bool dirty_ = false;          // A subscription may have something to send.
  bool current_waits_ = false;  // One of them, for what was healed to be on disk.
  grid_Bye bye_ = grid_Bye_init_zero;
  std::uint32_t frame_bytes_max_ = 0;
  std::uint32_t value_bytes_max_ = 0;

  crdt::Seq last_seq_ = 0;  // Of this link's pushes: they rise.
  crdt::Seq applied_ = 0;
  crdt::Seq open_ = 0;     // Applied up to here in the open batch,
  crdt::Seq sealed_ = 0;   // in the one that is being committed,
  crdt::Seq on_disk_ = 0;  // on disk,
  crdt::Seq durable_ = 0;  // and in the database where that is asked for.
  crdt::Seq acked_applied_ = 0;
  crdt::Seq acked_durable_ = 0;
  std::uint64_t taken_ = 0;         // Ops of this link,
  std::uint64_t taken_sealed_ = 0;  // of which are in a batch that was closed,
  std::uint64_t taken_on_disk_ = 0;
  std::uint64_t token_sealed_ = 0;
  std::uint64_t token_durable_ = 0;
};

}  // namespace grid::server
