// SPDX-License-Identifier: Apache-2.0

#include "storage/sqlite/statement.h"

#include <sqlite3.h>

#include <cerrno>
#include <chrono>
#include <utility>

namespace grid::storage {

Statement::Statement(Statement&& other) noexcept { *this = std::move(other); }

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(statement_, other.statement_);
  std::swap(bound_, other.bound_);
  std::swap(code_, other.code_);
  return *this;
}

int Statement::prepare(sqlite3* database, const std::string& sql) {
  close();
  return sqlite3_prepare_v3(database, sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr);
}

void Statement::close() {
  sqlite3_finalize(statement_);
  statement_ = nullptr;
}

void Statement::note(int code) {
  if (code_ == SQLITE_OK) code_ = code;
}

Statement& Statement::with(std::string_view text) {
  note(sqlite3_bind_text(statement_, ++bound_, text.empty() ? "" : text.data(), static_cast<int>(text.size()),
                         SQLITE_STATIC));
  return *this;
}

Statement& Statement::with(Bytes bytes) {
  note(sqlite3_bind_blob(statement_, ++bound_, bytes.empty() ? "" : static_cast<const void*>(bytes.data()),
                         static_cast<int>(bytes.size()), SQLITE_STATIC));
  return *this;
}

Statement& Statement::with(std::int64_t number) {
  note(sqlite3_bind_int64(statement_, ++bound_, number));
  return *this;
}

Statement& Statement::with(double number) {
  note(sqlite3_bind_double(statement_, ++bound_, number));
  return *this;
}

bool Statement::step() {
  if (code_ != SQLITE_OK) return false;
  const int code = sqlite3_step(statement_);
  if (code != SQLITE_ROW && code != SQLITE_DONE) code_ = code;
  return code == SQLITE_ROW;
}

int Statement::reset() {
  sqlite3_reset(statement_);
  bound_ = 0;
  return std::exchange(code_, SQLITE_OK);
}

int Statement::run() {
  while (step()) {
  }
  return reset();
}

std::string_view Statement::text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  return {static_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::int64_t Statement::number(int column) const { return sqlite3_column_int64(statement_, column); }

double Statement::real(int column) const { return sqlite3_column_double(statement_, column); }

namespace {

std::uint64_t steady_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

}  // namespace

ReadConnection::~ReadConnection() { sqlite3_close(database_); }

int ReadConnection::open(const std::string& file) {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(file.c_str(), &database_, flags, nullptr);
  if (code != SQLITE_OK) return code;
  sqlite3_busy_timeout(database_, 1'000);
  constexpr int kOpsBetweenLooks = 1'000;
  sqlite3_progress_handler(database_, kOpsBetweenLooks, &is_late, this);
  set_patience(1'000);
  return run(database_, "PRAGMA query_only = ON");
}

void ReadConnection::set_patience(std::uint32_t ms) { deadline_ms_ = steady_ms() + ms; }

int ReadConnection::is_late(void* self) { return steady_ms() > static_cast<ReadConnection*>(self)->deadline_ms_; }

const char* ReadConnection::problem() const { return sqlite3_errmsg(database_); }

int run(sqlite3* database, const std::string& sql) {
  return sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr);
}

std::int64_t last_rowid(sqlite3* database) { return sqlite3_last_insert_rowid(database); }

Status status_of(int code, int error) {
  switch (code & 0xff) {
    case SQLITE_OK:
      return Status::ok;
    case SQLITE_FULL:
      return Status::full;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_INTERRUPT:
      return Status::busy;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return Status::corrupt;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return Status::denied;
    case SQLITE_CANTOPEN:
      return error == EACCES || error == EROFS ? Status::denied : Status::io;
    case SQLITE_IOERR:
      return error == ENOSPC || error == EDQUOT || error == EFBIG ? Status::full : Status::io;
    default:
      return Status::io;
  }
}

bool is_broken_index(int code) { return code == SQLITE_CORRUPT_VTAB || code == SQLITE_ERROR; }

bool is_interrupted(int code) { return (code & 0xff) == SQLITE_INTERRUPT; }

}  // namespace grid::storage
