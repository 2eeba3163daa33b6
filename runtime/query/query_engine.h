// SPDX-License-Identifier: Apache-2.0
//
// QueryEngine: answers questions over the rows of one store, and owns its indexes.
//
// Place     Top of runtime/query. Any machine with a store can own one; LinuxHost does.
// Promises  The same rows in the same order whatever the plan. A page begins with the first row behind its cursor.
//           BND-1  Indexes and rows that must be sorted stay within QueryOptions; where an index would not, it is
//                  switched off, `explain` says so, and rows are scanned for. A question whose rows don't fit is
//                  `full`.
// Ownership Borrows its store for life.
// Threads   None: the caller's.
//
// An index is a reader of the log, as a watch is: it holds a position, and reads on when it is asked.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/query/compile.h"
#include "crdt/query/sort.h"
#include "runtime/query/index.h"
#include "runtime/query/planner.h"
#include "storage/store.h"

namespace grid::runtime {

struct QueryOptions {
  std::size_t index_bytes_max = 256u << 20;  // Of all indexes together.
  std::size_t rows_bytes_max = 256u << 20;   // Of the rows of one question that must be sorted.
  std::size_t indexes_max = 64;
};

struct Question {
  std::string_view map;
  std::string_view where{};  // docs/queries.md; empty: every row.
  std::string_view order{};  // Empty: by key.
  std::uint64_t limit = 0;   // 0: all of them.
  std::string_view after{};  // The cursor of the page before.
  std::span<const query::Parameter> parameters{};
  std::uint64_t known_ms = 0;  // By which expiry is judged; 0: the time is unknown.
  // Where rows come by key and no index helps, a page ends behind so many cells of the map, full or not. 0: it does
  // not.
  std::uint64_t looks_max = 0;
};

struct Explanation {
  Way way = Way::scan;
  std::string_view index{};         // The path of the index that was used.
  std::string_view why_no_index{};  // A sentence; empty when one was used.
  std::uint64_t looked_at = 0;      // Rows that were held against the predicate,
  std::uint64_t matched = 0;        // that it accepts, and that stand behind the cursor,
  std::uint64_t shown = 0;          // and that were handed out.
  bool is_sorted = false;           // They had to be sorted.
};

class QueryEngine {
 public:
  explicit QueryEngine(storage::Store& store, const QueryOptions& options = {})
      : store_(store), options_(options), index_bytes_left_(options.index_bytes_max) {}
  QueryEngine(const QueryEngine&) = delete;
  QueryEngine& operator=(const QueryEngine&) = delete;

  // From now on there is an index; declaring one again changes nothing.
  //   invalid, too_large  The path is none; problem() says where.
  //   full                QueryOptions::indexes_max.
  Status declare(std::string_view map, std::string_view path, IndexKind kind);
  // Reads at most so many records of the log for the indexes. ok: they know all of it. It is also done by ask(), all of
  // it; a machine that can't pause does it piece by piece before.
  //   busy  There is more.
  //   corrupt, io  Of the store.
  Status catch_up(std::uint64_t records_max = UINT64_MAX);
  std::span<const std::unique_ptr<Index>> indexes() const { return indexes_; }

  // A row that is an answer; stands until the visit returns. The visit makes no call on the store.
  struct Visitor {
    void (*visit)(void* at, const query::Row& row, const crdt::Op& op);
    void* at;
  };
  //   invalid, too_large  The predicate, the order or the cursor is none, or the cursor is of another query.
  //   corrupt, newer      The cursor is damaged, or of a later release; or the store is.
  //   full                More rows would have to be sorted than there is room for; or what the rows are sorted by is
  //                       too long for a cursor: then the page has been handed out.
  //   io                  The store failed.
  Status ask(const Question& question, const Visitor& visitor) { return ask(question, nullptr, visitor); }
  // The same where the predicate is compiled already, and `question.where` is empty.
  Status ask_compiled(const Question& question, const query::Predicate& where, const Visitor& visitor) {
    return ask(question, &where, visitor);
  }

  // Of the last ask(), and until the next.
  const Explanation& explanation() const { return explanation_; }
  std::string_view cursor() const { return cursor_; }  // Empty: there is no more.
  // The last trouble as a sentence. Never null.
  const char* problem() const { return problem_.c_str(); }

 private:
  struct Run;

  Status refuse(Status status, std::string problem);
  Status ask(const Question& question, const query::Predicate* where, const Visitor& visitor);
  Status compile(const Question& question, Run& run);
  Status open_cursor(const Question& question, Run& run);
  Status go_through_keys(Run& run, const Visitor& visitor);
  Status go_through_index(Run& run);
  Status take(Run& run, const crdt::Op& op, const Visitor* visitor, bool& is_enough);
  Status hand_out(Run& run, const Visitor& visitor);
  Status write_cursor(const Run& run, const query::Place& last);
  Result<crdt::Op> standing(crdt::Seq seq);

  storage::Store& store_;
  QueryOptions options_;
  std::size_t index_bytes_left_;  // Of what the indexes may take.
  std::vector<std::unique_ptr<Index>> indexes_;
  std::vector<std::uint8_t> program_;  // Of the last ask().
  Plan plan_;
  Explanation explanation_;
  std::string cursor_;
  std::string problem_;
};

}  // namespace grid::runtime
