// SPDX-License-Identifier: Apache-2.0
//
// Medium: what has been flushed, as one snapshot that reads go to, and the transactions that move it on.
//
// Place     Between environment.h and lmdb_store.h. Knows batches and folds, not which of them is open.
// Promises  A write() happens whole or not at all.
// Ownership Views stand until renew() or grow().
// Threads   Reads, renew() and grow() on the store's thread; write() on the flushing one. grow() only
//           while nothing is being written.
#pragma once

#include <span>

#include "storage/lmdb/batch.h"
#include "storage/lmdb/environment.h"
#include "storage/lmdb/fold.h"

namespace grid::storage::lmdb {

class Medium {
 public:
  Medium() = default;
  Medium(const Medium&) = delete;
  Medium& operator=(const Medium&) = delete;
  ~Medium() { close_snapshot(); }

  Status open(const std::string& path, std::size_t map_bytes, bool sync, std::string& problem);
  const Marks& marks() const { return marks_; }

  // Reads of the snapshot. They return MDB_NOTFOUND, or another of LMDB's errors.
  int record(Seq seq, Bytes& out);
  int next_record(Seq after, Seq& seq, Bytes& out);
  int standing(std::string_view name, Seq& seq);
  // The first name after `name`, into `name`.
  int next_name(std::string_view& name, Seq& seq);
  int fact(std::string_view name, Bytes& out);
  // The first fact at `name` or after it, into `name`.
  int fact_from(std::string_view& name, Bytes& out);
  int next_kept(Seq after, Seq& seq);

  // Lets reads see all that has been committed.
  int renew();

  // Appends the batches, at least one, in order, and moves `fold`, if there is one, on by `entries`.
  int write(std::span<const Batch* const> batches, Fold* fold, std::size_t entries);

  // Whether the map has room for what `bytes` of batches and a fold of `entries` may take.
  bool has_room(std::size_t bytes, std::size_t entries) const;
  int grow(std::size_t bytes, std::size_t entries);

 private:
  int open_snapshot();
  void close_snapshot();
  int write_records(MDB_txn* txn, std::span<const Batch* const> batches);
  int write_rest(MDB_txn* txn, const Batch& batch);
  int commit(MDB_txn* txn, int error, const Marks& marks);

  Environment environment_;
  Marks marks_;  // Of the newest commit. The flushing thread's.
  MDB_txn* snapshot_ = nullptr;
  MDB_cursor* log_ = nullptr;
  MDB_cursor* index_ = nullptr;
};

}  // namespace grid::storage::lmdb
