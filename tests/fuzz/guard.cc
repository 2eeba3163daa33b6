// SPDX-License-Identifier: Apache-2.0

#include "tests/fuzz/guard.h"

#include "crdt/base/check.h"
#include "server/peers.h"
#include "transport/wire.h"

namespace grid::test {

using server::Grant;
using server::GrantRules;
using server::Right;
using wire::Kind;

namespace {

// Of maps m, n and o: of the first some rows and all writes, of the second some rows, of the third nothing.
GrantRules rules() {
  const std::vector<Right> write{Right::put, Right::remove}, all{Right::read, Right::put, Right::remove};
  GrantRules rules;
  GrantRules::Fault fault;
  for (const Grant& grant :
       {Grant{.map = "m", .rights = {Right::read}, .where = "$value > 5"}, Grant{.map = "m", .rights = write},
        Grant{.map = "n", .rights = all, .where = "$key in ('a', 'c/1') or $value = 'ttt'"}}) {
    GRID_CHECK(rules.add("ann", grant, fault) == Status::ok);
  }
  GRID_CHECK(rules.add("root", {.map = "*", .rights = all}, fault) == Status::ok);
  rules.assign("ann", "ann");
  rules.assign("root", "root");
  return rules;
}

}  // namespace

Guard::Guard() : grants_(rules(), "farm"), ann_(grants_.acquire("ann", {})) {}

void Guard::check(Bytes frame, storage::Store& store) const {
  const Kind kind = *wire::kind_of(frame);
  if (kind != Kind::delta && kind != Kind::reject && kind != Kind::inspect_reply) return;
  wire::OpsReader reader;
  GRID_CHECK(reader.open(frame) == Status::ok);
  for (crdt::Op op; reader.next(op);) {
    GRID_CHECK(kind != Kind::inspect_reply);
    if (!op.evicted && !op.cell.is_tombstone()) GRID_CHECK(may_see(op.cell, store));
  }
}

// What one of ann's nodes wrote she knows.
bool Guard::may_see(const crdt::Cell& cell, storage::Store& store) const {
  const server::RowSet rows = ann_->rows(Right::read, cell.name.map);
  if (cell.name.sub.empty() && rows.has(cell)) return true;
  const auto peer = server::load_peer(store, cell.stamp.node);
  if (peer.ok() && peer->principal == "ann") return true;
  const Result<crdt::Op> row = store.find({cell.name.map, cell.name.key, {}});
  return row.ok() && !cell.name.sub.empty() && rows.has(row->cell);
}

}  // namespace grid::test
