// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/judge.h"

#include <algorithm>
#include <cstdarg>

#include "crdt/facts.h"
#include "runtime/edits.h"
#include "runtime/scan.h"
#include "tests/sim/attributes.h"
#include "transport/wire.h"

namespace grid::sim {

using runtime::Call;

namespace {

// What a device's clock may be off by: it takes the gateway's within 5 s, which may be off by a little itself.
constexpr std::uint64_t kDeviceClockErrorMs = 10'000;

std::string text_of(const Database::Name& name) { return std::get<0>(name) + "/" + std::get<1>(name); }

std::string text_of(const crdt::Stamp& stamp) {
  char text[crdt::Stamp::kTextBytes];
  format(stamp, text);
  return {text, sizeof(text)};
}

}  // namespace

void Judge::fail(const char* format, ...) {
  if (found()) return;
  kind_ = format;
  char line[600];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line, sizeof(line), format, arguments);
  va_end(arguments);
  problem_ = line;
  world_.tell("*** %s", line);
}

Judge::Name Judge::name_of(const crdt::CellName& name) {
  return {std::string(name.map), std::string(name.key), std::string(name.sub)};
}

Judge::Holding Judge::holding_of(const crdt::Cell& cell) {
  return {cell.stamp, cell.expires_ms, std::string(as_text(cell.value))};
}

crdt::Cell Judge::cell_of(const Name& name, const Holding& holding) {
  const auto& [map, key, sub] = name;
  return {{map, key, sub}, holding.stamp, holding.expires_ms, as_bytes(holding.value)};
}

bool Judge::beats(const Name& name, const Holding& a, const Holding& b) {
  return crdt::wins(cell_of(name, a), cell_of(name, b));
}

// ---- what happens

void Judge::called(Site& site, const Call& call) {
  const bool puts = call.verb == Call::Verb::put;
  if (call.verb == Call::Verb::watch && call.status == Status::ok) {
    devices_[&site].born[call.id] = site.store->head();
  }
  if (call.verb == Call::Verb::unwatch || call.verb == Call::Verb::unsubscribe) note_end(site, devices_[&site]);
  if (call.edit == runtime::discard_letter && call.status == Status::ok) refusals_.discarded(site, call.letter);
  if ((!puts && call.verb != Call::Verb::remove) || call.status != Status::ok) return;
  ++writes_;
  const Name name(call.scope.map, call.scope.text, "");
  const std::string value = puts ? std::string(as_text(call.value)) : std::string();
  written_[name].insert(value);
  if (!puts || call.ttl_ms != 0) passing_.insert(name);
  if (!site.running) return;  // Its disk failed as the call returned.
  devices_[&site].open[call.seq] = {name, value};
  devices_[&site].strays.insert(name);
  const Result<crdt::Op> read = site.store->find({call.scope.map, call.scope.text, {}});
  if (!read.ok() || as_text(read->cell.value) != value || read->seq != call.seq) {
    fail("%s does not read its own write of %s", site.name.c_str(), text_of(name).c_str());
  }
}

void Judge::stepped(Site& site, const Event& event, storage::Seq before, std::span<const Action> actions) {
  if (world_.spins()) fail("%s has more to do within a millisecond than ever ends", site.name.c_str());
  if (actions.size() > runtime::kActionsMax) fail("%s: %zu actions in one step", site.name.c_str(), actions.size());
  const bool refuses =
      event.kind == Event::Kind::frame && event.bytes[0] == static_cast<std::uint8_t>(wire::Kind::reject);
  if (refuses) devices_[&site].excused = true;
  if (!site.is_gateway()) note_letting_go(site, devices_[&site], event, before);
  // A write is judged by called(), which knows it.
  const bool writes = event.call != nullptr && event.call->verb <= Call::Verb::edit;
  if (!writes) look_at_records(site, before);
  if (site.is_gateway() && event.kind == Event::Kind::start) look_at_gateway(site);
  if (site.is_gateway()) see_collection(site);
  if (site.is_gateway()) return check_drains(site, actions);
  Device& device = devices_[&site];
  for (const Action& action : actions) {
    if (action.kind == Action::Kind::outcome) note_outcome(site, device, action);
    if (action.kind == Action::Kind::changed) note_change(site, device, action);
  }
  if (!writes) return;
  if (event.call->verb == Call::Verb::edit) return note_edit(site, *event.call, before);
  const Result<crdt::Op> op = site.store->find({event.call->scope.map, event.call->scope.text, {}});
  if (op.ok()) device.note_standing(*op);
}

