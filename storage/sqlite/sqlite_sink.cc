// SPDX-License-Identifier: Apache-2.0

#include "storage/sqlite/sqlite_sink.h"

#include <sqlite3.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "crdt/base/check.h"
#include "crdt/facts.h"

namespace grid::storage {

namespace {

// What marks a file as ours: "grid".
constexpr std::int64_t kApplicationId = 0x67726964;

constexpr char kSchema[] = R"(
  BEGIN IMMEDIATE;
  CREATE TABLE cell (
    map        TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    sub        BLOB    NOT NULL,
    stamp      BLOB    NOT NULL,
    stamp_text TEXT    NOT NULL,
    arrival    INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    tombstone  INTEGER NOT NULL,
    value      BLOB    NOT NULL,
    json       TEXT,
    PRIMARY KEY (map, key, sub)
  ) WITHOUT ROWID;
  CREATE INDEX cell_arrival ON cell (arrival);
  CREATE INDEX cell_dead ON cell (arrival) WHERE tombstone = 1;
  CREATE INDEX cell_expiry ON cell (expires_ms) WHERE expires_ms > 0;
  CREATE TABLE meta (
    name   TEXT    NOT NULL PRIMARY KEY,
    number INTEGER NOT NULL
  ) WITHOUT ROWID;
  INSERT INTO meta VALUES ('format', 1), ('drained_epoch', 0), ('drained_through', 0);
  PRAGMA application_id = 1735551332;
  PRAGMA user_version = 1;
)";
static_assert(SqliteSink::kFormat == 1 && kApplicationId == 1735551332, "kSchema says so");

// For databases of a release before collection, which don't mind. A new one has them with its schema, in one commit.
constexpr char kIndexes[] = R"(
  CREATE INDEX IF NOT EXISTS cell_dead ON cell (arrival) WHERE tombstone = 1;
  CREATE INDEX IF NOT EXISTS cell_expiry ON cell (expires_ms) WHERE expires_ms > 0;
)";

// The guard is crdt::wins() in SQL: stamp, then expiry, then value. An expiry is an unsigned number, and SQLite's
// are signed: the negative ones are the greater. A row that is not there and arrived up to the
// floor, ?11, was collected. A fact, ?12, of an entity that is deleted stays out (TRI-1).
constexpr char kUpsert[] = R"(
  INSERT INTO cell (map, key, sub, stamp, stamp_text, arrival, expires_ms, tombstone, value, json)
  SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10
  WHERE (?6 > ?11 OR EXISTS (SELECT 1 FROM cell WHERE map = ?1 AND key = ?2 AND sub = ?3))
    AND (?12 = 0 OR NOT EXISTS (SELECT 1 FROM cell WHERE map = ?1 AND key = ?2 AND sub = x'0300'))
  ON CONFLICT (map, key, sub) DO UPDATE SET
    stamp = excluded.stamp, stamp_text = excluded.stamp_text, arrival = excluded.arrival,
    expires_ms = excluded.expires_ms, tombstone = excluded.tombstone, value = excluded.value, json = excluded.json
  WHERE (excluded.stamp, excluded.expires_ms < 0, excluded.expires_ms, excluded.value)
      > (cell.stamp, cell.expires_ms < 0, cell.expires_ms, cell.value)
)";
// The facts of the entity, where its marker stands.
constexpr char kBury[] = R"(
  DELETE FROM cell
  WHERE map = ?1 AND key = ?2 AND sub > x'0300' AND sub < x'04'
    AND EXISTS (SELECT 1 FROM cell WHERE map = ?1 AND key = ?2 AND sub = x'0300')
)";
constexpr char kForgetRemoved[] = "DELETE FROM cell WHERE tombstone = 1 AND arrival <= ?1";
constexpr char kForgetExpired[] = "DELETE FROM cell WHERE expires_ms > 0 AND expires_ms <= ?2 AND arrival <= ?1";
constexpr char kNote[] = R"(
  INSERT OR REPLACE INTO meta
  VALUES ('drained_epoch', ?1), ('drained_through', ?2), ('floor', ?3), ('floor_expired_ms', ?4),
         ('collected_time', ?5), ('collected_node', ?6)
)";
constexpr char kNoted[] = R"(
  SELECT coalesce((SELECT number FROM meta WHERE name = 'drained_epoch'), 0),
         (SELECT number FROM meta WHERE name = 'drained_through'),
         coalesce((SELECT number FROM meta WHERE name = 'floor'), 0),
         coalesce((SELECT number FROM meta WHERE name = 'floor_expired_ms'), 0),
         coalesce((SELECT number FROM meta WHERE name = 'collected_time'), 0),
         coalesce((SELECT number FROM meta WHERE name = 'collected_node'), 0)
)";
constexpr char kLoad[] =
    "SELECT map, key, sub, stamp, arrival, expires_ms, value, json FROM cell ORDER BY arrival, map, key, sub";

