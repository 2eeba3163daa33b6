// SPDX-License-Identifier: Apache-2.0
//
// Backup and restore of a gateway's data directory: the journals of all its apps. A database is no part of it: it is
// made of its journal, and filled from it again.
//
// Place     Above backup_file.h and storage/lmdb. Needs no gridd, and minds none: a backup is read from the directory
//           whether one is running there or not.
// Promises  A backup has, of each app, every commit that was durable when it began, as of one commit; an encrypted
//           journal stays as it is. A restore changes nothing before the whole backup has been read and vouched for,
//           and has happened whole or not at all: until then no gridd starts there.
#pragma once

#include <string>
#include <vector>

#include "crdt/stamp.h"
#include "server/host/backup_file.h"

namespace grid::server {

struct BackupReport {
  std::uint64_t wall_ms = 0;
  std::vector<BackupApp> apps;
  std::uint64_t bytes = 0;
};

// Writes to FILE.part, which becomes `file` when all of it is durable.
//   not_found  There is no gateway's data in `data`.
//   full, io   `file` can't be written. Otherwise as copy_lmdb_store().
Status write_backup(const std::string& data, const std::string& file, BackupReport& report, std::string& problem);

struct RestoredApp {
  std::string name;
  std::uint64_t head = 0;
  std::uint64_t cells = 0;       // Deletions among them.
  std::uint64_t tombstones = 0;  // Of an encrypted journal 0: nobody here can tell.
  crdt::Stamp newest;            // None, likewise.
  bool is_encrypted = false;
};

struct RestoreReport {
  std::uint64_t wall_ms = 0;  // When the backup was begun.
  std::vector<RestoredApp> apps;
};

// Into `data`, which must not be there, or have nothing in it but what an unfinished restore has left.
//   invalid  There is something in `data`; or `file` is no backup.
//   busy     A gridd has `data`.
//   newer, corrupt, not_found, full, denied, io
Status restore_backup(const std::string& file, const std::string& data, RestoreReport& report, std::string& problem);

// In a data directory while it is being restored into.
inline constexpr const char* kRestoring = "restoring";

}  // namespace grid::server