// SNK-1
void Judge::check_drains(Site& gateway, std::span<const Action> actions) {
  for (const Action& action : actions) {
    if (action.kind != Action::Kind::drain || action.seq <= gateway.coordinator->status().durable) continue;
    fail("the gateway drains up to %llu, which is not durable", static_cast<unsigned long long>(action.seq));
  }
}

// What an edit has written, whatever it was asked for, and what it withdrew, which leaves no record.
void Judge::note_edit(Site& site, const Call& call, storage::Seq before) {
  auto& standing = devices_[&site].standing;
  const std::string map(call.scope.map), key(call.facts.empty() ? call.scope.text : call.facts[0].entity);
  for (auto at = standing.lower_bound({map, key, ""}); at != standing.end();) {
    const auto& [at_map, at_key, sub] = at->first;
    if (at_map != map || at_key != key) break;
    at = site.store->find({at_map, at_key, sub}).ok() ? std::next(at) : standing.erase(at);
  }
  for (storage::Seq at = before; at < site.store->head();) {
    const Result<crdt::Op> op = site.store->next_op(at);
    if (!op.ok()) return;
    at = op->seq;
    const Name name = name_of(op->cell.name);
    if (crdt::is_marker(op->cell.name.sub)) deleted_.emplace(map, key);
    check_burial(site, *op);
    devices_[&site].strays.insert(name);
    written_[name].insert(std::string(as_text(op->cell.value)));
    if (op->cell.is_tombstone()) passing_.insert(name);
    devices_[&site].note_standing(*op);
  }
  ++writes_;
}

// The store's log tells all that a step has changed.
void Judge::look_at_records(Site& site, storage::Seq before) {
  Device& device = devices_[&site];
  const bool excused = !site.is_gateway() && is_excused(site, device);
  for (storage::Seq at = before; at < site.store->head();) {
    const Result<crdt::Op> op = site.store->next_op(at);
    if (!op.ok()) break;
    at = op->seq;
    check_origin(site, *op);
    check_burial(site, *op);
    if (site.is_gateway()) see_arrival(*op);
    if (!site.is_gateway() && !excused) see(site, device, *op);
  }
  if (excused) forget_standing(site, device);
}

// CEL-1, and no value out of nothing.
void Judge::check_origin(const Site& site, const crdt::Op& op) {
  if (op.cell.stamp.is_none()) return;
  const Name name = name_of(op.cell.name);
  // Another node id gives a tag and a part other names, and a refusal a part another sum.
  const bool is_own_doing = !site.is_gateway() && op.local && !op.cell.name.sub.empty();
  if (is_own_doing) written_[name].insert(std::string(as_text(op.cell.value)));
  // What was relayed and is refused when it comes again, the gateway removes under a name of its own.
  if (op.cell.is_tombstone() && world_.options().ruling != 0) return;
  const auto found = written_.find(name);
  if (found != written_.end() && found->second.contains(std::string(as_text(op.cell.value)))) return;
  fail("%s holds a value of %s that nobody wrote", site.name.c_str(), text_of(name).c_str());
}

// SYN-3: only what is dead goes, and what has gone with its deletion never arrives again.
void Judge::see_collection(Site& gateway) {
  const Result<Bytes> fact = gateway.store->fact("floor");
  const std::string floor = fact.ok() ? std::string(as_text(*fact)) : std::string();
  if (floor == floor_fact_) return;
  floor_fact_ = floor;
  for (auto at = arrived_.begin(); at != arrived_.end();) {
    const auto& [name, last] = *at;
    if (gateway.store->find({std::get<0>(name), std::get<1>(name), std::get<2>(name)}).ok()) {
      ++at;
      continue;
    }
    const bool lives = !last.value.empty() && last.expires_ms == 0 && !is_of_deleted(name);
    if (lives) fail("a live row was collected: %s", text_of(name).c_str());
    for (const auto& [stamp, sent] : stamps_) {
      if (sent.name == name && stamp <= last.stamp) buried_.emplace(name, stamp);
    }
    const auto promised = floor_.find(name);
    if (promised != floor_.end() && !beats(name, promised->second, last)) floor_.erase(promised);
    gone_[name] = last;
    at = arrived_.erase(at);
  }
}

