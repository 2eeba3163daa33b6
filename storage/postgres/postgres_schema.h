// SPDX-License-Identifier: Apache-2.0
//
// PostgresSchema: the schema of one app: its tables and their version, and the lock that makes a session its writer.
//
// Place     Above pg_connection.h, below postgres_sink.h. Knows names and definitions, no row (docs/STORAGE.md).
// Promises  Of all sessions that the server has, one at most is the writer of a schema (PROTOCOL P27).
#pragma once

#include <cstdint>
#include <string>

#include "storage/postgres/pg_connection.h"

namespace grid::storage {

class PostgresSchema {
 public:
  static constexpr int kFormat = 1;
  // Longer names are cut by Postgres, and two could become one.
  static constexpr std::size_t kNameBytesMax = 63;

  PostgresSchema(const std::string& name, const std::string& app, std::uint32_t statement_ms)
      : name_(name), app_(app), statement_ms_(statement_ms) {}

  // Makes a new session of `connection` the schema's writer, and the schema what this release knows.
  //   busy     Somebody else is; or the server is a standby, lacks a right, and the like: it may change.
  //   invalid  The schema is of something else, or the server can't hold rows as they are.
  //   newer    Of a format of a later release.
  Status open(PgConnection& connection);
  const std::string& problem() const { return problem_; }

  // `sql` with the schema's name in the place of each `@`.
  std::string in(const char* sql) const;

 private:
  Status look(PgConnection& connection);
  Status lock(PgConnection& connection);
  Status name_holder(PgConnection& connection, std::uint64_t id);
  Status end_predecessor(PgConnection& connection);
  Status migrate(PgConnection& connection);
  Status refuse(Status status, const std::string& sentence);
  Status run(PgConnection& connection, const std::string& sql, std::initializer_list<PgParam> params = {});

  const std::string name_;
  const std::string app_;
  const std::uint32_t statement_ms_;
  // The session before this one, which the server may not know to be dead.
  std::uint64_t pid_ = 0;
  std::string since_;
  std::string problem_;
};

}  // namespace grid::storage
