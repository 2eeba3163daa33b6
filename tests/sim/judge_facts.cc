// SPDX-License-Identifier: Apache-2.0
//
// The part of Judge that knows of entities, and of the database.

#include <algorithm>

#include "crdt/facts.h"
#include "runtime/scan.h"
#include "tests/sim/attributes.h"
#include "tests/sim/judge.h"

namespace grid::sim {

// A fact of an entity that somebody has deleted: it may go at any moment, whatever was promised of it.
bool Judge::is_of_deleted(const Name& name) const {
  const auto& [map, key, sub] = name;
  return crdt::is_fact_sub(sub) && deleted_.contains({map, key});
}

// TRI-1
void Judge::rest_entities(Site& site) {
  std::string map, key;  // Of the last marker: facts come behind theirs.
  for (runtime::Scan scan(runtime::Scope{});;) {
    const Result<crdt::Op> op = scan.next(*site.store);
    if (!op.ok()) return;
    const crdt::CellName& name = op->cell.name;
    if (crdt::is_marker(name.sub)) {
      map = name.map;
      key = name.key;
    } else if (crdt::is_fact_sub(name.sub) && name.map == map && name.key == key) {
      fail("%s holds facts of %s/%s, which is deleted", site.name.c_str(), map.c_str(), key.c_str());
    }
  }
}

void Judge::Device::note_standing(const crdt::Op& op) {
  const Name name = name_of(op.cell.name);
  standing[name] = holding_of(op.cell);
  op.local ? void(own.insert(name)) : void(own.erase(name));
}

// TRI-1: at any moment; what a full batch leaves of an entity stood there before its marker.
void Judge::check_burial(const Site& site, const crdt::Op& op) {
  const crdt::CellName& name = op.cell.name;
  if (attribute_in(name.sub).empty()) return;
  const std::string map(name.map), key(name.key), sub(name.sub);
  const Result<crdt::Op> marker = site.store->find({map, key, crdt::kMarker});
  if (!marker.ok() || marker->seq > op.seq) return;
  const Result<crdt::Op> fact = site.store->find({map, key, sub});
  if (fact.ok() && fact->seq == op.seq)
    fail("%s takes a fact of %s/%s, which is deleted", site.name.c_str(), map.c_str(), key.c_str());
}

// TRI-1: whoever holds an entity's facts is told of its deletion.
void Judge::rest_buried(Site& site) {
  for (runtime::Scan scan(runtime::Scope{});;) {
    const Result<crdt::Op> op = scan.next(*site.store);
    if (!op.ok()) return;
    const crdt::CellName marker = crdt::marker_of(op->cell.name);
    if (attribute_in(op->cell.name.sub).empty() || !op->cell.is_live(world_.true_ms())) continue;
    const bool is_told = std::any_of(site.scopes.begin(), site.scopes.end(), [&marker](const ScopeText& scope) {
      return scope.rows == nullptr && has_name(scope.view(), marker);
    });
    if (!is_told || !world_.gateway().store->find(marker).ok()) continue;
    fail("%s was not told that %s/%s is deleted", site.name.c_str(), std::string(marker.map).c_str(),
         std::string(marker.key).c_str());
  }
}

// A scope of attributes, or of an entity, was answered: what no scope has is gone, but for what the device has yet to
// send.
void Judge::note_swept(Site& site, Device& device, const std::string& map) {
  std::erase_if(device.strays, [&](const Name& name) {
    const auto& [of_map, key, sub] = name;
    const Result<crdt::Op> op = site.store->find({of_map, key, sub});
    return of_map == map && !(op.ok() && op->local && op->seq > site.store->settled());
  });
}

// PROTOCOL P22: a device with such scopes holds what its scopes have, and what it wrote itself since.
void Judge::rest_attributes(Site& site) {
  const Device& device = devices_[&site];
  std::set<std::string> maps;
  for (const ScopeText& scope : site.scopes) {
    if (is_of_facts(scope.kind) && !has_whole(site, scope.map)) maps.insert(scope.map);
  }
  for (const std::string& map : maps) {
    for (runtime::Scan scan({runtime::ScopeKind::map, map, {}});;) {
      const Result<crdt::Op> op = scan.next(*site.store);
      if (!op.ok()) break;
      const crdt::CellName& name = op->cell.name;
      const bool is_wanted = std::any_of(site.scopes.begin(), site.scopes.end(),
                                         [&name](const ScopeText& scope) { return has_name(scope.view(), name); });
      if (!op->cell.is_live(world_.true_ms()) || is_wanted || device.strays.contains(name_of(name))) continue;
      fail("%s holds a cell of %s/%s that none of its scopes has", site.name.c_str(), map.c_str(),
           std::string(name.key).c_str());
    }
  }
}

// SNK-1
void Judge::rest_database() {
  std::map<Name, Holding> rows, cells;
  for (const auto& [name, row] : world_.gateway().database.rows) rows[name] = {row.stamp, row.expires_ms, row.value};
  for (runtime::Scan scan(runtime::Scope{});;) {
    const Result<crdt::Op> op = scan.next(*world_.gateway().store);
    if (!op.ok()) break;
    cells[name_of(op->cell.name)] = holding_of(op->cell);
  }
  for (const auto& [name, cell] : cells) {
    if (rows.contains(name) && !beats(name, cell, rows[name])) continue;
    return fail("the database lacks %s/%s", std::get<0>(name).c_str(), std::get<1>(name).c_str());
  }
}

}  // namespace grid::sim
