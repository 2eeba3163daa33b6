// SPDX-License-Identifier: Apache-2.0
//
// OpLog: what it does about deletions that the server has collected (PROTOCOL P17).

#include "runtime/oplog.h"

namespace grid::runtime {

using crdt::Op;

// As a removal, so that watches are told. It has the stamp of what it removes: no write that the server knows of loses
// to it.
Status OpLog::let_go(const Op& own, const Op& theirs) {
  Op op{.cell = theirs.cell, .quality = theirs.quality};
  if (theirs.cell.stamp.is_none()) op.cell.stamp = own.cell.stamp;
  return theirs.cell.stamp.is_none() && own.cell.is_tombstone() ? Status::ok : append(op);
}

Status OpLog::erase(crdt::Seq seq) {
  const Result<Op> kept = copied(seq);  // The name must outlive the append.
  if (!kept.ok()) return kept.status() == Status::not_found ? Status::ok : kept.status();
  return append({.cell = {kept->cell.name, {}, 0, {}}});
}

}  // namespace grid::runtime
