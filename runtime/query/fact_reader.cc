// SPDX-License-Identifier: Apache-2.0

#include "runtime/query/fact_reader.h"

#include "crdt/facts.h"

namespace grid::runtime {

using crdt::Op;

Result<FactCell> fact_cell(storage::Store& store, const crdt::CellName& name, std::uint64_t known_ms,
                           FactExpiries& expiries) {
  FactCell cell{std::string(name.key), std::string(name.sub), {}, false};
  const bool is_marker = crdt::is_marker(name.sub);
  if (is_marker) expiries.forget(name.key);
  // A power cut, or a full batch, may have left something under a marker: it is about to go.
  const Result<Op> marker = is_marker ? Result<Op>(Status::not_found) : store.find(crdt::marker_of(name));
  if (marker.status() != Status::not_found) return marker.ok() ? Result<FactCell>(cell) : marker.status();
  const Result<Op> op = store.find(name);
  if (!op.ok() && op.status() != Status::not_found) return op.status();
  expiries.note(name.key, name.sub, op.ok() && !op->cell.is_tombstone() ? op->cell.expires_ms : 0);
  cell.stands = op.ok() && (is_marker || op->cell.is_live(known_ms));
  if (cell.stands) cell.value.assign(op->cell.value.begin(), op->cell.value.end());
  return cell;
}

Status FactReader::catch_up(FactIndex& index, std::uint64_t known_ms, FactListener* listener) {
  expiries_.pass_to(known_ms, touched_);
  if (!index.is_loaded()) GRID_TRY(load(index, known_ms));
  GRID_TRY(read_log());
  std::vector<FactCell> cells;
  for (const auto& [key, sub] : touched_) {
    Result<FactCell> cell = fact_cell(store_, {map_, key, sub}, known_ms, expiries_);
    if (!cell.ok()) return cell.status();
    cells.push_back(std::move(*cell));
  }
  touched_.clear();
  if (index.bytes() + expiries_.bytes() <= bytes_max_) return index.change(cells, listener);
  index.let_go();
  return Status::full;
}

void FactReader::erased(const crdt::CellName& name) {
  if (name.map == map_ && crdt::view_of(name.sub) == crdt::View::facts) touched_.emplace(name.key, name.sub);
}

Status FactReader::load(FactIndex& index, std::uint64_t known_ms) {
  index.begin_load();
  touched_.clear();
  expiries_.clear();
  position_ = store_.head();
  std::string key, sub, deleted;  // A marker stands before what a power cut may have left of its entity.
  for (;;) {
    const Result<Op> op = store_.next_cell({map_, key, sub});
    if (!op.ok() && op.status() != Status::not_found) return op.status();
    if (!op.ok() || op->cell.name.map != map_) return index.finish_load();
    key = op->cell.name.key;
    sub = op->cell.name.sub;
    if (crdt::is_marker(sub)) deleted = key;
    if (op->cell.is_tombstone() || key == deleted) continue;
    if (crdt::view_of(sub) == crdt::View::facts) expiries_.note(key, sub, op->cell.expires_ms);
    if (op->cell.is_live(known_ms)) GRID_TRY(index.load(key, sub, op->cell.value));
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
