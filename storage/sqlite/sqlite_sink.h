// SPDX-License-Identifier: Apache-2.0
//
// SqliteSink: the embedded default Sink, one SQLite file an app.
//
// Place     Implements storage/sink.h. Knows SQLite; no journal, no JSON beyond the text that it is given.
// Promises  Those of sink.h. People and programs may read the file meanwhile: it is in WAL mode, and table `cell`
//           is plain (docs/STORAGE.md). A sync that fails is not tried again.
//           Without a search it has no table of one (sqlite_search.h).
// Ownership The rows that load() hands out stand until their `take` returns.
// Threads   As sink.h says.
#pragma once

#include <memory>
#include <string>

#include "storage/sink.h"
#include "storage/sqlite/sqlite_search.h"

struct sqlite3;
struct sqlite3_stmt;

namespace grid::storage {

class SqliteSink final : public Sink {
 public:
  static constexpr int kFormat = 1;

  // The database in `file`, made if it isn't there, its directory too. Null with `status` and `problem`, a sentence:
  //   invalid  A database of something else. Nothing was changed.
  //   newer    Of a format of a later release. Nothing was changed.
  //   corrupt  No database, or a broken one.
  //   denied   The file can't be written by this user.
  //   busy     Another process is just changing it.
  //   full, io
  static std::unique_ptr<SqliteSink> open(const std::string& file, Status& status, std::string& problem,
                                          const SearchConfig& search = {});
  SqliteSink(const SqliteSink&) = delete;
  SqliteSink& operator=(const SqliteSink&) = delete;
  ~SqliteSink();

  Status drain(std::span<const SinkRow> rows, const SinkMark& mark) override;
  Result<SinkMark> drained() override;
  Status load(Take take, void* context) override;
  const char* problem() const override { return problem_.c_str(); }

  // ---- search
  // Building has rows to look at, or an index is to be mended: call work_on_search() until it hasn't.
  bool has_search_work() const { return search_ != nullptr && (search_->is_building() || search_->is_broken()); }
  // One bounded step, as drain() a transaction of its own, and with its statuses.
  Status work_on_search();
  // Null: there is none.
  SqliteSearch* search() { return search_.get(); }

 private:
  explicit SqliteSink(const std::string& file) : file_(file) {}

  Status connect(const SearchConfig& search);
  Status check_format(bool& is_new);
  Status open_search(const SearchConfig& config);
  Status read_number(const char* sql, std::int64_t& number);
  Status prepare(const char* sql, sqlite3_stmt*& statement);
  Status prepare_all();
  Status run(const char* sql);
  Status write_all(std::span<const SinkRow> rows, const SinkMark& mark);
  Status commit();
  Status checkpointed();
  Status upsert(const SinkRow& row);
  Status bury(const crdt::CellName& marker);
  Status index(const SinkRow& row);
  Status fail_search(int code, const char* what);
  Status forget(const SinkMark& mark);
  Status finish(sqlite3_stmt* statement, const char* what);
  Status fail(int code, const char* what);

  std::string file_;
  std::string problem_;
  int checkpoint_code_ = 0;  // Of the last one.
  bool has_failed_ = false;  // A drain has; it is unknown what the medium holds.
  crdt::Seq floor_ = 0;      // As it was noted last.
  sqlite3* database_ = nullptr;
  std::unique_ptr<SqliteSearch> search_;
  sqlite3_stmt* upsert_ = nullptr;
  sqlite3_stmt* bury_ = nullptr;
  sqlite3_stmt* forget_removed_ = nullptr;
  sqlite3_stmt* forget_expired_ = nullptr;
  sqlite3_stmt* note_ = nullptr;
  sqlite3_stmt* noted_ = nullptr;
  sqlite3_stmt* load_ = nullptr;
};

}  // namespace grid::storage
