// SPDX-License-Identifier: Apache-2.0
//
// Statement: one prepared statement of SQLite, run again and again.
//
// Place     Lowest of storage/sqlite. Knows SQLite, no table.
// Promises  A code is SQLite's own: 0 is success. What a column gives stands until the next step.
// Ownership Borrows its connection, and what was bound until reset().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace grid::storage {

class Statement {
 public:
  Statement() = default;
  ~Statement() { close(); }
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;

  int prepare(sqlite3* database, const std::string& sql);
  void close();
  bool is_prepared() const { return statement_ != nullptr; }

  // Each is bound behind the one before.
  Statement& with(std::string_view text);
  Statement& with(Bytes bytes);
  Statement& with(std::int64_t number);
  Statement& with(double number);

  // The next row; false at the end, or when code() is not 0 any more.
  bool step();
  int code() const { return code_; }
  // Ready to be bound and run anew; returns code().
  int reset();
  // step() to the end, and reset().
  int run();

  std::string_view text(int column) const;
  Bytes bytes(int column) const { return as_bytes(text(column)); }
  std::int64_t number(int column) const;
  double real(int column) const;

 private:
  void note(int code);

  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
  int code_ = 0;
};

// A connection that reads beside the one that writes, and gives up on what takes too long.
class ReadConnection {
 public:
  ReadConnection() = default;
  ReadConnection(const ReadConnection&) = delete;
  ReadConnection& operator=(const ReadConnection&) = delete;
  ~ReadConnection();

  int open(const std::string& file);
  sqlite3* database() const { return database_; }
  // What runs from now on may take so long, and is interrupted then.
  void set_patience(std::uint32_t ms);
  // Of the last failure. Never null.
  const char* problem() const;

 private:
  static int is_late(void* self);

  sqlite3* database_ = nullptr;
  std::uint64_t deadline_ms_ = 0;
};

int run(sqlite3* database, const std::string& sql);
std::int64_t last_rowid(sqlite3* database);

// What a code means to a caller of sink.h; `error` is what the system said, or 0.
Status status_of(int code, int error);
// A virtual table finds itself damaged, or can't be opened at all: what is in it is made from other tables.
bool is_broken_index(int code);
// Somebody ended it.
bool is_interrupted(int code);

}  // namespace grid::storage
