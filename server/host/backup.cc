// SPDX-License-Identifier: Apache-2.0

#include "server/host/backup.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>

#include "ports/port.h"
#include "server/host/app_name.h"
#include "server/host/files.h"
#include "storage/lmdb/lmdb_snapshot.h"

namespace grid::server {

namespace {

// In the order of their names, which is that of a backup.
Status list_apps(const std::string& data, std::vector<std::string>& apps, std::string& problem) {
  std::error_code error;
  for (std::filesystem::directory_iterator at(data + "/apps", error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename();
    std::error_code ignored;
    if (is_app_name(name) && std::filesystem::exists(at->path() / "journal" / "data.mdb", ignored)) {
      apps.push_back(name);
    }
  }
  std::sort(apps.begin(), apps.end());
  if (!error) return Status::ok;
  problem = "there is no gateway's data in " + data + ": " + error.message();
  return error.value() == EACCES ? Status::denied : Status::not_found;
}

Status write_app(const std::string& journal, const std::string& name, BackupWriter& writer, BackupReport& report,
                 std::string& problem) {
  const Result<storage::LmdbAbout> about = storage::look_at_lmdb_store(journal, problem);
  if (!about.ok()) return about.status();
  report.apps.push_back({name, about->head, about->records});
  GRID_TRY(writer.begin_app(report.apps.back()));
  const auto take = [](void* to, Bytes bytes) { return static_cast<BackupWriter*>(to)->data(bytes); };
  GRID_TRY(storage::copy_lmdb_store(journal, take, &writer, problem));
  return writer.end_app();
}

Status write_all(const std::string& data, const std::vector<std::string>& apps, BackupWriter& writer,
                 BackupReport& report, std::string& problem) {
  report.wall_ms = port::wall_ms();
  GRID_TRY(writer.begin({report.wall_ms, static_cast<std::uint32_t>(apps.size())}));
  const std::filesystem::path folder = std::filesystem::path(data) / "apps";
  for (const std::string& app : apps) {
    GRID_TRY(write_app(folder / app / "journal", app, writer, report, problem));
  }
  report.bytes = writer.bytes();
  return writer.end();
}

}  // namespace

Status write_backup(const std::string& data, const std::string& file, BackupReport& report, std::string& problem) {
  std::vector<std::string> apps;
  GRID_TRY(list_apps(data, apps, problem));
  const std::string part = file + ".part";
  const File to(make_file(part));
  if (to == nullptr) return fail_file(part, "can't be made", problem);
  BackupWriter writer(to.get());
  Status status = write_all(data, apps, writer, report, problem);
  errno = writer.error();
  const bool is_written = errno == 0 && std::fflush(to.get()) == 0 && ::fsync(fileno(to.get())) == 0;
  if (!is_written) status = fail_file(part, "can't be written", problem);
  if (status == Status::ok && std::rename(part.c_str(), file.c_str()) != 0) {
    status = fail_file(file, "can't be put in its place", problem);
  }
  if (status == Status::ok) return sync_folder(std::filesystem::path(file).parent_path(), problem);
  ::unlink(part.c_str());
  return status;
}

}  // namespace grid::server
