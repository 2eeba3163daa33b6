// SPDX-License-Identifier: Apache-2.0
//
// The part of Scan that walks the rows of a predicate. A test of rows brings it along: a device without one links none.

#include "runtime/scan.h"

namespace grid::runtime {

using crdt::Op;

Result<Op> RowTest::next_row(Scan& scan, storage::Store& store, std::uint64_t known_ms) {
  return scan.take_kept(store, known_ms);
}

// What the row's own cell says, which comes before all others of its key, goes for all of them.
Result<Op> Scan::take_kept(storage::Store& store, std::uint64_t known_ms) {
  for (;;) {
    Result<Op> op = take(store);
    if (!op.ok()) return op;
    if (scope_.is_past(op->cell.name)) return Status::not_found;
    const bool is_same_row = op->cell.name.key == place().key && op->cell.name.map == place().map;
    if (!is_same_row) row_ = Row::unknown;
    keep(op->cell.name);
    if (op->cell.name.sub.empty()) {
      row_ = has_row(op->cell, known_ms) ? Row::in : Row::out;
    } else if (row_ == Row::unknown) {
      // A row without a value; or the scan began in the middle of one.
      const Result<Op> row = store.find({place().map, place().key, {}});
      if (!row.ok() && row.status() != Status::not_found) return row.status();
      row_ = row.ok() && has_row(row->cell, known_ms) ? Row::in : Row::out;
      op = store.find(place());
      if (!op.ok()) return op;
    }
    if (row_ == Row::in) return op;
  }
}

bool Scan::has_row(const crdt::Cell& row, std::uint64_t known_ms) const {
  return row.is_live(known_ms) && scope_.rows->accepts(row);
}

}  // namespace grid::runtime
