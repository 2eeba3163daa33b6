// SPDX-License-Identifier: Apache-2.0
//
// The part of Judge that knows of entities, and of the database.

#include "crdt/facts.h"
#include "runtime/scan.h"
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
