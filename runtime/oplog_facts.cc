// SPDX-License-Identifier: Apache-2.0
//
// The part of OpLog that knows deleted entities (TRI-1). What buries is linked by who is opened with kFactViews.

#include "runtime/entity.h"
#include "runtime/oplog.h"

namespace grid::runtime {

using crdt::CellName;
using crdt::Op;

bool OpLog::is_burial(const Op& op) const {
  const bool may_bury = rules_ != nullptr && rules_->bury_facts != nullptr;
  return may_bury && crdt::is_marker(op.cell.name.sub) && !op.cell.stamp.is_none();
}

Status OpLog::append(const Op& op) {
  GRID_TRY(append_one(op));
  return is_burial(op) ? (this->*rules_->bury_facts)(op.cell.name) : Status::ok;
}

Result<Op> OpLog::standing_for(const CellName& name) {
  const bool is_plain = rules_ == nullptr || rules_->standing_for == nullptr;
  return is_plain ? store_.find(name) : rules_->standing_for(store_, name);
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