int bind(sqlite3_stmt* statement, int at, std::string_view text) {
  return sqlite3_bind_text(statement, at, text.empty() ? "" : text.data(), static_cast<int>(text.size()),
                           SQLITE_STATIC);
}

int bind(sqlite3_stmt* statement, int at, Bytes bytes) {
  return sqlite3_bind_blob(statement, at, bytes.empty() ? "" : static_cast<const void*>(bytes.data()),
                           static_cast<int>(bytes.size()), SQLITE_STATIC);
}

int bind(sqlite3_stmt* statement, int at, std::uint64_t number) {
  return sqlite3_bind_int64(statement, at, static_cast<std::int64_t>(number));
}

Bytes column(sqlite3_stmt* statement, int at) {
  const void* bytes = sqlite3_column_blob(statement, at);
  return {static_cast<const std::uint8_t*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(statement, at))};
}

// After a commit that leaves `pages` in the log: moves them to the database.
int checkpoint(void* code, sqlite3* database, const char* schema, int pages) {
  constexpr int kPagesMax = 1'000;
  if (pages < kPagesMax) return SQLITE_OK;
  *static_cast<int*>(code) = sqlite3_wal_checkpoint_v2(database, schema, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  return SQLITE_OK;
}

std::uint64_t number_column(sqlite3_stmt* statement, int at) {
  return static_cast<std::uint64_t>(sqlite3_column_int64(statement, at));
}

}  // namespace

std::unique_ptr<SqliteSink> SqliteSink::open(const std::string& file, Status& status, std::string& problem,
                                             const SearchConfig& search) {
  std::unique_ptr<SqliteSink> sink(new SqliteSink(file));
  status = sink->connect(search);
  if (status == Status::ok) return sink;
  problem = sink->problem();
  return nullptr;
}

SqliteSink::~SqliteSink() {
  search_.reset();
  for (sqlite3_stmt* statement : {upsert_, bury_, forget_removed_, forget_expired_, note_, noted_, load_})
    sqlite3_finalize(statement);
  sqlite3_close(database_);
}

Status SqliteSink::connect(const SearchConfig& search) {
  std::error_code ignored;  // Opening the file says it better.
  std::filesystem::create_directories(std::filesystem::path(file_).parent_path(), ignored);
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(file_.c_str(), &database_, flags, nullptr);
  if (code != SQLITE_OK) return fail(code, "can't open");
  bool is_new = false;
  GRID_TRY(check_format(is_new));
  GRID_TRY(run("PRAGMA journal_mode = WAL"));
  GRID_TRY(run("PRAGMA synchronous = FULL"));
  sqlite3_wal_hook(database_, &checkpoint, &checkpoint_code_);
  Status made = run(is_new ? kSchema : "BEGIN");
  if (made == Status::ok) made = open_search(search);
  if (made == Status::ok) made = run("COMMIT");
  if (made != Status::ok) {
    sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
    return made;
  }
  if (!is_new) GRID_TRY(run(kIndexes));
  GRID_TRY(prepare_all());
  const Result<SinkMark> mark = drained();
  if (mark.ok()) floor_ = mark->floor;
  return mark.status();
}

// Within a transaction: what a new database begins with is one commit, since behind it a full disk could leave a log
// without its name. A search that is switched off leaves nothing behind.
Status SqliteSink::open_search(const SearchConfig& config) {
  bool is_there = false;
  int code = SqliteSearch::is_there(database_, is_there);
  if (code != SQLITE_OK) return fail(code, "can't read");
  if (!config.is_on() && !is_there) return Status::ok;
  search_ = std::make_unique<SqliteSearch>(database_, config);
  GRID_TRY(prepare(kNoted, noted_));
  const Result<SinkMark> mark = drained();
  sqlite3_finalize(std::exchange(noted_, nullptr));
  if (!mark.ok()) return mark.status();
  code = search_->open(*mark);
  if (code != SQLITE_OK) return fail(code, "can't open the search");
  if (!config.is_on()) search_.reset();
  return Status::ok;
}

Status SqliteSink::check_format(bool& is_new) {
  std::int64_t tables = 0, application = 0, format = 0;
  GRID_TRY(read_number("SELECT count(*) FROM sqlite_master", tables));
  GRID_TRY(read_number("PRAGMA application_id", application));
  GRID_TRY(read_number("PRAGMA user_version", format));
  is_new = tables == 0 && application == 0;
  if (is_new) return Status::ok;
  if (application != kApplicationId) {
    problem_ = file_ + " is a SQLite database of something else than Grid";
    return Status::invalid;
  }
  if (format > kFormat) {
    problem_ = file_ + " has sink format " + std::to_string(format) + ", and this release knows formats up to " +
               std::to_string(kFormat) + ": open it with a newer release";
    return Status::newer;
  }
  return Status::ok;
}

