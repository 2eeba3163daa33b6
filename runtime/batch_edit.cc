// SPDX-License-Identifier: Apache-2.0

#include "crdt/partition.h"
#include "runtime/call.h"
#include "runtime/edits.h"
#include "runtime/oplog.h"

namespace grid::runtime {

namespace {

crdt::CellName name_of(const RowWrite& row) { return {row.map, row.key, {}}; }

// The cells of one batch, a unit for each partition that they are in (PROTOCOL P9).
class Batch {
 public:
  Batch(Editor& editor, std::span<const RowWrite> rows) : editor_(editor), rows_(rows) {}

  Status check() const;
  // All of them, or none.
  Status write();

 private:
  std::span<const CellChange> unit_of(std::size_t first);
  std::uint16_t partition_of(std::size_t index) const {
    return crdt::position_of(editor_.app(), rows_[index].map, rows_[index].key).partition;
  }
  bool opens_unit(std::size_t index) const;
  Status check_room() const;

  Editor& editor_;
  std::span<const RowWrite> rows_;
  CellChange cells_[kBatchRowsMax];
};

Status Batch::check() const {
  if (rows_.size() > kBatchRowsMax) {
    editor_.problem().say("a batch has ").number(rows_.size()).text(" rows; the limit is ").number(kBatchRowsMax);
    return Status::too_large;
  }
  for (const RowWrite& row : rows_) {
    GRID_TRY(editor_.check_row(row));
    for (const RowWrite& other : rows_) {
      if (&other == &row || name_of(other) != name_of(row)) continue;
      editor_.problem().say("a batch writes ").text(row.map).text("/").text(row.key).text(" twice");
      return Status::invalid;
    }
  }
  return Status::ok;
}

// Before the first is written: halfway, there would be no way back.
Status Batch::check_room() const {
  std::size_t bytes = 0, units_met = 0;
  for (const RowWrite& row : rows_) {
    bytes += row.map.size() + row.key.size() + row.value.size();
    const Result<crdt::Op> before = editor_.standing(name_of(row));
    if (before.ok() && editor_.is_unshared(*before) && !before->unit.is_alone()) ++units_met;
  }
  return editor_.has_room(rows_.size(), units_met, bytes);
}

bool Batch::opens_unit(std::size_t index) const {
  for (std::size_t i = 0; i < index; ++i) {
    if (partition_of(i) == partition_of(index)) return false;
  }
  return true;
}

std::span<const CellChange> Batch::unit_of(std::size_t first) {
  std::size_t count = 0;
  for (std::size_t i = first; i < rows_.size(); ++i) {
    if (partition_of(i) != partition_of(first)) continue;
    cells_[count++] = {name_of(rows_[i]), rows_[i].value, editor_.expiry_of(rows_[i].ttl_ms)};
  }
  return {cells_, count};
}

Status Batch::write() {
  GRID_TRY(check_room());
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (opens_unit(i)) GRID_TRY(editor_.check_unit(unit_of(i)));
  }
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (opens_unit(i)) GRID_TRY(editor_.put_unit(unit_of(i)));
  }
  return Status::ok;
}

}  // namespace

Status write_batch(Editor& editor, const Call& call) {
  Batch batch(editor, call.rows);
  GRID_TRY(batch.check());
  return batch.write();
}

}  // namespace grid::runtime
