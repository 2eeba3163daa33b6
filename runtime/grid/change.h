// SPDX-License-Identifier: Apache-2.0
//
// What a host makes of an op for an application.
//
// Place     Between grid.h and the hosts.
#pragma once

#include "crdt/lww_map.h"
#include "runtime/grid/grid.h"
#include "runtime/replica.h"

namespace grid {

inline Change change_of(const runtime::Replica& replica, const crdt::Op& op, std::uint64_t wall_ms) {
  const crdt::CellName& name = op.cell.name;
  const crdt::View view = crdt::view_of(name.sub);
  const bool is_row = view == crdt::View::lww_map;
  const Value now = is_row ? crdt::lww_map::read(op.cell, replica.known_ms(wall_ms)) : Value();
  return {name.map, name.key, now, op.cell.stamp, op.local, view, replica.version_of(op)};
}

inline Result<Change> change_of(const runtime::Replica& replica, const Result<crdt::Op>& op, std::uint64_t wall_ms) {
  if (!op.ok()) return op.status();
  return change_of(replica, *op, wall_ms);
}

}  // namespace grid
