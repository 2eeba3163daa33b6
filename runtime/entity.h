// SPDX-License-Identifier: Apache-2.0
//
// Entity: what both machines ask about the entity of a fact: whether it is deleted, and what there is of it.
//
// Place     Above crdt/facts.h and storage/store.h. The rule that a deletion wins is in two places, where cells come
// in:
//           OpLog and Journal. Both ask here.
// Promises  TRI-1  Where a marker stands, no fact of its entity does.
#pragma once

#include "crdt/facts.h"
#include "storage/store.h"

namespace grid::runtime {

inline bool may_be_buried(const crdt::CellName& name) {
  return crdt::is_fact_sub(name.sub) && !crdt::is_marker(name.sub);
}

// The marker over a fact: what comes under such a name is dropped.
//   not_found  None stands, or the name is of no fact.
inline Result<crdt::Op> marker_over(storage::Store& store, const crdt::CellName& name) {
  return may_be_buried(name) ? store.find(crdt::marker_of(name)) : Result<crdt::Op>(Status::not_found);
}

// What stands under the name, or stands there in its place.
//   not_found  Neither does.
inline Result<crdt::Op> standing_for(storage::Store& store, const crdt::CellName& name) {
  const Result<crdt::Op> marker = marker_over(store, name);
  return marker.status() == Status::not_found ? store.find(name) : marker;
}

// The first fact of the entity behind `after`, a name in it: behind the marker's name, the first of all.
//   not_found  There is none.
inline Result<crdt::Op> next_fact_behind(storage::Store& store, const crdt::CellName& after) {
  const Result<crdt::Op> op = store.next_cell(after);
  if (!op.ok()) return op;
  const crdt::CellName& name = op->cell.name;
  const bool is_of_it = name.key == after.key && name.map == after.map && crdt::is_fact_sub(name.sub);
  return is_of_it ? op : Result<crdt::Op>(Status::not_found);
}

}  // namespace grid::runtime
