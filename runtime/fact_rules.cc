// SPDX-License-Identifier: Apache-2.0
//
// The part of OpLog that knows deleted entities (TRI-1). Linked by who is opened with kFactViews.

#include "runtime/entity.h"
#include "runtime/oplog.h"
#include "runtime/replica.h"

namespace grid::runtime {

using crdt::CellName;
using crdt::Op;

namespace {

CellName marker_or_name(storage::Store& store, const CellName& name) {
  return marker_over(store, name).ok() ? crdt::marker_of(name) : name;
}

}  // namespace

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

const OpLog::Rules OpLog::kFactRules{is_named_after_node, &OpLog::sign_renamed, &OpLog::rebase_counter,
                                     &OpLog::write_unit,  &OpLog::renew_unit,   &OpLog::bury_facts,
                                     marker_or_name};
const Views kFactViews{&OpLog::kFactRules, &Replica::edit};

}  // namespace grid::runtime
