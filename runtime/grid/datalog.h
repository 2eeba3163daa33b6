// SPDX-License-Identifier: Apache-2.0
//
// Datalog: questions about the facts of a map, in the dialect of DataScript and Datomic (docs/datalog.md).
//
//     grid::Datalog huts(*node, "huts");
//     huts.ask({"[:find ?n ?b :where [?h :hut/name ?n] [?h :hut/beds ?b]]"}, [](std::span<const grid::Value> row) {});
//
// Place     Above grid.h. An application that includes nothing of it links nothing of it. For machines with a heap.
// Promises  As grid.h.
#pragma once

#include <span>

#include "runtime/grid/grid.h"

namespace grid {

struct DatalogQuestion {
  std::string_view text;            // "[:find ?n :in $ ?b :where [?h :hut/name ?n] [?h :hut/beds ?b]]"
  std::span<const Value> inputs{};  // One for each element of :in behind $; that of % is a text.
};

// How one clause was answered.
struct DatalogStep {
  std::string_view of;      // "query", "or", "not", or the name of a rule.
  std::string_view clause;  // Its text; empty where it is not of the question's own.
  std::uint32_t line = 0;   // Where it stands.
  std::uint32_t column = 0;
  std::string_view by;  // The index that was used, or what it was instead.
  double expected = 0;  // Rows for each row that came, as planned.
  std::uint64_t rows_in = 0;
  std::uint64_t rows_out = 0;
};

struct DatalogVisitor {
  void (*visit)(void* at, std::span<const Value> row);
  void* at;
  void (*explain)(void* at, const DatalogStep& step) = nullptr;  // Behind the rows, in the order of the clauses.
};

enum class AnswerShape : std::uint8_t {
  relation,    // :find ?a ?b
  collection,  // :find [?a ...]: rows of one value.
  tuple,       // :find [?a ?b]: one row at most.
  scalar,      // :find ?a .: one row of one value at most.
};

struct DatalogAnswer {
  //   invalid, too_large  The question is none, or an input is not of its shape: problem() says where.
  //   full                "limit: ...": more steps or memory than a question may take.
  //   corrupt, io         The store failed.
  Status status = Status::invalid;
  AnswerShape shape = AnswerShape::relation;
  std::uint64_t rows = 0;
  std::uint64_t steps = 0;  // Facts and rows that were looked at.
};

// A row that has entered the answer to a live question, or left it.
struct DatalogChange {
  bool has_entered = false;
  std::span<const Value> row{};
};

class Datalog {
 public:
  Datalog() = default;
  // `map` is kept by reference: a literal, as a rule.
  Datalog(Node& node, std::string_view map) : driver_(&node.driver()), map_(map) {}

  // Calls `visit(std::span<const Value> row)` for each row of the answer: a value for each element of :find, entities
  // as the integer or text that their id is. `visit` makes no calls on the node. Of facts that are here; subscribe()
  // brings those that a question looks at.
  template <typename Visit>
  DatalogAnswer ask(const DatalogQuestion& question, Visit visit) const {
    DatalogAnswer answer;
    answer.status =
        driver_->ask(map_, question,
                     {[](void* at, std::span<const Value> row) { (*static_cast<Visit*>(at))(row); }, &visit}, answer);
    return answer;
  }
  // Pulls facts as subscribe() does for as long as the Live is there, keeps the answer current, and calls back for each
  // row that enters it or leaves it, the first answer included. A row that changes leaves as it was and enters as it
  // is.
  Live live(const DatalogQuestion& question, DatalogCallback callback) const {
    std::uint32_t id = 0;
    const Status status = driver_->live_datalog(map_, question, callback, id);
    return {driver_, status, id};
  }
  // Pulls the facts that the answer stands on and keeps them current, for as long as the node lives: those of its
  // entities, where these can be told and are few; else those of its attributes, or the whole map where it may look at
  // any (docs/datalog.md).
  //   invalid, too_large  The question is none; problem() says where.
  //   full                As Node::subscribe().
  Status subscribe(const DatalogQuestion& question) const { return driver_->subscribe_datalog(map_, question); }

 private:
  Driver* driver_ = nullptr;
  std::string_view map_;
};

}  // namespace grid
