// SPDX-License-Identifier: Apache-2.0
//
// PgConnection: one session with a Postgres server, of which no call waits without bound.
//
// Place     Above libpq, which nothing else here knows; no table.
// Promises  A statement that the server does not answer in time ends the session: what became of it is not known.
//           What went wrong is a sentence without the url, which may hold a password.
// Ownership What text() gives stands until the next run().
// Threads   One; interrupt() is for any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"

struct pg_conn;
struct pg_result;

namespace grid::storage {

// What is bound to $1, $2 and so on: bytes in Postgres' binary format.
struct PgParam {
  PgParam(Bytes value) : bytes(value) {}
  PgParam(std::string_view value) : bytes(as_bytes(value)) {}
  PgParam(std::uint64_t value);

  Bytes bytes{};
  std::uint8_t number[8] = {};
  bool is_number = false;
};

class PgConnection {
 public:
  struct Options {
    std::string url;
    std::string name;  // Ours, where the server lists its sessions.
    std::uint32_t connect_ms = 5'000;
    std::uint32_t statement_ms = 30'000;
  };

  explicit PgConnection(const Options& options);
  PgConnection(const PgConnection&) = delete;
  PgConnection& operator=(const PgConnection&) = delete;
  ~PgConnection();

  // Whether libpq can read such a url at all.
  static bool is_url(const std::string& url);

  //   busy  Not reachable, or it lets nobody in just now; problem() says why.
  Status open();
  bool is_open() const { return session_ != nullptr; }
  void close();
  // A session that was opened under this number ran behind a pooler if the server knows another.
  int server_pid() const;

  // One statement. What it gives are columns in binary format: text, bytea, and bigint.
  //   full, busy, invalid   sqlstate() says more; `invalid` is what the server refuses for its own sake.
  Status run(const std::string& sql, std::span<const PgParam> params = {});
  Status run(const std::string& sql, std::initializer_list<PgParam> params) {
    return run(sql, std::span<const PgParam>(params.begin(), params.size()));
  }

  int row_count() const;
  std::string_view text(int row, int column) const;
  Bytes bytes(int row, int column) const { return as_bytes(text(row, column)); }
  std::uint64_t number(int row, int column) const;

  // Of the last failure: five characters, or none when it was not the server that spoke.
  const std::string& sqlstate() const { return sqlstate_; }
  const std::string& problem() const { return problem_; }

  // The call that is under way ends, and no other begins.
  void interrupt();

 private:
  using Clock = std::chrono::steady_clock;

  Status connect();
  // `events` as poll() has them; what waits for them ends at the deadline.
  Status await(int events, Clock::time_point deadline, const char* what);
  Status take_results(Clock::time_point deadline);
  Status fail(const std::string& sentence);
  Status lost(const char* what);
  Status refused(pg_result* result);
  std::string place() const;
  void clear();

  const Options options_;
  pg_conn* session_ = nullptr;
  pg_result* result_ = nullptr;
  int wake_ = -1;
  std::atomic<bool> interrupted_ = false;
  std::string sqlstate_;
  std::string problem_;
};

}  // namespace grid::storage
