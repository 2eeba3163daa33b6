// SPDX-License-Identifier: Apache-2.0
//
// LiveQuery: the answer to a question, kept current: which rows enter it, change in it and leave it.
//
// Place     Beside query_engine.h, of which it asks the first answer, and a window's rows anew when too few are left.
// Promises  QRY-4  What was told adds up to what the question would be answered now, after each advance().
//           A change costs the rows that it moves, not the answer: nothing is asked again, but where a window has run
//           out of spare rows.
//           BND-1  It keeps the rows of its answer, with a limit those of the window and up to as many behind it (at
//           least kSpareRows), all within the bytes that it is given. Where they don't fit it ends, with `full`.
// Ownership Borrows store and engine for life. Old values are kept whole.
//
// It is a reader of the log, as an index is. A name that leaves the store without a record must be told: erased().
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/query/query_engine.h"

namespace grid::runtime {

enum class LiveKind : std::uint8_t { enter, update, leave };

struct LiveDelta {
  LiveKind kind;
  std::string_view key;
  crdt::Value old;    // As it was told last; absent when it enters.
  crdt::Value now;    // Absent when it leaves.
  crdt::Stamp stamp;  // Of `now`.
  bool local = false;
};

class LiveQuery {
 public:
  static constexpr std::size_t kSpareRows = 16;

  struct Visitor {
    void (*visit)(void* at, const LiveDelta& delta);
    void* at;
  };

  LiveQuery(storage::Store& store, QueryEngine& engine, std::size_t bytes_max)
      : store_(store), engine_(engine), bytes_max_(bytes_max) {}
  LiveQuery(const LiveQuery&) = delete;
  LiveQuery& operator=(const LiveQuery&) = delete;

  // `question.after` is empty. The rows of the first answer are told as ones that enter, by the next advance().
  //   invalid, too_large  As QueryEngine::ask(); problem() says why.
  //   full, corrupt, io   Likewise; or the rows don't fit.
  Status open(const Question& question);
  // Reads the log on, at most so many records, and tells what has come of it. The visit makes no call on store or
  // engine.
  //   busy  There is more.
  //   full  The rows don't fit any more: it is over.
  //   corrupt, io  Of the store.
  Status advance(std::uint64_t known_ms, const Visitor& visitor, std::uint64_t records_max = UINT64_MAX);
  // A name has left the store without a record, or its stamp has moved.
  void erased(const crdt::CellName& name);

  // Why open() failed. Never null.
  const char* problem() const { return problem_.c_str(); }
  std::size_t row_count() const { return window_.size(); }
  // Times that the question was asked anew, the first one among them.
  std::uint64_t asked_count() const { return asked_count_; }
  // When the next of its rows expires; UINT64_MAX: none does.
  std::uint64_t next_expiry_ms() const { return expiries_.empty() ? UINT64_MAX : expiries_.begin()->first; }

 private:
  struct Row {
    std::string key;
    std::vector<std::uint8_t> value;
    query::Place place;  // Views of the two above.
    crdt::Stamp stamp;
    std::uint64_t expires_ms = 0;
    bool local = false;

    query::Row view() const { return {key, crdt::Value(value)}; }
    std::size_t bytes() const { return sizeof(Row) + 160 + key.size() + value.size(); }
  };
  // What was told of a row last.
  struct Told {
    bool is_in = false;
    std::vector<std::uint8_t> value{};
    crdt::Stamp stamp{};
  };
  struct IsBefore {
    const query::Sort* sort;
    bool operator()(const Row* a, const Row* b) const { return sort->compare(a->place, b->place) < 0; }
  };
  using Rows = std::set<const Row*, IsBefore>;

  bool is_bounded() const { return limit_ != 0; }
  std::size_t spare_max() const { return limit_ > kSpareRows ? limit_ : kSpareRows; }
  std::unique_ptr<Row> row_of(const crdt::Op& op) const;
  Status look_at(std::string_view key, std::uint64_t known_ms);
  void touch(const Row& row);
  void take_out(const Row& row);
  void put_in(std::unique_ptr<Row> row);
  Status refill(std::uint64_t known_ms);
  void forget(const Row& row);
  void tell(const Visitor& visitor);

  storage::Store& store_;
  QueryEngine& engine_;
  std::size_t bytes_max_;
  std::string map_, where_, order_;
  std::vector<std::uint8_t> program_, sort_bytes_;
  query::Predicate predicate_;
  query::Sort sort_;
  std::uint64_t limit_ = 0;

  std::map<std::string, std::unique_ptr<Row>, std::less<>> rows_;  // Of window and spare, by key.
  Rows window_{IsBefore{&sort_}};                                  // The answer,
  Rows spare_{IsBefore{&sort_}};                                   // and what stands right behind it.
  bool knows_all_ = true;                                          // No row stands behind the spare ones.
  std::set<std::pair<std::uint64_t, std::string>> expiries_;
  std::size_t bytes_ = 0;
  std::map<std::string, Told, std::less<>> touched_;  // Rows that may have moved since it was told last.
  std::set<std::string> erased_;
  crdt::Seq position_ = 0;
  std::uint64_t known_ms_ = 0;  // As it was told last.
  std::uint64_t asked_count_ = 0;
  std::string problem_;
};

}  // namespace grid::runtime
