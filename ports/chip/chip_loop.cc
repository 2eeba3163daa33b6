// SPDX-License-Identifier: Apache-2.0

#include "ports/chip/chip_loop.h"

#include <algorithm>
#include <utility>

#include "runtime/grid/change.h"

namespace grid::port {

using runtime::Action;
using runtime::Call;
using runtime::Event;
using transport::Arrival;

namespace {

constexpr std::uint64_t kRetryMs = 1'000;
constexpr std::uint64_t kGoodbyeMs = 1'000;

}  // namespace

ChipLoop::ChipLoop(Board& board, const ChipMemory& memory)
    : board_(board),
      watching_(memory.watching),
      happened_(memory.happened),
      arena_(memory.store),
      memory_(memory),
      link_(board, memory.arriving, memory.sending) {}

// ---- opening and closing

Node* ChipLoop::open(const ChipOptions& options) {
  if (is_open()) {
    complain("this host has a node already");
    return nullptr;
  }
  options_ = options;
  opened_ = check();
  if (opened_ == Status::ok) opened_ = open_store();
  if (opened_ == Status::ok) opened_ = start();
  if (opened_ != Status::ok) {
    replica_.reset();
    store_.reset();
    return nullptr;
  }
  if (!options_.server.empty() && !options_.offline) node_.online();
  return &node_;
}

Status ChipLoop::refuse(Status status, const char* words) {
  problem_.say(words);
  return status;
}

Status ChipLoop::check() {
  if (crdt::check_map_name(options_.app) != Status::ok) {
    return refuse(Status::invalid, "the app's name must be 1 to 64 of the characters A-Z a-z 0-9 _ . -");
  }
  if (options_.server.empty()) return Status::ok;
  const Result<ServerAddress> server = parse_server_address(options_.server);
  if (!server.ok()) {
    problem_.say("the server's address is not ws://HOST:PORT: ").text(options_.server);
    return server.status();
  }
  server_ = *server;
  return Status::ok;
}

Status ChipLoop::open_store() {
  storage::NorDevice* device = board_.flash(options_.store);
  if (device == nullptr) {
    problem_.say("this board has no partition of the name ").text(options_.store);
    return Status::not_found;
  }
  arena_.reset();
  storage::FlashOptions options = memory_.flash;
  options.salvage = options_.salvage;
  store_.emplace(*device, arena_, options);
  const Status status = store_->mount();
  if (status != Status::ok) problem_.say(store_->problem());
  return status;
}

Status ChipLoop::start() {
  std::uint8_t seed[8];
  board_.entropy(seed);
  replica_.emplace(*store_,
                   runtime::ReplicaOptions{.app = options_.app,
                                           .seed = load_be(seed),
                                           .limits = memory_.limits,
                                           .on_full = options_.on_full,
                                           .backoff_ms_min = options_.backoff_ms_min,
                                           .backoff_ms_max = options_.backoff_ms_max,
                                           .views = options_.views,
                                           .guest = options_.channels,
                                           .letters = options_.letters,
                                           .upkeep = options_.upkeep},
                   memory_.replica);
  batch_due_ = retry_at_ms_ = 0;
  has_failed_ = is_parked_ = has_heard_ = false;
  watching_.clear();
  happened_.clear();
  step({.kind = Event::Kind::start});
  if (replica_status().state != SyncState::error) return Status::ok;
  return refuse(Status::denied, replica_->problem());
}

// The server hears why the link ends, if it listens.
void ChipLoop::close() {
  if (!is_open() || refuses_to_wait()) return;
  step({.kind = Event::Kind::stop});
  link_.hang_up(board_.monotonic_ms());
  run_until([this] { return link_.is_down(); }, kGoodbyeMs);
  replica_.reset();
  store_.reset();
}

// ---- running

bool ChipLoop::refuses_to_wait() {
  if (is_running_) complain("the loop is running already: a callback cannot wait");
  return is_running_;
}

bool ChipLoop::run(bool (*is_done)(void* context), void* context, std::uint64_t timeout_ms) {
  if (!is_open() || refuses_to_wait()) return false;
  is_running_ = true;
  const std::uint64_t begin_ms = board_.monotonic_ms();
  board_.wait(0);  // A board may move bytes only while it rests, and a call without any time to it is to get on too.
  bool is_reached = false;
  for (;;) {
    const bool is_busy = turn();
    is_reached = is_done(context);
    const std::uint64_t now_ms = board_.monotonic_ms();
    if (is_reached || now_ms - begin_ms >= timeout_ms) break;
    const std::uint64_t wake_ms = wake_at_ms();
    if (is_busy || wake_ms <= now_ms) continue;
    board_.wait(std::min(timeout_ms - (now_ms - begin_ms), wake_ms - now_ms));
  }
  is_running_ = false;
  return is_reached;
}

void ChipLoop::run_for(std::uint64_t ms) {
  run_until([] { return false; }, ms);
}

bool ChipLoop::wait(const Write& write, Outcome outcome, std::uint64_t timeout_ms) {
  if (write.status() != Status::ok) return false;
  Outcome reached = Outcome::pending;
  run_until(
      [&] {
        reached = write.outcome();
        return reached == outcome || reached > Outcome::applied || has_failed_;
      },
      timeout_ms);
  return reached == outcome || (outcome == Outcome::applied && reached == Outcome::durable);
}

bool ChipLoop::sync_once(std::uint64_t deadline_ms) {
  if (!is_open() || refuses_to_wait()) return false;
  const std::uint64_t begin_ms = board_.monotonic_ms();
  node_.online();
  bool is_synced = false;
  run_until(
      [&] {
        const runtime::ReplicaStatus status = replica_status();
        is_synced = status.state == SyncState::realtime && status.current && status.quiet;
        return is_synced || status.state == SyncState::error;
      },
      deadline_ms);
  node_.offline();
  const std::uint64_t spent_ms = board_.monotonic_ms() - begin_ms;
  const std::uint64_t left_ms = spent_ms < deadline_ms ? deadline_ms - spent_ms : 0;
  run_until([this] { return link_.is_down(); }, std::min(left_ms, kGoodbyeMs));
  return is_synced;
}

void ChipLoop::park() {
  if (replica_status().state == SyncState::disconnected) return;
  node_.offline();
  is_parked_ = true;
}

// What failed for want of a network need not be waited for any longer.
void ChipLoop::unpark() {
  if (!is_parked_ && replica_status().state != SyncState::backoff) return;
  node_.offline();
  node_.online();
}

bool ChipLoop::turn() {
  bool is_busy = receive();
  if (std::exchange(is_dial_failed_, false)) step({.kind = Event::Kind::link_down, .link = link_id_});
  if (is_due()) {
    wants_more_ = false;
    step({.kind = Event::Kind::wake});
    is_busy = true;
  }
  if (retry_at_ms_ != 0 && board_.monotonic_ms() >= retry_at_ms_) commit();
  is_busy = write() || is_busy;
  if (!attendants_.empty()) attendants_.turn(board_.monotonic_ms());
  return is_busy || wants_more_;
}

bool ChipLoop::is_due() const {
  return !has_failed_ && (wants_more_ || replica_->wake_at_ms() <= board_.monotonic_ms());
}

std::uint64_t ChipLoop::wake_at_ms() const {
  if (has_failed_) return runtime::kNever;
  const std::uint64_t retry_ms = retry_at_ms_ != 0 ? retry_at_ms_ : runtime::kNever;
  return std::min({replica_->wake_at_ms(), link_.wake_at_ms(), retry_ms, attendants_.wake_at_ms()});
}

// One thing that arrived. False: there was none, and no more bytes are there.
bool ChipLoop::receive() {
  const Arrival arrival = link_.receive(board_.monotonic_ms());
  switch (arrival.kind) {
    case Arrival::Kind::opened:
      step({.kind = Event::Kind::link_up, .link = link_id_});
      return true;
    case Arrival::Kind::frame:
      step({.kind = Event::Kind::frame, .link = link_id_, .bytes = arrival.frame});
      return true;
    case Arrival::Kind::closed:
      if (!has_failed_) problem_.say(link_.problem());
      wants_write_ = false;
      step({.kind = Event::Kind::link_down, .link = link_id_, .status = link_.status()});
      return true;
    default:
      return link_.has_more();
  }
}

// What may go, and the frame that the machine has for it.
bool ChipLoop::write() {
  bool has_written = link_.flush();
  if (wants_write_ && !link_.room().empty()) {
    wants_write_ = false;
    frame_bytes_ = 0;
    step({.kind = Event::Kind::writable, .link = link_id_, .room = link_.room()});
    // A callback, or a commit that failed, may have closed the link since it was encoded.
    if (frame_bytes_ != 0 && !link_.room().empty()) link_.send(frame_bytes_);
    has_written = link_.flush() || has_written;
  }
  return has_written;
}

// ---- the machine

void ChipLoop::step(Event event) {
  if (has_failed_) return;
  event.now_ms = board_.monotonic_ms();
  event.wall_ms = board_.wall_ms();
  for (const Action& action : replica_->step(event)) {
    // What a call takes back, who makes it hears of as an outcome.
    if (action.kind != Action::Kind::vanished || event.kind != Event::Kind::call) carry_out(action);
  }
  if (retry_at_ms_ == 0) commit();
  if (event.kind != Event::Kind::call) call_back();
  if (event.kind != Event::Kind::call) deliver();
}

void ChipLoop::carry_out(const Action& action) {
  switch (action.kind) {
    case Action::Kind::connect:
      return connect();
    case Action::Kind::close:
      wants_write_ = false;
      return link_.hang_up(board_.monotonic_ms());
    case Action::Kind::want_write:
      wants_write_ = true;
      return;
    case Action::Kind::frame:
      frame_bytes_ = action.size;
      return;
    case Action::Kind::commit:
      batch_due_ = action.batch;
      return;
    case Action::Kind::changed:
      // Calls and commits report none, and every other step finds the room empty.
      GRID_CHECK(happened_.push({action.watch, action.seq}) == Status::ok);
      return;
    case Action::Kind::outcome:
      if (action.outcome == static_cast<std::uint8_t>(Outcome::rejected)) complain(replica_->problem());
      return;
    case Action::Kind::vanished:
      return note_vanished();
    case Action::Kind::heard:
      heard_ = as_bytes(action.text);
      has_heard_ = true;
      return;
    case Action::Kind::say:
      return complain(action.text);
    case Action::Kind::more:
      wants_more_ = true;
      return;
    default:
      return;  // A state is asked for by whoever waits for it; the rest is a server's.
  }
}

// The store has programmed the batch when it was sealed; what is left to do is to ask how that went.
void ChipLoop::commit() {
  retry_at_ms_ = 0;
  while (batch_due_ != 0) {
    const Status status = store_->flush();
    if (status == Status::full) {
      problem_.say("the store is full, and is tried again every second: ").text(store_->problem());
      retry_at_ms_ = board_.monotonic_ms() + kRetryMs;
      return;
    }
    if (status != Status::ok) {
      has_failed_ = true;
      wants_more_ = is_dial_failed_ = false;  // Nobody would take them up any more.
      problem_.say("the node has stopped: ").text(store_->problem());
      return link_.hang_up(board_.monotonic_ms());
    }
    store_->flushed();
    const Event durable{.kind = Event::Kind::durable,
                        .now_ms = board_.monotonic_ms(),
                        .wall_ms = board_.wall_ms(),
                        .batch = std::exchange(batch_due_, 0)};
    for (const Action& action : replica_->step(durable)) carry_out(action);
  }
}

void ChipLoop::connect() {
  ++link_id_;
  constexpr std::string_view kVersion = "/v1/";
  char path[kVersion.size() + kAppBytesMax];
  const MutBytes room(reinterpret_cast<std::uint8_t*>(path), sizeof(path));
  const std::size_t unused = copy(as_bytes(options_.app), copy(as_bytes(kVersion), room)).size();
  if (link_.dial(server_, {path, sizeof(path) - unused}, options_.token, board_.monotonic_ms()) == Status::ok) return;
  problem_.say(link_.problem());
  is_dial_failed_ = wants_more_ = true;
}

// A change that another one has replaced meanwhile is skipped: that one is reported too.
void ChipLoop::note_vanished() {
  for (const Watching& watch : watching_) {
    if (!replica_->is_watched_by(watch.id, replica_->vanished())) continue;
    GRID_CHECK(happened_.push({watch.id, 0}) == Status::ok);
  }
}

void ChipLoop::call_back_vanished(Callback callback, const crdt::CellName& name) {
  Change change;
  change.map = name.map;
  change.key = name.key;
  change.view = crdt::view_of(name.sub);
  callback(change);
}

void ChipLoop::call_back() {
  for (std::size_t i = 0; i < happened_.size(); ++i) {
    const Happened& one = happened_[i];
    const Watching* watching = watching_.begin();
    while (watching != watching_.end() && watching->id != one.watch) ++watching;
    const Result<crdt::Op> op = replica_->op_at(one.seq);
    if (watching == watching_.end()) continue;
    // A callback that writes may end the name that others are yet to hear of.
    if (one.seq == 0) call_back_vanished(watching->callback, replica_->vanished());
    if (!op.ok()) continue;
    Callback callback = watching->callback;  // It may end its own watch.
    callback(change_of(*replica_, *op, board_.wall_ms()));
  }
  happened_.clear();
}

// The frame stands where it arrived until the next one is received. A listener may make calls, which may end the link.
void ChipLoop::deliver() {
  if (!std::exchange(has_heard_, false) || options_.channels == nullptr) return;
  options_.channels->deliver(std::exchange(heard_, {}));
}

// ---- Driver: what grid.h calls

Status ChipLoop::refuse_closed() { return refuse(Status::io, "the node is closed: open() comes first"); }

void ChipLoop::perform(Call& call) {
  if (!is_open()) {
    call.status = refuse_closed();
    return;
  }
  if (call.verb == Call::Verb::online || call.verb == Call::Verb::offline) is_parked_ = false;
  if (call.verb == Call::Verb::online && options_.server.empty()) {
    call.status = refuse(Status::invalid, "no server was given to this node");
    return;
  }
  if (call.verb == Call::Verb::unwatch) {
    for (std::size_t i = watching_.size(); i-- > 0;) {
      if (watching_[i].id == call.id) watching_.remove_at(i);
    }
  }
  if (has_failed_) {
    call.status = Status::io;
    return;
  }
  step({.kind = Event::Kind::call, .call = &call});
  if (has_failed_) {  // At the commit of this very write.
    call.status = Status::io;
    return;
  }
  if (call.status != Status::ok) problem_.say(replica_->problem());
  // The machine does not know a link that is not up yet, and so can't close it.
  if (call.verb == Call::Verb::offline) link_.hang_up(board_.monotonic_ms());
}

void ChipLoop::watch(Call& call, Callback callback) {
  perform(call);
  if (call.status == Status::ok) GRID_CHECK(watching_.push({call.id, callback}) == Status::ok);
}

Result<Change> ChipLoop::find(std::string_view map, std::string_view key) {
  if (!is_open()) return refuse_closed();
  const std::uint64_t wall_ms = board_.wall_ms();
  return change_of(*replica_, replica_->find(map, key, wall_ms), wall_ms);
}

Result<Change> ChipLoop::next(const Scope& scope, std::string_view after_map, std::string_view after_key) {
  if (!is_open()) return refuse_closed();
  const std::uint64_t wall_ms = board_.wall_ms();
  return change_of(*replica_, replica_->next(scope, {after_map, after_key}, wall_ms), wall_ms);
}

Result<crdt::Op> ChipLoop::next_cell(const crdt::CellName& after) {
  if (!is_open()) return refuse_closed();
  return replica_->next_cell(after, board_.wall_ms());
}

Outcome ChipLoop::outcome_of(crdt::Seq seq) { return is_open() ? replica_->outcome_of(seq) : Outcome::pending; }

crdt::Digest ChipLoop::digest(const Scope& scope) {
  return is_open() ? replica_->digest(scope, board_.wall_ms()) : crdt::Digest{};
}

runtime::ReplicaStatus ChipLoop::replica_status() {
  if (!is_open()) return {};
  runtime::ReplicaStatus status = replica_->status(board_.monotonic_ms());
  if (has_failed_) status.state = SyncState::error, status.reason = StateReason::store;
  return status;
}

}  // namespace grid::port
