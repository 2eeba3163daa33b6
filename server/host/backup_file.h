// SPDX-License-Identifier: Apache-2.0
//
// The bytes of a backup: the journals of a gateway's apps, one behind the other, each frame vouching for all before it.
//
// Place     Below backup.h and restore.h. Knows frames, not stores. docs/STORAGE.md has the table.
// Promises  Written and read front to back. What was changed, cut short, put in another order or appended to does not
//           read to its end. The checksum finds rot and accidents; it keeps out nobody who means harm.
// Ownership Pieces are views until the next call.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"

namespace grid::server {

struct BackupHead {
  std::uint64_t wall_ms = 0;  // When it was begun, since 1970 UTC.
  std::uint32_t apps = 0;
};

struct BackupApp {
  std::string name;
  std::uint64_t head = 0;     // At least: what was durable when its copy was begun.
  std::uint64_t records = 0;  // Likewise.
};

enum class BackupKind : std::uint8_t { head = 1, app = 2, data = 3, app_end = 4, end = 5 };

class BackupWriter {
 public:
  static constexpr std::size_t kDataBytesMax = 65'536;

  // Borrows `file`.
  explicit BackupWriter(std::FILE* file);
  // io: the file took no more; error() says why.
  Status begin(const BackupHead& head);
  Status begin_app(const BackupApp& app);
  Status data(Bytes bytes);
  Status end_app();
  Status end();
  std::uint64_t bytes() const { return bytes_; }  // Of data, in all.
  int error() const { return error_; }            // An errno, or 0.

 private:
  Status frame(BackupKind kind, Bytes payload);
  Status write(Bytes bytes);

  std::FILE* file_;
  std::unique_ptr<std::uint8_t[]> room_;
  std::uint64_t checksum_ = 0;
  std::uint64_t app_bytes_ = 0;
  std::uint64_t bytes_ = 0;
  int error_ = 0;
};

class BackupReader {
 public:
  // Borrows `file`, and reads it from where it stands.
  explicit BackupReader(std::FILE* file);
  // All that can come before the first app. Statuses as next(), and
  //   invalid  The file is no backup.
  //   newer    Of a later release.
  Status open(BackupHead& head);

  struct Piece {
    BackupKind kind = BackupKind::end;  // app, data, app_end or end.
    BackupApp app{};                    // Of app.
    Bytes data{};                       // Of data; never empty.
  };
  // In the order of the table. `end` comes last, once the whole file has been vouched for.
  //   corrupt  problem() says at which byte.
  //   io
  Result<Piece> next();
  const std::string& problem() const { return problem_; }

 private:
  Status frame(BackupKind& kind, Bytes& payload);
  Status take(std::uint8_t* to, std::size_t size);
  Status fail(const char* what);
  Result<Piece> read_app(Bytes payload);
  Result<Piece> read_end(Bytes payload);

  std::FILE* file_;
  std::unique_ptr<std::uint8_t[]> room_;
  std::uint64_t checksum_ = 0;
  std::uint64_t at_ = 0;
  std::uint64_t app_bytes_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint32_t apps_left_ = 0;
  bool is_in_app_ = false;
  std::string last_app_;
  std::string problem_;
};

}  // namespace grid::server
