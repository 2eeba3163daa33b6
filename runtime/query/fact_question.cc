// SPDX-License-Identifier: Apache-2.0

#include "runtime/query/fact_question.h"

namespace grid::runtime {

using crdt::Value;
using datalog::Trouble;

namespace {

constexpr std::size_t kSentenceBytesMax = 400;
// What a byte of text may come to, as nodes and as clauses.
constexpr std::size_t kBytesPerByte = 160;
constexpr std::size_t kBytesLeast = 65'536;

std::string sentence_of(const Trouble& trouble) {
  char room[kSentenceBytesMax];
  return std::string(trouble.sentence(room));
}

}  // namespace

std::unique_ptr<FactQuestion> FactQuestion::read(std::string_view text, std::span<const Value> inputs,
                                                 std::string& problem) {
  std::unique_ptr<FactQuestion> one(new FactQuestion);
  one->text_ = text;
  Trouble trouble;
  std::int32_t rules_at = -1;
  {
    std::vector<std::uint8_t> memory(kBytesLeast + kBytesPerByte * std::min(text.size(), datalog::kQueryBytesMax));
    Arena arena(memory);
    const Result<std::int32_t> found = datalog::rules_input(one->text_, arena, trouble);
    if (!found.ok()) return problem = sentence_of(trouble), nullptr;
    rules_at = *found;
  }
  if (!one->take_inputs(inputs, rules_at, problem)) return nullptr;
  const std::size_t bytes = std::min(text.size() + one->rules_.size(), 2 * datalog::kQueryBytesMax);
  one->memory_.resize(kBytesLeast + kBytesPerByte * bytes);
  Arena arena(one->memory_);
  const Result<datalog::Query> query = datalog::parse(one->text_, one->rules_, arena, trouble);
  if (!query.ok()) return problem = sentence_of(trouble), nullptr;
  one->query_ = *query;
  one->attributes_ = QueryAttributes::of(one->query_);
  const std::size_t wanted = one->query_.in.size();
  if (one->inputs_.size() == wanted) return one;
  problem = "the question wants " + std::to_string(wanted) + " inputs behind $" + (rules_at < 0 ? "" : " and %") +
            ", and got " + std::to_string(one->inputs_.size());
  return nullptr;
}

bool FactQuestion::take_inputs(std::span<const Value> inputs, std::int32_t rules_at, std::string& problem) {
  const auto rules = static_cast<std::size_t>(rules_at);
  if (rules_at >= 0 && rules >= inputs.size()) {
    problem = "input " + std::to_string(rules + 1) + ": % wants rules, and there is none";
    return false;
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (rules_at >= 0 && i == rules) {
      if (inputs[i].kind() != crdt::ValueKind::text) {
        problem = "input " + std::to_string(i + 1) + ": rules are EDN text, not a " + name_of(inputs[i].kind());
        return false;
      }
      rules_ = inputs[i].text_or({});
      continue;
    }
    // What a pull gave may nest deeper than a value that is compared.
    if (crdt::check_value(inputs[i].canonical()) != Status::ok) {
      problem = "input " + std::to_string(i + 1) + ": this is no value, or one that nests deeper than " +
                std::to_string(kValueDepthMax) + " lists and records";
      return false;
    }
    bytes_.emplace_back(inputs[i].canonical().begin(), inputs[i].canonical().end());
  }
  for (const std::vector<std::uint8_t>& one : bytes_) inputs_.emplace_back(Bytes(one));
  return true;
}

}  // namespace grid::runtime
