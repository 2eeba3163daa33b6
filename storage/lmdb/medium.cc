// SPDX-License-Identifier: Apache-2.0

#include "storage/lmdb/medium.h"

#include <algorithm>

namespace grid::storage::lmdb {

namespace {

int del(MDB_txn* txn, MDB_dbi database, MDB_val key) {
  const int error = mdb_del(txn, database, &key, nullptr);
  return error == MDB_NOTFOUND ? 0 : error;
}

int put(MDB_txn* txn, MDB_dbi database, MDB_val key, MDB_val value, unsigned flags = 0) {
  return mdb_put(txn, database, &key, &value, flags);
}

std::vector<Seq> superseded_in(std::span<const Batch* const> batches) {
  std::vector<Seq> seqs;
  for (const Batch* batch : batches) seqs.insert(seqs.end(), batch->superseded.begin(), batch->superseded.end());
  std::sort(seqs.begin(), seqs.end());
  return seqs;
}

}  // namespace

Status Medium::open(const std::string& path, std::size_t map_bytes, bool sync, std::string& problem) {
  GRID_TRY(environment_.open(path, map_bytes, sync, marks_, problem));
  const int error = open_snapshot();
  if (error == 0) return Status::ok;
  problem = path + ": can't read: " + mdb_strerror(error);
  return status_of(error);
}

int Medium::open_snapshot() {
  int error = mdb_txn_begin(environment_.get(), nullptr, MDB_RDONLY, &snapshot_);
  if (error == 0) error = mdb_cursor_open(snapshot_, environment_.log(), &log_);
  if (error == 0) error = mdb_cursor_open(snapshot_, environment_.index(), &index_);
  return error;
}

void Medium::close_snapshot() {
  if (log_ != nullptr) mdb_cursor_close(log_);
  if (index_ != nullptr) mdb_cursor_close(index_);
  if (snapshot_ != nullptr) mdb_txn_abort(snapshot_);
  log_ = index_ = nullptr;
  snapshot_ = nullptr;
}

int Medium::renew() {
  mdb_txn_reset(snapshot_);
  int error = mdb_txn_renew(snapshot_);
  if (error == 0) error = mdb_cursor_renew(snapshot_, log_);
  if (error == 0) error = mdb_cursor_renew(snapshot_, index_);
  return error;
}

int Medium::record(Seq seq, Bytes& out) {
  const SeqKey seq_key(seq);
  MDB_val key = val_of(seq_key), value{};
  const int error = mdb_get(snapshot_, environment_.log(), &key, &value);
  if (error == 0) out = bytes_of(value);
  return error;
}

int Medium::next_record(Seq after, Seq& seq, Bytes& out) {
  const SeqKey from(after + 1);
  MDB_val key = val_of(from), value{};
  const int error = mdb_cursor_get(log_, &key, &value, MDB_SET_RANGE);
  if (error != 0) return error;
  if (key.mv_size != sizeof(from.bytes)) return MDB_CORRUPTED;
  seq = SeqKey::read(key.mv_data);
  out = bytes_of(value);
  return 0;
}

int Medium::standing(std::string_view name, Seq& seq) {
  MDB_val key = val_of(name), value{};
  const int error = mdb_get(snapshot_, environment_.index(), &key, &value);
  if (error != 0) return error;
  if (value.mv_size != sizeof(SeqKey)) return MDB_CORRUPTED;
  seq = SeqKey::read(value.mv_data);
  return 0;
}

int Medium::next_name(std::string_view& name, Seq& seq) {
  MDB_val key = val_of(name), value{};
  int error = mdb_cursor_get(index_, &key, &value, MDB_SET_RANGE);
  if (error == 0 && as_text(bytes_of(key)) == name) error = mdb_cursor_get(index_, &key, &value, MDB_NEXT);
  if (error != 0) return error;
  if (value.mv_size != sizeof(SeqKey)) return MDB_CORRUPTED;
  name = as_text(bytes_of(key));
  seq = SeqKey::read(value.mv_data);
  return 0;
}

int Medium::fact(std::string_view name, Bytes& out) {
  MDB_val key = val_of(name), value{};
  const int error = mdb_get(snapshot_, environment_.facts(), &key, &value);
  if (error == 0) out = bytes_of(value);
  return error;
}

int Medium::fact_from(std::string_view& name, Bytes& out) {
  MDB_cursor* cursor = nullptr;
  int error = mdb_cursor_open(snapshot_, environment_.facts(), &cursor);
  if (error != 0) return error;
  MDB_val key = val_of(name), value{};
  error = mdb_cursor_get(cursor, &key, &value, name.empty() ? MDB_FIRST : MDB_SET_RANGE);
  mdb_cursor_close(cursor);
  if (error != 0) return error;
  name = as_text(bytes_of(key));
  out = bytes_of(value);
  return 0;
}

int Medium::next_kept(Seq after, Seq& seq) {
  MDB_cursor* cursor = nullptr;
  int error = mdb_cursor_open(snapshot_, environment_.kept(), &cursor);
  if (error != 0) return error;
  const SeqKey from(after + 1);
  MDB_val key = val_of(from), value{};
  error = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
  mdb_cursor_close(cursor);
  if (error == 0) seq = SeqKey::read(key.mv_data);
  return error;
}

int Medium::write(std::span<const Batch* const> batches, Fold* fold, std::size_t entries) {
  MDB_txn* txn = nullptr;
  int error = mdb_txn_begin(environment_.get(), nullptr, 0, &txn);
  if (error != 0) return error;
  error = write_records(txn, batches);
  for (const Batch* batch : batches) {
    if (error == 0) error = write_rest(txn, *batch);
  }
  if (error == 0 && fold != nullptr) error = fold->step(txn, environment_.index(), environment_.log(), entries);
  Marks marks = batches.back()->marks;
  marks.folded = fold != nullptr && fold->is_done() ? fold->through() : marks_.folded;
  error = commit(txn, error, marks);
  if (fold != nullptr) error == 0 ? fold->keep() : fold->undo();
  return error;
}

int Medium::write_records(MDB_txn* txn, std::span<const Batch* const> batches) {
  const std::vector<Seq> superseded = superseded_in(batches);
  auto skip = superseded.begin();
  for (const Batch* batch : batches) {
    Seq seq = batch->first;
    for (const Bytes record : batch->records) {
      while (skip != superseded.end() && *skip < seq) ++skip;
      const bool skipped = skip != superseded.end() && *skip == seq;
      const int error = skipped ? 0 : put(txn, environment_.log(), val_of(SeqKey(seq)), val_of(record), MDB_APPEND);
      if (error != 0) return error;
      ++seq;
    }
  }
  return 0;
}

// What can meet records of older batches comes after all records have been appended.
int Medium::write_rest(MDB_txn* txn, const Batch& batch) {
  int error = 0;
  for (const auto& [seq, record] : batch.rewrites) {
    if (error == 0) error = put(txn, environment_.log(), val_of(SeqKey(seq)), val_of(record));
  }
  for (const Seq seq : batch.kept) {
    if (error == 0) error = put(txn, environment_.kept(), val_of(SeqKey(seq)), {});
  }
  for (const Seq seq : batch.released) {
    if (error == 0) error = del(txn, environment_.kept(), val_of(SeqKey(seq)));
    if (error == 0) error = del(txn, environment_.log(), val_of(SeqKey(seq)));
  }
  for (const auto& [name, bytes] : batch.facts) {
    if (error != 0) break;
    error = bytes.empty() ? del(txn, environment_.facts(), val_of(name))
                          : put(txn, environment_.facts(), val_of(name), val_of(std::string_view(bytes)));
  }
  return error;
}

int Medium::commit(MDB_txn* txn, int error, const Marks& marks) {
  if (error == 0) error = Environment::put_marks(txn, environment_.main(), marks);
  if (error != 0) {
    mdb_txn_abort(txn);
    return error;
  }
  error = mdb_txn_commit(txn);
  if (error == 0) marks_ = marks;
  return environment_.cause_of(error);
}

// A record's bytes can take twice their size in pages; an entry that folds can touch a page of the index or of the
// log, but all of them no more pages than there are.
static std::size_t room_for(std::size_t bytes, std::size_t entries, std::size_t used) {
  constexpr std::size_t kPageBytes = 4'096, kSpareBytes = 262'144;
  return 2 * bytes + std::min(2 * entries * kPageBytes, used) + kSpareBytes;
}

bool Medium::has_room(std::size_t bytes, std::size_t entries) const {
  const std::size_t used = environment_.used_bytes();
  return used + room_for(bytes, entries, used) <= environment_.map_bytes();
}

int Medium::grow(std::size_t bytes, std::size_t entries) {
  const std::size_t used = environment_.used_bytes(), before = environment_.map_bytes();
  const std::size_t wanted = std::max(2 * before, used + 2 * room_for(bytes, entries, used));
  constexpr std::size_t kStepBytes = 65'536;
  close_snapshot();
  environment_.forget_dead_readers();  // They may be why there was no room.
  const int grown = environment_.set_map_bytes((wanted + kStepBytes - 1) / kStepBytes * kStepBytes);
  if (grown != 0 && environment_.set_map_bytes(before) != 0) return grown;
  const int error = open_snapshot();
  return grown != 0 ? grown : error;
}

}  // namespace grid::storage::lmdb
