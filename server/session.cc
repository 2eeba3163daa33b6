// SPDX-License-Identifier: Apache-2.0

#include "server/session.h"

#include <algorithm>

#include "crdt/facts.h"
#include "crdt/or_map.h"
#include "crdt/pn_counter.h"
#include "runtime/entity.h"
#include "server/observer.h"

namespace grid::server {

using crdt::Op;
using wire::Kind;

void Session::end(Status status, std::string_view reason, std::uint32_t retry_after_ms) {
  if (bye_due_ || over_) return;
  bye_due_ = true;
  bye_ = grid_Bye_init_zero;
  bye_.status = static_cast<std::uint32_t>(status);
  bye_.retry_after_ms = retry_after_ms;
  const std::string_view cut = reason.substr(0, sizeof(bye_.reason) - 1);
  copy(as_bytes(cut), {reinterpret_cast<std::uint8_t*>(bye_.reason), sizeof(bye_.reason)});
  if (shared_.options.observer != nullptr) shared_.options.observer->ended(link_, status, reason);
}

void Session::receive(Bytes frame) {
  if (bye_due_ || over_) return;
  const Result<Kind> kind = wire::kind_of(frame);
  if (!kind.ok()) return end(Status::corrupt, "a frame of an unknown kind");
  const Status status = dispatch(*kind, frame);
  if (status != Status::ok && !bye_due_) refuse(*kind, status);
}

void Session::refuse(Kind kind, Status status) {
  if (status == Status::full) {
    // A commit makes room, also where what fills the batch would not have asked for one.
    shared_.journal.touch();
    return end(status, "the gateway has no room for this just now", 1'000);
  }
  runtime::Problem sentence;
  sentence.say("frame of kind ").number(static_cast<std::uint64_t>(kind)).text(" refused: ").text(name_of(status));
  end(status, sentence.view());
}

Status Session::dispatch(Kind kind, Bytes frame) {
  if (kind == Kind::hello) return receive_hello(frame);
  if (kind == Kind::bye) return end(Status::ok, "goodbye"), Status::ok;
  if (!greeted_ && !forked_) {
    end(Status::denied, "the first frame must be hello");
    return Status::denied;
  }
  if (is_onlooker_ && kind != Kind::inspect_ask) return Status::denied;
  switch (kind) {
    case Kind::subscribe:
      return receive_subscribe(frame);
    case Kind::unsubscribe:
      return receive_unsubscribe(frame);
    case Kind::push:
      return receive_push(frame);
    case Kind::heal:
      return receive_heal(frame);
    case Kind::pull_ack:
      return receive_pull_ack(frame);
    case Kind::verify:
      return receive_verify(frame);
    case Kind::digest_ask:
    case Kind::have:
    case Kind::cells_ask:
      return receive_ask(kind, frame);
    case Kind::inspect_ask:
      return receive_inspect(frame);
    default:
      return Status::corrupt;
  }
}

Status Session::receive_hello(Bytes frame) {
  if (greeted_) return Status::corrupt;
  grid_Hello hello = grid_Hello_init_zero;
  GRID_TRY(wire::decode(frame, hello));
  if (hello.protocol_min > wire::kProtocolMax || hello.protocol_max < wire::kProtocolMin) {
    runtime::Problem sentence;
    sentence.say("this gateway speaks protocol ").number(wire::kProtocolMin).text(" to ").number(wire::kProtocolMax);
    sentence.text(", the device ").number(hello.protocol_min).text(" to ").number(hello.protocol_max);
    end(Status::newer, sentence.view());
    return Status::newer;
  }
  if (hello.app != shared_.options.app) {
    end(Status::denied, "hello names another app than the link's path");
    return Status::denied;
  }
  if (hello.node == 0) return Status::invalid;
  frame_bytes_max_ = hello.frame_bytes_max;
  if (hello.node == wire::kOnlookerNode) {
    is_onlooker_ = greeted_ = welcome_due_ = true;
    return Status::ok;
  }
  node_ = hello.node;
  value_bytes_max_ = std::min(hello.value_bytes_max, shared_.options.value_bytes_max);
  answer_.limit_values(value_bytes_max_);
  const Result<Peer> peer = load_peer(shared_.journal.store(), node_);
  if (!peer.ok() && peer.status() != Status::not_found) return peer.status();
  peer_ = peer.ok() ? *peer : Peer{};
  const bool is_bound = !permit_.identity().empty() && peer_.principal.empty();
  if (!is_bound && !permit_.identity().empty() && peer_.principal != permit_.identity()) {
    end(Status::denied, "this store is another principal's: who logs in as somebody else needs a store of its own");
    return Status::denied;
  }
  // What this node was promised or has seen is not here: whatever its cursors say, the server was set back (PROTOCOL
  // P19).
  shared_time_ = hello.shared_time;
  const Result<PullCursor> seen = PullCursor::read({hello.seen.bytes, hello.seen.size});
  const bool saw_more = seen.ok() && !shared_.epochs.stands(*seen);
  lost_ = lost_ || saw_more || shared_time_ > peer_.whole_time;
  welcome_due_ = true;
  told_floor_ = shared_.journal.durable_floor().position;
  forked_ = peer.ok() && !peer_.knows(hello.fork_token);
  if (forked_) return Status::ok;
  greeted_ = true;
  if (is_bound) peer_.principal = permit_.identity();
  if (peer.ok()) {
    if (is_bound) GRID_TRY(save_now());
    confirm_token(hello.fork_token);
    // The latest may stand in a batch that a power cut takes back: who showed it then would seem to be a clone. And an
    // older one is never given again: the device may be committing the latest, and would fall behind it.
    const bool is_latest_safe = shared_.journal.is_at_rest();
    token_sealed_ = token_durable_ = is_latest_safe ? peer_.latest : 0;
    welcome_waits_ = !is_latest_safe && peer_.confirmed == 0;
    return Status::ok;
  }
  peer_.confirmed = hello.fork_token;
  peer_.latest = shared_.random.id();
  welcome_waits_ = true;
  return save_now();
}

Status Session::save_now() {
  shared_.journal.touch();
  return save_peer(shared_.journal.store(), node_, peer_);
}

// A token that the device shows is one that it has committed; the next push gets a newer one.
void Session::confirm_token(std::uint64_t token) {
  if (token == peer_.latest) peer_.confirmed = token;
}

Status Session::receive_push(Bytes frame) {
  // A node that was told to take another id may have pushed before it heard: those ops come again.
  if (!greeted_) return Status::ok;
  wire::OpsReader reader;
  GRID_TRY(reader.open(frame));
  const Peer before = peer_;
  confirm_token(reader.head().fork_token);
  // Ops in front of one that found no room are taken all the same: what is known of the node must go with them.
  Status taken = Status::ok;
  Verdict unit;
  for (Op op; taken == Status::ok && reader.next(op);) {
    if (!unit.goes_on()) GRID_TRY(judge_unit(reader, op, unit));
    taken = take_op(op, unit);
  }
  if (peer_.confirmed == peer_.latest) peer_.latest = shared_.random.id();
  if (peer_ == before) return taken;
  const Status saved = save_now();
  return taken == Status::ok ? saved : taken;
}

// Judged as one (PROTOCOL P9): the first that may not be taken speaks for all. A unit is whole in its frame.
Status Session::judge_unit(wire::OpsReader behind, const Op& first, Verdict& unit) const {
  std::vector<Judged> kept = std::move(unit.judged);
  kept.clear();
  unit = {.status = Status::ok, .left = first.unit.left + 1u, .is_first = true, .judged = std::move(kept)};
  const wire::OpsReader whole = behind;
  Op op = first;
  for (std::uint32_t left = first.unit.left;; --left) {
    const Status verdict = judge_op(op, behind.status());
    Judged& judged = unit.judged.emplace_back();
    judged.is_given_back = verdict == Status::clock_ahead && is_given_back(op);
    if (verdict != Status::ok && !judged.is_given_back) unit.refuse(verdict);
    if (verdict == Status::ok && unit.status == Status::ok) GRID_TRY(judge_lateness(op, unit, judged));
    if (left == 0) break;
    if (!behind.next(op) || op.unit.left + 1u != left) return Status::corrupt;
  }
  if (unit.status == Status::ok || unit.status == Status::collected) GRID_TRY(ask_access(whole, first, unit));
  if (unit.status == Status::ok && shared_.options.policy != nullptr) GRID_TRY(ask_policy(whole, first, unit));
  const bool is_asked = unit.status == Status::ok && shared_.quota.has_room_limit();
  return is_asked ? ask_quota(whole, first, unit) : Status::ok;
}

// A unit of which one is to be written anew is written anew as a whole.
Status Session::judge_lateness(const Op& op, Verdict& unit, Judged& judged) const {
  const Result<Lateness> late = lateness_of(op);
  if (late.ok()) judged.late = *late;
  if (!late.ok() || *late == Lateness::none || *late == Lateness::moot) return late.status();
  unit.status = Status::collected;
  if (*late == Lateness::renewed) {
    unit.renew_above = shared_.journal.floor().greatest;
  } else {
    unit.sentence = "the row was deleted meanwhile, for good: read it, and write it anew if it is to be";
  }
  return Status::ok;
}

Status Session::take_op(const Op& op, Verdict& unit) {
  if (op.seq <= last_seq_) return Status::corrupt;
  // What a device does not read counts too: its answers are sent before the acks that let it go on; but what it has
  // shown behind its ack, and before the next.
  const std::uint64_t unread = std::max({rejected_.size(), beaten_.size(), shown_.size() / 2});
  if (unit.is_first && std::max(in_flight(), unread) >= shared_.options.window_ops) {
    end(Status::invalid, "more ops in flight than the window allows");
    return Status::invalid;
  }
  unit.is_first = false;
  const bool is_old = op.cell.stamp.time <= peer_.taken_time;
  const storage::Seq before = shared_.journal.head();
  const Judged judged = unit.judged[unit.judged.size() - unit.left--];
  if (unit.status != Status::ok) {
    GRID_TRY(reject(op, unit));
    if (unit.status == Status::collected && unit.renew_above.is_none()) note_gone(op.cell.name);
  } else {
    if (judged.late != Lateness::moot) GRID_TRY(merge_op(op, judged.is_given_back));
    GRID_TRY(note_owed(op));
    ++shared_.figures.ops_applied;
  }
  if (unit.status == Status::ok || unit.status == Status::collected) note_taken(op);
  GRID_TRY(note_shown(op));
  // What was taken before changes nothing when it comes again.
  const bool is_news = shared_.journal.head() != before;
  note_unpaid(op.cell.stamp.time, is_old && !is_news);
  show(op, unit, is_news ? shared_.journal.head() : 0);
  last_seq_ = applied_ = op.seq;
  ++taken_;
  // With nothing to commit, what was merged is on disk already.
  open_ = applied_;
  if (shared_.journal.is_at_rest()) durable();
  return Status::ok;
}

void Session::show(const Op& op, const Verdict& unit, storage::Seq position) const {
  Observer* const observer = shared_.options.observer;
  if (observer == nullptr || !observer->wants_ops()) return;
  // Of a name that breaks the rules nobody knows what it is.
  const bool is_legal = crdt::check_name(op.cell.name) == Status::ok;
  observer->op({.link = link_,
                .identity = permit_.identity(),
                .seq = op.seq,
                .stamp = op.cell.stamp,
                .name = is_legal ? op.cell.name : crdt::CellName{},
                .is_removal = op.cell.is_tombstone(),
                .status = unit.status,
                .why = unit.sentence,
                .position = position});
}

// A counter's part is written by its node only, and a tag is given by its node only (PROTOCOL P1).
bool Session::is_own_name(const crdt::Cell& cell) const {
  const std::string_view sub = cell.name.sub;
  std::uint8_t own[crdt::CounterPart::kNameBytes];
  if (crdt::CounterPart::is(sub)) return sub == crdt::CounterPart::name(node_, own);
  return !crdt::OrTag::is(sub) || cell.is_tombstone() || crdt::OrTag::read(sub).node == node_;
}

Status Session::merge_op(const Op& op, bool given_back) {
  const Result<bool> decided = decide(op);
  if (!decided.ok() || *decided) return decided.status();
  const Result<bool> won = given_back ? shared_.journal.heal(op) : shared_.journal.merge(op);
  if (!won.ok()) return won.status();
  if (!*won) return note_beaten(op);
  own_.add(shared_.journal.store().head());
  return Status::ok;
}

// Also of what came too late: the device counts it as acknowledged.
void Session::note_taken(const Op& op) {
  if (op.cell.stamp.time > peer_.taken_time) {
    peer_.taken_time = op.cell.stamp.time;
    peer_.taken_digest = crdt::digest_of(op.cell);
  }
  if (peer_.whole_time >= shared_time_) peer_.whole_time = std::max(peer_.whole_time, peer_.taken_time);
}

Status Session::judge_op(const Op& op, Status read) const {
  if (read != Status::ok) return read;
  if (op.cell.stamp.is_none()) return Status::invalid;
  if (op.cell.stamp.node != node_ || !is_own_name(op.cell)) return Status::denied;
  if (op.cell.value.size() > shared_.options.value_bytes_max) return Status::too_large;
  if (crdt::is_fact_sub(op.cell.name.sub)) GRID_TRY(crdt::check_fact(op.cell));
  return shared_.journal.judge(op.cell.stamp, shared_.options.drift_ms_max);
}

// Whether an op that is far ahead shows that the server was set back (PROTOCOL P19): it was taken here, and others may
// have seen it under this stamp; or it lies just above a cell that was vouched for here and is no longer known, and
// that no device may hold any more. It can go no lower.
bool Session::is_given_back(const Op& op) const {
  if (lost_ && op.was_applied) return true;
  const std::uint32_t drift_ms = shared_.options.drift_ms_max;
  return shared_.journal.judge(op.base, drift_ms) == Status::clock_ahead &&
         op.cell.stamp.wall_ms() <= op.base.wall_ms() + drift_ms;
}

// The op has lost to a cell that the device's stream is past: it saw that cell while its own op stood above it under a
// stamp that has been corrected since. It must see it again. Or it began with nothing, was not told of removals, and
// has written a fact of an entity that is deleted.
Status Session::note_beaten(const Op& op) {
  const Result<Op> standing = runtime::standing_for(shared_.journal.store(), op.cell.name);
  if (!standing.ok()) return standing.status();
  if (standing->cell.stamp == op.cell.stamp) return Status::ok;
  for (const auto& subscription : subscriptions_) {
    if (!subscription->scope().matches(standing->cell.name) || !subscription->is_past(*standing)) continue;
    // Of what a predicate may not have any more it is told behind the acknowledgement: write_shown().
    if (subscription->scope().rows != nullptr) continue;
    beaten_.push_back({subscription->id(), KeptName(standing->cell.name)});
    return Status::ok;
  }
  return Status::ok;
}

Status Session::receive_verify(Bytes frame) {
  grid_Verify message = grid_Verify_init_zero;
  GRID_TRY(wire::decode(frame, message));
  Subscription* subscription = find(message.id);
  if (subscription == nullptr) return Status::ok;
  subscription->current_due = true;
  stir(*subscription);
  message.compare ? subscription->begin_comparison() : subscription->end_comparison();
  // Asked behind a comparison: what this node was promised has been given back.
  if (lost_ && !message.compare && shared_time_ > peer_.whole_time) {
    if (shared_time_ > peer_.taken_time) {
      peer_.taken_time = shared_time_;
      peer_.taken_digest = 0;
    }
    peer_.whole_time = peer_.taken_time;
    GRID_TRY(save_now());
  }
  return message.compare ? answer_.begin(subscription->id(), subscription->scope()) : Status::ok;
}

Status Session::receive_ask(Kind kind, Bytes frame) {
  std::uint32_t id = 0;
  if (kind == Kind::cells_ask) {
    wire::OpsReader reader;
    GRID_TRY(reader.open(frame));
    id = reader.head().id;
  } else {
    wire::DigestsReader reader;
    GRID_TRY(reader.open(frame));
    id = reader.id();
  }
  const Subscription* subscription = find(id);
  return subscription == nullptr ? Status::ok : answer_.ask(kind, frame, *subscription);
}

// While nothing that it matches waits to be sent, or to be acknowledged, it has seen all there is.
storage::Seq Session::seen(const Subscription& subscription) const {
  return dirty_ || subscription.awaits_word() ? subscription.seen() : shared_.journal.head();
}

bool Session::is_behind(const Subscription& subscription) const {
  return seen(subscription) < shared_.journal.floor().position;
}

bool Session::has_seen(const crdt::CellName& name, storage::Seq seq) const {
  return std::all_of(subscriptions_.begin(), subscriptions_.end(),
                     [&](const auto& one) { return !one->scope().matches(name) || seen(*one) >= seq; });
}

// As receive_pull_ack(): losing it does no harm.
void Session::take_leave(bool is_over) {
  if (!greeted_ || is_onlooker_) return;
  const Peer before = peer_;
  note_seen();
  if (!is_over && peer_.heard_ms - before.heard_ms <= shared_.options.keeping.enroll_lapse_ms / 8) {
    peer_ = before;
    return;
  }
  [[maybe_unused]] const Status saved = save_peer(shared_.journal.store(), node_, peer_);
}

// What is in the database already is owed no more.
Status Session::note_owed(const Op& op) {
  const auto maps = shared_.options.through_maps;
  if (!shared_.options.has_sink || std::find(maps.begin(), maps.end(), op.cell.name.map) == maps.end()) {
    return Status::ok;
  }
  const Result<Op> standing = runtime::standing_for(shared_.journal.store(), op.cell.name);
  if (standing.status() == Status::not_found) return Status::ok;
  if (!standing.ok()) return standing.status();
  if (standing->seq <= shared_.write_behind.drained_through()) return Status::ok;
  owed_.push_back({last_seq_, taken_, standing->seq, KeptName(op.cell.name)});
  return Status::ok;
}

// What was overtaken by a write that this batch does not reach is in the database with that one only.
void Session::collected(storage::Seq through) {
  for (Owed& owed : owed_) {
    if (owed.position > through) continue;
    const Result<Op> standing = runtime::standing_for(shared_.journal.store(), owed.name.view());
    if (standing.ok()) owed.position = std::max(owed.position, standing->seq);
  }
}

void Session::sealed() {
  sealed_ = std::max(sealed_, open_);
  taken_sealed_ = taken_;
  token_sealed_ = peer_.latest;
}

void Session::durable() {
  if (is_settled()) {
    // Nothing is left to commit.
    sealed_ = open_;
    taken_sealed_ = taken_;
    token_sealed_ = peer_.latest;
  }
  on_disk_ = std::max(on_disk_, sealed_);
  taken_on_disk_ = taken_sealed_;
  settle();
  const bool is_news = told_floor_ != shared_.journal.durable_floor().position;
  told_floor_ = shared_.journal.durable_floor().position;
  for (const auto& subscription : subscriptions_) {
    if (!is_news) break;
    subscription->current_due = true;
    stir(*subscription);
  }
  dirty_ = dirty_ || current_waits_;
  current_waits_ = false;
  if (greeted_) token_durable_ = token_sealed_;
  if (token_durable_ == peer_.latest) welcome_waits_ = false;
}

}  // namespace grid::server