// CLK-1: one stamp, one write.
void Judge::see_arrival(const crdt::Op& op) {
  const Name arriving = name_of(op.cell.name);
  check_ruling(arriving, holding_of(op.cell));
  arrived_[arriving] = holding_of(op.cell);
  for (std::size_t i = 0; i < world_.device_count(); ++i) note_entitled(world_.device(i), op.cell);
  const bool stays = !op.cell.is_tombstone() && op.cell.expires_ms == 0;
  if (stays && buried_.contains({arriving, op.cell.stamp})) {
    fail("a row came back that was deleted, and the deletion collected: %s@%s", text_of(arriving).c_str(),
         text_of(op.cell.stamp).c_str());
  }
  if (device_set_back_ && lost_stamps_.contains(op.cell.stamp)) return;
  const Sent sent{name_of(op.cell.name), holding_of(op.cell), 0};
  const auto [known, fresh] = stamps_.try_emplace(op.cell.stamp, sent);
  if (fresh || (known->second.name == sent.name && known->second.holding == sent.holding)) return;
  fail("the stamp %s stands for two writes, of %s and of %s", text_of(op.cell.stamp).c_str(),
       text_of(known->second.name).c_str(), text_of(sent.name).c_str());
}

// SYN-2: what an application can see of a cell never goes back.
void Judge::see(Site& site, Device& device, const crdt::Op& op) {
  const Name name = name_of(op.cell.name);
  const auto found = device.standing.find(name);
  const Holding now = holding_of(op.cell);
  // A pending op that was signed anew, under another node id, is the same write.
  const bool same = found != device.standing.end() && op.local && found->second.value == now.value &&
                    found->second.stamp.time == now.stamp.time;
  // It may have forgotten a deletion, and hear of another that came late, or of what an expired backup brings back.
  const bool dead = found != device.standing.end() && (found->second.value.empty() || found->second.expires_ms != 0);
  const bool forgot = dead && ((found->second.value.empty() && now.value.empty()) || outlived_);
  const bool let_go =
      found != device.standing.end() && (forgot || is_of_deleted(name) || found->second.stamp <= device.collected);
  if (found != device.standing.end() && !same && !let_go && !(found->second == now) &&
      !beats(name, now, found->second)) {
    fail("%s went back on %s: from %s to %s", site.name.c_str(), text_of(name).c_str(),
         text_of(found->second.stamp).c_str(), text_of(now.stamp).c_str());
  }
  device.note_standing(op);
}

// A corrected clock, a new node id, a refusal: stamps may have moved, and cells may have been set back.
bool Judge::is_excused(Site& site, Device& device) {
  const runtime::ReplicaStatus status = site.replica->status(world_.now_ms());
  const bool moved = status.clock_offset_ms != device.offset_ms || status.quality != device.quality ||
                     status.node != device.node || status.figures.rejected != device.rejected ||
                     site.disk->restamps() != device.restamps;
  // Under another node id, what was sent before is sent again as other ops.
  const bool renamed = status.node != device.node;
  if (renamed) device.pushed.clear();
  if (renamed) refusals_.renamed(site);
  if (renamed && device.node != 0 && !device_set_back_ && rollbacks_ == 0) {
    fail("%s took a new node id, though nobody was ever set back", site.name.c_str());
  }
  device.restamps = site.disk->restamps();
  device.offset_ms = status.clock_offset_ms;
  device.quality = status.quality;
  device.node = status.node;
  device.rejected = status.figures.rejected;
  const bool excused = moved || device.excused;
  device.excused = false;
  return excused;
}

void Judge::forget_standing(Site& site, Device& device) {
  device.standing.clear();
  for (runtime::Scan scan(runtime::Scope{});;) {
    const Result<crdt::Op> op = scan.next(*site.store);
    if (!op.ok()) return;
    device.note_standing(*op);
  }
}

