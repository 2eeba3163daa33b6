// SPDX-License-Identifier: Apache-2.0
//
// server backup, server restore: a gateway's data directory into a file and back, on the machine that has it.
#include "cli/failure.h"
#include "cli/print.h"
#include "cli/server_desk.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "ports/port.h"
#include "server/host/backup.h"

namespace grid::cli {
namespace {

// Without the digits of a stamp that only make it unique.
std::string time_text(std::uint64_t wall_ms) {
  constexpr std::size_t kTimeChars = 24;
  return wall_ms == 0 ? std::string() : stamp_text(crdt::Stamp::of(wall_ms, 0, 1)).substr(0, kTimeChars);
}

void tell(const std::string& sentence) { std::fprintf(stderr, "gridctl: %s\n", sentence.c_str()); }

void must(Status status, const std::string& problem) {
  if (status == Status::ok) return;
  throw Failure(status == Status::corrupt     ? Exit::corrupt
                : status == Status::not_found ? Exit::not_found
                                              : Exit::failure,
                problem);
}

// A clock that does not know the time can't tell how old anything is.
void tell_age(std::uint64_t begun_ms, std::uint64_t horizon_ms) {
  const std::uint64_t now_ms = port::wall_ms();
  if (now_ms != 0 && begun_ms != 0 && now_ms < begun_ms + horizon_ms) return;
  tell(
      "this backup may be older than the backup horizon: what was deleted since and is collected may return from "
      "it, and from devices that have not synced since");
}

}  // namespace

Exit server_backup(const Context& context, const BackupOptions& options) {
  server::BackupReport done;
  std::string problem;
  must(server::write_backup(data_or_default(options.data), options.file, done, problem), problem);
  std::vector<Report> reports;
  for (const server::BackupApp& app : done.apps) {
    reports.emplace_back().text("app", app.name).count("head", app.head).count("records", app.records);
  }
  print_all(reports, context.format);
  flush_output();
  tell("backup of " + counted(done.apps.size(), "app") + " as of " + time_text(done.wall_ms) + ": " +
       counted(done.bytes, "byte") + " in " + options.file);
  return Exit::ok;
}

Exit server_restore(const Context& context, const BackupOptions& options) {
  const std::string data = data_or_default(options.data);
  server::RestoreReport done;
  std::string problem;
  must(server::restore_backup(options.file, data, done, problem), problem);
  std::vector<Report> reports;
  for (const server::RestoredApp& app : done.apps) {
    Report& report = reports.emplace_back();
    report.text("app", app.name).count("head", app.head).count("cells", app.cells);
    app.is_encrypted ? report.nothing("deletions").nothing("newest")
                     : report.count("deletions", app.tombstones).text("newest", stamp_text(app.newest));
    report.truth("encrypted", app.is_encrypted);
  }
  print_all(reports, context.format);
  flush_output();
  tell("restored " + counted(done.apps.size(), "app") + " as of " + time_text(done.wall_ms) + " into " + data);
  tell_age(done.wall_ms, options.horizon_ms);
  return Exit::ok;
}

}  // namespace grid::cli
