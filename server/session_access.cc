// SPDX-License-Identifier: Apache-2.0
//
// The part of Session that asks what its principal may do (SEC-1): with rows that it writes, with those that it gives
// back, and with those that it wants to see. Whatever no right says is denied.

#include "crdt/hash.h"
#include "runtime/query/join.h"
#include "server/session.h"

namespace grid::server {

using crdt::Op;

namespace {

Right right_of(const Op& op) { return op.cell.is_tombstone() ? Right::remove : Right::put; }

}  // namespace

// As one (PROTOCOL P9): the first that may not be taken speaks for all.
Status Session::ask_access(wire::OpsReader behind, const Op& first, Verdict& unit) const {
  if (permit_.is_open()) return Status::ok;
  std::vector<Op> ops{first};
  for (Op op; ops.size() < unit.left && behind.next(op);) ops.push_back(op);
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const Result<Leave> leave = leave_for(ops[i], ops);
    if (!leave.ok()) return leave.status();
    if (*leave == Leave::moot) unit.judged[i].late = Lateness::moot;
    if (*leave != Leave::denied) continue;
    unit.status = Status::denied;
    unit.renew_above = {};
    // To others, who may hold what was taken of it before, the refusal comes as a newer write (PROTOCOL P7): of nodes
    // that had something taken here, as its digest shows; a time they can make up.
    unit.is_ruled = peer_.taken_digest != 0;
    const char* const right = name_of(right_of(ops[i]));
    unit.sentence = "no grant to " + std::string(right) + " this in map " + std::string(ops[i].cell.name.map);
    return Status::ok;
  }
  return Status::ok;
}

// With the rows of the map, on what stands and on what would (PROTOCOL P21). What is here already has passed before:
// refused now, its node could not know it any more, and would seem to be an image of itself (PROTOCOL P1); but it is
// not written again.
Result<Session::Leave> Session::leave_for(const Op& op, std::span<const Op> unit) const {
  const RowSet rows = permit_.rows(right_of(op), op.cell.name.map);
  if (rows.is_all()) return Leave::given;
  const Result<bool> is_here = this->is_here(op);
  if (!is_here.ok()) return is_here.status();
  if (*is_here) return Leave::moot;
  if (rows.is_none()) return Leave::denied;
  return op.cell.name.sub.empty() ? leave_among(rows, op) : leave_beside(rows, op, unit);
}

Result<bool> Session::is_here(const Op& op) const {
  if (op.cell.stamp.time == peer_.taken_time && crdt::digest_of(op.cell) == peer_.taken_digest) return true;
  const Result<Op> standing = shared_.journal.store().find(op.cell.name);
  if (standing.status() == Status::not_found) return false;
  if (!standing.ok()) return standing.status();
  return standing->cell.stamp == op.cell.stamp && standing->cell.expires_ms == op.cell.expires_ms &&
         equal(standing->cell.value, op.cell.value);
}

// What is not here is nobody's to remove: the tombstone could take a row that is yet to come.
Result<Session::Leave> Session::leave_among(const RowSet& rows, const Op& op) const {
  const bool is_removal = op.cell.is_tombstone();
  if (!is_removal && !rows.has(op.cell)) return Leave::denied;
  const Result<Op> standing = shared_.journal.store().find(op.cell.name);
  if (!standing.ok() && standing.status() != Status::not_found) return standing.status();
  const bool is_live = standing.ok() && standing->cell.is_live(shared_.journal.wall_ms());
  if (!is_live) return is_removal ? Leave::denied : Leave::given;
  return rows.has(standing->cell) ? Leave::given : Leave::denied;
}

// What lies beside a row goes by the row, as it stands, or as this unit puts it where none does.
Result<Session::Leave> Session::leave_beside(const RowSet& rows, const Op& op, std::span<const Op> unit) const {
  const crdt::CellName name{op.cell.name.map, op.cell.name.key, {}};
  const Result<Op> standing = shared_.journal.store().find(name);
  if (!standing.ok() && standing.status() != Status::not_found) return standing.status();
  if (standing.ok() && standing->cell.is_live(shared_.journal.wall_ms())) {
    return rows.has(standing->cell) ? Leave::given : Leave::denied;
  }
  const bool is_put =
      std::any_of(unit.begin(), unit.end(), [&](const Op& one) { return one.cell.name == name && rows.has(one.cell); });
  return is_put ? Leave::given : Leave::denied;
}

// A heal is a write of who gives back, whoever wrote it first (PROTOCOL P19).
Result<bool> Session::may_give_back(const Op& op) const {
  if (permit_.is_open()) return true;
  const Result<Leave> leave = leave_for(op, {});
  return leave.ok() ? Result<bool>(*leave == Leave::given) : leave.status();
}

// What this node wrote itself it knows.
Result<bool> Session::may_be_shown(const crdt::CellName& name) const {
  const RowSet rows = permit_.rows(Right::read, name.map);
  if (rows.is_all()) return true;
  const Result<Op> standing = shared_.journal.store().find(name);
  if (standing.ok() && standing->cell.stamp.node == node_) return true;
  if (rows.is_none()) return false;
  const Result<Op> row = shared_.journal.store().find({name.map, name.key, {}});
  if (row.status() == Status::not_found) return false;
  return row.ok() ? Result<bool>(rows.has(row->cell)) : row.status();
}

// The test of a scope of rows, and what of it the device may see. Who may see nothing, and holds something of before,
// is let in to be told to let go of it.
Status Session::grant(const grid_Subscribe& message, const runtime::Scope& scope, Subscription::Test& test,
                      Subscription::Test& granted) const {
  const RowSet rows = permit_.readable(scope);
  const bool is_by_rows = scope.kind == runtime::ScopeKind::where;
  if (rows.is_none() && !(is_by_rows && message.holds)) return Status::denied;
  if (!is_by_rows) return Status::ok;
  query::Trouble trouble;
  test = runtime::CompiledRowTest::compile(scope.text, trouble);
  if (test == nullptr) return Status::invalid;
  if (rows.is_all()) return Status::ok;
  granted = rows.is_none() ? runtime::CompiledRowTest::compile("not $key exists", trouble)
                           : runtime::CompiledRowTest::of(rows.predicate().program());
  const auto both = runtime::join(test->predicate().program(), runtime::Joint::both, granted->predicate().program());
  if (!both.ok()) return both.status();
  test = runtime::CompiledRowTest::of(*both);
  return Status::ok;
}

}  // namespace grid::server
