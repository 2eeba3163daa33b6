// SPDX-License-Identifier: Apache-2.0
//
// How a backup becomes a data directory: read once from end to end; unpacked beside its place, each journal opened and
// read through; and then moved there with one rename.

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "server/host/backup.h"
#include "server/host/files.h"
#include "storage/encrypted/encrypted_store.h"
#include "storage/lmdb/lmdb_store.h"

namespace grid::server {

namespace {

namespace fs = std::filesystem;

Status fail_folder(const std::error_code& error, const std::string& path, std::string& problem) {
  errno = error.value();
  return fail_file(path, "can't be made", problem);
}

// Goes through the whole backup, and hands each piece to `take`.
template <typename Take>
Status read_backup(const std::string& file, BackupHead& head, std::string& problem, Take take) {
  const File from(std::fopen(file.c_str(), "rbe"));
  if (from == nullptr) return fail_file(file, "can't be opened", problem);
  BackupReader reader(from.get());
  Status status = reader.open(head);
  for (bool is_over = false; status == Status::ok && !is_over;) {
    const Result<BackupReader::Piece> piece = reader.next();
    status = piece.status();
    if (status != Status::ok) break;
    GRID_TRY(take(*piece));
    is_over = piece->kind == BackupKind::end;
  }
  if (status != Status::ok) problem = file + ": " + reader.problem();
  return status;
}

// The data directory, held against every gridd while this lives.
class Place {
 public:
  explicit Place(const std::string& data) : data_(data) {}
  ~Place() {
    if (lock_ >= 0) ::close(lock_);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  std::string restoring() const { return data_ + "/" + kRestoring; }
  std::string apps() const { return restoring() + "/apps"; }

  Status take(std::string& problem) {
    std::error_code error;
    fs::create_directories(data_, error);
    if (error) return fail_folder(error, data_, problem);
    GRID_TRY(check_empty(problem));
    lock_ = ::open((data_ + "/gridd.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (lock_ < 0) return fail_file(data_ + "/gridd.lock", "can't be made", problem);
    if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
      problem = "the data directory " + data_ + " belongs to a running gridd";
      return Status::busy;
    }
    fs::remove_all(restoring(), error);
    if (!error) fs::create_directories(apps(), error);
    return error ? fail_folder(error, apps(), problem) : Status::ok;
  }

  // Nothing has come of it.
  void leave() const {
    std::error_code ignored;
    fs::remove_all(restoring(), ignored);
  }

  // From here on it is there.
  Status finish(std::string& problem) {
    GRID_TRY(give_to_owner(problem));
    GRID_TRY(sync_folder(apps(), problem));
    if (std::rename(apps().c_str(), (data_ + "/apps").c_str()) != 0) {
      return fail_file(data_ + "/apps", "can't be put in its place", problem);
    }
    GRID_TRY(sync_folder(data_, problem));
    std::error_code error;
    fs::remove_all(restoring(), error);
    if (error) return fail_folder(error, restoring(), problem);
    return sync_folder(data_, problem);
  }

 private:
  // A gridd that found nothing leaves a lock, a socket and an empty folder.
  Status check_empty(std::string& problem) const {
    std::error_code error;
    for (fs::directory_iterator at(data_, error), end; !error && at != end; at.increment(error)) {
      const std::string name = at->path().filename();
      if (name == kRestoring || name == "gridd.lock" || name == "gridd.sock" || name == "lost+found") continue;
      std::error_code ignored;
      if (name == "apps" && fs::is_empty(at->path(), ignored)) continue;
      problem = data_ + " is not empty (it has " + name + "): a backup is restored into a directory of its own";
      return Status::invalid;
    }
    return error ? fail_folder(error, data_, problem) : Status::ok;
  }

  // Root restores for the user whose directory it is.
  Status give_to_owner(std::string& problem) const {
    struct stat owner {};
    if (::geteuid() != 0 || ::stat(data_.c_str(), &owner) != 0) return Status::ok;
    if (::fchown(lock_, owner.st_uid, owner.st_gid) != 0) return fail_file(data_, "can't be given away", problem);
    std::error_code error;
    for (fs::recursive_directory_iterator at(restoring(), error), end; !error && at != end; at.increment(error)) {
      if (::lchown(at->path().c_str(), owner.st_uid, owner.st_gid) == 0) continue;
      return fail_file(at->path(), "can't be given away", problem);
    }
    return error ? fail_folder(error, restoring(), problem) : Status::ok;
  }

  std::string data_;
  int lock_ = -1;
};

// Writes one app's journal after the other.
class Unpacker {
 public:
  Unpacker(const Place& place, std::string& problem) : place_(place), problem_(problem) {}

  Status take(const BackupReader::Piece& piece) {
    if (piece.kind == BackupKind::app) return begin(piece.app);
    if (piece.kind == BackupKind::data) {
      const bool is_written = std::fwrite(piece.data.data(), 1, piece.data.size(), file_.get()) == piece.data.size();
      return is_written ? Status::ok : fail_file(journal_, "can't be written", problem_);
    }
    if (piece.kind == BackupKind::app_end) return end();
    return Status::ok;
  }
  const std::vector<BackupApp>& apps() const { return apps_; }

 private:
  Status begin(const BackupApp& app) {
    apps_.push_back(app);
    journal_ = place_.apps() + "/" + app.name + "/journal";
    std::error_code error;
    fs::create_directories(journal_, error);
    if (error) return fail_folder(error, journal_, problem_);
    file_.reset(make_file(journal_ + "/data.mdb"));
    return file_ != nullptr ? Status::ok : fail_file(journal_ + "/data.mdb", "can't be made", problem_);
  }
  Status end() {
    if (std::fflush(file_.get()) != 0 || ::fsync(fileno(file_.get())) != 0) {
      return fail_file(journal_, "can't be written", problem_);
    }
    file_.reset();
    GRID_TRY(sync_folder(journal_, problem_));
    return sync_folder(fs::path(journal_).parent_path(), problem_);
  }

  const Place& place_;
  std::string& problem_;
  std::vector<BackupApp> apps_;
  std::string journal_;
  File file_;
};

Status count_cells(storage::Store& journal, RestoredApp& app) {
  std::string map, key, sub;
  for (;;) {
    const Result<crdt::Op> op = journal.next_cell({map, key, sub});
    if (op.status() == Status::not_found) return Status::ok;
    if (!op.ok()) return op.status();
    const crdt::CellName& name = op->cell.name;
    map = name.map, key = name.key, sub = name.sub;
    ++app.cells;
    if (app.is_encrypted) continue;
    if (op->cell.is_tombstone()) ++app.tombstones;
    app.newest = std::max(app.newest, op->cell.stamp);
  }
}

// Opens what was unpacked, and reads all of it.
Status check_journal(const std::string& path, const BackupApp& expected, RestoredApp& app, std::string& problem) {
  Status status = Status::ok;
  storage::LmdbOptions options{.path = path};
  options.value_bytes_max += storage::kDecorationBytesMax;
  const auto journal = storage::LmdbStore::open(options, status, problem);
  if (journal == nullptr) return status;
  const Result<bool> is_encrypted = storage::EncryptedStore::is_encrypted(*journal);
  status = is_encrypted.status();
  app.name = expected.name;
  app.head = journal->head();
  app.is_encrypted = status == Status::ok && *is_encrypted;
  if (status == Status::ok) status = count_cells(*journal, app);
  if (status != Status::ok) problem = journal->problem();
  if (status != Status::ok || app.head >= expected.head) return status;
  problem = "the journal of app " + app.name + " ends at " + std::to_string(app.head) + ", and was to reach " +
            std::to_string(expected.head);
  return Status::corrupt;
}

Status unpack(const std::string& file, Place& place, RestoreReport& report, std::string& problem) {
  BackupHead head;
  Unpacker unpacker(place, problem);
  GRID_TRY(
      read_backup(file, head, problem, [&unpacker](const BackupReader::Piece& piece) { return unpacker.take(piece); }));
  for (const BackupApp& app : unpacker.apps()) {
    GRID_TRY(check_journal(place.apps() + "/" + app.name + "/journal", app, report.apps.emplace_back(), problem));
  }
  return place.finish(problem);
}

}  // namespace

Status restore_backup(const std::string& file, const std::string& data, RestoreReport& report, std::string& problem) {
  BackupHead head;
  GRID_TRY(read_backup(file, head, problem, [](const BackupReader::Piece&) { return Status::ok; }));
  report.wall_ms = head.wall_ms;
  Place place(data);
  GRID_TRY(place.take(problem));
  const Status status = unpack(file, place, report, problem);
  if (status != Status::ok) place.leave();
  return status;
}

}  // namespace grid::server
