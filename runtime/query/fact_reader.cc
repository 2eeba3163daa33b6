// SPDX-License-Identifier: Apache-2.0

#include "runtime/query/fact_reader.h"

#include "crdt/facts.h"

namespace grid::runtime {

using crdt::Op;

Result<FactCell> fact_cell(storage::Store& store, const crdt::CellName& name) {
  FactCell cell{std::string(name.key), std::string(name.sub), {}, false};
  const bool is_marker = crdt::is_marker(name.sub);
  // A power cut, or a full batch, may have left something under a marker: it is about to go.
  const Result<Op> marker = is_marker ? Result<Op>(Status::not_found) : store.find(crdt::marker_of(name));
  if (marker.status() != Status::not_found) return marker.ok() ? Result<FactCell>(cell) : marker.status();
  const Result<Op> op = store.find(name);
  if (op.status() == Status::not_found) return cell;
  if (!op.ok()) return op.status();
  cell.stands = is_marker || !op->cell.is_tombstone();
  cell.value.assign(op->cell.value.begin(), op->cell.value.end());
  return cell;
}

Status FactReader::catch_up(FactIndex& index, FactListener* listener) {
  if (!index.is_loaded()) GRID_TRY(load(index));
  GRID_TRY(read_log());
  std::vector<FactCell> cells;
  for (const auto& [key, sub] : touched_) {
    Result<FactCell> cell = fact_cell(store_, {map_, key, sub});
    if (!cell.ok()) return cell.status();
    cells.push_back(std::move(*cell));
  }
  touched_.clear();
  return index.change(cells, listener);
}

void FactReader::erased(const crdt::CellName& name) {
  if (name.map == map_ && crdt::view_of(name.sub) == crdt::View::facts) touched_.emplace(name.key, name.sub);
}

Status FactReader::load(FactIndex& index) {
  index.begin_load();
  touched_.clear();
  position_ = store_.head();
  std::string key, sub, deleted;  // A marker stands before what a power cut may have left of its entity.
  for (;;) {
    const Result<Op> op = store_.next_cell({map_, key, sub});
    if (!op.ok() && op.status() != Status::not_found) return op.status();
    if (!op.ok() || op->cell.name.map != map_) return index.finish_load();
    key = op->cell.name.key;
    sub = op->cell.name.sub;
    if (crdt::is_marker(sub)) deleted = key;
    if (!op->cell.is_tombstone() && key != deleted) GRID_TRY(index.load(key, sub, op->cell.value));
  }
}

Status FactReader::read_log() {
  for (;;) {
    const Result<Op> op = store_.next_op(position_);
    if (!op.ok()) return op.status() == Status::not_found ? Status::ok : op.status();
    position_ = op->seq;
    erased(op->cell.name);
  }
}

}  // namespace grid::runtime
