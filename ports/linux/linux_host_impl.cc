// SPDX-License-Identifier: Apache-2.0

#include "ports/linux/linux_host_impl.h"

#include <algorithm>
#include <utility>

#include "ports/linux/scope_fact.h"
#include "ports/port.h"
#include "runtime/grid/change.h"
#include "transport/lws/address.h"

namespace grid {

using runtime::Action;
using runtime::Call;
using runtime::Event;

namespace {

constexpr std::string_view kSoftware = "grid 0.1.0 linux";

}  // namespace

// ---- opening

Node* LinuxHost::Impl::open(const LinuxOptions& options) {
  if (node_.has_value()) {
    complain("this host has a node already");
    return nullptr;
  }
  options_ = options;
  path_ = "/v1/" + options_.app;
  Status status = check(options_);
  if (status == Status::ok) status = open_store();
  if (status == Status::ok) status = open_link();
  if (status == Status::ok) status = start();
  if (status == Status::ok) status = open_inspection();
  opened_ = status;
  if (status != Status::ok) {
    close();
    return nullptr;
  }
  node_.emplace(this);
  if (!options_.server.empty() && !options_.offline) node_->online();
  return &*node_;
}

Status LinuxHost::Impl::refuse(Status status, std::string problem) {
  problem_ = std::move(problem);
  return status;
}

Status LinuxHost::Impl::check(const LinuxOptions& options) {
  if (crdt::check_map_name(options.app) != Status::ok) {
    return refuse(Status::invalid, "the app's name must be 1 to 64 of the characters A-Z a-z 0-9 _ . -");
  }
  if (!options.server.empty() && !transport::parse_url(options.server).ok()) {
    return refuse(Status::invalid, "the server's address is not ws://HOST:PORT: " + options.server);
  }
  if (credential_.open(options) != Status::ok) return refuse(Status::invalid, credential_.problem());
  if (options.pending_ops_max == 0 || options.pending_ops_max > kLinux.pending_ops_max) {
    return refuse(Status::invalid, "pending_ops_max must be 1 to " + std::to_string(kLinux.pending_ops_max));
  }
  if (options.keep.size() > kKeepMax) {
    return refuse(Status::invalid, "there are rules of what is kept for " + std::to_string(options.keep.size()) +
                                       " maps; the limit is " + std::to_string(kKeepMax));
  }
  for (const Keep& rule : options.keep) {
    if (crdt::check_map_name(rule.map) == Status::ok) continue;
    return refuse(Status::invalid, "a rule of what is kept names no map: " + std::string(rule.map));
  }
  return Status::ok;
}

Status LinuxHost::Impl::open_store() {
  Status status = Status::ok;
  if (options_.store.empty()) {
    memory_ = std::make_unique<storage::MemoryStore>();
    store_ = memory_.get();
  } else {
    disk_ = port::DiskStore::open(options_.store, {options_.key_file, options_.old_key_file}, status, problem_);
    store_ = disk_ == nullptr ? nullptr : &**disk_;
  }
  return status;
}

Status LinuxHost::Impl::open_link() {
  if (options_.server.empty()) return Status::ok;
  links_ = std::make_unique<transport::LwsContext>();
  Status status =
      links_->open(loop_, {.frame_bytes_max = kLinux.frame_bytes_max,
                           .links_max = 1,
                           .tls = {.ca = options_.ca, .certificate = options_.certificate, .key = options_.key}});
  if (status == Status::ok && options_.server.starts_with("wss://")) status = links_->trust();
  if (status != Status::ok) problem_ = links_->problem();
  return status;
}

Status LinuxHost::Impl::start() {
  limits_.pending_ops_max = options_.pending_ops_max;
  std::vector<Keep> rules(options_.keep.begin(), options_.keep.end());
  kept_.clear();
  for (const Keep& rule : rules) kept_.emplace_back(rule.map);
  for (std::size_t i = 0; i < rules.size(); ++i) rules[i].map = kept_[i];
  housekeeping_.emplace(rules);
  options_.keep = {};  // The caller's memory.
  const std::size_t replica_bytes = runtime::Replica::memory_bytes(kLinux);
  replica_memory_ = std::make_unique_for_overwrite<std::uint8_t[]>(replica_bytes);
  scratch_ = std::make_unique_for_overwrite<std::uint8_t[]>(kLinux.value_bytes_max);
  std::uint8_t seed[8];
  port::entropy(seed);
  const std::size_t letter_bytes = runtime::DeadLetters::memory_bytes(kLinux.value_bytes_max);
  letter_memory_ = std::make_unique_for_overwrite<std::uint8_t[]>(letter_bytes);
  letters_.emplace(MutBytes(letter_memory_.get(), letter_bytes));
  replica_.emplace(*store_,
                   runtime::ReplicaOptions{.app = options_.app,
                                           .seed = load_be(seed),
                                           .limits = &limits_,
                                           .on_full = options_.on_full,
                                           .backoff_ms_min = options_.backoff_ms_min,
                                           .backoff_ms_max = options_.backoff_ms_max,
                                           .views = &runtime::kFactViews,
                                           .guest = &entities_,
                                           .letters = &*letters_,
                                           .upkeep = housekeeping_->get(),
                                           .partial = &row_tests_},
                   MutBytes(replica_memory_.get(), replica_bytes));
  queries_.emplace(*store_, runtime::QueryOptions{.index_bytes_max = options_.index_bytes_max});
  facts_.emplace(*store_, runtime::FactOptions{.index_bytes_max = options_.fact_bytes_max,
                                               .query_bytes_max = options_.question_bytes_max,
                                               .steps_max = options_.question_steps_max});
  host_.emplace(loop_, *replica_, *store_, static_cast<port::UvHost::Owner&>(*this), port::UvHost::Flush::on_loop);
  host_->step(Event::Kind::start);
  settled_ = store_->settled();
  if (replica_status().state != SyncState::error) return Status::ok;
  return refuse(Status::denied, replica_->problem());
}

Status LinuxHost::Impl::open_inspection() {
  if (options_.inspect.empty()) return Status::ok;
  inspector_.emplace(*replica_, *store_, runtime::Inspector::About{options_.app, kSoftware},
                     static_cast<runtime::Vitals*>(this));
  inspection_ =
      std::make_unique<port::InspectSocket>(loop_, *inspector_, static_cast<port::InspectSocket::Host&>(*this));
  const Status status = inspection_->listen(options_.inspect);
  if (status != Status::ok) problem_ = inspection_->problem();
  return status;
}

void LinuxHost::Impl::tell(crdt::ValueWriter& status) {
  status.field("memory_free_bytes");
  status.integer(port::headroom_bytes());
}

// ---- closing

void LinuxHost::Impl::close() {
  inspection_.reset();
  inspector_.reset();
  uv_timer_stop(renewing_->get());
  uv_timer_stop(expiring_->get());
  if (node_.has_value()) {
    [[maybe_unused]] const Status status = host_->stop();  // What could not be flushed, problem() has said.
    give_up_connecting();
    say_goodbye();
  }
  watching_.clear();
  happened_.clear();
  heard_.clear();
  node_.reset();
  host_.reset();
  living_facts_.clear();
  pulled_facts_.clear();
  facts_.reset();
  queries_.reset();
  replica_.reset();
  links_.reset();
  disk_.reset();
  memory_.reset();
}

// The server hears why the link ends, if it listens.
void LinuxHost::Impl::say_goodbye() {
  constexpr std::uint64_t kGoodbyeMs = 1'000;
  if (links_ == nullptr) return;
  is_stopping_ = false;
  run_until([this] { return links_->link_count() == 0; }, kGoodbyeMs, Signals::left_alone);
}

Status LinuxHost::Impl::flush() { return host_.has_value() ? host_->flush() : Status::ok; }

// ---- Driver: what grid.h calls

// A store that has no room for more has some after a flush.
void LinuxHost::Impl::perform(Call& call) {
  if (call.verb == Call::Verb::online && options_.server.empty()) {
    call.status = refuse(Status::invalid, "no server was given to this node");
    return;
  }
  if (call.verb == Call::Verb::unwatch) {
    std::erase_if(watching_, [&call](const Watching& watching) { return watching.id == call.id; });
  }
  if (has_failed()) {
    call.status = Status::io;
    return;
  }
  host_->step({.kind = Event::Kind::call, .call = &call});
  if (call.status == Status::full && host_->flush() == Status::ok) {
    host_->step({.kind = Event::Kind::call, .call = &call});
  }
  if (call.status == Status::full && options_.on_full == OnFull::pause) wait_for_room(call);
  if (!attendants_.empty() || !living_.empty() || !living_facts_.empty()) want_turn();
  if (call.status != Status::ok) problem_ = replica_->problem();
  const bool subscribes = call.verb == Call::Verb::subscribe || call.verb == Call::Verb::watch;
  if (subscribes && call.status == Status::ok) note_scope(call.scope);
  if (call.verb == Call::Verb::offline) give_up_connecting();
}

// Goes with the batch of its first cursor; without it, people see a hash.
void LinuxHost::Impl::note_scope(const Scope& scope) {
  const std::string name = scope_fact_name(scope.hash());
  if (store_->fact(name).ok()) return;
  const std::string bytes = scope_fact(scope);
  [[maybe_unused]] const Status noted = store_->set_fact(name, as_bytes(bytes));
}

void LinuxHost::Impl::forget_scope(const Scope& scope) {
  [[maybe_unused]] const Status forgotten = store_->set_fact(scope_fact_name(scope.hash()), {});
}

// The log has no room: the loop runs until it has. A callback's write can't wait, and is refused.
void LinuxHost::Impl::wait_for_room(Call& call) {
  if (is_running_ || options_.server.empty()) return;
  // Callbacks write through the same scratch() that this value may lie in.
  const std::vector<std::uint8_t> value(call.value.begin(), call.value.end());
  call.value = value;
  const std::uint64_t begin_ms = port::monotonic_ms();
  for (;;) {
    const std::uint64_t spent_ms = port::monotonic_ms() - begin_ms;
    if (spent_ms >= options_.pause_ms_max || is_stopping_) break;
    const std::uint64_t pending = replica_status().ops_pending;
    if (pending < limits_.pending_ops_max && call.edit == nullptr) break;  // It is the store that is full.
    const auto has_sunk = [this, pending] {
      const runtime::ReplicaStatus status = replica_status();
      return status.ops_pending < pending || status.state == SyncState::error;
    };
    run_until(has_sunk, options_.pause_ms_max - spent_ms, Signals::left_alone);
    if (replica_status().state == SyncState::error) break;
    host_->step({.kind = Event::Kind::call, .call = &call});
    if (call.status != Status::full) break;
  }
  call.value = {};
}

void LinuxHost::Impl::watch(Call& call, Callback callback) {
  // The machine reports what stands from within the call; call_back() runs later.
  perform(call);
  if (call.status == Status::ok) watching_.push_back({call.id, callback});
}

Result<Change> LinuxHost::Impl::find(std::string_view map, std::string_view key) {
  const std::uint64_t wall_ms = port::wall_ms();
  return change_of(*replica_, replica_->find(map, key, wall_ms), wall_ms);
}

Result<Change> LinuxHost::Impl::next(const Scope& scope, std::string_view after_map, std::string_view after_key) {
  const std::uint64_t wall_ms = port::wall_ms();
  return change_of(*replica_, replica_->next(scope, {after_map, after_key}, wall_ms), wall_ms);
}

Result<crdt::Op> LinuxHost::Impl::next_cell(const crdt::CellName& after) {
  return replica_->next_cell(after, port::wall_ms());
}

runtime::ReplicaStatus LinuxHost::Impl::replica_status() {
  runtime::ReplicaStatus status = replica_->status(port::monotonic_ms());
  if (has_failed()) status.state = SyncState::error, status.reason = StateReason::store;
  return status;
}

crdt::Digest LinuxHost::Impl::digest(const Scope& scope) { return replica_->digest(scope, port::wall_ms()); }

// ---- LinkListener: what the link says

void LinuxHost::Impl::on_open(transport::LinkId link, std::string_view, std::string_view, Bytes) {
  connecting_ = 0;
  connected_ = link;
  host_->step({.kind = Event::Kind::link_up, .link = link});
}

void LinuxHost::Impl::on_frame(transport::LinkId link, Bytes frame) {
  host_->step({.kind = Event::Kind::frame, .link = link, .bytes = frame});
  if (credential_.is_set()) mind_token();
  if (!attendants_.empty() || !living_.empty() || !living_facts_.empty()) want_turn();
}

std::optional<std::size_t> LinuxHost::Impl::on_writable(transport::LinkId link, MutBytes room) {
  if (is_token_due_ && may_show()) return write_token(room);
  return host_->writable(link, room);
}

void LinuxHost::Impl::on_close(transport::LinkId link, std::string_view reason) {
  if (connecting_ == link) connecting_ = 0;
  if (connected_ == link) connected_ = 0;
  if (!has_failed()) problem_ = reason;
  const bool is_denied = was_refused();
  host_->step({.kind = Event::Kind::link_down, .link = link, .status = is_denied ? Status::denied : Status::ok});
  mind_token();
}

// ---- UvHost::Owner: what the machine asks for

void LinuxHost::Impl::carry_out(const Action& action) {
  switch (action.kind) {
    case Action::Kind::connect:
      return connect();
    case Action::Kind::close:
      return links_->close(action.link, transport::kCloseNormal, {});
    case Action::Kind::want_write:
      return links_->want_write(action.link);
    case Action::Kind::changed:
      happened_.push_back({action.watch, action.seq, {}, {}, {}});
      return host_->want_turn();
    case Action::Kind::outcome:
      if (action.outcome == static_cast<std::uint8_t>(Outcome::rejected)) problem_ = replica_->problem();
      // At once: until the server has answered again, the replica is not current.
      return note_settled();
    case Action::Kind::vanished:
      return note_vanished();
    case Action::Kind::heard:
      heard_.emplace_back(action.text);
      return host_->want_turn();
    case Action::Kind::say:
      if (refusal_.empty() && action.text.starts_with(runtime::kSubscriptionRefused)) refusal_ = action.text;
      return complain(action.text);
    default:
      return;  // A state is asked for by whoever waits for it; the rest is a server's.
  }
}

void LinuxHost::Impl::connect() {
  give_up_connecting();
  refused_with_ = 0;
  const std::string& token = credential_.for_link(port::monotonic_ms(), port::wall_ms());
  const Result<transport::LinkId> link = links_->connect(options_.server, path_, *this, token);
  if (link.ok()) {
    connecting_ = *link;
    return;
  }
  problem_ = links_->problem();
  is_connect_failed_ = true;
  host_->want_turn();
}

// The machine does not know a link that is not up yet, and so can't close it.
void LinuxHost::Impl::give_up_connecting() {
  if (connecting_ != 0) links_->close(std::exchange(connecting_, 0), transport::kCloseNormal, {});
}

// A node that makes no more steps must not look as if it were there.
void LinuxHost::Impl::leave() {
  give_up_connecting();
  if (connected_ != 0) links_->close(std::exchange(connected_, 0), transport::kCloseNormal, "the store has failed");
}

void LinuxHost::Impl::flush_trouble(Status status, const char* problem) {
  if (status == Status::ok) {
    port::log(port::Level::info, "the store has room again");
    return;
  }
  problem_ = status == Status::full ? "the store is full, and is tried again every second: " : "the node has stopped: ";
  problem_ += problem;
  port::log(port::Level::error, problem_.c_str());
  host_->want_turn();
}

void LinuxHost::Impl::turn_ended() {
  if (has_failed()) leave();
  if (std::exchange(is_connect_failed_, false)) host_->step(Event::Kind::link_down);
  const std::vector<Happened> happened = std::exchange(happened_, {});
  for (const Happened& one : happened) call_back(one);
  if (std::exchange(asks_again_, false)) host_->step(Event::Kind::wake);
  turn_live();
  for (const std::string& frame : std::exchange(heard_, {})) entities_.deliver(as_bytes(frame));
  if (!attendants_.empty() && node_.has_value()) attend();
}

void LinuxHost::Impl::want_turn() {
  if (host_.has_value()) host_->want_turn();
}

void LinuxHost::Impl::attend() {
  const std::uint64_t now_ms = port::monotonic_ms();
  attendants_.turn(now_ms);
  const std::uint64_t at_ms = attendants_.wake_at_ms();
  uv_timer_stop(attending_->get());
  if (at_ms == runtime::kNever) return;
  uv_timer_start(
      attending_->get(), [](uv_timer_t* timer) { static_cast<Impl*>(timer->data)->want_turn(); },
      at_ms > now_ms ? at_ms - now_ms : 0, 0);
}

void LinuxHost::Impl::note_vanished() {
  const crdt::CellName& name = replica_->vanished();
  for (const Watching& one : watching_) {
    if (!replica_->is_watched_by(one.id, name)) continue;
    happened_.push_back({one.id, 0, std::string(name.map), std::string(name.key), crdt::view_of(name.sub)});
    host_->want_turn();
  }
}

// A change that another one has replaced meanwhile is skipped: that one is reported too.
void LinuxHost::Impl::call_back(const Happened& happened) {
  const auto watching = std::find_if(watching_.begin(), watching_.end(),
                                     [&happened](const Watching& one) { return one.id == happened.watch; });
  if (watching == watching_.end()) return;
  Callback callback = watching->callback;  // It may end its own watch.
  if (happened.seq == 0) {
    Change gone;
    gone.map = happened.map;
    gone.key = happened.key;
    gone.view = happened.view;
    return callback(gone);
  }
  const Result<crdt::Op> op = replica_->op_at(happened.seq);
  if (!op.ok()) return;
  callback(change_of(*replica_, *op, port::wall_ms()));
}

}  // namespace grid
