// SPDX-License-Identifier: Apache-2.0

#include "storage/lmdb/environment.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace grid::storage::lmdb {

namespace {

constexpr mode_t kFileMode = 0600;
constexpr char kMarksKey[] = "grid";
constexpr char kNewDirectory[] = "/grid.new";
constexpr MDB_dbi kDatabasesMax = 8;

// 0 or an errno. One that can't be read was not made here; a file system that can't sync a directory (EINVAL) has no
// need of it.
int sync_directory(const std::filesystem::path& path) {
  const int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return 0;
  const int error = ::fsync(directory) == 0 || errno == EINVAL || errno == EROFS ? 0 : errno;
  ::close(directory);
  return error;
}

}  // namespace

Status status_of(int error) {
  switch (error) {
    case MDB_SUCCESS:
      return Status::ok;
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return Status::full;
    case EACCES:
    case EPERM:
    case EROFS:
      return Status::denied;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
      return Status::corrupt;
    default:
      return Status::io;
  }
}

Environment::~Environment() {
  if (env_ != nullptr) mdb_env_close(env_);
  if (lock_ >= 0) ::close(lock_);
}

Status Environment::open(const std::string& path, std::size_t map_bytes, bool sync, Marks& marks,
                         std::string& problem) {
  path_ = path;
  GRID_TRY(make_directory(problem));
  GRID_TRY(check_directory(problem));
  GRID_TRY(lock(problem));
  GRID_TRY(make_data(map_bytes, sync, problem));
  GRID_TRY(open_environment(map_bytes, sync, problem));
  return open_databases(marks, problem);
}

Status Environment::make_directory(std::string& problem) {
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (error) return fail(error.value(), "can't make the directory", problem);
  return Status::ok;
}

Status Environment::check_directory(std::string& problem) const {
  std::error_code error;
  std::string stranger;
  for (std::filesystem::directory_iterator at(path_, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename();
    if (name == "data.mdb") return Status::ok;
    const bool is_ours = name == "lock.mdb" || name == "grid.lock" || name == "grid.sock" || name == &kNewDirectory[1];
    if (!is_ours) stranger = name;
  }
  if (error) return fail(error.value(), "can't read the directory", problem);
  if (stranger.empty()) return Status::ok;
  problem = path_ + " is not a Grid store: it has no data.mdb, and it is not empty (it has " + stranger + ")";
  return Status::invalid;
}

Status Environment::lock(std::string& problem) {
  const std::string file = path_ + "/grid.lock";
  lock_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode);
  if (lock_ < 0) return fail(errno, "can't open grid.lock", problem);
  char owner[24] = {};
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fail(errno, "can't lock grid.lock", problem);
    const bool is_known = ::pread(lock_, owner, sizeof(owner) - 1, 0) > 0;
    problem = path_ + " is open in another process" + (is_known ? " (" + std::to_string(std::atol(owner)) + ")" : "");
    return Status::busy;
  }
  // A full disk must not keep a store from opening: without the id the lock still holds.
  const int size = std::snprintf(owner, sizeof(owner), "%ld\n", static_cast<long>(::getpid()));
  if (::ftruncate(lock_, 0) != 0 || ::pwrite(lock_, owner, static_cast<std::size_t>(size), 0) < 0) return Status::ok;
  return Status::ok;
}

// LMDB makes its file in several writes, and takes one that lacks some of them for something else.
Status Environment::make_data(std::size_t map_bytes, bool sync, std::string& problem) {
  std::error_code error;
  const std::string made = path_ + kNewDirectory;
  const bool is_made = std::filesystem::exists(path_ + "/data.mdb", error);
  if (is_made && !std::filesystem::exists(made, error)) return Status::ok;
  if (!is_made) {
    std::filesystem::remove_all(made, error);
    if (!error) std::filesystem::create_directory(made, error);
    if (error) return fail(error.value(), "can't make grid.new", problem);
    Environment fresh;
    fresh.path_ = made;
    Marks marks;
    GRID_TRY(fresh.open_environment(map_bytes, sync, problem));
    GRID_TRY(fresh.open_databases(marks, problem));
  }
  return move_data(made, problem);
}

