// SPDX-License-Identifier: Apache-2.0
//
// Environment: a store's directory, held by one process, and the LMDB environment in it.
//
// Place     Below lmdb_store.h. Knows files and databases, not ops.
// Promises  What is not a store, or one of a newer release, is left as it is. A failed open leaves nothing open.
//           data.mdb is there as a whole or not at all: it is made in a directory of its own, and then moved.
// Threads   As LMDB: a read transaction may move between threads, a write transaction belongs to one.
//
// The directory: data.mdb and lock.mdb are LMDB's; grid.lock is held with flock() by the process that has the store
// open, and says its id. grid.sock, if there, is the owner's. grid.new is there while a store is being
// made, up to the moment at which its names are durable.
#pragma once

#include <lmdb.h>

#include <string>

#include "storage/lmdb/record.h"

namespace grid::storage::lmdb {

// What LMDB's or the system's `error` is in our words: full, denied, corrupt, newer or io.
Status status_of(int error);

class Environment {
 public:
  Environment() = default;
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment();

  // Statuses as LmdbStore::open().
  Status open(const std::string& path, std::size_t map_bytes, bool sync, Marks& marks, std::string& problem);

  MDB_env* get() const { return env_; }
  MDB_dbi main() const { return main_; }    // "grid": the marks.
  MDB_dbi log() const { return log_; }      // SeqKey -> record.
  MDB_dbi index() const { return index_; }  // NameKey -> SeqKey.
  MDB_dbi kept() const { return kept_; }    // SeqKey of records that are superseded, but in flight -> nothing.
  MDB_dbi facts() const { return facts_; }

  std::size_t map_bytes() const;
  std::size_t used_bytes() const;  // Of the map, counted from its front.
  // Only while no transaction is open.
  int set_map_bytes(std::size_t bytes) { return mdb_env_set_mapsize(env_, bytes); }

  // A process that died while it copied the store (lmdb_snapshot.h) holds on to what was free since.
  void forget_dead_readers();

  // LMDB says EIO when a write was cut short; that is ENOSPC when the disk is full now. Others stay as they are.
  int cause_of(int error) const;

  static int put_marks(MDB_txn* txn, MDB_dbi main, const Marks& marks);

 private:
  Status make_directory(std::string& problem);
  Status check_directory(std::string& problem) const;
  Status lock(std::string& problem);
  Status make_data(std::size_t map_bytes, bool sync, std::string& problem);
  Status move_data(const std::string& from, std::string& problem) const;
  Status open_environment(std::size_t map_bytes, bool sync, std::string& problem);
  Status check_length(std::string& problem) const;
  int count_missing(std::size_t first, std::size_t& missing) const;
  std::size_t page_bytes() const;
  Status open_databases(Marks& marks, std::string& problem);
  Status read_marks(MDB_txn* txn, Marks& marks, std::string& problem) const;
  Status create(MDB_txn* txn, std::string& problem);
  int open_handles(MDB_txn* txn, unsigned flags);
  Status sync_directories(std::string& problem) const;
  Status fail(int error, const char* what, std::string& problem) const;

  std::string path_;
  int lock_ = -1;
  MDB_env* env_ = nullptr;
  MDB_dbi main_ = 0;
  MDB_dbi log_ = 0;
  MDB_dbi index_ = 0;
  MDB_dbi kept_ = 0;
  MDB_dbi facts_ = 0;
};

inline MDB_val val_of(Bytes bytes) { return {bytes.size(), const_cast<std::uint8_t*>(bytes.data())}; }
inline MDB_val val_of(std::string_view text) { return val_of(as_bytes(text)); }
inline MDB_val val_of(const SeqKey& key) { return val_of(Bytes(key.bytes)); }
inline Bytes bytes_of(const MDB_val& val) { return {static_cast<const std::uint8_t*>(val.mv_data), val.mv_size}; }

}  // namespace grid::storage::lmdb
