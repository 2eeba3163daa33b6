// SPDX-License-Identifier: Apache-2.0

#include "server/scope_walk.h"

#include "runtime/query/row_tests.h"

namespace grid::server {

using crdt::Op;

ScopeWalk::ScopeWalk(const runtime::Scope& scope, storage::Store& store, const RowFinder* finder,
                     std::uint64_t known_ms)
    : scope_(scope), store_(store), known_ms_(known_ms), scan_(scope) {
  if (finder == nullptr || scope.rows == nullptr) return;
  found_ = finder->find(scope.map, static_cast<const runtime::CompiledRowTest*>(scope.rows)->predicate(), 0);
  // Where an index is still being built, the keys of one map are sooner read than what has arrived of all.
  if (found_ && store.head() - found_->through > kTailMax) found_.reset();
  if (found_) position_ = found_->through;
}

Result<Op> ScopeWalk::next() {
  if (!found_) return scan_.next(store_, known_ms_);
  for (;;) {
    if (is_in_row_) {
      const Result<Op> cell = next_under_row();
      if (cell.status() != Status::not_found) return cell;
      is_in_row_ = false;
    }
    const Result<Op> row = next_row();
    if (!row.ok()) return row;
    const bool is_row = row->cell.name.sub.empty() && row->cell.name.map == scope_.map;
    if (!is_row || !row->cell.is_live(known_ms_) || !scope_.rows->accepts(row->cell)) continue;
    key_ = row->cell.name.key;
    sub_.clear();
    is_in_row_ = true;
    return row;
  }
}

// What an index leads to may be gone.
Result<Op> ScopeWalk::next_row() {
  while (at_ < found_->seqs.size()) {
    const storage::Seq seq = found_->seqs[at_++];
    const Result<Op> op = store_.next_op(seq - 1);
    const bool is_gone = op.status() == Status::not_found || (op.ok() && op->seq != seq);
    if (!is_gone) return op;
  }
  const Result<Op> op = store_.next_op(position_);
  if (op.ok()) position_ = op->seq;
  return op;
}

Result<Op> ScopeWalk::next_under_row() {
  const Result<Op> cell = store_.next_cell({scope_.map, key_, sub_});
  if (!cell.ok()) return cell;
  if (cell->cell.name.map != scope_.map || cell->cell.name.key != key_) return Status::not_found;
  sub_ = cell->cell.name.sub;
  return cell;
}

}  // namespace grid::server