void Judge::sent(Site& from, Site& to, Bytes frame) {
  const Result<wire::Kind> kind = wire::kind_of(frame);
  if (!kind.ok()) return fail("%s sends a frame of an unknown kind", from.name.c_str());
  if (*kind == wire::Kind::subscribed) {
    grid_Subscribed answer = grid_Subscribed_init_zero;
    if (wire::decode(frame, answer) != Status::ok) return fail("%s sends a malformed answer", from.name.c_str());
    const crdt::Stamp collected{answer.collected_time, answer.collected_node};
    devices_[&to].collected = std::max(devices_[&to].collected, collected);
    for (const auto& [name, holding] : arrived_) note_entitled(to, cell_of(name, holding));
  }
  if (*kind == wire::Kind::subscribe) {
    grid_Subscribe ask = grid_Subscribe_init_zero;
    if (wire::decode(frame, ask) != Status::ok) return fail("%s sends a malformed wish", from.name.c_str());
    devices_[&from].asked[ask.id] = is_of_facts(static_cast<runtime::ScopeKind>(ask.kind)) ? ask.map : "";
  }
  if (*kind == wire::Kind::unsubscribe) {
    grid_Unsubscribe end = grid_Unsubscribe_init_zero;
    if (wire::decode(frame, end) != Status::ok) return fail("%s sends a malformed end", from.name.c_str());
    devices_[&from].asked.erase(end.id);
  }
  const bool push = *kind == wire::Kind::push;
  const bool delta = *kind == wire::Kind::delta;
  if (!push && !delta && *kind != wire::Kind::reject) return;
  wire::OpsReader reader;
  if (reader.open(frame) != Status::ok) return fail("%s sends a malformed frame", from.name.c_str());
  Device& device = devices_[push ? &from : &to];
  for (crdt::Op op; reader.next(op);) {
    if (delta) check_word(to, device, op);
    if (push) device.named.emplace(op.cell.name.map, op.cell.name.key);
    if (push) refusals_.pushed(from, op.seq);
    if (push) device.pushed[op.seq] = {name_of(op.cell.name), holding_of(op.cell), rollbacks_};
    if (push || delta) continue;
    // An op that was taken, and comes again after another row has taken its place, is judged again. What is refused
    // does not keep its stamp to itself.
    const auto refused = device.pushed.find(op.seq);
    if (world_.options().ruling != 0 && refused != device.pushed.end()) stamps_.erase(refused->second.holding.stamp);
    device.pushed.erase(op.seq);
    const bool is_renewed = reader.head().status == Status::collected && !op.base.is_none();
    if (reader.head().status != Status::clock_ahead && !is_renewed) refusals_.refused(to, op.seq);
  }
}

void Judge::note_outcome(Site& site, Device& device, const Action& action) {
  const Outcome outcome = static_cast<Outcome>(action.outcome);
  if (outcome == Outcome::rejected) {
    const auto found = device.open.find(action.seq);
    if (found != device.open.end()) check_refusal(site, found->second, action.status);
    blame(site, refusals_.told(site, action.seq));
    device.open.erase(action.seq);
    device.pushed.erase(action.seq);
    device.excused = true;
    return;
  }
  if (outcome == Outcome::dropped || outcome == Outcome::lost_with) {
    const bool drops = outcome == Outcome::dropped && site.on_full == OnFull::refuse;
    if (drops) fail("%s drops what it promised to keep", site.name.c_str());
    blame(site, refusals_.told(site, action.seq));
    device.open.erase(action.seq);
    device.excused = true;
    return;
  }
  if (outcome != Outcome::durable) return;
  // ACK-1: from now on the gateway holds this, or what beats it.
  for (auto at = device.pushed.begin(); at != device.pushed.end() && at->first <= action.seq;) {
    const Sent& sent = at->second;
    // An ack that was on its way when the gateway was set back speaks of what is gone.
    const auto gone = gone_.find(sent.name);
    // A late removal of what is not there is done without a trace.
    const bool moot = sent.holding.value.empty() && !floor_fact_.empty() && !stamps_.contains(sent.holding.stamp);
    const bool is_gone = moot || (gone != gone_.end() && !beats(sent.name, sent.holding, gone->second));
    if (sent.rollbacks == rollbacks_ && !is_gone && !is_of_deleted(sent.name)) {
      see_in_database(site, sent);
      const auto [floor, fresh] = floor_.try_emplace(sent.name, sent.holding);
      if (!fresh && beats(sent.name, sent.holding, floor->second)) floor->second = sent.holding;
    }
    at = device.pushed.erase(at);
  }
  device.open.erase(device.open.begin(), device.open.upper_bound(action.seq));
}

