// SPDX-License-Identifier: Apache-2.0
//
// What the tests of Datalog's evaluation share: an index with memory behind it, and answers as JSON.
//
// A fact is written `1 name "Ada"`: entity, predicate, value as JSON. A predicate that ends in * has many values.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/datalog/evaluate.h"
#include "crdt/datalog/parse.h"
#include "tests/check.h"
#include "transport/json/value_json.h"

namespace grid::test {

// What it lends is counted.
class CountedChunks final : public Chunks {
 public:
  void* take(std::size_t bytes) override {
    lent_ += bytes;
    return std::malloc(bytes);
  }
  void give(void* chunk, std::size_t bytes) override {
    lent_ -= bytes;
    std::free(chunk);
  }
  std::size_t lent() const { return lent_; }

 private:
  std::size_t lent_ = 0;
};

inline std::string canonical_of(std::string_view json) {
  std::string canonical;
  json::JsonError error;
  if (json::value_from_json(json, canonical, error) != Status::ok) fail_msg("no JSON: %s", std::string(json).c_str());
  return canonical;
}

class Facts {
 public:
  explicit Facts(std::string_view facts = {}) : region_(chunks_, 64 * 1024, std::size_t{1} << 30), index_(region_) {
    while (!facts.empty()) {
      const std::size_t end = std::min(facts.find('\n'), facts.size());
      add(facts.substr(0, end));
      facts.remove_prefix(std::min(end + 1, facts.size()));
    }
  }

  struct Words {
    std::string key, predicate, object;
    bool is_one;
  };
  static Words split(std::string_view line) {
    const std::size_t first = line.find(' ');
    const std::size_t second = line.find(' ', first + 1);
    std::string predicate(line.substr(first + 1, second - first - 1));
    const bool is_one = predicate.back() != '*';
    if (!is_one) predicate.pop_back();
    return {std::string(line.substr(0, first)), predicate, canonical_of(line.substr(second + 1)), is_one};
  }
  void add(std::string_view line) {
    if (line.find(' ') == std::string_view::npos) return;
    const Words fact = split(line);
    assert_ok(index_.add(fact.key, fact.predicate, crdt::Value(as_bytes(fact.object)), fact.is_one));
  }
  void remove(std::string_view line) {
    const Words fact = split(line);
    assert_ok(index_.remove(fact.key, fact.predicate, crdt::Value(as_bytes(fact.object)), fact.is_one));
  }

  datalog::Index& index() { return index_; }
  const Region& region() const { return region_; }

 private:
  CountedChunks chunks_;
  Region region_;
  datalog::Index index_;
};

struct Asked {
  Status status = Status::ok;
  std::string answer{};  // JSON rows, or the sentence.
  std::uint64_t steps = 0;
  std::vector<datalog::Explained> explained{};
};

// `inputs` is a JSON array, without %.
inline Asked asked(const datalog::Index& index, std::string_view text, std::string_view rules = {},
                   std::string_view inputs = "[]", std::uint64_t steps = 100'000'000,
                   std::size_t bytes = std::size_t{1} << 30, std::size_t chunk = 64 * 1024) {
  std::vector<std::uint8_t> room(1 << 20);
  Arena arena(room);
  datalog::Trouble trouble;
  const Result<datalog::Query> query = datalog::parse(text, rules, arena, trouble);
  char sentence[400];
  if (!query.ok()) return {query.status(), "parse: " + std::string(trouble.sentence(sentence))};
  const std::string given = canonical_of(inputs);
  std::vector<crdt::Value> values;
  for (crdt::Value::Walk walk(crdt::Value(as_bytes(given))); walk.next();) values.push_back(walk.value());
  CountedChunks chunks;
  Region region(chunks, chunk, bytes);
  datalog::Evaluation evaluation(index, region, {steps});
  Asked result;
  result.status = evaluation.run(*query, values);
  for (std::size_t i = 0; result.status == Status::ok && i < evaluation.count(); ++i) {
    const auto row = evaluation.row(i);
    result.status = row.status();
    if (!row.ok()) break;
    result.answer += i > 0 ? " " : "";
    for (std::size_t j = 0; j < row->size(); ++j)
      result.answer += (j > 0 ? "," : "") + json::json_from_value((*row)[j]);
  }
  if (result.status != Status::ok) result.answer = evaluation.problem().sentence();
  result.steps = evaluation.steps();
  for (std::size_t i = 0; i < evaluation.explained(); ++i) result.explained.push_back(evaluation.explain(i));
  return result;
}

inline void expect_answer(const datalog::Index& index, std::string_view text, std::string_view wanted,
                          std::string_view rules = {}, std::string_view inputs = "[]") {
  const Asked is = asked(index, text, rules, inputs);
  if (is.answer != wanted) {
    fail_msg("%s\n  is     %s %s\n  wanted %s", std::string(text).c_str(), name_of(is.status), is.answer.c_str(),
             std::string(wanted).c_str());
  }
}

}  // namespace grid::test