Status SqliteSink::read_number(const char* sql, std::int64_t& number) {
  sqlite3_stmt* statement = nullptr;
  GRID_TRY(prepare(sql, statement));
  const int code = sqlite3_step(statement);
  if (code == SQLITE_ROW) number = sqlite3_column_int64(statement, 0);
  const Status status = code == SQLITE_ROW ? Status::ok : fail(code, "can't read");
  sqlite3_finalize(statement);
  return status;
}

Status SqliteSink::prepare(const char* sql, sqlite3_stmt*& statement) {
  const int code = sqlite3_prepare_v3(database_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  return code == SQLITE_OK ? Status::ok : fail(code, "can't read");
}

Status SqliteSink::prepare_all() {
  GRID_TRY(prepare(kUpsert, upsert_));
  GRID_TRY(prepare(kBury, bury_));
  GRID_TRY(prepare(kForgetRemoved, forget_removed_));
  GRID_TRY(prepare(kForgetExpired, forget_expired_));
  GRID_TRY(prepare(kNote, note_));
  GRID_TRY(prepare(kNoted, noted_));
  return prepare(kLoad, load_);
}

Status SqliteSink::run(const char* sql) {
  const int code = sqlite3_exec(database_, sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Status::ok : fail(code, "can't write");
}

Status SqliteSink::drain(std::span<const SinkRow> rows, const SinkMark& mark) {
  if (has_failed_) {
    problem_ = file_ + ": writing failed before, and what is on the medium is not known: open it again";
    return Status::io;
  }
  errno = 0;
  Status status = run("BEGIN IMMEDIATE");
  if (status == Status::ok) {
    status = write_all(rows, mark);
    // Some failures have rolled back by themselves; then there is nothing left to roll back.
    if (status != Status::ok) sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
    if (status == Status::ok) floor_ = mark.floor;
    if (search_ != nullptr) search_->ended(status == Status::ok);
  }
  // Without its index, which is mended next, the rows go in.
  if (status == Status::corrupt && search_ != nullptr && search_->is_broken()) status = Status::busy;
  has_failed_ = status == Status::io;
  return status;
}

Status SqliteSink::write_all(std::span<const SinkRow> rows, const SinkMark& mark) {
  for (const SinkRow& row : rows) {
    GRID_TRY(upsert(row));
    if (search_ != nullptr && sqlite3_changes(database_) != 0) GRID_TRY(index(row));
    if (crdt::is_marker(row.cell.name.sub)) GRID_TRY(bury(row.cell.name));
  }
  if (mark.floor > 0) GRID_TRY(forget(mark));
  bind(note_, 1, mark.epoch);
  bind(note_, 2, mark.through);
  bind(note_, 3, mark.floor);
  bind(note_, 4, mark.expired_ms);
  bind(note_, 5, mark.greatest.time);
  bind(note_, 6, mark.greatest.node);
  GRID_TRY(finish(note_, "can't note how far the journal is drained"));
  if (search_ != nullptr) {
    int code = search_->flush();
    if (code == SQLITE_OK) code = search_->note(mark);
    if (code != SQLITE_OK) return fail_search(code, "can't bring the search up to date");
  }
  return commit();
}

Status SqliteSink::forget(const SinkMark& mark) {
  if (search_ != nullptr) {
    const int code = search_->forget(mark);
    if (code != SQLITE_OK) return fail_search(code, "can't take what was collected out of the search");
  }
  for (sqlite3_stmt* statement : {forget_removed_, forget_expired_}) {
    bind(statement, 1, mark.floor);
    if (statement == forget_expired_) bind(statement, 2, mark.expired_ms);
    GRID_TRY(finish(statement, "can't delete what was collected"));
  }
  return Status::ok;
}

// SQLite itself keeps quiet about a checkpoint that fails. One that lacks room, or meets a reader, comes again.
Status SqliteSink::commit() {
  checkpoint_code_ = SQLITE_OK;
  GRID_TRY(run("COMMIT"));
  return checkpointed();
}

Status SqliteSink::checkpointed() {
  if ((checkpoint_code_ & 0xff) != SQLITE_IOERR) return Status::ok;
  return fail(checkpoint_code_, "can't move what is committed from the log to the file") == Status::full ? Status::ok
                                                                                                         : Status::io;
}

Status SqliteSink::upsert(const SinkRow& row) {
  const crdt::Cell& cell = row.cell;
  GRID_CHECK(!cell.stamp.is_none());
  std::uint8_t stamp[crdt::Stamp::kBytes];
  char stamp_text[crdt::Stamp::kTextBytes];
  cell.stamp.write(stamp);
  crdt::format(cell.stamp, stamp_text);
  int code = bind(upsert_, 1, cell.name.map);
  code |= bind(upsert_, 2, cell.name.key);
  code |= bind(upsert_, 3, as_bytes(cell.name.sub));
  code |= bind(upsert_, 4, Bytes(stamp));
  code |= bind(upsert_, 5, std::string_view(stamp_text, sizeof(stamp_text)));
  code |= bind(upsert_, 6, row.arrival);
  code |= bind(upsert_, 7, cell.expires_ms);
  code |= bind(upsert_, 8, std::uint64_t{cell.is_tombstone()});
  code |= bind(upsert_, 9, cell.value);
  code |= row.json.empty() ? sqlite3_bind_null(upsert_, 10) : bind(upsert_, 10, row.json);
  code |= bind(upsert_, 11, floor_);
  code |= bind(upsert_, 12, std::uint64_t{crdt::is_fact_sub(cell.name.sub) && !crdt::is_marker(cell.name.sub)});
  if (code != SQLITE_OK) return fail(sqlite3_errcode(database_), "can't bind a row");
  return finish(upsert_, "can't write a row");
}

Status SqliteSink::bury(const crdt::CellName& marker) {
  const int code = bind(bury_, 1, marker.map) | bind(bury_, 2, marker.key);
  if (code != SQLITE_OK) return fail(sqlite3_errcode(database_), "can't bind an entity");
  return finish(bury_, "can't delete the facts of an entity");
}

Status SqliteSink::index(const SinkRow& row) {
  const int code = search_->put(row);
  if (code == SQLITE_OK) return Status::ok;
  return fail_search(code, "can't bring the search up to date");
}

// What is wrong with an index is mended, and is not the end of the rows.
Status SqliteSink::fail_search(int code, const char* what) {
  const Status status = fail(code, what);
  return search_->is_broken() ? Status::corrupt : status;
}

Status SqliteSink::work_on_search() {
  if (has_failed_) return Status::io;
  errno = 0;
  checkpoint_code_ = SQLITE_OK;
  const int code = search_->is_broken() ? search_->mend() : search_->build();
  Status status = code == SQLITE_OK ? checkpointed() : fail_search(code, "can't build the search");
  if (status == Status::corrupt && search_->is_broken()) status = Status::busy;
  has_failed_ = status == Status::io;
  return status;
}

Status SqliteSink::finish(sqlite3_stmt* statement, const char* what) {
  const int code = sqlite3_step(statement);
  const Status status = code == SQLITE_DONE ? Status::ok : fail(code, what);
  sqlite3_reset(statement);
  return status;
}

Result<SinkMark> SqliteSink::drained() {
  const int code = sqlite3_step(noted_);
  SinkMark mark;
  if (code == SQLITE_ROW) {
    mark = {number_column(noted_, 0),
            number_column(noted_, 1),
            number_column(noted_, 2),
            number_column(noted_, 3),
            {number_column(noted_, 4), number_column(noted_, 5)}};
  }
  const Status status = code == SQLITE_ROW ? Status::ok : fail(code, "can't read how far the journal is drained");
  sqlite3_reset(noted_);
  if (status != Status::ok) return status;
  return mark;
}

Status SqliteSink::load(Take take, void* context) {
  Status status = Status::ok;
  int code = SQLITE_OK;
  while (status == Status::ok && (code = sqlite3_step(load_)) == SQLITE_ROW) {
    const Bytes stamp = column(load_, 3);
    if (stamp.size() != crdt::Stamp::kBytes) {
      problem_ = file_ + ": a stamp in table cell has " + std::to_string(stamp.size()) + " bytes";
      status = Status::corrupt;
      break;
    }
    SinkRow row;
    row.cell.name = {as_text(column(load_, 0)), as_text(column(load_, 1)), as_text(column(load_, 2))};
    row.cell.stamp = crdt::Stamp::read(stamp.data());
    row.arrival = number_column(load_, 4);
    row.cell.expires_ms = number_column(load_, 5);
    row.cell.value = column(load_, 6);
    row.json = as_text(column(load_, 7));
    status = take(row, context);
  }
  if (status == Status::ok && code != SQLITE_DONE) status = fail(code, "can't read table cell");
  sqlite3_reset(load_);
  return status;
}

Status SqliteSink::fail(int code, const char* what) {
  // SQLite forgets why the system refused a write; the system still says.
  const int told = database_ == nullptr ? 0 : sqlite3_system_errno(database_);
  const int error = told != 0 ? told : errno;
  problem_ = file_ + ": " + what + ": " + (database_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(database_));
  return status_of(code, error);
}

}  // namespace grid::storage
