// SPDX-License-Identifier: Apache-2.0
//
// The part of OpLog that knows deleted entities (TRI-1). A device that holds no facts links it all the same: it may be
// sent some.

#include "runtime/entity.h"
#include "runtime/oplog.h"

namespace grid::runtime {

using crdt::CellName;
using crdt::Op;

Status OpLog::append(const Op& op) {
  GRID_TRY(append_one(op));
  const bool buries = crdt::is_marker(op.cell.name.sub) && !op.cell.stamp.is_none();
  return buries ? bury_facts(op.cell.name) : Status::ok;
}

// Without a trace, as the marker says it all. What finds no room now goes when the marker comes again.
Status OpLog::bury_facts(const CellName& marker) {
  for (;;) {
    const Result<Op> fact = next_fact_behind(store_, marker);
    if (!fact.ok()) return fact.status() == Status::not_found ? Status::ok : fact.status();
    char sub[kSubBytesMax];
    const std::size_t size = fact->cell.name.sub.copy(sub, sizeof(sub));
    GRID_TRY(append_one({.cell = {{marker.map, marker.key, {sub, size}}, {}, 0, {}}}));
  }
}

}  // namespace grid::runtime
