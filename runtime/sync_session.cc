// SPDX-License-Identifier: Apache-2.0

#include "runtime/sync_session.h"

#include <algorithm>

#include "runtime/facts.h"

namespace grid::runtime {

using crdt::Op;
using wire::Kind;

namespace {

// Why a link ends over a frame that could not be taken.
StateReason reason_of(Status status) {
  if (status == Status::newer) return StateReason::newer;
  return status == Status::io || status == Status::full ? StateReason::store : StateReason::garbled;
}

}  // namespace

Status SyncSession::open() {
  const Result<std::uint64_t> token = number_fact(log_.store(), facts::kFork);
  if (token.ok()) fork_token_ = fork_token_sealed_ = fork_token_shown_ = *token;
  return token.ok() || token.status() == Status::not_found ? pulls_.open() : token.status();
}

// ---- the link

void SyncSession::link_up(LinkId link, std::uint64_t now_ms) {
  phase_ = Phase::greeting;
  link_ = link;
  now_ms_ = now_ms;
  greeted_at_ms_ = now_ms;
  hello_due_ = true;
  reforking_ = false;
  write_wanted_ = false;
  asked_since_reply_ = false;
  hint_ms_ = 0;
  features_ = 0;
  pulls_.link_up();
}

void SyncSession::link_down(LinkId link, Status why, std::uint64_t now_ms) {
  if (phase_ == Phase::down || (phase_ != Phase::connecting && link != link_)) return;
  if (why == Status::denied) hopeless_ = true, reason_ = StateReason::denied;
  if (!hopeless_) reason_ = phase_ == Phase::connecting ? StateReason::unreachable : StateReason::dropped;
  back_off(now_ms);
}

void SyncSession::back_off(std::uint64_t now_ms) {
  if (phase_ == Phase::live) ++figures_.reconnects;
  phase_ = Phase::down;
  walk_.stop();
  pulls_.link_down();
  if (guest_ != nullptr) guest_->link_down();
  const std::uint64_t doublings = std::min<std::uint32_t>(attempts_++, 16);
  const std::uint64_t ceiling =
      std::min<std::uint64_t>(options_.backoff_ms_max, std::uint64_t{options_.backoff_ms_min} << doublings);
  const std::uint64_t least = hopeless_ ? options_.backoff_ms_max : hint_ms_;
  retry_at_ms_ = now_ms + std::max<std::uint64_t>(random_.below(ceiling + 1), least);
}

void SyncSession::close_link(std::uint64_t now_ms, ActionList& actions) {
  if (phase_ == Phase::down) return;
  if (phase_ != Phase::connecting) actions.add({.kind = Action::Kind::close, .link = link_});
  back_off(now_ms);
}

void SyncSession::fail(Status status, std::uint64_t now_ms, ActionList& actions) {
  actions.add({.kind = Action::Kind::say, .status = status, .text = problem_.view()});
  close_link(now_ms, actions);
}

void SyncSession::go_offline(ActionList& actions) {
  online_ = false;
  hopeless_ = false;
  close_link(now_ms_, actions);
  attempts_ = 0;
  retry_at_ms_ = 0;
}

Status SyncSession::start_over(ActionList& actions) {
  GRID_TRY(pulls_.drop_cursors());
  reason_ = StateReason::none;
  if (is_up()) close_link(now_ms_, actions);
  return Status::ok;
}

void SyncSession::want_verify() {
  pulls_.want_checks();
  for (Pull& pull : pulls_.all()) {
    // A scope that had no room for a whole comparison is not current, and so nothing would be asked.
    pull.compare_due = pull.compare_due || (pull.partial && pull.phase == Pull::Phase::streaming);
  }
}

void SyncSession::sealed() {
  fork_token_sealed_ = fork_token_;
  pulls_.sealed();
}

void SyncSession::durable() {
  fork_token_shown_ = fork_token_sealed_;
  pulls_.durable();
}

SyncState SyncSession::state() const {
  if (hopeless_) return SyncState::error;
  switch (phase_) {
    case Phase::down:
      return !online_ ? SyncState::disconnected : attempts_ > 0 ? SyncState::backoff : SyncState::connecting;
    case Phase::connecting:
      return SyncState::connecting;
    case Phase::greeting:
      return SyncState::authenticating;
    case Phase::live:
      break;
  }
  if (log_.pending_count() > 0) return SyncState::syncing_up;
  return pulls_.all_current() ? SyncState::realtime : SyncState::syncing_down;
}

// That of the last end stands until a link is live again, so that it can be read while the next one is tried.
StateReason SyncSession::reason() const {
  if (phase_ == Phase::live) return StateReason::none;
  return online_ ? reason_ : StateReason::offline;
}

std::uint64_t SyncSession::wake_at_ms() const {
  if (phase_ == Phase::down) return online_ ? retry_at_ms_ : kNever;
  if (awaits_welcome()) return greeted_at_ms_ + kWelcomeMs;
  // Asked to be let write, the guest has nothing else to wake for.
  return guest_ != nullptr && !write_wanted_ ? guest_->wake_at_ms() : kNever;
}

void SyncSession::advance(std::uint64_t now_ms, ActionList& actions) {
  now_ms_ = now_ms;
  if (phase_ == Phase::down && online_ && now_ms >= retry_at_ms_) {
    phase_ = Phase::connecting;
    actions.add({.kind = Action::Kind::connect});
  }
  if (is_welcome_late(now_ms)) {
    problem_.say("the server did not answer hello within ").number(kWelcomeMs / 1'000).text(" s");
    reason_ = StateReason::silent;
    return fail(Status::io, now_ms, actions);
  }
  Status status = correct();
  if (status == Status::ok && may_push() && !owes()) status = log_.share_ahead(kShareAhead);
  if (status != Status::ok) {
    problem_.say("the log can't be prepared for sending: ").text(log_.store().problem());
    reason_ = StateReason::store;
    return fail(status, now_ms, actions);
  }
  if (walk_.finished()) walk_ended();
  sweep();
  if (is_up() && !write_wanted_ && wants_write()) {
    write_wanted_ = true;
    actions.add({.kind = Action::Kind::want_write, .link = link_});
  }
}

// Ops that were shared are resent unchanged first; nothing is corrected until they settle (PROTOCOL P4). A commit makes
// room where a batch was full. Where it makes none it is not asked for again: the next event tries, and none is due.
Status SyncSession::correct() {
  Status status = log_.correcting() ? log_.go_on_correcting() : Status::ok;
  if (status == Status::ok && owed_.needed() && log_.store().shared() == log_.store().settled()) {
    status = log_.correct(owed_, time_.now_ms());
    if (status == Status::ok || log_.correcting()) owed_ = {};
  }
  if (status == Status::full && !is_room_awaited_) log_.touch();
  is_room_awaited_ = status == Status::full;
  return status == Status::full ? Status::ok : status;
}

// What finds no room now is found by the step behind the next commit.
void SyncSession::sweep() {
  Status status = sweep_.has_work() ? sweep_.advance() : Status::ok;
  if (status == Status::ok && partial_ != nullptr) status = partial_->sweep_left(log_, pulls_);
  if (status != Status::ok) log_.touch();
  is_sweeping_ = status == Status::ok && sweep_.has_work();
}

// ---- receiving

void SyncSession::receive(LinkId link, Bytes frame, std::uint64_t now_ms, ActionList& actions) {
  // A late welcome would tell a wrong time: advance() ends its link.
  if (!is_up() || link != link_ || is_welcome_late(now_ms)) return;
  figures_.bytes_received += frame.size();
  const Result<Kind> kind = wire::kind_of(frame);
  count_round_trip(kind);
  if (!kind.ok()) problem_.say("the server sent a frame of an unknown kind, ").number(frame.size()).text(" bytes long");
  const std::uint32_t sentences = problem_.count();
  reason_ = StateReason::none;
  const Status status = kind.ok() ? dispatch(*kind, frame, actions) : kind.status();
  // A subscription that is refused stays so: nothing else tells of it.
  const bool is_refused = status == Status::ok && *kind == Kind::subscribed && sentences != problem_.count();
  if (is_refused) actions.add({.kind = Action::Kind::say, .text = problem_.view()});
  if (status == Status::ok) return;
  if (reason_ == StateReason::none) reason_ = reason_of(status);
  if (kind.ok() && sentences == problem_.count()) {
    problem_.say("a frame from the server was refused: kind ").number(static_cast<std::uint64_t>(*kind)).text(", ");
    problem_.text(name_of(status));
  }
  fail(status, now_ms, actions);
}

// Only those behind the handshake count: what was asked along with hello is still awaited when welcome comes.
void SyncSession::count_round_trip(Result<Kind> kind) {
  if (!asked_since_reply_ || (kind.ok() && *kind == Kind::welcome)) return;
  ++figures_.round_trips;
  asked_since_reply_ = false;
}

Status SyncSession::dispatch(Kind kind, Bytes frame, ActionList& actions) {
  if (kind == Kind::bye) return receive_bye(frame);
  if (kind == Kind::welcome) return awaits_welcome() ? receive_welcome(frame) : Status::corrupt;
  if (phase_ != Phase::live) return Status::corrupt;
  switch (kind) {
    case Kind::subscribed:
      return receive_subscribed(frame);
    case Kind::ack:
      return receive_ack(frame, actions);
    case Kind::reject:
      return receive_reject(frame, actions);
    case Kind::delta:
      return receive_delta(frame);
    case Kind::current:
      return receive_current(frame);
    case Kind::digest_reply:
    case Kind::lacks:
      return receive_digests(kind, frame);
    case Kind::channel:
    case Kind::search_reply:
    case Kind::entities_reply:
      return guest_ != nullptr ? guest_->receive(frame, problem_) : Status::ok;
    default:
      return Status::corrupt;
  }
}

Status SyncSession::receive_welcome(Bytes frame) {
  grid_Welcome welcome;
  GRID_TRY(wire::decode(frame, welcome));
  if (welcome.protocol < wire::kProtocolMin || welcome.protocol > wire::kProtocolMax) return Status::newer;
  epoch_ = welcome.epoch;
  features_ = welcome.features;
  window_ops_ = std::min(welcome.window_ops, limits_.window_ops_max);
  frame_bytes_max_ = welcome.frame_bytes_max;
  if (welcome.wall_ms != 0) owe(time_.learn(welcome.wall_ms + (now_ms_ - greeted_at_ms_) / 2));
  if (welcome.lost) GRID_TRY(pulls_.note_loss());
  const Result<bool> known = log_.knows(welcome.taken_time, welcome.taken_digest);
  if (!known.ok()) return known.status();
  if (welcome.forked || !*known) {
    problem_.say("this store was used elsewhere before (a restored image, or a copy): it goes on under a new node id");
    fork_token_ = fork_token_sealed_ = fork_token_shown_ = 0;
    GRID_TRY(log_.store().set_fact(facts::kFork, {}));
    const Result<bool> names_itself = log_.names_itself();
    if (!names_itself.ok()) return names_itself.status();
    if (*names_itself) GRID_TRY(pulls_.drop_cursors());
    GRID_TRY(log_.refork(random_.id(), welcome.taken_time));
    // The server has greeted the old name, which may have a current token all the same; or it has been shown cursors
    // that cover what is to come anew. A new link, then.
    if (!welcome.forked || *names_itself) {
      reason_ = StateReason::ended;
      return Status::io;
    }
    hello_due_ = true;
    greeted_at_ms_ = now_ms_;
    reforking_ = true;
    phase_ = Phase::live;
    return Status::ok;
  }
  reforking_ = false;
  phase_ = Phase::live;
  attempts_ = 0;
  hopeless_ = false;
  if (welcome.fork_token != 0) GRID_TRY(keep_fork_token(welcome.fork_token));
  if (partial_ != nullptr) partial_->welcomed(features_, pulls_, problem_);
  if (guest_ != nullptr) guest_->welcomed({log_.node(), welcome.features}, now_ms_, problem_);
  return log_.restart();
}

Status SyncSession::keep_fork_token(std::uint64_t token) {
  if (token == fork_token_) return Status::ok;
  log_.touch();
  GRID_TRY(set_number_fact(log_.store(), facts::kFork, token));
  fork_token_ = token;
  return Status::ok;
}

Status SyncSession::receive_bye(Bytes frame) {
  grid_Bye bye;
  GRID_TRY(wire::decode(frame, bye));
  const Status status = static_cast<Status>(bye.status);
  hopeless_ = status == Status::denied || status == Status::newer;
  reason_ = status == Status::denied  ? StateReason::denied
            : status == Status::newer ? StateReason::newer
                                      : StateReason::ended;
  hint_ms_ = bye.retry_after_ms;
  problem_.say("the server ended the session: ").text(bye.reason);
  return status == Status::ok ? Status::io : status;
}

Status SyncSession::receive_subscribed(Bytes frame) {
  grid_Subscribed answer;
  GRID_TRY(wire::decode(frame, answer));
  Pull* pull = pulls_.find(answer.id);
  if (pull == nullptr) return Status::ok;  // It was ended meanwhile.
  if (pull->phase != Pull::Phase::asked) return partial_ == nullptr ? Status::corrupt : partial_->answered_again(*pull);
  pull->collected = {answer.collected_time, answer.collected_node};
  pull->stale_through = pull->collected.is_none() ? 0 : log_.store().head();
  const wire::PullMode mode = static_cast<wire::PullMode>(answer.mode);
  if (partial_ != nullptr && mode != wire::PullMode::refused) GRID_TRY(partial_->sweep(log_, pulls_, pull->id));
  switch (mode) {
    case wire::PullMode::resume:
      pull->phase = Pull::Phase::streaming;
      pull->heal = false;
      if (partial_ != nullptr) partial_->resumed(*pull);
      return pulls_.set_unhealed(*pull, false);
    case wire::PullMode::compare:
      pull->phase = Pull::Phase::comparing;
      pull->heal = answer.heal;
      pull->check = Pull::Check::wanted;
      pull->compared = 0;
      GRID_TRY(sweep_.forget());
      if (answer.heal) GRID_TRY(pulls_.set_unhealed(*pull, true));
      // One comparison at a time: another asks anew when its turn comes. Its deltas are merged meanwhile.
      pull->compare_due = pull->answer_due = walk_.active();
      if (!pull->compare_due) walk_.begin(pull->id, pull->scope.get(), answer.heal, pull->collected);
      return Status::ok;
    case wire::PullMode::refused:
      break;
  }
  pull->phase = Pull::Phase::refused;
  problem_.say(kSubscriptionRefused).text(name_of(static_cast<Status>(answer.status)));
  return Status::ok;
}

Status SyncSession::receive_ack(Bytes frame, ActionList& actions) {
  grid_Ack ack;
  GRID_TRY(wire::decode(frame, ack));
  const crdt::Seq before = log_.store().settled();
  GRID_TRY(log_.acknowledge(ack.applied, ack.durable));
  if (ack.fork_token != 0) GRID_TRY(keep_fork_token(ack.fork_token));
  if (log_.store().settled() == before || actions.full()) return Status::ok;
  actions.add_outcome(Outcome::durable, log_.store().settled());
  return Status::ok;
}

Status SyncSession::receive_reject(Bytes frame, ActionList& actions) {
  wire::OpsReader reader;
  GRID_TRY(reader.open(frame));
  Op standing;
  if (!reader.next(standing) || standing.seq == 0) return Status::corrupt;
  const crdt::Seq seq = standing.seq;
  const Status why = reader.head().status;
  if (why == Status::clock_ahead) {
    if (reader.head().wall_ms != 0) owe(time_.learn(reader.head().wall_ms));
    problem_.say("the server's clock is behind this one: ops were written anew under its time");
    const Result<Correction> correction = log_.reissue(seq, time_);
    if (correction.ok() && !owed_.needed()) owe(*correction);
    return correction.status();
  }
  // Written anew, so that it is newer than any deletion that others may still hold.
  if (why == Status::collected) GRID_TRY(log_.note_late(seq));
  if (why == Status::collected && !standing.base.is_none()) return log_.renew(seq, standing.base, time_);
  problem_.say("the server rejected a write of ").text(standing.cell.name.map).text("/").text(standing.cell.name.key);
  problem_.text(": ").text(name_of(why));
  if (!reader.head().reason.empty()) problem_.text(": ").text(reader.head().reason);
  ++figures_.rejected;
  GRID_TRY(log_.reject(seq, standing, why, reader.head().reason));
  actions.add_outcome(Outcome::rejected, seq, why);
  if (const crdt::Seq lost = log_.take_lost(); lost != 0) actions.add_outcome(Outcome::lost_with, lost, why);
  if (log_.take_vanished() != nullptr) actions.add({.kind = Action::Kind::vanished});
  // The facts that it took with it are the server's to give back.
  return log_.take_unburied() ? start_over(actions) : Status::ok;
}

Status SyncSession::receive_delta(Bytes frame) {
  wire::OpsReader reader;
  GRID_TRY(reader.open(frame));
  Pull* pull = pulls_.find(reader.head().id);
  if (pull == nullptr) return Status::ok;
  if (!reader.head().cursor.empty()) GRID_TRY(pulls_.note_seen(reader.head().cursor));
  GRID_TRY(merge_all(reader, *pull));
  if (reader.head().cursor.empty()) {
    if (reader.head().last && walk_.active() && walk_.id() == pull->id) walk_.answer_ended();
    return Status::ok;
  }
  // While a comparison goes on, the stored cursor must stay the old one: it covers what the walk has yet to find.
  if (pull->phase != Pull::Phase::comparing && !pull->partial) return pulls_.save_cursor(*pull, reader.head().cursor);
  pull->compared_cursor.set(reader.head().cursor);
  return Status::ok;
}

Status SyncSession::merge_all(wire::OpsReader& reader, const Pull& pull) {
  const bool answer = reader.head().cursor.empty();
  Op op;
  while (reader.next(op)) {
    GRID_TRY(reader.status());
    if (!pull.scope.get().matches(op.cell.name)) return Status::corrupt;
    if (op.evicted) {
      if (partial_ == nullptr) return Status::corrupt;
      GRID_TRY(partial_->evict(log_, pulls_, pull.id, op.cell.name));
      continue;
    }
    if (answer && walk_.active() && walk_.id() == pull.id) GRID_TRY(walk_.receive_answer(op));
    if (op.cell.stamp.is_none()) continue;
    GRID_TRY(log_.merge(op));
    ++figures_.cells_pulled;
  }
  return Status::ok;
}

Status SyncSession::receive_current(Bytes frame) {
  grid_Current current;
  GRID_TRY(wire::decode(frame, current));
  Pull* pull = pulls_.find(current.id);
  if (pull == nullptr) return Status::ok;
  // None: the one that is shown stands as it is.
  const Bytes cursor = current.cursor.size > 0 ? Bytes(current.cursor.bytes, current.cursor.size) : pull->cursor.view();
  GRID_TRY(pulls_.note_seen(cursor));
  if (pull->phase == Pull::Phase::comparing || pull->partial) {
    if (pull->compared_cursor.size == 0) pull->compared_cursor.set(cursor);
    return Status::ok;
  }
  pull->current = true;
  GRID_TRY(pulls_.save_cursor(*pull, cursor));
  GRID_TRY(sweep_.told(current.head, current.floor, time_.told_ms()));
  judge_check(*pull, {current.sum, current.count});
  return Status::ok;
}

}  // namespace grid::runtime
