// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/world.h"

#include "crdt/hash.h"
#include "crdt/value.h"
#include "runtime/scan.h"

namespace grid::sim {

using runtime::Call;
using runtime::LinkId;
using runtime::Scope;

World::World(const Options& options) : options_(options), random_(options.seed), room_(options.limits.frame_bytes_max) {
  for (std::size_t i = 0; i <= options.devices; ++i) {
    auto site = std::make_unique<Site>();
    site->name = i == 0 ? "gateway" : std::string(1, static_cast<char>('A' + i - 1));
    site->store = std::make_unique<storage::MemoryStore>();
    sites_.push_back(std::move(site));
    start(*sites_.back());
  }
}

runtime::Machine& World::machine(Site& site) {
  if (site.replica) return *site.replica;
  return *site.coordinator;
}

void World::start(Site& site) {
  site.running = true;
  ++site.life;
  if (&site == sites_[0].get()) {
    server::CoordinatorOptions options = options_.server;
    options.app = options_.app;
    options.seed = random_.next();
    site.coordinator = std::make_unique<server::Coordinator>(*site.store, options);
  } else {
    site.memory.assign(runtime::Replica::memory_bytes(options_.limits), 0);
    const runtime::ReplicaOptions options{.app = options_.app, .seed = random_.next(), .limits = &options_.limits};
    site.replica = std::make_unique<runtime::Replica>(*site.store, options, site.memory);
  }
  deliver(site, {.kind = Event::Kind::start});
}

std::uint64_t World::wall_ms(const Site& site) const {
  if (!site.knows_time) return 0;
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(kEpochMs + now_ms_) + site.wall_skew_ms);
}

void World::after(std::uint64_t ms, Site& site, const Event& event, std::vector<std::uint8_t> bytes) {
  queue_.emplace(now_ms_ + ms, Due{&site, site.life, event, std::move(bytes)});
}

void World::deliver(Site& site, Event event) {
  if (!site.running) return;
  ++event_count_;
  event.now_ms = now_ms_;
  event.wall_ms = wall_ms(site);
  if (event.kind == Event::Kind::writable) event.room = room_;
  const std::span<const Action> actions = machine(site).step(event);
  trace_ = crdt::Hash64()
               .add_number(trace_)
               .add_number(now_ms_)
               .add_number(static_cast<std::uint64_t>(event.kind))
               .add_number(actions.size())
               .add(event.bytes)
               .value();
  for (const Action& action : actions) carry_out(site, action);
}

void World::carry_out(Site& site, const Action& action) {
  switch (action.kind) {
    case Action::Kind::connect:
      return connect(site);
    case Action::Kind::close:
      return drop(site, action.link);
    case Action::Kind::want_write:
      return after(0, site, {.kind = Event::Kind::writable, .link = action.link});
    case Action::Kind::frame: {
      const auto link = site.links.find(action.link);
      if (link == site.links.end()) return;
      std::vector<std::uint8_t> bytes(room_.begin(), room_.begin() + static_cast<std::ptrdiff_t>(action.size));
      Site& peer = *link->second.first;
      return after(options_.latency_ms, peer, {.kind = Event::Kind::frame, .link = link->second.second}, bytes);
    }
    case Action::Kind::commit:
      return after(options_.commit_ms, site, {.kind = Event::Kind::durable, .batch = action.batch});
    case Action::Kind::outcome:
      // An ack covers all ops up to its own; what was rejected among them stays so.
      site.outcomes.emplace(action.seq, static_cast<Outcome>(action.outcome));
      return;
    case Action::Kind::changed:
      site.changes.emplace_back(action.watch, action.seq);
      return;
    case Action::Kind::say:
      site.said.emplace_back(action.text);
      return;
    case Action::Kind::more:
      return after(0, site, {.kind = Event::Kind::wake});
    case Action::Kind::state:
    case Action::Kind::drain:
    case Action::Kind::want_drain:
      return;
  }
}

void World::connect(Site& device) {
  const LinkId here = next_link_++;
  if (!device.reachable || !gateway().running) {
    return after(1, device, {.kind = Event::Kind::link_down, .link = here});
  }
  const LinkId there = next_link_++;
  device.links[here] = {&gateway(), there};
  gateway().links[there] = {&device, here};
  after(options_.latency_ms, gateway(), {.kind = Event::Kind::link_up, .link = there});
  after(options_.latency_ms, device, {.kind = Event::Kind::link_up, .link = here});
}

void World::drop(Site& site, LinkId link) {
  const auto found = site.links.find(link);
  if (found == site.links.end()) return;
  const auto [peer, peer_link] = found->second;
  site.links.erase(found);
  if (peer->links.erase(peer_link) > 0) {
    after(options_.latency_ms, *peer, {.kind = Event::Kind::link_down, .link = peer_link});
  }
}

void World::drop_all(Site& site) {
  while (!site.links.empty()) {
    const LinkId link = site.links.begin()->first;
    after(0, site, {.kind = Event::Kind::link_down, .link = link});
    drop(site, link);
  }
}

void World::cut(Site& device) {
  device.reachable = false;
  drop_all(device);
}