// While grid.new is there, names may be lost in a power cut.
Status Environment::move_data(const std::string& from, std::string& problem) const {
  std::error_code error;
  const std::string data = path_ + "/data.mdb";
  if (!std::filesystem::exists(data, error)) std::filesystem::rename(from + "/data.mdb", data, error);
  if (error) return fail(error.value(), "can't move data.mdb to its place", problem);
  GRID_TRY(sync_directories(problem));
  std::filesystem::remove_all(from, error);
  return Status::ok;
}

Status Environment::open_environment(std::size_t map_bytes, bool sync, std::string& problem) {
  int error = mdb_env_create(&env_);
  if (error == 0) error = mdb_env_set_maxdbs(env_, kDatabasesMax);
  if (error == 0) error = mdb_env_set_mapsize(env_, map_bytes);
  const unsigned flags = MDB_NOTLS | (sync ? 0U : MDB_NOSYNC);
  if (error == 0) error = mdb_env_open(env_, path_.c_str(), flags, kFileMode);
  if (error == MDB_INVALID || error == MDB_VERSION_MISMATCH) {
    problem = path_ + " is not a Grid store: its data.mdb is no LMDB file that can be read here";
    return Status::invalid;
  }
  if (error != 0) return fail(error, "can't open data.mdb", problem);
  forget_dead_readers();
  return check_length(problem);
}

void Environment::forget_dead_readers() {
  int count = 0;
  mdb_reader_check(env_, &count);
}

// Reading past the end of a file kills the process. Free pages may be missing there (a transaction took them and gave
// them back, so they were never written); the file is made longer by them. Any other means that it was cut short.
Status Environment::check_length(std::string& problem) const {
  struct stat file {};
  const std::string data = path_ + "/data.mdb";
  if (::stat(data.c_str(), &file) != 0) return fail(errno, "can't look at data.mdb", problem);
  const auto bytes = static_cast<std::size_t>(file.st_size);
  if (bytes >= used_bytes()) return Status::ok;
  if (::truncate(data.c_str(), static_cast<off_t>(used_bytes())) != 0) return fail(errno, "can't write", problem);
  std::size_t missing = 0;
  const int error = count_missing(bytes / page_bytes(), missing);
  if (error == 0 && missing == 0) return Status::ok;
  problem = data + " is cut short: it has " + std::to_string(bytes) + " bytes of " + std::to_string(used_bytes());
  if (::truncate(data.c_str(), file.st_size) != 0) problem += ", and can't be left as it was";
  return Status::corrupt;
}

// How many of the pages from `first` on are in use. LMDB's database 0 has the free ones: lists of a count and so many
// page numbers.
int Environment::count_missing(std::size_t first, std::size_t& missing) const {
  missing = used_bytes() / page_bytes() - first;
  MDB_txn* txn = nullptr;
  MDB_cursor* cursor = nullptr;
  int error = mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn);
  if (error != 0) return error;
  error = mdb_cursor_open(txn, 0, &cursor);
  MDB_val key{}, value{};
  while (error == 0 && (error = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
    const auto* const numbers = static_cast<const std::size_t*>(value.mv_data);
    for (std::size_t i = 1; i <= numbers[0]; ++i) missing -= numbers[i] >= first ? 1 : 0;
  }
  if (cursor != nullptr) mdb_cursor_close(cursor);
  mdb_txn_abort(txn);
  return error == MDB_NOTFOUND ? 0 : error;
}

