// SPDX-License-Identifier: Apache-2.0
//
// SqliteSearch: the full-text index beside the rows of a SqliteSink, in the same file.
//
// Place     Below sqlite_sink.h, which calls it inside its own transactions; sqlite_search_reader.h asks. Knows FTS5;
//           what of a value is text, it is told.
// Promises  SRC-1  A row and what the index has of it are in one transaction: the index holds exactly the rows of table
//                  cell that stand, are no tombstone and have text, but for those that building has yet to look at.
//           What is not configured has no table. An index of another configuration, of another release, or beside which
//           somebody else wrote rows, is dropped and built anew, in steps.
// Ownership Borrows its connection.
// Threads   The sink's.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "storage/sink.h"
#include "storage/sqlite/statement.h"

namespace grid::storage {

struct SearchedMap {
  std::string map;
  std::vector<std::string> fields;

  bool operator==(const SearchedMap&) const = default;
};

struct SearchConfig {
  static constexpr std::size_t kMapsMax = 32;
  static constexpr std::size_t kFieldsMax = 16;  // of one map

  // What of a value's field is searched; empty: nothing.
  using TextOf = std::string (*)(Bytes value, const std::string& field);

  std::vector<SearchedMap> maps{};
  TextOf text_of = nullptr;

  bool is_on() const { return !maps.empty(); }
};

class SqliteSearch {
 public:
  SqliteSearch(sqlite3* database, const SearchConfig& config) : database_(database), config_(config) {}
  SqliteSearch(const SqliteSearch&) = delete;
  SqliteSearch& operator=(const SqliteSearch&) = delete;

  // Whether the file has tables of a search.
  static int is_there(sqlite3* database, bool& there);
  // Codes are SQLite's: 0 is success. Makes and drops tables, so that they are those of the configuration; `mark` is
  // how far the rows stand. Where they are, nothing is written.
  int open(const SinkMark& mark);

  // ---- within a transaction of the sink, as open()
  // `row` has won, and stands in table cell.
  int put(const SinkRow& row);
  // Before what `mark` says to be expired goes from table cell.
  int forget(const SinkMark& mark);
  // Hands FTS5 what the calls above have gathered, in the order that it likes: it begins a segment anew for each rowid
  // that is less than the one before, and for each other statement in between.
  int flush();
  int note(const SinkMark& mark);
  // How it ended.
  void ended(bool is_committed);

  // ---- building
  bool is_building() const;
  // Looks at some rows more, in a transaction of its own.
  int build();
  // An index is damaged: put(), forget() or build() said so, or whoever asked of it.
  bool is_broken() const;
  void set_broken(std::string_view map);
  // Empties those, to be built anew, in a transaction of its own.
  int mend();

  // A bit for each map of the configuration, in its order, whose index has changed since the last time.
  std::uint32_t take_changed();
  // What is to be told of building, once; empty: nothing.
  std::string take_news();

 private:
  struct Gathered {
    std::int64_t id;
    bool is_there;                     // With other texts, which go.
    std::vector<std::string> texts{};  // None: it is removed.
  };
  struct Index {
    std::size_t at = 0;  // In the configuration.
    std::int64_t number = 0;
    bool is_building = true;
    bool is_broken = false;
    std::int64_t looked_at = 0;
    std::string after_key;
    std::string after_sub;
    std::vector<Gathered> gathered;
    Statement find, texts, insert_document, expire_document, delete_document, insert_text, delete_text, expired, scan;
  };
  // Where building has come to.
  struct Place {
    bool is_building;
    std::int64_t looked_at;
    std::string after_key, after_sub;
  };

  const SearchedMap& searched(const Index& index) const { return config_.maps[index.at]; }
  Index* find(std::string_view map);
  int create(Index& index);
  int drop(std::int64_t number);
  int tear_out(const std::string& name);
  int save(const Index& index);
  int prepare(Index& index);
  int put(Index& index, std::string_view key, Bytes value, std::uint64_t expires_ms);
  int find_document(Index& index, std::string_view key, std::int64_t& id);
  int has_texts(Index& index, std::int64_t id, bool& same);
  int remove(Index& index, std::int64_t id);
  int flush(Index& index);
  int build_step(Index& index);
  int note_broken(Index& index, int code);

  sqlite3* database_;
  const SearchConfig config_;
  std::deque<Index> indexes_;  // In the order of the configuration.
  std::vector<std::string> texts_;
  Statement note_, save_;
  std::uint32_t touched_ = 0;  // In the open transaction.
  std::uint32_t changed_ = 0;
  std::string news_;
};

}  // namespace grid::storage