void World::heal(Site& device) { device.reachable = true; }

void World::crash(Site& site) {
  site.running = false;
  drop_all(site);
  site.store->crash();
}

void World::restart(Site& site) {
  start(site);
  if (site.replica) {
    subscribe(site);
    online(site);
  }
}

void World::restore(Site& site, const storage::MemoryStore& image) {
  crash(site);
  *site.store = image;
}

std::uint64_t World::next_at() const {
  std::uint64_t at = queue_.empty() ? runtime::kNever : queue_.begin()->first;
  for (const auto& site : sites_) {
    if (!site->running) continue;
    const std::uint64_t wake = site->replica ? site->replica->wake_at_ms() : site->coordinator->wake_at_ms();
    at = std::min(at, std::max(wake, now_ms_));
  }
  return at;
}

// One event: the earliest of the queue, or else a wake that has come due.
void World::turn() {
  const std::uint64_t at = next_at();
  if (at == runtime::kNever) return;
  now_ms_ = std::max(now_ms_, at);
  if (!queue_.empty() && queue_.begin()->first <= now_ms_) {
    Due due = std::move(queue_.begin()->second);
    queue_.erase(queue_.begin());
    if (due.life != due.site->life || !due.site->running) return;
    const bool of_link = due.event.kind == Event::Kind::frame || due.event.kind == Event::Kind::link_up ||
                         due.event.kind == Event::Kind::writable;
    if (of_link && !due.site->links.contains(due.event.link)) return;
    if (due.event.kind == Event::Kind::durable) {
      if (due.site->store->flush() != Status::ok) return;
      due.site->store->flushed();
    }
    due.event.bytes = due.bytes;
    due.site->frame_bytes_in += due.bytes.size();
    return deliver(*due.site, due.event);
  }
  for (const auto& site : sites_) {
    if (site->running && machine(*site).wake_at_ms() <= now_ms_) deliver(*site, {.kind = Event::Kind::wake});
  }
}

void World::run_ms(std::uint64_t ms) {
  const std::uint64_t end = now_ms_ + ms;
  while (next_at() <= end) turn();
  now_ms_ = end;
}

Status World::call(Site& device, Call& call) {
  deliver(device, {.kind = Event::Kind::call, .call = &call});
  return call.status;
}

Status World::put(Site& device, std::string_view map, std::string_view key, std::int64_t number, std::uint64_t ttl_ms,
                  crdt::Seq* seq) {
  std::uint8_t room[32];
  crdt::ValueWriter writer(room);
  writer.integer(number);
  Call put{.verb = Call::Verb::put,
           .scope = {runtime::ScopeKind::key, map, key},
           .value = *writer.finish(),
           .ttl_ms = ttl_ms};
  const Status status = call(device, put);
  if (seq != nullptr) *seq = put.seq;
  return status;
}

Status World::remove(Site& device, std::string_view map, std::string_view key) {
  Call remove{.verb = Call::Verb::remove, .scope = {runtime::ScopeKind::key, map, key}};
  return call(device, remove);
}

void World::subscribe(Site& device, const Scope& scope) {
  Call subscribe{.verb = Call::Verb::subscribe, .scope = scope};
  GRID_CHECK(call(device, subscribe) == Status::ok);
}

void World::online(Site& device) {
  Call online{.verb = Call::Verb::online};
  GRID_CHECK(call(device, online) == Status::ok);
}

void World::verify(Site& device) {
  Call verify{.verb = Call::Verb::verify};
  GRID_CHECK(call(device, verify) == Status::ok);
}

std::int64_t World::get(Site& site, std::string_view map, std::string_view key, std::int64_t otherwise) {
  const Result<crdt::Op> op = site.store->find({map, key});
  if (!op.ok() || !op->cell.is_live(kEpochMs + now_ms_)) return otherwise;
  return crdt::Value(op->cell.value).integer_or(otherwise);
}

bool World::quiet() {
  for (std::size_t i = 0; i < device_count(); ++i) {
    if (!device(i).running) return false;
    const runtime::ReplicaStatus status = device(i).replica->status(now_ms_);
    if (!status.current || !status.quiet || status.state != SyncState::realtime) return false;
  }
  // What is on its way is not quiet yet: every site has said all that it wanted.
  return queue_.empty();
}

std::string World::live_cells(Site& site, const Scope& scope) {
  std::string text;
  for (runtime::Scan scan(scope);;) {
    const Result<crdt::Op> op = scan.next(*site.store);
    if (!op.ok()) return text;
    if (!op->cell.is_live(kEpochMs + now_ms_)) continue;
    char stamp[crdt::Stamp::kTextBytes];
    format(op->cell.stamp, stamp);
    text.append(op->cell.name.map).append("/").append(op->cell.name.key).append(" ").append(stamp, sizeof(stamp));
    text.append(" ").append(as_text(op->cell.value)).append("\n");
  }
}

bool World::converged() {
  const std::string expected = live_cells(gateway());
  for (std::size_t i = 0; i < device_count(); ++i) {
    if (live_cells(device(i)) != expected) return false;
  }
  return true;
}

}  // namespace grid::sim
