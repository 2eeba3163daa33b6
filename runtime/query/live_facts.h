// SPDX-License-Identifier: Apache-2.0
//
// LiveFacts: the answer to a Datalog question, kept current: which rows enter it and leave it.
//
// Place     Beside fact_engine.h, which tells it of changes.
// Promises  DLL-1  What was told adds up to what the question would be answered now, after each advance().
//           A change of facts that the question does not look at costs nothing. Where clauses are patterns, predicates
//           and functions alone, a change costs the rows that it has a part in; other questions are answered anew, once
//           for any number of changes. BND-1  Its rows stay within the bytes that it is given; where they don't it
//           ends, with `full`. What it has to tell is at most what it told and what is so now, whenever it is asked.
// Ownership Borrows the engine for life.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/query/fact_engine.h"

namespace grid::runtime {

class LiveFacts {
 public:
  struct Visitor {
    void (*visit)(void* at, bool has_entered, std::span<const crdt::Value> row);
    void* at;
  };

  LiveFacts(FactEngine& engine, std::string_view map, std::unique_ptr<FactQuestion> question, std::size_t bytes_max);
  ~LiveFacts();
  LiveFacts(const LiveFacts&) = delete;
  LiveFacts& operator=(const LiveFacts&) = delete;

  const QueryAttributes& attributes() const { return question_->attributes(); }
  const std::string& map() const { return map_; }
  // Tells what has become of the answer since the last time; the first time, all of it. The visit makes no call on the
  // engine.
  //   full, invalid, corrupt, io  As FactEngine::ask(), or the rows don't fit: it is over.
  Status advance(const Visitor& visitor);
  // Why it failed, as a sentence. Never null.
  const char* problem() const { return failed_ == Status::ok ? engine_.problem() : trouble_.c_str(); }
  // Times that the question was answered from all facts.
  std::uint64_t asked_count() const { return asked_count_; }
  // It is `full` for its rows.
  bool has_outgrown() const { return bytes_ > bytes_max_; }
  std::size_t row_count() const { return rows_.size(); }

  // For the engine: `deltas` are of attributes that the question looks at.
  void changing(std::span<const FactDelta> deltas);
  void changed(std::span<const FactDelta> deltas);
  std::uint64_t number = 0;  // Among the engine's.

 private:
  using Rows = std::set<std::string>;  // Each row in one text.

  // The question, with an input more that holds what is known of some of its variables.
  struct Seeded {
    const datalog::Clause* pattern = nullptr;  // Null: of what is found.
    std::vector<datalog::Binding> parts;
    datalog::Binding tuple;
    std::vector<datalog::Binding> in;
    datalog::Query query;
  };

  void prepare();
  void seed(const datalog::Clause* pattern, std::vector<datalog::Binding> parts);
  Status collect(bool are_added, std::span<const FactDelta> deltas, Rows& into);
  Status ask_seeded(const Seeded& seeded, const std::vector<std::uint8_t>& relation, Rows& into);
  void note(Status status);
  Status settle_candidates();
  Status ask_anew();
  Status follow(std::span<const FactDelta> deltas);
  Status put(const std::string& row);
  void take_out(const std::string& row);
  void note_move(const std::string& row, bool was_in);
  void tell(const Visitor& visitor);

  FactEngine& engine_;
  std::string map_;
  std::unique_ptr<FactQuestion> question_;
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  bool is_incremental_ = false;
  bool is_stale_ = true;        // It must be answered anew.
  Status failed_ = Status::ok;  // While it followed a change: it is over.
  std::string trouble_;
  std::vector<std::unique_ptr<Seeded>> seeded_;
  Rows rows_;
  Rows candidates_;                    // May have lost what they stood on.
  std::map<std::string, bool> moved_;  // Rows that have moved since it was told last: whether they were in.
  std::uint64_t asked_count_ = 0;
  std::uint64_t loads_ = 0;  // Of the index, when it was asked last.
};

}  // namespace grid::runtime
