// SPDX-License-Identifier: Apache-2.0
//
// AnswerCache: answers that were given, for as long as nothing that their questions look at has changed.
//
// Place     Between fact_index.h, which numbers its changes, and fact_engine.h.
// Promises  DLE-1  What stands in it is what the question would be answered now.
//           BND-1  It takes the bytes that it is given; who was not asked for longest goes first.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/query/fact_index.h"
#include "runtime/query/fact_question.h"

namespace grid::runtime {

class AnswerCache {
 public:
  using Rows = std::vector<std::string>;  // Each packed.

  explicit AnswerCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // Null: there is none. It stands until the next call.
  const Rows* find(std::string_view map, const FactIndex& index, const FactQuestion& question);
  // What one answer may take of it, and what a row of it does.
  std::size_t share() const { return bytes_max_ / kSharesMin; }
  static std::size_t bytes_of(const std::string& row) { return kRowOverhead + row.size(); }
  // The answer as of now. One that takes more than its share is not kept.
  void keep(std::string_view map, const FactIndex& index, const FactQuestion& question, Rows&& rows);

 private:
  static constexpr std::size_t kSharesMin = 4;
  static constexpr std::size_t kRowOverhead = 48;

  struct Answer {
    std::uint64_t loads = 0, changes = 0;  // Of the index, by then.
    std::uint64_t used = 0;
    std::size_t bytes = 0;
    Rows rows;
  };
  using Answers = std::map<std::string, Answer, std::less<>>;

  void drop(Answers::iterator at);

  const std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::uint64_t uses_ = 0;
  Answers answers_;
};

}  // namespace grid::runtime
