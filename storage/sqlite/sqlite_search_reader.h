// SPDX-License-Identifier: Apache-2.0
//
// SqliteSearchReader: asks the index that SqliteSearch keeps, over a connection of its own.
//
// Place     Beside sqlite_search.h. Knows FTS5's expressions; how people write them is for who asks (match).
// Promises  An answer is of one moment: its hits, and the mark up to which rows are drained. Hits come by rank and then
//           by key, so that pages have one order. What takes longer than its patience is given up: busy.
// Ownership What an answer holds is its own.
// Threads   One, of its own: the database lets it read while the sink writes.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "storage/sqlite/sqlite_search.h"

namespace grid::storage {

struct SearchQuestion {
  std::string map{};
  std::string match{};  // In FTS5's language.
  std::size_t limit = 20;
  double after_rank = 0;
  std::string after_key{};     // Empty: from the best on.
  std::uint64_t known_ms = 0;  // What has expired by then is no hit; 0: nothing has.
  std::size_t bytes_max = 65'536;
};

struct SearchFound {
  std::string key;
  crdt::Stamp stamp;
  double rank = 0;
  std::uint64_t expires_ms = 0;
  // For each field of the map an excerpt, in which kBegin and kEnd stand around what matches; without, it has none.
  std::vector<std::string> excerpts;
};

struct SearchAnswer {
  static constexpr char kBegin = '\x02';
  static constexpr char kEnd = '\x03';

  std::vector<SearchFound> hits;
  bool more = false;
  SinkMark mark;
  std::uint64_t building = 0;  // 1 more than the cells that were looked at; 0: the index stands.
};

class SqliteSearchReader {
 public:
  // Of a file that a SqliteSink has opened with this configuration. Null with `status` and `problem`, as there.
  static std::unique_ptr<SqliteSearchReader> open(const std::string& file, const SearchConfig& config, Status& status,
                                                  std::string& problem);

  //   not_found  The map has no search.
  //   corrupt    Its index is damaged.
  //   busy       It took too long, or the database is locked.
  //   io, full   The database fails.
  Status ask(const SearchQuestion& question, SearchAnswer& answer);
  void set_patience(std::uint32_t ms) { patience_ms_ = ms; }
  const char* problem() const { return problem_.c_str(); }

 private:
  struct Statements {
    Statement page, hit;
  };
  struct Candidate {
    std::int64_t id;
    double rank;
  };

  SqliteSearchReader(const std::string& file, const SearchConfig& config) : file_(file), config_(config) {}
  int read(const SearchQuestion& question, const SearchedMap& map, SearchAnswer& answer);
  int read_state(const SearchedMap& map, std::int64_t& number, SearchAnswer& answer);
  int read_page(Statements& statements, const SearchQuestion& question, std::vector<Candidate>& page);
  int read_hit(Statements& statements, const SearchQuestion& question, const Candidate& one, SearchFound& found);
  int prepare(Statements& statements, std::int64_t number, const SearchedMap& map);

  std::string file_;
  const SearchConfig config_;
  std::string problem_;
  std::uint32_t patience_ms_ = 2'000;
  ReadConnection connection_;
  Statement state_;
  std::map<std::int64_t, Statements> statements_;
};

}  // namespace grid::storage
