// SPDX-License-Identifier: Apache-2.0

#include "storage/lmdb/lmdb_snapshot.h"

#include <lmdb.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <thread>

#include "storage/lmdb/environment.h"
#include "storage/lmdb/record.h"

namespace grid::storage {

namespace {

using lmdb::bytes_of;
using lmdb::val_of;

struct CloseEnvironment {
  void operator()(MDB_env* env) const { mdb_env_close(env); }
};
using Opened = std::unique_ptr<MDB_env, CloseEnvironment>;

Status fail(const std::string& path, int error, std::string& problem) {
  if (error == ENOENT) {
    problem = "there is no store in " + path;
    return Status::not_found;
  }
  if (error == MDB_INVALID || error == MDB_VERSION_MISMATCH) {
    problem = path + " is not a Grid store: its data.mdb is no LMDB file that can be read here";
    return Status::invalid;
  }
  problem = path + ": can't be copied: " + mdb_strerror(error);
  return lmdb::status_of(error);
}

// A store that nobody has ever opened where it lies has no lock.mdb, and is not given one: it could be another user's.
int open_to_read(const std::string& path, Opened& opened) {
  constexpr MDB_dbi kDatabasesMax = 8;
  std::error_code ignored;
  const bool has_lock = std::filesystem::exists(path + "/lock.mdb", ignored);
  MDB_env* env = nullptr;
  int error = mdb_env_create(&env);
  if (error != 0) return error;
  opened.reset(env);
  error = mdb_env_set_maxdbs(env, kDatabasesMax);
  if (error == 0) error = mdb_env_open(env, path.c_str(), MDB_RDONLY | MDB_NOTLS | (has_lock ? 0U : MDB_NOLOCK), 0600);
  return error;
}

int begin(MDB_env* env, MDB_txn*& txn) {
  int error = mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn);
  if (error != MDB_MAP_RESIZED) return error;
  error = mdb_env_set_mapsize(env, 0);  // The owner has made it larger.
  return error == 0 ? mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn) : error;
}

int read_about(MDB_txn* txn, LmdbAbout& about, Status& marks_status) {
  MDB_dbi main = 0, log = 0;
  int error = mdb_dbi_open(txn, nullptr, 0, &main);
  if (error == 0) error = mdb_dbi_open(txn, "log", 0, &log);
  MDB_stat stat{};
  if (error == 0) error = mdb_stat(txn, log, &stat);
  MDB_val key = val_of(std::string_view("grid")), value{};
  if (error == 0) error = mdb_get(txn, main, &key, &value);
  if (error != 0) return error;
  lmdb::Marks marks;
  std::uint32_t format = 0;
  marks_status = lmdb::Marks::read(bytes_of(value), marks, format);
  about = {marks.head, stat.ms_entries};
  return 0;
}

// Reads to the end whatever `take` says: who writes into a pipe that nobody reads is killed.
Status pass_on(int from, TakeBytes take, void* context) {
  const auto room = std::make_unique<std::uint8_t[]>(kSnapshotPieceBytes);
  Status status = Status::ok;
  for (std::size_t filled = 0;;) {
    const ssize_t got = ::read(from, room.get() + filled, kSnapshotPieceBytes - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Status::io;
    filled += static_cast<std::size_t>(got);
    if (filled < kSnapshotPieceBytes && got > 0) continue;
    if (filled > 0 && status == Status::ok) status = take(context, {room.get(), filled});
    if (got == 0) return status;
    filled = 0;
  }
}

}  // namespace

Result<LmdbAbout> look_at_lmdb_store(const std::string& path, std::string& problem) {
  Opened env;
  MDB_txn* txn = nullptr;
  int error = open_to_read(path, env);
  if (error == 0) error = begin(env.get(), txn);
  if (error != 0) return fail(path, error, problem);
  LmdbAbout about;
  Status status = Status::ok;
  error = read_about(txn, about, status);
  mdb_txn_abort(txn);
  if (error == MDB_NOTFOUND) error = MDB_INVALID;
  if (error != 0) return fail(path, error, problem);
  if (status == Status::ok) return about;
  problem = path + (status == Status::newer ? " is of a newer release" : " is corrupt: what it says of itself");
  return status;
}

Status copy_lmdb_store(const std::string& path, TakeBytes take, void* context, std::string& problem) {
  Opened env;
  MDB_txn* txn = nullptr;
  int error = open_to_read(path, env);
  if (error == 0) error = begin(env.get(), txn);  // So that the map is as large as it has to be.
  if (error != 0) return fail(path, error, problem);
  mdb_txn_abort(txn);
  int ends[2];
  if (::pipe(ends) != 0) return fail(path, errno, problem);
  int copied = 0;
  std::thread writer([&] {
    copied = mdb_env_copyfd2(env.get(), ends[1], MDB_CP_COMPACT);
    ::close(ends[1]);
  });
  const Status status = pass_on(ends[0], take, context);
  writer.join();
  ::close(ends[0]);
  if (status != Status::ok) {
    problem = path + ": the copy could not be written";
    return status;
  }
  return copied == 0 ? Status::ok : fail(path, copied, problem);
}

}  // namespace grid::storage
