// SPDX-License-Identifier: Apache-2.0

#include "runtime/scan.h"

namespace grid::runtime {

using crdt::Op;

Scan::Scan(const Scope& scope) : scope_(scope) { keep(scope.before_first()); }

Scan::Scan(const Scope& scope, const crdt::CellName& after) : scope_(scope), started_(true) { keep(after); }

Result<Op> Scan::next(storage::Store& store, std::uint64_t known_ms) {
  if (scope_.rows != nullptr) return take_kept(store, known_ms);
  Result<Op> op = take(store);
  if (!op.ok()) return op;
  if (scope_.is_past(op->cell.name)) return Status::not_found;
  keep(op->cell.name);
  return op;
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

// before_first() may itself be the name of the first cell.
Result<Op> Scan::take(storage::Store& store) {
  if (!started_) {
    started_ = true;
    if (!place().key.empty()) {
      Result<Op> first = store.find(place());
      if (first.status() != Status::not_found) return first;
    }
  }
  return store.next_cell(place());
}

crdt::CellName Scan::place() const {
  const char* const key = name_ + map_bytes_;
  return {{name_, map_bytes_}, {key, key_bytes_}, {key + key_bytes_, sub_bytes_}};
}

void Scan::keep(const crdt::CellName& name) {
  map_bytes_ = name.map.size();
  key_bytes_ = name.key.size();
  sub_bytes_ = name.sub.size();
  const MutBytes room(reinterpret_cast<std::uint8_t*>(name_), sizeof(name_));
  copy(as_bytes(name.sub), copy(as_bytes(name.key), copy(as_bytes(name.map), room)));
}

}  // namespace grid::runtime
