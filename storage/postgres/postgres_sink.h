// SPDX-License-Identifier: Apache-2.0
//
// PostgresSink: a Sink in a Postgres server, one schema an app.
//
// Place     Implements storage/sink.h, above postgres_schema.h. gridd reaches it through storage/sink_module.h.
// Promises  Those of sink.h. Whatever befalls the server is weather: no failure is final, and each drain tries to
//           connect once where there is no session. Whoever calls decides how often that is.
//           SNK-3  A row that the server refuses for its own sake lies in table dead_letter, with the reason, in the
//                  transaction of the rest of its batch.
// Ownership The rows that load() hands out stand until their `take` returns.
// Threads   As sink.h says.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "storage/postgres/pg_connection.h"
#include "storage/postgres/postgres_schema.h"
#include "storage/sink.h"

namespace grid::storage {

class PostgresSink final : public Sink {
 public:
  struct Options {
    std::string url;
    std::string app;
    std::string schema;
    std::uint32_t connect_ms = 5'000;
    std::uint32_t statement_ms = 30'000;
  };

  // Connects once. A server that is not there, or can't be written now, is no reason not to be opened: `status` is
  // busy then, and `problem` a sentence. Null when waiting can't help:
  //   invalid  The url or the schema's name is none, or the schema is of something else.
  //   newer    Of a format of a later release.
  static std::unique_ptr<PostgresSink> open(const Options& options, Status& status, std::string& problem);
  ~PostgresSink() = default;

  Status drain(std::span<const SinkRow> rows, const SinkMark& mark) override;
  Result<SinkMark> drained() override;
  Status load(Take take, void* context) override;
  const char* problem() const override { return problem_.c_str(); }
  std::uint64_t dead_letters() const override { return dead_letters_; }
  void interrupt() override { connection_.interrupt(); }

 private:
  explicit PostgresSink(const Options& options);

  Status connect();
  Status read_mark();
  Status write_all(std::span<const SinkRow> rows, const SinkMark& mark, bool one_by_one);
  Status upsert(std::span<const SinkRow> rows, bool with_json);
  Status sift(std::span<const SinkRow> rows);
  Status settle(const SinkRow& row);
  Status write_letter(const SinkRow& row, const std::string& sqlstate, const std::string& reason);
  Status bury(std::span<const SinkRow> rows);
  Status forget_letters(std::span<const SinkRow> rows);
  Status forget(const SinkMark& mark);
  Status note(const SinkMark& mark);
  Status fetch(Take take, void* context, bool& is_over);
  Status run(const std::string& sql, std::initializer_list<PgParam> params = {});
  Status run(const char* sql, std::initializer_list<PgParam> params = {}) { return run(schema_.in(sql), params); }
  Status give_up(Status status);

  PgConnection connection_;
  PostgresSchema schema_;
  const std::string name_;
  const std::string upsert_;
  std::string problem_;
  std::uint64_t dead_letters_ = 0;
  bool has_letters_ = false;  // This batch wrote some.
  SinkMark standing_;         // What the database notes, as far as this session knows.
  // What the caller takes it to note; nothing until it could be told.
  std::optional<SinkMark> known_;
  // What it notes if a commit was done of which no word came.
  std::optional<SinkMark> attempted_;
};

}  // namespace grid::storage
