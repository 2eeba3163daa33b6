// SPDX-License-Identifier: Apache-2.0
//
// SmallDatalog: questions about the facts of a map, on a machine without a heap.
//
//     alignas(8) static std::uint8_t memory[24 * 1'024];
//     grid::SmallDatalog huts(*node, "huts", memory);
//     huts.ask(query, {}, [](std::span<const grid::Value> row) {});
//
// Place     Above grid.h and crdt/datalog; datalog.h is that of a machine with a heap. An application that includes
//           nothing of it links nothing of it. Who reads texts links grid_datalog_text besides; a query that
//           crdt/datalog/query_maker.h puts together needs none.
// Promises  As grid.h, and DLQ-1, DLQ-2 of crdt/datalog/evaluate.h. A question is answered from all facts of the map
//           that are here and live, of entities that are not deleted.
//           BND-1  No more memory than what is lent; what does not fit is `full`, and says so. Between two questions
//           the memory is the lender's again.
// Ownership Borrows the node, the map's name and the memory for life.
// Threads   None: the caller's.
//
// Nothing is kept between two questions: each one reads the facts of its map anew. It suits maps of some hundred facts.
#pragma once

#include <span>

#include "crdt/datalog/evaluate.h"
#include "runtime/grid/grid.h"

namespace grid {

class SmallDatalog {
 public:
  static constexpr std::uint64_t kSteps = 100'000;

  SmallDatalog(Node& node, std::string_view map, MutBytes memory, std::uint64_t steps_max = kSteps)
      : node_(node), map_(map), memory_(memory), steps_max_(steps_max) {}

  // Calls `visit(std::span<const Value> row)` for each row of the answer: a value for each element of :find. `visit`
  // makes no calls on the node. `inputs` are one for each element of query.in.
  //   invalid      An input is not of its shape: problem() says where.
  //   full         "limit: ...": more steps than a question may take, or more memory than is lent.
  //   corrupt, io  The store failed.
  template <typename Visit>
  Status ask(const datalog::Query& query, std::span<const Value> inputs, Visit visit) {
    return ask(query, inputs, {[](void* at, std::span<const Value> row) { (*static_cast<Visit*>(at))(row); }, &visit});
  }

  // Why the last question failed; empty where it did not.
  std::string_view problem() const { return problem_.sentence(); }
  // What the last question took, with the facts that it was asked of.
  std::size_t bytes() const { return bytes_; }
  std::uint64_t steps() const { return taken_; }

 private:
  struct Visitor {
    void (*visit)(void* at, std::span<const Value> row);
    void* at;
  };

  Status ask(const datalog::Query& query, std::span<const Value> inputs, const Visitor& visitor);
  Status answer(Region& region, const datalog::Query& query, std::span<const Value> inputs, const Visitor& visitor);
  Status load(datalog::Index& index);

  Node& node_;
  std::string_view map_;
  MutBytes memory_;
  std::uint64_t steps_max_;
  std::uint64_t taken_ = 0;
  std::size_t bytes_ = 0;
  datalog::Problem problem_;
};

}  // namespace grid
