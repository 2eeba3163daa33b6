// SPDX-License-Identifier: Apache-2.0
//
// Evaluation: answers one question from an index, once.
//
// Place     Top of the evaluator. Knows an index and a query; no text, no store.
// Promises  DLQ-1  The answer is the one that the query defines, whatever the order of its clauses, and the same on
//                  every machine.
//           DLQ-2  It ends: after no more steps than the budget has, within the memory of its region; over either it is
//                  `full`, and problem() says which.
// Ownership All memory is of the region, which goes when the answer has been read. The index stands still meanwhile,
// the
//           query and the inputs stay where they are.
//
// A query that was parsed once may be answered as often as one likes, each time by an evaluation of its own.
#pragma once

#include "crdt/datalog/budget.h"
#include "crdt/datalog/index.h"
#include "crdt/datalog/query.h"

namespace grid::datalog {

class Engine;
class Answer;

// How one clause was answered: in the order in which the clauses were, those of what is called behind.
struct Explained {
  std::string_view of{};     // "query", or the name of a rule; "or", "not".
  std::uint16_t branch = 0;  // Of several, from 0.
  Place at{};                // Of the clause.
  // "entity", "attribute", "attribute and value", "range of values", "value", "all facts": an index;
  // "hash": one scan for many rows; "test", "function", "rule", "or", "not", "input".
  std::string_view by{};
  double expected = 0;  // Rows for each row that comes, as planned.
  std::uint64_t rows_in = 0;
  std::uint64_t rows_out = 0;
};

class Evaluation {
 public:
  Evaluation(const Index& index, Region& region, Budget budget);
  Evaluation(const Evaluation&) = delete;
  Evaluation& operator=(const Evaluation&) = delete;

  // `inputs` are one for each element of query.in. Once only.
  //   full     "limit: ..."
  //   invalid  "input 2: ...": an input is not of the shape that it is bound to.
  Status run(const Query& query, std::span<const Value> inputs);
  const Problem& problem() const { return problem_; }

  // Rows in the order asked for, then in the total order of their values; one at most where the shape has one.
  std::size_t count() const { return count_; }
  // A value for each of query.find; valid until the next row is read. A pull that finds nothing is null.
  //   full  As run().
  Result<std::span<const Value>> row(std::size_t at);

  std::uint64_t steps() const { return meter_.taken(); }
  std::size_t explained() const;
  Explained explain(std::size_t at) const;

 private:
  Status say_limit(Status status);

  const Index& index_;
  Region& region_;
  Meter meter_;
  Problem problem_;
  Engine* engine_ = nullptr;
  Answer* answer_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace grid::datalog
