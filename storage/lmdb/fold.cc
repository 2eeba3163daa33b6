// SPDX-License-Identifier: Apache-2.0

#include "storage/lmdb/fold.h"

#include <algorithm>

#include "storage/lmdb/environment.h"

namespace grid::storage::lmdb {

namespace {

int remove(MDB_cursor* cursor, MDB_val key) {
  MDB_val value{};
  const int error = mdb_cursor_get(cursor, &key, &value, MDB_SET);
  if (error == MDB_NOTFOUND) return 0;
  return error == 0 ? mdb_cursor_del(cursor, 0) : error;
}

}  // namespace

Fold::Fold(const NameTable& table, Seq folded, Seq through)
    : table_(table), names_(table.names().begin(), table.names().end()), through_(through) {
  std::sort(names_.begin(), names_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  for (const Seq seq : table.dead()) {
    if (seq > folded) dead_.push_back(seq);
  }
  std::sort(dead_.begin(), dead_.end());
}

// The cursors end with the transaction.
int Fold::step(MDB_txn* txn, MDB_dbi index, MDB_dbi log, std::size_t entries) {
  MDB_cursor *index_cursor = nullptr, *log_cursor = nullptr;
  int error = mdb_cursor_open(txn, index, &index_cursor);
  if (error == 0) error = mdb_cursor_open(txn, log, &log_cursor);
  const std::size_t names = std::min(entries, names_.size() - next_.name);
  const std::size_t dead = std::min(entries - names, dead_.size() - next_.dead);
  std::vector<Seq> gone;
  if (error == 0) error = move_names(index_cursor, names, gone);
  std::sort(gone.begin(), gone.end());
  gone.insert(gone.end(), dead_.begin() + static_cast<std::ptrdiff_t>(next_.dead),
              dead_.begin() + static_cast<std::ptrdiff_t>(next_.dead + dead));
  for (const Seq seq : gone) {
    if (error == 0) error = remove(log_cursor, val_of(SeqKey(seq)));
  }
  next_.name += names;
  next_.dead += dead;
  return error;
}

int Fold::move_names(MDB_cursor* index, std::size_t count, std::vector<Seq>& superseded) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto& [name, seq] = names_[next_.name + i];
    Seq before = 0;
    const int error = move_name(index, name, seq, before);
    if (error != 0) return error;
    if (before != 0 && table_.is_dead(before)) superseded.push_back(before);
  }
  return 0;
}

int Fold::move_name(MDB_cursor* index, std::string_view name, Seq seq, Seq& before) {
  MDB_val key = val_of(name), value{};
  const int error = mdb_cursor_get(index, &key, &value, MDB_SET_KEY);
  if (error != 0 && error != MDB_NOTFOUND) return error;
  const bool stands = error == 0;
  if (stands && value.mv_size != sizeof(SeqKey)) return MDB_CORRUPTED;
  if (stands) before = SeqKey::read(value.mv_data);
  if (seq == 0) return stands ? mdb_cursor_del(index, 0) : 0;
  const SeqKey place(seq);
  key = val_of(name);
  value = val_of(place);
  return mdb_cursor_put(index, &key, &value, stands ? MDB_CURRENT : 0);
}

}  // namespace grid::storage::lmdb
