// SPDX-License-Identifier: Apache-2.0
//
// FactQuestion: a Datalog question with its inputs, read once, and kept for as long as it is asked.
//
// Place     Above crdt/datalog/parse.h. Knows no facts.
// Ownership It has copies of all that it was made from.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/datalog/parse.h"
#include "crdt/datalog/query.h"
#include "runtime/query/query_attributes.h"

namespace grid::runtime {

class FactQuestion {
 public:
  // `inputs` are one for each element of :in behind $, that of % a text. Null: `problem` says why.
  static std::unique_ptr<FactQuestion> read(std::string_view text, std::span<const crdt::Value> inputs,
                                            std::string& problem);

  const std::string& text() const { return text_; }
  const std::string& rules() const { return rules_; }
  const datalog::Query& query() const { return query_; }
  // Without %.
  std::span<const crdt::Value> inputs() const { return inputs_; }
  const QueryAttributes& attributes() const { return attributes_; }

 private:
  FactQuestion() = default;
  bool take_inputs(std::span<const crdt::Value> inputs, std::int32_t rules_at, std::string& problem);

  std::string text_, rules_;
  std::vector<std::uint8_t> memory_;
  std::vector<std::vector<std::uint8_t>> bytes_;
  std::vector<crdt::Value> inputs_;  // Views of bytes_.
  datalog::Query query_;
  QueryAttributes attributes_;
};

}  // namespace grid::runtime
