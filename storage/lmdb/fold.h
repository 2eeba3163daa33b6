// SPDX-License-Identifier: Apache-2.0
//
// Fold: the way of a frozen table into the index, a few names a transaction.
//
// Place     Beside medium.h, whose write transactions it takes part in.
// Promises  Each step leaves a log and an index that replay to what they were: a name moves in the transaction that
//           deletes the record it superseded; records that only the table knew go when all names have moved.
//           Small steps, because a transaction that frees many pages makes LMDB copy the list of them at every
//           commit until they are used up: one step for a whole table costs single commits half their speed.
// Ownership Borrows the table.
// Threads   The flushing one.
#pragma once

#include <lmdb.h>

#include <vector>

#include "storage/lmdb/batch.h"

namespace grid::storage::lmdb {

class Fold {
 public:
  // `table` holds all that the index lacks of the records after `folded` and up to `through`.
  Fold(const NameTable& table, Seq folded, Seq through);

  // Moves up to `entries` more. The caller commits and says keep(), or aborts and says undo().
  int step(MDB_txn* txn, MDB_dbi index, MDB_dbi log, std::size_t entries);
  void keep() { kept_ = next_; }
  void undo() { next_ = kept_; }

  bool is_done() const { return left() == 0; }
  std::size_t left() const { return names_.size() + dead_.size() - next_.name - next_.dead; }
  Seq through() const { return through_; }

 private:
  struct Position {
    std::size_t name = 0;
    std::size_t dead = 0;
  };

  int move_names(MDB_cursor* index, std::size_t count, std::vector<Seq>& superseded);
  int move_name(MDB_cursor* index, std::string_view name, Seq seq, Seq& before);

  const NameTable& table_;
  std::vector<NameTable::Name> names_;  // In order, so that steps meet each page once.
  std::vector<Seq> dead_;               // Of those after `folded`.
  Seq through_;
  Position next_;
  Position kept_;
};

}  // namespace grid::storage::lmdb