void Judge::note_change(Site& site, Device& device, const Action& action) {
  const Result<crdt::Op> op = site.replica->op_at(action.seq);
  if (!op.ok()) return;
  const bool live = op->cell.is_live(site.replica->known_ms(world_.wall_ms(site)));
  device.told[action.watch][name_of(op->cell.name)] = {action.seq, live};
}

void Judge::forgot(Site& site, Fault why) {
  Device& device = devices_[&site];
  device.told.clear();
  device.born.clear();
  device.node = 0;
  if (site.is_gateway()) {
    gateway_forgot_ = true;
    // A gateway that was set back has lost what it promised: what its devices still hold comes back.
    if (why == Fault::restore || why == Fault::restore_late || why == Fault::journal_lost) {
      floor_.clear(), buried_.clear(), ++rollbacks_;
    }
    outlived_ |= why == Fault::restore_late;
    look_at_gateway(site);
    forget_lost_stamps();
    return check_floors("after a power cut");
  }
  blame(site, refusals_.forgot(site, why));
  if (why != Fault::crash) device_set_back_ = true;
  if (why != Fault::crash) device.pushed.clear();
  std::erase_if(device.open, [&site](const auto& write) { return write.first > site.store->head(); });
  if (why != Fault::crash) device.open.clear();
  forget_standing(site, device);
  for (const auto& [name, holding] : device.standing) device.strays.insert(name);
}

// What stands there is all that it knows.
void Judge::look_at_gateway(Site& gateway) {
  const Result<Bytes> fact = gateway.store->fact("floor");
  floor_fact_ = fact.ok() ? std::string(as_text(*fact)) : std::string();
  arrived_.clear();
  for (runtime::Scan scan(runtime::Scope{});;) {
    const Result<crdt::Op> op = scan.next(*gateway.store);
    if (!op.ok()) return;
    arrived_[name_of(op->cell.name)] = holding_of(op->cell);
  }
}

// What the gateway relayed and lost, an image of its writer may write over: nobody is left who could tell.
void Judge::forget_lost_stamps() {
  std::erase_if(stamps_, [this](const auto& known) {
    const auto& [map, key, sub] = known.second.name;
    const Result<crdt::Op> op = world_.gateway().store->find({map, key, sub});
    const bool lost = !op.ok() || beats(known.second.name, known.second.holding, holding_of(op->cell));
    if (lost) lost_stamps_.insert(known.first);
    return lost;
  });
}

// ACK-1
void Judge::check_floors(const char* when) {
  storage::MemoryStore& store = *world_.gateway().store;
  for (const auto& [name, floor] : floor_) {
    const Result<crdt::Op> op = store.find({std::get<0>(name), std::get<1>(name), std::get<2>(name)});
    if (is_of_deleted(name) || (op.ok() && !beats(name, floor, holding_of(op->cell)))) continue;
    return fail("%s the gateway has lost %s@%s, which it had acknowledged as durable", when, text_of(name).c_str(),
                text_of(floor.stamp).c_str());
  }
}

// ---- at rest

void Judge::rest() {
  check_floors("at rest");
  rest_rules();
  for (std::size_t i = 0; i <= world_.device_count(); ++i) rest_entities(world_.site(i));
  for (std::size_t i = 0; i < world_.device_count(); ++i) rest_buried(world_.device(i));
  std::size_t scope_count = 0;
  for (std::size_t i = 0; i < world_.device_count(); ++i) {
    rest_device(world_.device(i));
    std::set<std::uint64_t> scopes;  // Two watches of one scope are one subscription.
    for (const ScopeText& scope : world_.device(i).scopes) scopes.insert(scope.view().hash());
    scope_count += scopes.size();
  }
  const std::uint32_t served = world_.gateway().coordinator->status().subscriptions;
  if (served != scope_count) fail("the gateway serves %u subscriptions, and %zu are wanted", served, scope_count);
  if (world_.options().server.has_sink) rest_database();
}

