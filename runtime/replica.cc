// SPDX-License-Identifier: Apache-2.0

#include "runtime/replica.h"

#include "crdt/lww_map.h"
#include "crdt/value.h"
#include "runtime/facts.h"
#include "runtime/scan.h"

namespace grid::runtime {

using crdt::Op;

namespace {

// What a device takes on a machine of 32 bits: its replica, a frame each way, and the flash store's index of 256 cells.
constexpr std::size_t ram_bytes(const Limits& limits) {
  constexpr std::size_t kIndexBytes = 2'048;
  return sizeof(Replica) + Replica::memory_bytes(limits) + std::size_t{2} * limits.frame_bytes_max + kIndexBytes;
}
constexpr bool kIs32Bits = sizeof(void*) == 4;
static_assert(!kIs32Bits || ram_bytes(kPico) <= std::size_t{12} * 1'024, "256 small cells in 12 KiB");
static_assert(!kIs32Bits || ram_bytes(kChip) <= std::size_t{16} * 1'024, "beside Wi-Fi and TLS on an ESP32");

// Any op that a profile takes fits its frames, beside the head of one.
constexpr bool frames_hold_ops(const Limits& limits) {
  constexpr std::size_t kHeadsBytes = 256;
  return limits.frame_bytes_max >= wire::kControlBytesMax &&
         limits.frame_bytes_max >= kHeadsBytes + kNameBytesMax + limits.value_bytes_max;
}
static_assert(frames_hold_ops(kLinux) && frames_hold_ops(kChip) && frames_hold_ops(kPico));

}  // namespace

Replica::Replica(storage::Store& store, const ReplicaOptions& options, MutBytes memory)
    : store_(store),
      options_(options),
      arena_(memory),
      actions_(arena_.make<Action>(options.limits->actions_max)),
      random_(options.seed),
      log_(store, *options.limits, arena_, problem_, options.views == nullptr ? nullptr : options.views->log),
      pulls_(log_, *options.limits, arena_),
      watches_(store, pulls_, *options.limits, arena_),
      walk_(log_, *options.limits, options.app, arena_),
      session_({options.app, options.backoff_ms_min, options.backoff_ms_max}, *options.limits, log_, pulls_, walk_,
               time_, random_, problem_, options.guest, options.partial) {
  log_.post_to(options.letters);
}

std::span<const Action> Replica::step(const Event& event) {
  actions_.clear();
  if (event.kind == Event::Kind::start) {
    start(event);
  } else if (!stopped_) {
    session_.owe(time_.observe(event.now_ms, event.wall_ms));
  }
  if (stopped_) {
    if (event.call != nullptr) event.call->status = Status::io;
    return actions_.span();
  }
  dispatch(event);
  finish_step(event);
  return actions_.span();
}

void Replica::start(const Event& event) {
  Status status = log_.open(random_.id());
  if (status == Status::ok) status = session_.open();
  log_.listen(options_.partial);
  const Result<Bytes> app = store_.fact(facts::kApp);
  if (app.status() == Status::not_found) {
    if (status == Status::ok) status = store_.set_fact(facts::kApp, as_bytes(options_.app));
    log_.touch();
  } else if (app.ok() && as_text(*app) != options_.app) {
    reason_ = StateReason::other_app;
    problem_.say("this store belongs to the app ").text(as_text(*app)).text(", not to ").text(options_.app);
    stopped_ = true;
    actions_.add({.kind = Action::Kind::say, .status = Status::denied, .text = problem_.view()});
    return;
  }
  if (status != Status::ok) return stop(status);
  time_.start(log_.clock().last().wall_ms(), event.now_ms);
  time_.observe(event.now_ms, event.wall_ms);
}

void Replica::stop(Status status) {
  stopped_ = true;
  reason_ = StateReason::store;
  problem_.say("the store failed and the node has stopped: ").text(store_.problem());
  actions_.add({.kind = Action::Kind::say, .status = status, .text = problem_.view()});
}

void Replica::dispatch(const Event& event) {
  switch (event.kind) {
    case Event::Kind::link_up:
      return session_.link_up(event.link, event.now_ms);
    case Event::Kind::link_down:
      return session_.link_down(event.link, event.status, event.now_ms);
    case Event::Kind::frame:
      return session_.receive(event.link, event.bytes, event.now_ms, actions_);
    case Event::Kind::writable:
      return session_.write(event.link, event.room, actions_);
    case Event::Kind::durable:
      log_.durable();
      return session_.durable();
    case Event::Kind::call:
      return perform(*event.call);
    case Event::Kind::stop:
      session_.go_offline(actions_);
      if (log_.close() != Status::ok) stop(Status::io);
      return;
    case Event::Kind::start:
    case Event::Kind::wake:
    case Event::Kind::collect:
    case Event::Kind::drained:
    case Event::Kind::searched:
    case Event::Kind::entities:
    case Event::Kind::indexed:
    case Event::Kind::proven:
    case Event::Kind::grants_changed:
      return;
  }
}

void Replica::finish_step(const Event& event) {
  // A host may make calls, and commit them, one after the other without room for what each of them would report.
  const bool reports = event.kind != Event::Kind::call && event.kind != Event::Kind::durable;
  if (reports) {
    const Status status = watches_.advance(actions_, time_.known_ms());
    if (status != Status::ok) return stop(status);
  }
  session_.advance(event.now_ms, actions_);
  if (reports && !keep_up(event.now_ms)) return;
  if (options_.guest != nullptr && options_.guest->take_news()) {
    const Bytes frame = event.kind == Event::Kind::frame ? event.bytes : Bytes{};
    actions_.add({.kind = Action::Kind::heard, .text = as_text(frame)});
  }
  // One commit at a time: what is written meanwhile goes with the next.
  if (log_.dirty() && !log_.committing()) {
    session_.sealed();
    const Result<std::uint64_t> batch = log_.seal();
    if (!batch.ok()) return stop(batch.status());
    actions_.add({.kind = Action::Kind::commit, .batch = *batch});
  }
  const bool has_upkeep = options_.upkeep != nullptr && options_.upkeep->has_work();
  if (watches_.are_behind() || session_.is_sweeping() || has_upkeep) actions_.add({.kind = Action::Kind::more});
}

// A store without room for more is one that is being committed: what is due is done behind that.
bool Replica::keep_up(std::uint64_t now_ms) {
  if (options_.upkeep == nullptr) return true;
  const Status status =
      options_.upkeep->advance({log_, pulls_, watches_, actions_, now_ms, time_.known_ms(), session_.owes()});
  if (status == Status::ok || status == Status::full) return true;
  stop(status);
  return false;
}

void Replica::perform(Call& call) {
  switch (call.verb) {
    case Call::Verb::put:
    case Call::Verb::remove:
      call.status = write(call);
      return;
    case Call::Verb::edit:
      call.status = options_.views != nullptr ? options_.views->edit(*this, call) : refuse_edit();
      return;
    case Call::Verb::subscribe:
    case Call::Verb::watch:
      call.status = subscribe(call);
      return;
    case Call::Verb::unsubscribe:
    case Call::Verb::unwatch:
      return release(call);
    case Call::Verb::verify:
      return session_.want_verify();
    case Call::Verb::online:
      return session_.go_online();
    case Call::Verb::offline:
      return session_.go_offline(actions_);
    case Call::Verb::channel:
      call.status = perform(*call.channel);
      return;
  }
}

Status Replica::perform(ChannelCall& call) {
  if (options_.guest != nullptr) return options_.guest->perform(call, problem_);
  problem_.say("this node was opened without channels");
  return Status::invalid;
}

Status Replica::check_row(const Call& call) {
  const std::string_view map = call.scope.map;
  const std::string_view key = call.scope.text;
  if (map.size() > kMapBytesMax) {
    problem_.say("the map's name is ").number(map.size()).text(" bytes long; the limit is ").number(kMapBytesMax);
    return Status::too_large;
  }
  if (key.size() > kKeyBytesMax) {
    problem_.say("the key is ").number(key.size()).text(" bytes long; the limit is ").number(kKeyBytesMax);
    return Status::too_large;
  }
  if (crdt::check_map_name(map) != Status::ok) {
    problem_.say("the map's name must be 1 to 64 of the characters A-Z a-z 0-9 _ . -");
    return Status::invalid;
  }
  if (crdt::check_name({map, key, {}}) != Status::ok) {
    problem_.say("the key must be 1 to 256 bytes of UTF-8 without control characters");
    return Status::invalid;
  }
  if (call.value.size() > options_.limits->value_bytes_max) {
    problem_.say("the value takes ").number(call.value.size()).text(" bytes; the limit is ");
    problem_.number(options_.limits->value_bytes_max);
    return Status::too_large;
  }
  return Status::ok;
}

Status Replica::refuse_edit() {
  problem_.say("this node was opened without views: it has no sets, counters and batches");
  return Status::invalid;
}

Status Replica::write(Call& call) {
  GRID_TRY(check_row(call));
  const bool removes = call.verb == Call::Verb::remove;
  if (!removes) GRID_TRY(check_value(call.value));
  const crdt::CellName name = crdt::lww_map::name(call.scope.map, call.scope.text);
  return write_cell(name, removes ? Bytes{} : call.value, call.ttl_ms, call);
}

Status Replica::check_value(Bytes value) {
  if (crdt::check_value(value) == Status::ok) return Status::ok;
  problem_.say("the value is not in canonical form, or nested deeper than ").number(kValueDepthMax);
  return Status::invalid;
}

Status Replica::write_cell(const crdt::CellName& name, Bytes value, std::uint64_t ttl_ms, Call& call) {
  GRID_TRY(make_room_for(name));
  const Result<crdt::Seq> seq = log_.write({name, value, expiry_of(ttl_ms, time_.now_ms())}, time_);
  if (seq.ok()) call.seq = *seq;
  return seq.status();
}

// Never silently: there is an outcome, a sentence and a count. The cursors go first: when the store has no room for the
// rest, a comparison too many does no harm.
Status Replica::make_room_for(const crdt::CellName& name) {
  if (options_.on_full != OnFull::drop_oldest || !log_.is_full_for(name)) return Status::ok;
  const Result<Op> oldest = log_.oldest_to_drop();
  if (oldest.status() == Status::full) return Status::ok;  // The write says why.
  if (!oldest.ok()) return oldest.status();
  GRID_TRY(session_.start_over(actions_));
  GRID_TRY(log_.drop(*oldest));
  problem_.say("the log of unsent ops was full, and the oldest was dropped: ");
  problem_.text(oldest->cell.name.map).text("/").text(oldest->cell.name.key);
  actions_.add_outcome(Outcome::dropped, oldest->seq);
  if (log_.take_vanished() != nullptr) actions_.add({.kind = Action::Kind::vanished});
  return Status::ok;
}

Status Replica::subscribe(Call& call) {
  const Status legal = call.scope.check();
  if (legal != Status::ok) {
    problem_.say("a subscription needs a legal map name, and a key or prefix of legal UTF-8");
    return legal;
  }
  Scope scope = call.scope;
  if (!find_test(scope)) {
    problem_.say("no predicate, or this node knows none: ").text(scope.text);
    return Status::invalid;
  }
  const Result<Pull*> pull = pulls_.add(scope);
  Status status = pull.status();
  if (pull.ok()) call.id = (*pull)->id;
  if (pull.ok() && call.verb == Call::Verb::watch) {
    const Result<std::uint32_t> watch = watches_.add(call.id);
    status = watch.status();
    if (!watch.ok()) pulls_.release(call.id);
    if (watch.ok()) call.id = *watch;
  }
  if (status == Status::full) {
    problem_.say("no room for another subscription: ").number(pulls_.all().size()).text(" are open");
  }
  return status;
}

// False: it is of a predicate, and there is no test of that.
bool Replica::find_test(Scope& scope) {
  if (scope.kind != ScopeKind::where) return true;
  scope.rows = options_.partial == nullptr ? nullptr : options_.partial->test_of(scope.text);
  return scope.rows != nullptr;
}

void Replica::release(const Call& call) {
  if (call.verb == Call::Verb::unsubscribe) return pulls_.release(call.id);
  const Result<std::uint32_t> pull = watches_.remove(call.id);
  if (pull.ok()) pulls_.release(*pull);
}

std::uint64_t Replica::wake_at_ms() const {
  if (stopped_) return kNever;
  const std::uint64_t upkeep_ms = options_.upkeep == nullptr ? kNever : options_.upkeep->wake_at_ms();
  return upkeep_ms < session_.wake_at_ms() ? upkeep_ms : session_.wake_at_ms();
}

Result<Op> Replica::find(std::string_view map, std::string_view key, std::uint64_t wall_ms) {
  const Result<Op> op = store_.find(crdt::lww_map::name(map, key));
  if (op.ok() && !op->cell.is_live(time_.known_ms(wall_ms))) return Status::not_found;
  return op;
}

Result<Op> Replica::next(const Scope& scope, const crdt::CellName& after, std::uint64_t wall_ms) {
  const std::uint64_t known_ms = time_.known_ms(wall_ms);
  // The name that a prefix begins with may itself be a row.
  for (Scan scan = after.key < scope.text ? Scan(scope) : Scan(scope, after);;) {
    const Result<Op> op = scan.next(store_);
    if (!op.ok() || (op->cell.name.sub.empty() && op->cell.is_live(known_ms))) return op;
  }
}

Result<Op> Replica::next_cell(const crdt::CellName& after, std::uint64_t wall_ms) {
  const std::uint64_t known_ms = time_.known_ms(wall_ms);
  for (Scan scan(Scope{}, after);;) {
    const Result<Op> op = scan.next(store_);
    if (!op.ok() || op->cell.is_live(known_ms)) return op;
  }
}

Result<Op> Replica::op_at(crdt::Seq seq) { return log_.op_at(seq); }

bool Replica::is_watched_by(std::uint32_t id, const crdt::CellName& name) {
  const Pull* pull = pulls_.find(id);
  return pull != nullptr && pull->scope.get().matches(name);
}

Outcome Replica::outcome_of(crdt::Seq seq) { return log_.outcome_of(seq); }

crdt::Digest Replica::digest(const Scope& scope, std::uint64_t wall_ms) {
  Scope whole = scope;
  if (!find_test(whole)) return {};
  return log_.digest(whole, time_.known_ms(wall_ms));
}

ReplicaStatus Replica::status(std::uint64_t now_ms) const {
  ReplicaStatus status;
  status.state = stopped_ ? SyncState::error : session_.state();
  status.reason = stopped_ ? reason_ : session_.reason();
  status.node = log_.node();
  status.epoch = session_.epoch();
  status.ops_pending = log_.pending_count();
  status.ops_pending_max = options_.limits->pending_ops_max;
  status.head = store_.head();
  status.applied = log_.applied() > store_.settled() ? log_.applied() : store_.settled();
  status.durable = store_.settled();
  status.current = session_.is_up() && pulls_.all_current();
  status.verified = pulls_.all_checked();
  status.quiet = status.ops_pending == 0 && !log_.dirty() && !log_.committing();
  status.clock_offset_ms = time_.offset_ms();
  status.quality = time_.quality();
  status.retry_in_ms = session_.retry_in_ms(now_ms);
  status.figures = session_.figures();
  status.figures.rejected = log_.rejected_count();
  status.figures.dropped = log_.dropped_count();
  if (options_.guest != nullptr) options_.guest->tell(status);
  return status;
}

}  // namespace grid::runtime
