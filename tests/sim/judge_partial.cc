// SPDX-License-Identifier: Apache-2.0
//
// What the judge says of partial replicas: they hold the rows of their predicates, no more and no less, and let go of
// what has left them without a trace anywhere else.

#include <algorithm>

#include "crdt/pn_counter.h"
#include "runtime/scan.h"
#include "tests/sim/attributes.h"
#include "tests/sim/judge.h"
#include "transport/wire.h"

namespace grid::sim {

namespace {

bool is_partial(const Site& site) {
  return std::any_of(site.scopes.begin(), site.scopes.end(),
                     [](const ScopeText& scope) { return scope.rows != nullptr || is_of_facts(scope.kind); });
}

// Whether any of its scopes has the cell, whose row stands there as `row`.
bool is_wanted(const Site& site, const crdt::CellName& name, const crdt::Cell& row) {
  return std::any_of(site.scopes.begin(), site.scopes.end(), [&](const ScopeText& scope) {
    return has_name(scope.view(), name) && (scope.rows == nullptr || scope.rows->accepts(row));
  });
}

// A row that has expired is forgotten by either end in its own time once it is collected, and what lies under it with
// it.
bool is_under_live_row(Site& site, const crdt::CellName& name, std::uint64_t true_ms) {
  const std::string map(name.map), key(name.key);
  const Result<crdt::Op> row = site.store->find({map, key, {}});
  return row.ok() && row->cell.is_live(true_ms);
}

}  // namespace

// Live cells of a scope.
Judge::Cells Judge::cells_of(Site& site, const runtime::Scope& scope) const {
  Cells cells;
  for (runtime::Scan scan(is_of_facts(scope.kind) ? runtime::Scope{runtime::ScopeKind::map, scope.map, {}} : scope);;) {
    const Result<crdt::Op> op = scan.next(*site.store);
    if (!op.ok()) return cells;
    if (!op->cell.is_live(world_.true_ms()) || !has_name(scope, op->cell.name)) continue;
    const std::pair cell(name_of(op->cell.name), op->cell.stamp);
    const auto& [map, key, sub] = cell.first;
    if (scope.rows == nullptr || is_under_live_row(site, {map, key, sub}, world_.true_ms())) cells.insert(cell);
  }
}

// A gateway that lost one while its row was in no scope of the device gets it back with the device's next write of it
// (docs/roadmap.md).
void Judge::leave_out_own_parts(const Site& site, Cells& here, Cells& there) const {
  std::uint8_t own[crdt::CounterPart::kNameBytes];
  const std::string own_part(crdt::CounterPart::name(site.replica->status(world_.now_ms()).node, own));
  const auto is_own = [&own_part](const auto& cell) { return std::get<2>(cell.first) == own_part; };
  std::erase_if(here, is_own);
  std::erase_if(there, is_own);
}

void Judge::note_entitled(const Site& site, const crdt::Cell& row) {
  if (is_partial(site) && is_wanted(site, row.name, row)) devices_[&site].named.emplace(row.name.map, row.name.key);
}

// PROTOCOL P21: of a row that leaves its scopes a device is told only when they had it, or it has shown it.
void Judge::check_word(const Site& to, Device& device, const crdt::Op& op) {
  const std::pair key(std::string(op.cell.name.map), std::string(op.cell.name.key));
  if (!op.evicted) return void(device.named.insert(key));
  if (device.named.contains(key)) return;
  fail("%s is told to let go of %s/%s, which it was never to know of", to.name.c_str(), key.first.c_str(),
       key.second.c_str());
}

void Judge::note_end(Site& site, Device& device) {
  for (const ScopeText& scope : site.scopes) device.loose.insert(scope.map);
}

// Tags and parts bear their node's id, and get another one by one, with the stamp's time as it was (PROTOCOL P1).
bool Judge::is_renamed(const Site& site, const Name& name, const Holding& standing) {
  const auto& [map, key, sub] = name;
  for (runtime::Scan scan({runtime::ScopeKind::key, map, key}); !sub.empty();) {
    const Result<crdt::Op> op = scan.next(*site.store);
    if (!op.ok()) return false;
    if (op->cell.name.sub != sub && op->cell.stamp.time == standing.stamp.time) return true;
  }
  return false;
}

// PROTOCOL P22: what is pending stays. What goes at the gateway's word, or since no scope has it, is not lost.
void Judge::note_letting_go(Site& site, Device& device, const Event& event, storage::Seq before) {
  if (!site.running || !is_partial(site)) return;
  const Result<wire::Kind> kind = event.kind == Event::Kind::frame ? wire::kind_of(event.bytes) : Status::not_found;
  grid_Subscribed answer = grid_Subscribed_init_zero;
  const bool is_answer =
      kind.ok() && *kind == wire::Kind::subscribed && wire::decode(event.bytes, answer) == Status::ok;
  const auto asked = is_answer ? device.asked.find(answer.id) : device.asked.end();
  if (asked != device.asked.end()) {
    for (const ScopeText& scope : site.scopes) {
      if (scope.id == answer.id && scope.rows != nullptr) device.loose.erase(scope.map);
    }
    const bool is_taken = static_cast<wire::PullMode>(answer.mode) != wire::PullMode::refused;
    if (is_taken && !asked->second.empty()) note_swept(site, device, asked->second);
    device.asked.erase(asked);
  }
  if (site.store->head() == before) return;  // Nothing has come or gone.
  for (const auto& [seq, write] : device.open) {
    const auto standing = device.standing.find(write.name);
    const auto& [map, key, sub] = write.name;
    const bool stood = standing != device.standing.end() && standing->second.value == write.value &&
                       standing->second.stamp.node == device.node && device.own.contains(write.name);
    const bool is_gone = stood && !site.store->find({map, key, sub}).ok();
    if (!is_gone || site.replica->outcome_of(seq) != Outcome::pending) continue;
    fail("%s let go of %s/%s, which it has yet to send", site.name.c_str(), map.c_str(), key.c_str());
  }
  const bool is_told = is_answer || (kind.ok() && *kind == wire::Kind::delta);
  std::set<Name> gone;
  for (const auto& [name, holding] : device.standing) {
    const auto& [map, key, sub] = name;
    const auto row = device.standing.find({map, key, ""});
    const crdt::Cell stood = row == device.standing.end() ? crdt::Cell{.name = {map, key, {}}, .stamp = {}}
                                                          : cell_of(row->first, row->second);
    if (site.store->find({map, key, sub}).ok()) continue;
    if (is_told || !is_wanted(site, {map, key, sub}, stood)) gone.insert(name);
  }
  for (const Name& name : gone) device.standing.erase(name);
}

// A counter's part of the node itself stays for ever.
void Judge::rest_partial(Site& site) {
  if (!is_partial(site)) return;
  const Device& device = devices_[&site];
  std::uint8_t own[crdt::CounterPart::kNameBytes];
  const std::string own_part(crdt::CounterPart::name(site.replica->status(world_.now_ms()).node, own));
  for (const ScopeText& scope : site.scopes) {
    if (scope.rows == nullptr || has_whole(site, scope.map) || device.loose.contains(scope.map)) continue;
    for (runtime::Scan scan({runtime::ScopeKind::map, scope.map, {}});;) {
      Result<crdt::Op> op = scan.next(*site.store);
      if (!op.ok()) break;
      if (!op->cell.is_live(world_.true_ms()) || op->cell.name.sub == own_part) continue;
      const Name name = name_of(op->cell.name);
      const auto& [map, key, sub] = name;
      const Result<crdt::Op> row = site.store->find({map, key, {}});
      const crdt::Cell none{.name = {map, key, {}}, .stamp = {}};
      const crdt::Cell standing = row.ok() ? row->cell : none;
      if (is_wanted(site, {map, key, sub}, standing)) continue;
      const bool is_under_dead = !sub.empty() && !standing.is_live(world_.true_ms());
      const bool may_stay = !floor_fact_.empty() || !is_under_live_row(world_.gateway(), none.name, world_.true_ms());
      if (is_under_dead && may_stay) continue;
      fail("%s holds %s/%s, which none of its scopes has", site.name.c_str(), map.c_str(), key.c_str());
    }
  }
}

}  // namespace grid::sim
