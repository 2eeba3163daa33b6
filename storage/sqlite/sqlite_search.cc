// SPDX-License-Identifier: Apache-2.0

#include "storage/sqlite/sqlite_search.h"

#include <algorithm>
#include <utility>

namespace grid::storage {

namespace {

// Of how values become text and text becomes words. One that differs is built anew.
constexpr std::int64_t kVersion = 1;
constexpr int kStepRows = 500;
constexpr std::size_t kStepBytes = 1'048'576;

constexpr char kTable[] = R"(
  CREATE TABLE IF NOT EXISTS search (
    number     INTEGER NOT NULL PRIMARY KEY,
    map        TEXT    NOT NULL UNIQUE,
    fields     TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    building   INTEGER NOT NULL,
    looked_at  INTEGER NOT NULL,
    after_key  TEXT    NOT NULL,
    after_sub  BLOB    NOT NULL,
    epoch      INTEGER NOT NULL,
    through    INTEGER NOT NULL
  )
)";
constexpr char kScan[] =
    "SELECT key, sub, value, expires_ms, tombstone FROM cell WHERE map = ?1 AND (key, sub) > (?2, ?3) "
    "ORDER BY key, sub LIMIT ";

std::string table(std::int64_t number) { return "search_" + std::to_string(number); }

// Fields as one text that tells them apart.
std::string joined(const std::vector<std::string>& fields) {
  std::string text;
  for (const std::string& field : fields) text += std::to_string(field.size()) + ":" + field + " ";
  return text;
}

// "c0, c1", or "?2, ?3" and so on: for each field.
std::string listed(std::size_t count, const char* mark, std::size_t from) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += (i == 0 ? "" : ", ") + std::string(mark) + std::to_string(from + i);
  return text;
}

// GRID_TRY for codes.
#define GRID_TRY_CODE(call)                     \
  do {                                          \
    if (const int code_ = (call); code_ != 0) { \
      return code_;                             \
    }                                           \
  } while (false)

}  // namespace