void Judge::rest_device(Site& site) {
  Device& device = devices_[&site];
  const runtime::ReplicaStatus status = site.replica->status(world_.now_ms());
  if (status.ops_pending != 0)
    fail("%s still has %llu ops", site.name.c_str(), static_cast<unsigned long long>(status.ops_pending));
  for (const auto& [seq, write] : device.open) {
    const Outcome outcome = site.replica->outcome_of(seq);
    if (outcome == Outcome::durable || outcome == Outcome::superseded) continue;
    fail("%s: the write of %s ended as %s", site.name.c_str(), text_of(write.name).c_str(), grid::name_of(outcome));
  }
  for (const auto& [name, standing] : device.standing) {
    const Result<crdt::Op> op = site.store->find({std::get<0>(name), std::get<1>(name), std::get<2>(name)});
    if (is_of_deleted(name) || (op.ok() && !beats(name, standing, holding_of(op->cell)))) continue;
    const bool dead = standing.value.empty() || standing.expires_ms != 0 || standing.stamp <= device.collected;
    if (!op.ok() && dead && !floor_fact_.empty()) continue;  // It has forgotten a deletion that was collected.
    if (!op.ok() && is_renamed(site, name, standing)) continue;
    fail("%s has lost %s@%s", site.name.c_str(), text_of(name).c_str(), text_of(standing.stamp).c_str());
  }
  blame(site, refusals_.rest(site));
  rest_scopes(site);
  rest_partial(site);
  rest_attributes(site);
  rest_watches(site, device);
}

// SYN-1
void Judge::rest_scopes(Site& site) {
  for (const ScopeText& scope : site.scopes) {
    auto here = cells_of(site, scope.view()), there = cells_of(world_.gateway(), scope.view());
    if (scope.rows != nullptr && rollbacks_ > 0) leave_out_own_parts(site, here, there);
    if (here == there) continue;
    fail("%s differs from the gateway in its scope %s/%s", site.name.c_str(), scope.map.c_str(), scope.text.c_str());
    for (const auto& [name, stamp] : here) {
      if (there.contains({name, stamp})) continue;
      world_.tell("only %s has %s %s", site.name.c_str(), text_of(name).c_str(), text_of(stamp).c_str());
    }
    for (const auto& [name, stamp] : there) {
      if (here.contains({name, stamp})) continue;
      world_.tell("%s lacks %s %s", site.name.c_str(), text_of(name).c_str(), text_of(stamp).c_str());
    }
  }
}

// Every change reaches a watch at least in its newest form.
void Judge::rest_watches(Site& site, Device& device) {
  for (const ScopeText& scope : site.scopes) {
    if (!scope.watched || scope.id == 0) continue;
    for (runtime::Scan scan(scope.view());;) {
      const Result<crdt::Op> op = scan.next(*site.store);
      if (!op.ok()) break;
      const auto found = device.told[scope.id].find(name_of(op->cell.name));
      const bool knows = found != device.told[scope.id].end() && found->second.seq >= op->seq;
      const bool is_dead = op->cell.expires_ms != 0 && op->cell.expires_ms + kDeviceClockErrorMs < world_.true_ms();
      const bool knows_time = site.replica->known_ms(world_.wall_ms(site)) != 0;
      if (is_dead && knows && knows_time && found->second.live) {
        fail("%s: a watch was not told that %s expired", site.name.c_str(), text_of(found->first).c_str());
      }
      // A wrong clock may have taken it for expired when the watch began.
      if (knows || (op->seq <= device.born[scope.id] && (op->cell.is_tombstone() || op->cell.expires_ms != 0)))
        continue;
      fail("%s: a watch was not told of %s", site.name.c_str(), text_of(name_of(op->cell.name)).c_str());
    }
  }
}

}  // namespace grid::sim