Status Environment::open_databases(Marks& marks, std::string& problem) {
  MDB_txn* txn = nullptr;
  int error = mdb_txn_begin(env_, nullptr, 0, &txn);
  if (error != 0) return fail(error, "can't begin", problem);
  error = mdb_dbi_open(txn, nullptr, 0, &main_);
  MDB_stat content{};
  if (error == 0) error = mdb_stat(txn, main_, &content);
  Status status = error == 0 ? Status::ok : fail(error, "can't read data.mdb", problem);
  if (status == Status::ok && content.ms_entries == 0) status = create(txn, problem);

  if (status == Status::ok) status = read_marks(txn, marks, problem);
  if (status == Status::ok) {
    error = open_handles(txn, 0);
    if (error != 0) status = fail(error, "a database is missing", problem);
  }
  if (status != Status::ok) {
    mdb_txn_abort(txn);
    return status;
  }
  error = mdb_txn_commit(txn);
  return error == 0 ? Status::ok : fail(error, "can't commit", problem);
}

Status Environment::read_marks(MDB_txn* txn, Marks& marks, std::string& problem) const {
  MDB_val key = val_of(kMarksKey), value{};
  if (mdb_get(txn, main_, &key, &value) != 0) {
    problem = path_ + " is not a Grid store: its data.mdb holds something else";
    return Status::invalid;
  }
  std::uint32_t format = 0;
  const Status status = Marks::read(bytes_of(value), marks, format);
  if (status == Status::newer) {
    problem = path_ + " has store format " + std::to_string(format) + ", and this release knows formats up to " +
              std::to_string(Marks::kFormat) + ": open it with a newer release";
  } else if (status != Status::ok) {
    problem = path_ + " is corrupt: what it says of itself (record grid) can't be read";
  }
  return status;
}

Status Environment::create(MDB_txn* txn, std::string& problem) {
  int error = open_handles(txn, MDB_CREATE);
  if (error == 0) error = put_marks(txn, main_, {});
  return error == 0 ? Status::ok : fail(error, "can't create the store", problem);
}

int Environment::open_handles(MDB_txn* txn, unsigned flags) {
  int error = mdb_dbi_open(txn, "log", flags, &log_);
  if (error == 0) error = mdb_dbi_open(txn, "index", flags, &index_);
  if (error == 0) error = mdb_dbi_open(txn, "kept", flags, &kept_);
  if (error == 0) error = mdb_dbi_open(txn, "facts", flags, &facts_);
  return error;
}

int Environment::put_marks(MDB_txn* txn, MDB_dbi main, const Marks& marks) {
  std::uint8_t bytes[Marks::kBytes];
  marks.write(bytes);
  MDB_val key = val_of(kMarksKey), value = val_of(Bytes(bytes));
  return mdb_put(txn, main, &key, &value, 0);
}

std::size_t Environment::map_bytes() const {
  MDB_envinfo info{};
  mdb_env_info(env_, &info);
  return info.me_mapsize;
}

std::size_t Environment::used_bytes() const {
  MDB_envinfo info{};
  mdb_env_info(env_, &info);
  return (info.me_last_pgno + 1) * page_bytes();
}

std::size_t Environment::page_bytes() const {
  MDB_stat stat{};
  mdb_env_stat(env_, &stat);
  return stat.ms_psize;
}

int Environment::cause_of(int error) const {
  constexpr std::uint64_t kFullBytes = 1'048'576;
  struct statvfs disk {};
  if (error != EIO || ::statvfs(path_.c_str(), &disk) != 0) return error;
  return std::uint64_t{disk.f_bavail} * disk.f_frsize < kFullBytes ? ENOSPC : EIO;
}

// LMDB syncs its file; that the file has a name after a power cut is up to us, and so is every directory above it.
Status Environment::sync_directories(std::string& problem) const {
  std::error_code ignored;
  std::filesystem::path path = std::filesystem::absolute(path_, ignored).lexically_normal();
  for (;; path = path.parent_path()) {
    const int error = sync_directory(path);
    if (error != 0) return fail(error, "can't sync a directory", problem);
    if (!path.has_relative_path()) return Status::ok;
  }
}

Status Environment::fail(int error, const char* what, std::string& problem) const {
  problem = path_ + ": " + what + ": " + mdb_strerror(error);
  return status_of(error);
}

}  // namespace grid::storage::lmdb