int SqliteSearch::is_there(sqlite3* database, bool& there) {
  Statement statement;
  GRID_TRY_CODE(statement.prepare(database, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'search'"));
  there = statement.step();
  return statement.reset();
}

int SqliteSearch::open(const SinkMark& mark) {
  GRID_TRY_CODE(run(database_, kTable));
  struct Found {
    std::int64_t number;
    std::size_t at;  // In the configuration; behind it: of none.
    Place place;
  };
  std::vector<Found> found;
  Statement list;
  GRID_TRY_CODE(list.prepare(database_,
                             "SELECT number, map, fields, version, building, looked_at, after_key, after_sub, epoch, "
                             "through FROM search"));
  while (list.step()) {
    const auto is_it = [&list](const SearchedMap& one) {
      return list.text(1) == one.map && list.text(2) == joined(one.fields) && list.number(3) == kVersion;
    };
    const bool is_fresh = list.number(8) == static_cast<std::int64_t>(mark.epoch) &&
                          list.number(9) == static_cast<std::int64_t>(mark.through);
    const auto wanted = std::find_if(config_.maps.begin(), config_.maps.end(), is_it);
    const auto at = is_fresh ? static_cast<std::size_t>(wanted - config_.maps.begin()) : config_.maps.size();
    const Place place{list.number(4) != 0, list.number(5), std::string(list.text(6)), std::string(list.text(7))};
    found.push_back({list.number(0), at, place});
  }
  GRID_TRY_CODE(list.reset());
  list.close();
  std::int64_t last = 0;
  for (std::size_t at = 0; at < config_.maps.size(); ++at) indexes_.emplace_back().at = at;
  for (Found& one : found) {
    last = std::max(last, one.number);
    if (one.at == config_.maps.size()) {
      GRID_TRY_CODE(drop(one.number));
      continue;
    }
    Index& index = indexes_[one.at];
    index.number = one.number;
    index.is_building = one.place.is_building;
    index.looked_at = one.place.looked_at;
    index.after_key = std::move(one.place.after_key);
    index.after_sub = std::move(one.place.after_sub);
  }
  if (!config_.is_on()) return run(database_, "DROP TABLE search");
  GRID_TRY_CODE(save_.prepare(database_,
                              "UPDATE search SET building = ?1, looked_at = ?2, after_key = ?3, after_sub = ?4 "
                              "WHERE number = ?5"));
  GRID_TRY_CODE(note_.prepare(database_, "UPDATE search SET epoch = ?1, through = ?2"));
  bool is_changed = false;
  for (Index& index : indexes_) {
    if (index.number != 0 && prepare(index) == 0) continue;
    is_changed = true;
    if (index.number != 0) GRID_TRY_CODE(drop(index.number));  // Somebody has taken one of its tables.
    index.number = ++last;
    GRID_TRY_CODE(create(index));
    GRID_TRY_CODE(prepare(index));
  }
  return is_changed ? note(mark) : 0;
}

int SqliteSearch::create(Index& index) {
  const std::string name = table(index.number);
  const std::vector<std::string>& fields = searched(index).fields;
  index.is_building = true;
  index.looked_at = 0;
  index.after_key.clear();
  index.after_sub.clear();
  GRID_TRY_CODE(run(database_, "CREATE VIRTUAL TABLE " + name + " USING fts5(" + listed(fields.size(), "c", 0) +
                                   ", tokenize = 'unicode61 remove_diacritics 2')"));
  GRID_TRY_CODE(run(database_, "CREATE TABLE " + name +
                                   "_row (id INTEGER NOT NULL PRIMARY KEY, key TEXT NOT NULL UNIQUE, " +
                                   "expires_ms INTEGER NOT NULL)"));
  GRID_TRY_CODE(
      run(database_, "CREATE INDEX " + name + "_expiry ON " + name + "_row (expires_ms) WHERE expires_ms > 0"));
  Statement rows, insert;
  GRID_TRY_CODE(rows.prepare(database_, "SELECT 1 FROM cell WHERE map = ?1 LIMIT 1"));
  index.is_building = rows.with(searched(index).map).step();
  GRID_TRY_CODE(rows.reset());
  GRID_TRY_CODE(insert.prepare(database_, "INSERT INTO search VALUES (?1, ?2, ?3, ?4, ?5, 0, '', x'', 0, 0)"));
  const std::string listed_fields = joined(fields);
  insert.with(index.number).with(searched(index).map).with(std::string_view(listed_fields)).with(kVersion);
  return insert.with(std::int64_t{index.is_building}).run();
}

int SqliteSearch::drop(std::int64_t number) {
  const std::string name = table(number);
  if (run(database_, "DROP TABLE IF EXISTS " + name) != 0) GRID_TRY_CODE(tear_out(name));
  GRID_TRY_CODE(run(database_, "DROP TABLE IF EXISTS " + name + "_row"));
  return run(database_, "DELETE FROM search WHERE number = " + std::to_string(number));
}

// FTS5 drops what it can open. What it can't goes table by table, and then its name does, which is not given again.
int SqliteSearch::tear_out(const std::string& name) {
  for (const char* part : {"_data", "_idx", "_content", "_docsize", "_config"}) {
    GRID_TRY_CODE(run(database_, "DROP TABLE IF EXISTS " + name + part));
  }
  GRID_TRY_CODE(run(database_, "PRAGMA writable_schema = ON"));
  const int code = run(database_, "DELETE FROM sqlite_master WHERE type = 'table' AND name = '" + name + "'");
  GRID_TRY_CODE(run(database_, "PRAGMA writable_schema = OFF"));
  return code;
}

int SqliteSearch::prepare(Index& index) {
  const std::string name = table(index.number);
  const std::string rows = name + "_row";
  const std::size_t count = searched(index).fields.size();
  const std::string columns = listed(count, "c", 0);
  GRID_TRY_CODE(index.find.prepare(database_, "SELECT id FROM " + rows + " WHERE key = ?1"));
  GRID_TRY_CODE(index.texts.prepare(database_, "SELECT " + columns + " FROM " + name + " WHERE rowid = ?1"));
  GRID_TRY_CODE(index.insert_document.prepare(database_, "INSERT INTO " + rows + " (key, expires_ms) VALUES (?1, ?2)"));
  GRID_TRY_CODE(index.expire_document.prepare(database_, "UPDATE " + rows + " SET expires_ms = ?1 WHERE id = ?2"));
  GRID_TRY_CODE(index.delete_document.prepare(database_, "DELETE FROM " + rows + " WHERE id = ?1"));
  GRID_TRY_CODE(index.insert_text.prepare(
      database_, "INSERT INTO " + name + " (rowid, " + columns + ") VALUES (?1, " + listed(count, "?", 2) + ")"));
  GRID_TRY_CODE(index.delete_text.prepare(database_, "DELETE FROM " + name + " WHERE rowid = ?1"));
  GRID_TRY_CODE(index.expired.prepare(
      database_, "SELECT id FROM " + rows + " AS document JOIN cell ON cell.map = ?1 AND cell.key = document.key AND " +
                     "cell.sub = x'' WHERE document.expires_ms > 0 AND document.expires_ms <= ?2 AND arrival <= ?3"));
  return index.scan.prepare(database_, kScan + std::to_string(kStepRows));
}

SqliteSearch::Index* SqliteSearch::find(std::string_view map) {
  for (Index& index : indexes_) {
    if (searched(index).map == map) return &index;
  }
  return nullptr;
}

// ---- within a transaction of the sink

int SqliteSearch::put(const SinkRow& row) {
  Index* index = row.cell.name.sub.empty() ? find(row.cell.name.map) : nullptr;
  if (index == nullptr) return 0;
  return note_broken(*index, put(*index, row.cell.name.key, row.cell.value, row.cell.expires_ms));
}

int SqliteSearch::put(Index& index, std::string_view key, Bytes value, std::uint64_t expires_ms) {
  texts_.clear();
  bool is_empty = true;
  for (const std::string& field : searched(index).fields) {
    texts_.push_back(value.empty() ? std::string() : config_.text_of(value, field));
    is_empty = is_empty && texts_.back().empty();
  }
  std::int64_t id = 0;
  GRID_TRY_CODE(find_document(index, key, id));
  if (id == 0 && is_empty) return 0;
  touched_ |= std::uint32_t{1} << index.at;
  if (is_empty) return remove(index, id);
  const auto expires = static_cast<std::int64_t>(expires_ms);
  if (id == 0) {
    GRID_TRY_CODE(index.insert_document.with(key).with(expires).run());
    index.gathered.push_back({last_rowid(database_), false, std::move(texts_)});
    return 0;
  }
  GRID_TRY_CODE(index.expire_document.with(expires).with(id).run());
  bool same = false;
  GRID_TRY_CODE(has_texts(index, id, same));
  if (!same) index.gathered.push_back({id, true, std::move(texts_)});
  return 0;
}

int SqliteSearch::find_document(Index& index, std::string_view key, std::int64_t& id) {
  id = index.find.with(key).step() ? index.find.number(0) : 0;
  return index.find.reset();
}

// Many a change is of other fields; then there is nothing to take apart.
int SqliteSearch::has_texts(Index& index, std::int64_t id, bool& same) {
  same = index.texts.with(id).step();
  for (std::size_t i = 0; same && i < texts_.size(); ++i) same = index.texts.text(static_cast<int>(i)) == texts_[i];
  return index.texts.reset();
}

int SqliteSearch::remove(Index& index, std::int64_t id) {
  index.gathered.push_back({id, true});
  return index.delete_document.with(id).run();
}

int SqliteSearch::flush() {
  for (Index& index : indexes_) GRID_TRY_CODE(note_broken(index, flush(index)));
  return 0;
}

int SqliteSearch::flush(Index& index) {
  std::sort(index.gathered.begin(), index.gathered.end(),
            [](const Gathered& a, const Gathered& b) { return a.id < b.id; });
  for (const Gathered& one : index.gathered) {
    if (one.is_there) GRID_TRY_CODE(index.delete_text.with(one.id).run());
  }
  for (const Gathered& one : index.gathered) {
    if (one.texts.empty()) continue;
    index.insert_text.with(one.id);
    for (const std::string& text : one.texts) index.insert_text.with(std::string_view(text));
    GRID_TRY_CODE(index.insert_text.run());
  }
  index.gathered.clear();
  return 0;
}

int SqliteSearch::forget(const SinkMark& mark) {
  for (Index& index : indexes_) {
    std::vector<std::int64_t> gone;
    const auto expired = static_cast<std::int64_t>(mark.expired_ms);
    index.expired.with(searched(index).map).with(expired).with(static_cast<std::int64_t>(mark.floor));
    while (index.expired.step()) gone.push_back(index.expired.number(0));
    GRID_TRY_CODE(index.expired.reset());
    for (const std::int64_t id : gone) GRID_TRY_CODE(note_broken(index, remove(index, id)));
    if (!gone.empty()) touched_ |= std::uint32_t{1} << index.at;
  }
  return 0;
}

int SqliteSearch::note(const SinkMark& mark) {
  return note_.with(static_cast<std::int64_t>(mark.epoch)).with(static_cast<std::int64_t>(mark.through)).run();
}

void SqliteSearch::ended(bool is_committed) {
  for (Index& index : indexes_) index.gathered.clear();
  if (is_committed) changed_ |= touched_;
  touched_ = 0;
}

// ---- building

bool SqliteSearch::is_building() const {
  return std::any_of(indexes_.begin(), indexes_.end(), [](const Index& one) { return one.is_building; });
}

int SqliteSearch::build() {
  const auto next = std::find_if(indexes_.begin(), indexes_.end(), [](const Index& one) { return one.is_building; });
  if (next == indexes_.end()) return 0;
  Index& index = *next;
  const Place before{index.is_building, index.looked_at, index.after_key, index.after_sub};
  GRID_TRY_CODE(run(database_, "BEGIN IMMEDIATE"));
  int code = note_broken(index, build_step(index));
  if (code == 0) code = flush();
  if (code == 0) code = save(index);
  if (code == 0) code = run(database_, "COMMIT");
  if (code != 0) {
    run(database_, "ROLLBACK");
    index.is_building = before.is_building, index.looked_at = before.looked_at;
    index.after_key = before.after_key, index.after_sub = before.after_sub;
  }
  if (code == 0) touched_ |= std::uint32_t{1} << index.at;
  ended(code == 0);
  if (code == 0 && !index.is_building) {
    news_ = "the search of map " + searched(index).map + " stands: " + std::to_string(index.looked_at) +
            " cells were looked at";
  }
  return code;
}

int SqliteSearch::build_step(Index& index) {
  const std::string key = std::exchange(index.after_key, {});
  const std::string sub = std::exchange(index.after_sub, {});
  std::size_t bytes = 0;
  int rows = 0;
  index.scan.with(searched(index).map).with(std::string_view(key)).with(as_bytes(sub));
  int code = 0;
  while (code == 0 && bytes < kStepBytes && index.scan.step()) {
    ++rows;
    bytes += index.scan.bytes(2).size();
    index.after_key = index.scan.text(0);
    index.after_sub = index.scan.text(1);
    const bool is_row = index.after_sub.empty() && index.scan.number(4) == 0;
    const auto expires_ms = static_cast<std::uint64_t>(index.scan.number(3));
    if (is_row) code = put(index, index.after_key, index.scan.bytes(2), expires_ms);
  }
  const int scanned = index.scan.reset();
  if (code != 0 || scanned != 0) return code != 0 ? code : scanned;
  index.looked_at += rows;
  index.is_building = rows == kStepRows || bytes >= kStepBytes;
  return 0;
}

int SqliteSearch::save(const Index& index) {
  save_.with(std::int64_t{index.is_building}).with(index.looked_at).with(std::string_view(index.after_key));
  return save_.with(as_bytes(index.after_sub)).with(index.number).run();
}

int SqliteSearch::note_broken(Index& index, int code) {
  if (is_broken_index(code)) index.is_broken = true;
  return code;
}

bool SqliteSearch::is_broken() const {
  return std::any_of(indexes_.begin(), indexes_.end(), [](const Index& one) { return one.is_broken; });
}

void SqliteSearch::set_broken(std::string_view map) {
  if (Index* index = find(map)) index->is_broken = true;
}

int SqliteSearch::mend() {
  GRID_TRY_CODE(run(database_, "BEGIN IMMEDIATE"));
  int code = 0;
  Statement marks;
  code = marks.prepare(database_, "SELECT epoch, through FROM search LIMIT 1");
  SinkMark mark;
  if (code == 0 && marks.step()) {
    mark.epoch = static_cast<std::uint64_t>(marks.number(0));
    mark.through = static_cast<crdt::Seq>(marks.number(1));
  }
  if (code == 0) code = marks.reset();
  std::vector<std::int64_t> numbers;
  for (const Index& index : indexes_) numbers.push_back(index.number);
  std::int64_t last = *std::max_element(numbers.begin(), numbers.end());
  for (Index& index : indexes_) {
    if (!index.is_broken || code != 0) continue;
    code = drop(index.number);
    index.number = ++last;
    if (code == 0) code = create(index);
    if (code == 0) code = prepare(index);
    if (code == 0) news_ = "the search of map " + searched(index).map + " was damaged, and is built anew from the rows";
  }
  if (code == 0) code = note(mark);
  if (code == 0) code = run(database_, "COMMIT");
  if (code != 0) run(database_, "ROLLBACK");
  for (std::size_t at = 0; at < indexes_.size(); ++at) {
    if (code == 0) indexes_[at].is_broken = false;
    if (code != 0) indexes_[at].number = numbers[at];
  }
  return code;
}

std::uint32_t SqliteSearch::take_changed() { return std::exchange(changed_, 0); }

std::string SqliteSearch::take_news() { return std::exchange(news_, {}); }

}  // namespace grid::storage
