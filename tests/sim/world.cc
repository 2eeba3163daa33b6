// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/world.h"

#include <cstdarg>

#include "crdt/hash.h"
#include "crdt/value.h"
#include "runtime/scan.h"
#include "server/epochs.h"
#include "server/floor.h"

namespace grid::sim {

using runtime::Call;
using runtime::Scope;

namespace {

constexpr std::uint64_t kRetryMs = 1'000;  // A flush that found no room is tried again.

std::string name_of_site(std::size_t index) {
  if (index == 0) return "gateway";
  const std::size_t letter = index - 1;
  return letter < 26 ? std::string(1, static_cast<char>('A' + letter)) : "A" + std::to_string(letter);
}

}  // namespace

World::World(const Options& options) : options_(options), random_(options.seed), room_(options.limits.frame_bytes_max) {
  room_.resize(std::max<std::size_t>(room_.size(), options.server.frame_bytes_max));
  for (std::size_t i = 0; i <= options.devices; ++i) {
    auto site = std::make_unique<Site>();
    site->name = name_of_site(i);
    site->limits = options.limits;
    if (options.short_logs > 0 && i % 2 == 1) {
      site->limits.pending_ops_max = options.short_logs;
      site->on_full = OnFull::drop_oldest;
    }
    site->store = std::make_unique<storage::MemoryStore>(
        storage::MemoryStore::Options{.batch_bytes_max = options.batch_bytes_max});
    sites_.push_back(std::move(site));
    start(*sites_.back());
  }
}

void World::tell(const char* format, ...) {
  if (story_ == nullptr) return;
  std::fprintf(story_, "%10.3f  ", static_cast<double>(now_ms_) / 1'000);
  va_list arguments;
  va_start(arguments, format);
  std::vfprintf(story_, format, arguments);
  va_end(arguments);
  std::fputc('\n', story_);
}

// ---- machines

runtime::Machine& World::machine(Site& site) {
  if (site.replica) return *site.replica;
  return *site.coordinator;
}

void World::start(Site& site) {
  site.running = true;
  site.draining = false;
  ++site.life;
  site.disk = std::make_unique<Disk>(*site.store);
  if (&site == sites_[0].get()) {
    start_gateway(site);
  } else {
    start_device(site);
  }
  deliver(site, {.kind = Event::Kind::start});
}

void World::start_gateway(Site& site) {
  const storage::SinkMark& mark = site.database.mark;
  const Result<bool> stands = server::Epochs::stands(*site.store, {mark.epoch, mark.through});
  GRID_CHECK(stands.ok());
  if (options_.server.has_sink && mark.through > 0 && !*stands) load_database(site);
  server::CoordinatorOptions options = options_.server;
  options.app = options_.app;
  options.seed = random_.next();
  if (options_.rules_late && site.life == 1) options.policy = nullptr;
  options.drained_through = mark.through;
  site.coordinator = std::make_unique<server::Coordinator>(*site.disk, options);
}

void World::start_device(Site& site) {
  site.memory.assign(runtime::Replica::memory_bytes(site.limits), 0);
  runtime::ReplicaOptions options{
      .app = options_.app, .seed = random_.next(), .limits = &site.limits, .on_full = site.on_full};
  options.views = &runtime::kFactViews;
  site.housekeeping = std::make_unique<runtime::HousekeepingOf<4, 8>>(options_.keep);
  options.upkeep = site.housekeeping->get();
  options.partial = &site.row_tests;
  if (options_.channels) {
    site.channels = std::make_unique<ChannelsOf<kSimChannels>>();
    options.guest = *site.channels;
  }
  if (options_.letters > 0) {
    site.letter_memory.assign(runtime::DeadLetters::memory_bytes(site.limits.value_bytes_max), 0);
    const runtime::DeadLetterOptions bounds{.letters_max = options_.letters};
    site.letters = std::make_unique<runtime::DeadLetters>(site.letter_memory, bounds);
    options.letters = site.letters.get();
  }
  site.replica = std::make_unique<runtime::Replica>(*site.disk, options, site.memory);
}

// As the gateway's host does it: what is drained was durable, so the database has outlived its journal.
void World::load_database(Site& site) {
  tell("gateway loads %zu rows from its database", site.database.rows.size());
  GRID_CHECK(server::Epochs::close(*site.store) == Status::ok);
  for (const auto& [name, row] : site.database.rows) {
    const crdt::Cell cell = Database::cell(name, row);
    const Result<crdt::Op> standing = site.store->find(cell.name);
    if (standing.ok() && !crdt::wins(cell, standing->cell)) continue;
    if (site.store->append({.cell = cell}).status() != Status::full) continue;
    GRID_CHECK(site.store->commit() == Status::ok && site.store->append({.cell = cell}).ok());
  }
  GRID_CHECK(site.store->commit() == Status::ok);  // The batch may be full.
  GRID_CHECK(server::note_loaded(*site.store, site.database.mark.greatest) == Status::ok);
  GRID_CHECK(site.store->commit() == Status::ok);
  site.database.mark = {.greatest = site.database.mark.greatest};
}

std::uint64_t World::wall_ms(const Site& site) const {
  if (!site.knows_time) return 0;
  const std::int64_t drift_ms = static_cast<std::int64_t>(now_ms_) * site.drift_ppm / 1'000'000;
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(true_ms()) + site.wall_skew_ms + drift_ms);
}

void World::deliver(Site& site, Event event) {
  if (!site.running) return;
  ++event_count_;
  event.now_ms = now_ms_;
  event.wall_ms = wall_ms(site);
  if (event.kind == Event::Kind::writable || event.kind == Event::Kind::collect) event.room = room_;
  if (event.kind == Event::Kind::writable && site.replica) event.room = event.room.first(site.limits.frame_bytes_max);
  const storage::Seq before = site.store->head();
  const std::uint64_t life = site.life;
  const std::span<const Action> actions = machine(site).step(event);
  trace_ = crdt::Hash64()
               .add_number(trace_)
               .add_number(now_ms_)
               .add_number(static_cast<std::uint64_t>(event.kind))
               .add_number(actions.size())
               .add(event.bytes)
               .value();
  if (witness_ != nullptr) witness_->stepped(site, event, before, actions);
  for (const Action& action : actions) carry_out(site, action);
  if (!site.disk->failed() || site.life != life || !site.running) return;
  tell("%s: its disk fails, and it stops", site.name.c_str());
  count(Fault::disk_failed);
  crash(site, random_.below(2));
  later(site.down_ms, [this, &site] {
    if (!site.running) restart(site);
  });
}

void World::carry_out(Site& site, const Action& action) {
  switch (action.kind) {
    case Action::Kind::connect:
      return connect(site);
    case Action::Kind::close:
      return drop(site, action.link);
    case Action::Kind::want_write:
      return want_write(site, action.link);
    case Action::Kind::frame:
      return transmit(site, action.link, {room_.begin(), room_.begin() + static_cast<std::ptrdiff_t>(action.size)});
    case Action::Kind::commit:
      return commit(site, action.batch);
    case Action::Kind::outcome:
      // An ack covers all ops up to its own; what was rejected among them stays so.
      site.outcomes.emplace(action.seq, static_cast<Outcome>(action.outcome));
      return;
    case Action::Kind::changed:
      site.changes.emplace_back(action.watch, action.seq);
      return;
    case Action::Kind::vanished:
      site.vanished.push_back(
          std::string(site.replica->vanished().map).append("/").append(site.replica->vanished().key));
      return;
    case Action::Kind::heard:
      return static_cast<runtime::LinkGuest*>(*site.channels)->deliver(as_bytes(action.text));
    case Action::Kind::say:
      tell("%s: %.*s", site.name.c_str(), static_cast<int>(action.text.size()), action.text.data());
      site.said.emplace_back(action.text);
      return;
    case Action::Kind::more:
      return after(0, site, {.kind = Event::Kind::wake});
    case Action::Kind::want_drain:
      return after(0, site, {.kind = Event::Kind::collect});
    case Action::Kind::drain:
      return drain(site, action);
    case Action::Kind::prove:
    case Action::Kind::search:
    case Action::Kind::ask:
    case Action::Kind::state:
      return;
  }
}

// ---- disks and the database

void World::commit(Site& site, std::uint64_t batch) {
  std::uint64_t ms = options_.commit_ms;
  if (happens(options_.weather.stall)) {
    count(Fault::disk_stalled);
    ms += 100 + random_.below(3'000);
  }
  after(ms, site, {.kind = Event::Kind::durable, .batch = batch});
}

// False: it is tried again, or has failed for good.
bool World::flush(Due& due) {
  Site& site = *due.site;
  if (now_ms_ < site.full_until_ms) {
    count(Fault::disk_full);
    queue_.emplace(now_ms_ + kRetryMs, std::move(due));
    return false;
  }
  if (site.disk->flush() == Status::ok) {
    site.store->flushed();
    return true;
  }
  due.event = {.kind = Event::Kind::wake};  // The process ends by itself.
  return true;
}

void World::drain(Site& site, const Action& action) {
  std::vector<std::uint8_t> rows(room_.begin(), room_.begin() + static_cast<std::ptrdiff_t>(action.size));
  const storage::SinkMark mark = site.coordinator->status().drained_mark(action.seq);
  const std::uint64_t life = site.life;
  later(options_.weather.database_ms, [this, &site, rows = std::move(rows), mark, life] {
    const bool refused = site.database_refuses > 0;
    if (refused) --site.database_refuses, count(Fault::database_refused);
    // A transaction that was under way when the gateway's power went may have come through all the same.
    if (!refused) site.database.take(rows, mark);
    if (life != site.life || !site.running) return;
    deliver(site, {.kind = Event::Kind::drained, .seq = mark.through, .status = refused ? Status::busy : Status::ok});
  });
}

void World::crash(Site& site, std::size_t sealed_kept) {
  tell("%s loses power%s", site.name.c_str(), sealed_kept > 0 ? ", and what was being committed got through" : "");
  count(sealed_kept > 0 ? Fault::torn : Fault::crash);
  site.running = false;
  drop_all(site);
  site.store->crash(sealed_kept);
  if (witness_ != nullptr) witness_->forgot(site, Fault::crash);
}

void World::restart(Site& site) {
  tell("%s starts", site.name.c_str());
  site.asleep = false;
  missed_[&site].clear();
  start(site);
  if (!site.replica || !site.running) return;
  for (ScopeText& scope : site.scopes) {
    Call call{.verb = scope.watched ? Call::Verb::watch : Call::Verb::subscribe, .scope = scope.view()};
    if (this->call(site, call) == Status::ok) scope.id = call.id;
  }
  if (started_) started_(site);
  if (site.wants_online && site.running) online(site);
}

void World::restore(Site& site, const storage::MemoryStore& image, Fault why) {
  crash(site);
  tell("%s: %s", site.name.c_str(), name_of(why));
  count(why);
  *site.store = image;
  if (witness_ != nullptr) witness_->forgot(site, why);
}

void World::sleep(Site& site, std::uint64_t ms) {
  tell("%s stands still for %llu ms", site.name.c_str(), static_cast<unsigned long long>(ms));
  count(Fault::sleep);
  site.asleep = true;
  site.asleep_until_ms = std::max(site.asleep_until_ms, now_ms_ + ms);
  later(ms, [this, &site] { wake_up(site); });
}

void World::wake_up(Site& site) {
  if (!site.asleep || now_ms_ < site.asleep_until_ms) return;
  site.asleep = false;
  std::vector<Due> missed;
  missed.swap(missed_[&site]);
  for (Due& due : missed) take(std::move(due));
}

void World::fill_disk(Site& site, std::uint64_t ms) {
  tell("%s: its disk is full for %llu ms", site.name.c_str(), static_cast<unsigned long long>(ms));
  site.full_until_ms = now_ms_ + ms;
}

void World::fail_disk(Site& site, std::uint64_t nth_write, std::uint64_t down_ms) {
  if (!site.running) return;
  site.down_ms = down_ms;
  site.disk->fail_at(nth_write);
}

void World::refuse_drains(std::uint32_t count) { gateway().database_refuses += count; }

void World::nudge(Site& site) {
  count(Fault::spurious);
  deliver(site, {.kind = Event::Kind::wake});
  if (!site.running || site.links.empty()) return;
  deliver(site, {.kind = Event::Kind::writable, .link = site.links.begin()->first});
}

// ---- time

void World::after(std::uint64_t ms, Site& site, const Event& event, std::vector<std::uint8_t> bytes) {
  queue_.emplace(now_ms_ + ms, Due{&site, site.life, event, std::move(bytes), nullptr});
}

void World::change_grants() { after(0, gateway(), {.kind = Event::Kind::grants_changed}); }

void World::later(std::uint64_t ms, std::function<void()> todo) {
  queue_.emplace(now_ms_ + ms, Due{nullptr, 0, {}, {}, std::move(todo)});
}

std::uint64_t World::wake_at(const Site& site) const {
  if (site.asleep) return runtime::kNever;
  return site.replica ? site.replica->wake_at_ms() : site.coordinator->wake_at_ms();
}

std::uint64_t World::next_at() const {
  std::uint64_t at = queue_.empty() ? runtime::kNever : queue_.begin()->first;
  for (const auto& site : sites_) {
    if (site->running) at = std::min(at, std::max(wake_at(*site), now_ms_));
  }
  return at;
}

// One event: the earliest of the queue, or else the wakes that have come due.
void World::turn() {
  const std::uint64_t at = next_at();
  if (at == runtime::kNever) return;
  // Time goes on for who spins, too: the judge says so, and the run ends.
  const std::uint64_t now = std::max(now_ms_ + (spins() ? 1 : 0), at);
  turns_now_ = now == now_ms_ ? turns_now_ + 1 : 0;
  now_ms_ = now;
  if (queue_.empty() || queue_.begin()->first > now_ms_) return wake_all();
  Due due = std::move(queue_.begin()->second);
  queue_.erase(queue_.begin());
  if (due.site == nullptr) return due.todo();
  take(std::move(due));
}

void World::wake_all() {
  for (const auto& site : sites_) {
    if (site->running && wake_at(*site) <= now_ms_) deliver(*site, {.kind = Event::Kind::wake});
  }
}

void World::take(Due due) {
  Site& site = *due.site;
  if (due.life != site.life || !site.running) return;
  if (site.asleep) return missed_[&site].push_back(std::move(due));
  const Event::Kind kind = due.event.kind;
  const bool of_link = kind == Event::Kind::frame || kind == Event::Kind::link_up || kind == Event::Kind::writable ||
                       kind == Event::Kind::link_down;
  const auto end = site.links.find(due.event.link);
  // A link that never came up is known by its number alone.
  if (of_link && end == site.links.end() && kind != Event::Kind::link_down) return;
  if (kind == Event::Kind::link_down && end != site.links.end()) site.links.erase(end);
  if (kind == Event::Kind::durable && !flush(due)) return;
  due.event.bytes = due.bytes;
  if (kind == Event::Kind::frame) {
    site.frame_bytes_in += due.bytes.size();
    if (story_ != nullptr) tell_of(site, end->second, due.bytes);
  }
  deliver(site, due.event);
  if (happens(options_.weather.spurious)) nudge(site);
}

void World::tell_of(const Site& site, const End& end, Bytes frame) {
  const std::string from = site.is_gateway() && end.peer != nullptr ? " from " + end.peer->name : "";
  tell("  %s hears%s %s", site.name.c_str(), from.c_str(), describe(frame).c_str());
}

void World::run_ms(std::uint64_t ms) {
  const std::uint64_t end = now_ms_ + ms;
  while (next_at() <= end) turn();
  now_ms_ = end;
}

// ---- applications

Status World::call(Site& device, Call& call) {
  deliver(device, {.kind = Event::Kind::call, .call = &call});
  if (witness_ != nullptr) witness_->called(device, call);
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

void World::subscribe(Site& device, const Scope& scope, bool watched) {
  ScopeText text{scope.kind, std::string(scope.map), std::string(scope.text), watched};
  query::Trouble trouble;
  if (scope.kind == runtime::ScopeKind::where) text.rows = runtime::CompiledRowTest::compile(text.text, trouble);
  Call subscribe{.verb = watched ? Call::Verb::watch : Call::Verb::subscribe, .scope = text.view()};
  tell("%s %s %s/%s (%d)", device.name.c_str(), watched ? "watches" : "subscribes to", text.map.c_str(),
       text.text.c_str(), static_cast<int>(text.kind));
  if (call(device, subscribe) != Status::ok) return;
  text.id = subscribe.id;
  device.scopes.push_back(std::move(text));
}

void World::unsubscribe(Site& device, std::size_t index) {
  const ScopeText& scope = device.scopes[index];
  tell("%s leaves %s/%s", device.name.c_str(), scope.map.c_str(), scope.text.c_str());
  Call end{.verb = scope.watched ? Call::Verb::unwatch : Call::Verb::unsubscribe, .id = scope.id};
  [[maybe_unused]] const Status status = call(device, end);
  device.scopes.erase(device.scopes.begin() + static_cast<std::ptrdiff_t>(index));
}

void World::online(Site& device, bool wanted) {
  device.wants_online = wanted;
  Call online{.verb = wanted ? Call::Verb::online : Call::Verb::offline};
  [[maybe_unused]] const Status status = call(device, online);
}

void World::verify(Site& device) {
  Call verify{.verb = Call::Verb::verify};
  GRID_CHECK(call(device, verify) == Status::ok);
}

std::int64_t World::get(Site& site, std::string_view map, std::string_view key, std::int64_t otherwise) {
  const Result<crdt::Op> op = site.store->find({map, key});
  if (!op.ok() || !op->cell.is_live(true_ms())) return otherwise;
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
    if (!op->cell.is_live(true_ms())) continue;
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
