// SPDX-License-Identifier: Apache-2.0
//
// What of deleted entities (TRI-1) every device links; the rest is in fact_rules.cc.

#include "crdt/facts.h"
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

CellName OpLog::name_over(const CellName& name) {
  return rules_ == nullptr || rules_->name_over == nullptr ? name : rules_->name_over(store_, name);
}

}  // namespace grid::runtime
