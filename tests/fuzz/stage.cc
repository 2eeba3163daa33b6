// SPDX-License-Identifier: Apache-2.0

#include "tests/fuzz/stage.h"

namespace grid::test {

using runtime::Call;
using wire::Kind;

namespace {

constexpr std::uint64_t kEpochMs = 1'795'000'000'000;
constexpr Limits kSmall{.value_bytes_max = 1'600,
                        .frame_bytes_max = 8'192,
                        .window_ops_max = 8,
                        .pending_ops_max = 16,
                        .subscriptions_max = 3,
                        .watches_max = 3,
                        .maps_max = 2,
                        .walk_ranges_max = 300,
                        .walk_digests_max = 600,
                        .actions_max = 64,
                        .clock_lead_ms = 1'000};
// A host gives a link this much room, or less.
constexpr std::size_t kRoomBytes = 8'192;

constexpr Kind kOfDevice[] = {Kind::hello,     Kind::push,        Kind::subscribe,   Kind::push, Kind::pull_ack,
                              Kind::verify,    Kind::heal,        Kind::digest_ask,  Kind::have, Kind::cells_ask,
                              Kind::subscribe, Kind::unsubscribe, Kind::inspect_ask, Kind::bye};
constexpr Kind kOfGateway[] = {Kind::welcome, Kind::ack,          Kind::delta,  Kind::subscribed, Kind::reject,
                               Kind::delta,   Kind::current,      Kind::ack,    Kind::welcome,    Kind::digest_reply,
                               Kind::lacks,   Kind::digest_reply, Kind::reject, Kind::bye};

server::CoordinatorOptions small_options() {
  server::CoordinatorOptions options;
  options.app = "farm";
  options.links_max = 3;
  options.subscriptions_max = 3;
  options.frame_bytes_max = 8'192;
  options.value_bytes_max = 1'024;
  options.window_ops = 8;
  options.maps_max = 2;
  options.drain_rows_max = 4;
  options.has_sink = true;
  return options;
}

}  // namespace

Stage::Stage(Script& script, Victim victim, Guard* guard) : script_(script), victim_(victim), guard_(guard) {
  // A batch that fills up, or one that hardly does.
  const std::size_t batch_bytes_max = script.flip() ? 4'000'000 : 6'000;
  for (std::size_t i = 0; i <= kDevices; ++i) {
    sites_.push_back(std::make_unique<Site>(batch_bytes_max));
    site(i).seed = 1 + i;
    start(site(i));
  }
}

void Stage::play() {
  for (int acts = 0; acts < 400 && !script_.done(); ++acts) act();
  for (const auto& site : sites_) judge(*site);
}

// ---- machines

runtime::Machine& Stage::machine(Site& site) {
  if (site.replica) return *site.replica;
  return *site.coordinator;
}

std::uint64_t Stage::wall_ms(const Site& site) const {
  std::size_t index = 0;
  while (sites_[index].get() != &site) ++index;
  return knows_time_[index] ? kEpochMs + now_ms_ + static_cast<std::uint64_t>(skew_ms_[index]) : 0;
}

void Stage::start(Site& site) {
  site.seed += 16;
  site.batch_asked = 0;
  site.stopped = site.drain_wanted = false;
  site.writes_wanted.clear();
  if (&site == sites_[0].get()) {
    server::CoordinatorOptions options = small_options();
    options.seed = site.seed;
    if (guard_ != nullptr) options.access = &guard_->access();
    site.gateway_judge.started();
    site.coordinator.reset();
    site.coordinator = std::make_unique<server::Coordinator>(site.store, options);
  } else {
    site.memory.assign(runtime::Replica::memory_bytes(kSmall), 0);
    const runtime::ReplicaOptions options{
        .app = "farm", .seed = site.seed, .limits = &kSmall, .views = &runtime::kFactViews, .partial = &site.row_tests};
    site.replica = std::make_unique<runtime::Replica>(site.store, options, site.memory);
  }
  step(site, {.kind = Event::Kind::start});
}

void Stage::step(Site& site, Event event) {
  event.now_ms = now_ms_;
  event.wall_ms = wall_ms(site);
  for (int rounds = 0;; ++rounds) {
    GRID_CHECK(rounds < 10'000);
    if (site.coordinator) site.gateway_judge.passed(event.now_ms, event.wall_ms);
    const std::span<const Action> actions = machine(site).step(event);
    GRID_CHECK(actions.size() <= runtime::kActionsMax);
    bool more = false;
    for (const Action& action : actions) {
      more = more || action.kind == Action::Kind::more;
      carry_out(site, event, action);
    }
    if (!more) break;
    event = {.kind = Event::Kind::wake, .now_ms = now_ms_, .wall_ms = event.wall_ms};
  }
}

void Stage::carry_out(Site& site, const Event& event, const Action& action) {
  switch (action.kind) {
    case Action::Kind::connect:
      for (std::size_t i = 0; i < kDevices; ++i) wires_[i].asked |= &device(i) == &site;
      return;
    case Action::Kind::close:
      return drop(site, action.link);
    case Action::Kind::want_write:
      site.writes_wanted.insert(action.link);
      return;
    case Action::Kind::frame:
      GRID_CHECK(event.kind == Event::Kind::writable && action.link == event.link);
      GRID_CHECK(action.size <= event.room.size());
      return sent(site, action.link,
                  Frame(event.room.begin(), event.room.begin() + static_cast<std::ptrdiff_t>(action.size)));
    case Action::Kind::commit:
      GRID_CHECK(action.batch > site.batch_asked);
      site.batch_asked = action.batch;
      return;
    case Action::Kind::want_drain:
      site.drain_wanted = true;
      return;
    case Action::Kind::drain:
      check_frame(event.room.first(action.size), event.room.size(), true);
      return;
    case Action::Kind::say:
      GRID_CHECK(!action.text.empty());
      site.stopped = site.stopped || action.text.find("has stopped") != std::string_view::npos;
      return;
    case Action::Kind::changed:
      GRID_CHECK(action.seq <= site.store.head());
      return;
    case Action::Kind::vanished:
      GRID_CHECK(site.replica != nullptr && !site.replica->vanished().key.empty());
      return;
    case Action::Kind::prove:
    case Action::Kind::search:
    case Action::Kind::ask:
    case Action::Kind::outcome:
    case Action::Kind::heard:
    case Action::Kind::state:
    case Action::Kind::more:
      return;
  }
}

void Stage::sent(Site& site, LinkId link, Frame frame) {
  check_frame(frame, kRoomBytes, site.replica != nullptr);
  if (site.replica) site.device_judge.sent(frame, *site.replica);
  if (site.coordinator) site.gateway_judge.sent(link, frame, site.store);
  if (guard_ != nullptr && wires_[1].gateway_link == link) guard_->check(frame, site.store);
  seen_.push_back(frame);
  if (seen_.size() > kSeenMax) seen_.pop_front();
  for (Wire& wire : wires_) {
    if (site.replica && wire.device_link == link) wire.up.push_back(frame);
    if (site.coordinator && wire.gateway_link == link) wire.down.push_back(frame);
  }
}

void Stage::hear(Site& site, LinkId link, const Frame& frame) {
  if (site.replica) site.device_judge.heard(frame);
  if (site.coordinator) site.gateway_judge.heard(link, frame);
  // Exactly as long as the frame, so that a read past its end is seen.
  const std::unique_ptr<std::uint8_t[]> bytes(new std::uint8_t[frame.size()]);
  copy(frame, {bytes.get(), frame.size()});
  step(site, {.kind = Event::Kind::frame, .link = link, .bytes = {bytes.get(), frame.size()}});
}

// As a host's timer does. An alarm that rings for ever without getting anywhere is a busy loop.
void Stage::wake_due(Site& site) {
  for (int rounds = 0; machine(site).wake_at_ms() <= now_ms_; ++rounds) {
    GRID_CHECK(rounds < 64);
    step(site, {.kind = Event::Kind::wake});
  }
}

void Stage::crash(Site& site) {
  cut_all(site);
  site.store.crash(script_.below(3));
  site.device_judge.crashed(site.store.head());
  start(site);
}

void Stage::stop(Site& site) {
  step(site, {.kind = Event::Kind::stop});
  flush(site);
  crash(site);
}

// Goes back to an old copy of the store, as a restored backup does.
void Stage::restore(Site& site) {
  if (!site.image) return;
  cut_all(site);
  site.store = *site.image;
  site.store.crash();
  site.device_judge = {};
  start(site);
}

void Stage::judge(Site& site) {
  check_store(site.store);
  if (site.stopped) return;
  if (site.replica) site.device_judge.check(*site.replica, site.store);
  if (site.coordinator) site.gateway_judge.check(*site.coordinator, site.store);
}

// ---- links

void Stage::connect(std::size_t index) {
  Wire& wire = wires_[index];
  if (!wire.asked) return;
  wire.asked = false;
  wire.device_link = next_link_++;
  if (script_.below(8) == 7) {
    // Nobody answered.
    return step(device(index), {.kind = Event::Kind::link_down, .link = std::exchange(wire.device_link, 0)});
  }
  wire.gateway_link = next_link_++;
  wire.up.clear();
  wire.down.clear();
  const char* const who = guard_ == nullptr ? "" : Guard::principal(index);
  step(gateway(), {.kind = Event::Kind::link_up, .link = wire.gateway_link, .identity = who});
  step(device(index), {.kind = Event::Kind::link_up, .link = wire.device_link});
}

void Stage::cut_all(Site& site) {
  for (std::size_t i = 0; i < kDevices; ++i) {
    if (site.coordinator || &device(i) == &site) cut(i);
  }
}

void Stage::cut(std::size_t index) {
  Wire& wire = wires_[index];
  const LinkId up = std::exchange(wire.device_link, 0), down = std::exchange(wire.gateway_link, 0);
  device(index).writes_wanted.erase(up);
  gateway().writes_wanted.erase(down);
  gateway().gateway_judge.parted(down);
  if (up != 0) step(device(index), {.kind = Event::Kind::link_down, .link = up});
  if (down != 0) step(gateway(), {.kind = Event::Kind::link_down, .link = down});
}

// This end has closed the link: the other will hear of it.
void Stage::drop(Site& site, LinkId link) {
  site.writes_wanted.erase(link);
  if (site.coordinator) site.gateway_judge.parted(link);
  for (Wire& wire : wires_) {
    if (site.replica && wire.device_link == link) wire.device_link = 0;
    if (site.coordinator && wire.gateway_link == link) wire.gateway_link = 0;
  }
}

void Stage::deliver(std::size_t index, bool up) {
  Wire& wire = wires_[index];
  std::deque<Frame>& queue = up ? wire.up : wire.down;
  const LinkId link = up ? wire.gateway_link : wire.device_link;
  if (queue.empty()) {
    // Behind the last frame comes the news that the other end has closed.
    if (link != 0 && (up ? wire.device_link : wire.gateway_link) == 0) cut(index);
    return;
  }
  Frame frame = std::move(queue.front());
  queue.pop_front();
  if (up == (victim_ == Victim::gateway) && tampered_left_ > 0) {
    --tampered_left_;
    frame = forged(*wire::kind_of(frame));
  }
  if (link != 0) hear(up ? gateway() : device(index), link, frame);
}

void Stage::write(Site& site) {
  if (site.writes_wanted.empty()) return;
  const auto wanted =
      std::next(site.writes_wanted.begin(), static_cast<std::ptrdiff_t>(script_.below(site.writes_wanted.size())));
  const LinkId link = *wanted;
  site.writes_wanted.erase(wanted);
  Frame room(script_.below(4) == 3 ? wire::kControlBytesMax + 8 * script_.below(256) : kRoomBytes);
  step(site, {.kind = Event::Kind::writable, .link = link, .room = room});
}

// What is written on both links until nobody has anything to say.
void Stage::pump() {
  for (int rounds = 0; rounds < 60; ++rounds) {
    for (const auto& site : sites_) flush(*site);
    bool silent = true;
    for (std::size_t i = 0; i < kDevices; ++i) {
      connect(i);
      silent = silent && wires_[i].up.empty() && wires_[i].down.empty();
      deliver(i, true);
      deliver(i, false);
    }
    for (const auto& site : sites_) {
      silent = silent && site->writes_wanted.empty();
      write(*site);
      wake_due(*site);
    }
    if (silent) return;
  }
}

// ---- disks

void Stage::flush(Site& site) {
  if (site.batch_asked == 0 || site.stopped) return;
  const std::uint64_t batch = site.batch_asked;
  const Status status = site.store.flush();
  if (status == Status::full) return;
  if (status != Status::ok) {
    // It is unknown what the disk holds: the host stops, and starts again some day.
    return crash(site);
  }
  site.store.flushed();
  site.batch_asked = 0;
  step(site, {.kind = Event::Kind::durable, .batch = batch});
}

void Stage::drain() {
  if (!std::exchange(gateway().drain_wanted, false)) return;
  Frame room(kRoomBytes);
  step(gateway(), {.kind = Event::Kind::collect, .room = room});
  const crdt::Seq through = script_.below(2) == 0 ? gateway().coordinator->status().durable : 0;
  step(gateway(), {.kind = Event::Kind::drained, .seq = through, .status = through == 0 ? Status::io : Status::ok});
}

// ---- acts

void Stage::act() {
  const std::size_t drawn = script_.below(24);
  if (drawn < 5) {
    act_of_device(device(script_.below(kDevices)));
  } else if (drawn < 13) {
    act_of_world();
  } else if (drawn < 18) {
    forge();
  } else if (drawn == 23) {
    // What reaches the victim next has been changed on its way.
    tampered_left_ = 1 + script_.below(4);
  } else {
    pump();
  }
  for (const auto& site : sites_) wake_due(*site);
  if (drawn % 4 == 0) judge(site(script_.below(1 + kDevices)));
}

void Stage::call(Site& site, Call call) { step(site, {.kind = Event::Kind::call, .call = &call}); }

void Stage::act_of_device(Site& site) {
  const std::uint32_t id = static_cast<std::uint32_t>(script_.below(2) == 0 ? 1 : script_.below(8));
  switch (script_.below(13)) {
    case 0:
    case 1:
      return write_row(site, false);
    case 2:
      return read(site);
    case 3:
      return write_row(site, true);
    case 4:
      for (std::size_t i = 0; i < 12; ++i) write_row(site, false);
      return;
    case 5:
      return subscribe(site, Call::Verb::subscribe);
    case 6:
      return subscribe(site, Call::Verb::watch);
    case 7:
      return call(site, {.verb = Call::Verb::unsubscribe, .id = id});
    case 8:
      return call(site, {.verb = Call::Verb::unwatch, .id = id});
    case 9:
      return call(site, {.verb = Call::Verb::verify});
    case 10:
      return call(site, {.verb = Call::Verb::offline});
    default:
      return call(site, {.verb = Call::Verb::online});
  }
}

void Stage::write_row(Site& site, bool removes) {
  const std::string map = Forge::draw_map(script_), key = Forge::draw_key(script_);
  const Frame value = Forge::draw_value(script_);
  Call call{.verb = removes ? Call::Verb::remove : Call::Verb::put,
            .scope = {runtime::ScopeKind::key, map, key},
            .value = value,
            .ttl_ms = script_.below(4) == 3 ? script_.number(script_.below(9)) : 0};
  step(site, {.kind = Event::Kind::call, .call = &call});
  if (call.status != Status::ok) return;
  site.device_judge.wrote(call.seq, {map, key});
  const Result<crdt::Op> op = site.store.find({map, key});
  GRID_CHECK(op.ok() && (op->seq != call.seq || op->cell.is_tombstone() == removes));
  // A row that is to live a while is not born dead.
  GRID_CHECK(op->seq != call.seq || op->cell.expires_ms == 0 || op->cell.expires_ms >= call.ttl_ms);
}

void Stage::subscribe(Site& site, Call::Verb verb) {
  const std::string map = Forge::draw_map(script_), key = Forge::draw_key(script_);
  const auto kind = static_cast<runtime::ScopeKind>(script_.below(5));
  const std::string predicate = kind == runtime::ScopeKind::where ? Forge::draw_predicate(script_) : "";
  Call call{.verb = verb, .scope = {kind, map, predicate.empty() ? key : predicate}};
  if (kind == runtime::ScopeKind::everything) call.scope.map = {};
  if (kind < runtime::ScopeKind::prefix) call.scope.text = {};
  step(site, {.kind = Event::Kind::call, .call = &call});
}

// What an application reads: every row that a scan of a scope finds is found by its key, and is in the scope.
void Stage::read(Site& site) {
  const std::string map = Forge::draw_map(script_), text = Forge::draw_key(script_);
  const auto kind = script_.flip() ? runtime::ScopeKind::map : runtime::ScopeKind::prefix;
  const runtime::Scope scope{kind, map, kind == runtime::ScopeKind::map ? std::string_view() : text};
  const std::uint64_t wall = wall_ms(site);
  std::string key;
  for (;;) {
    const Result<crdt::Op> op = site.replica->next(scope, {map, key}, wall);
    if (!op.ok()) break;
    GRID_CHECK(op->cell.name.key > key && scope.matches(op->cell.name) && !op->cell.is_tombstone());
    key = op->cell.name.key;
    const crdt::Seq seq = op->seq;
    GRID_CHECK(site.replica->find(map, key, wall)->seq == seq && site.replica->op_at(seq).ok());
    GRID_CHECK(site.replica->outcome_of(seq) <= Outcome::lost_with);
  }
}

void Stage::act_of_world() {
  const std::size_t index = script_.below(kDevices), of_all = script_.below(1 + kDevices);
  switch (script_.below(15)) {
    case 0:
      now_ms_ += script_.number(1 + script_.below(4));
      return;
    case 1:
      knows_time_[of_all] = script_.flip();
      skew_ms_[of_all] = static_cast<std::int64_t>(script_.number(5)) - (std::int64_t{1} << 39);
      return;
    case 2:
      skew_ms_[of_all] = 0;
      knows_time_[of_all] = true;
      return;
    case 3:
      return connect(index);
    case 4:
      return cut(index);
    case 5:
      return deliver(index, true);
    case 6:
      return deliver(index, false);
    case 7:
      return write(site(of_all));
    case 8:
      return flush(site(of_all));
    case 9:
      site(of_all).store.fail_next_flush(script_.flip() ? Status::full : Status::io);
      return;
    case 10:
      return crash(site(of_all));
    case 11:
      return stop(site(of_all));
    case 12:
      site(of_all).image = std::make_unique<storage::MemoryStore>(site(of_all).store);
      return;
    case 13:
      return restore(site(of_all));
    default:
      return drain();
  }
}

Frame Stage::forged(Kind kind) {
  std::vector<crdt::NodeId> nodes = {1, 2};
  for (std::size_t i = 0; i < kDevices; ++i) nodes.push_back(device(i).replica->status(now_ms_).node);
  return Forge(script_, seen_, std::move(nodes), kEpochMs + now_ms_).forge(kind);
}

// To the victim, over the link of a device.
void Stage::forge() {
  const std::size_t index = script_.below(kDevices);
  const bool up = victim_ == Victim::gateway;
  const LinkId link = up ? wires_[index].gateway_link : wires_[index].device_link;
  if (link == 0) return connect(index);
  const std::span<const Kind> kinds = up ? std::span<const Kind>(kOfDevice) : std::span<const Kind>(kOfGateway);
  hear(up ? gateway() : device(index), link, forged(kinds[script_.below(kinds.size())]));
}

}  // namespace grid::test
