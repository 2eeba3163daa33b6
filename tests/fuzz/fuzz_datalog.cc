// SPDX-License-Identifier: Apache-2.0
//
// A question of Datalog and, behind a line of a single %, its rules, asked of some facts within small budgets. What
// answers: canonical values, the same for the clauses the other way round, and the same or a limit with fewer steps and
// less memory. What doesn't has a sentence.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "crdt/base/check.h"
#include "crdt/datalog/evaluate.h"
#include "crdt/datalog/parse.h"
#include "tests/fuzz/target.h"

namespace {

using namespace grid;
using crdt::Value;
using crdt::ValueWriter;

constexpr std::uint64_t kSteps = 20'000;
constexpr std::size_t kBytes = 4 << 20;

class HeapChunks final : public Chunks {
 public:
  void* take(std::size_t bytes) override { return std::malloc(bytes); }
  void give(void* chunk, std::size_t) override { std::free(chunk); }
};

// Entities 1 to 9 and "x": names, ages, friends in a circle, a boss of each, one ref to nothing.
class World {
 public:
  World() : region_(chunks_, 1 << 16, 1 << 24), index_(region_) {
    for (int i = 1; i < 10; ++i) {
      const std::string key = std::to_string(i);
      add(key, "name", [&](ValueWriter& writer) { writer.text(std::string("person ") + static_cast<char>('a' + i)); });
      if (i % 2 == 0) add(key, "age", [&](ValueWriter& writer) { writer.integer(i * 3); });
      if (i % 3 == 0) add(key, "age", [&](ValueWriter& writer) { writer.number(i * 1.1); });
      add(
          key, "friend", [&](ValueWriter& writer) { writer.ref(std::to_string(i % 9 + 1)); }, false);
      add(
          key, "friend", [&](ValueWriter& writer) { writer.ref(std::to_string(i * 2 % 9 + 1)); }, false);
      add(key, "boss", [&](ValueWriter& writer) { writer.ref(i == 5 ? "nobody" : std::to_string(i / 2 + 1)); });
    }
    add("x", "born", [](ValueWriter& writer) { writer.timestamp(1'700'000'000'000); });
    add("x", "flag", [](ValueWriter& writer) { writer.boolean(true); });
  }
  const datalog::Index& index() const { return index_; }

 private:
  template <typename Write>
  void add(std::string_view key, std::string_view predicate, Write write, bool is_one = true) {
    std::uint8_t room[64];
    ValueWriter writer(room);
    write(writer);
    GRID_CHECK(index_.add(key, predicate, Value(*writer.finish()), is_one) == Status::ok);
  }

  HeapChunks chunks_;
  Region region_;
  datalog::Index index_;
};

// A number for a scalar; for everything else a list of lists of two, which fits most shapes.
std::vector<Value> inputs_for(const datalog::Query& query, std::vector<std::uint8_t>& room) {
  ValueWriter one(MutBytes(room).first(16));
  one.integer(2);
  const Value scalar(*one.finish());
  ValueWriter many(MutBytes(room).subspan(16));
  many.begin_list();
  for (int i = 1; i < 4; ++i) {
    many.begin_list();
    many.integer(i);
    many.text("person b");
    many.end_list();
  }
  many.end_list();
  const Value list(*many.finish());
  std::vector<Value> inputs;
  for (const datalog::Binding& binding : query.in) {
    const bool is_list = binding.kind == datalog::Binding::Kind::collection;
    inputs.push_back(is_list ? list : scalar);
  }
  return inputs;
}

struct Answer {
  Status status = Status::ok;
  std::vector<std::string> rows{};
  std::uint64_t steps = 0;
};

Answer answer(const datalog::Index& index, const datalog::Query& query, std::uint64_t steps, std::size_t bytes) {
  std::vector<std::uint8_t> room(256);
  const std::vector<Value> inputs = inputs_for(query, room);
  HeapChunks chunks;
  Region region(chunks, 1 << 12, bytes);
  datalog::Evaluation evaluation(index, region, {steps});
  Answer result;
  result.status = evaluation.run(query, inputs);
  for (std::size_t i = 0; i < evaluation.count() && result.status == Status::ok; ++i) {
    const auto row = evaluation.row(i);
    result.status = row.status();
    std::string text;
    for (std::size_t j = 0; row.ok() && j < row->size(); ++j) {
      const Bytes canonical = (*row)[j].canonical();
      // What is pulled may nest deeper than a value of a cell, and is not looked at beyond.
      const Status checked = crdt::check_value(canonical);
      GRID_CHECK(checked == Status::ok || checked == Status::too_large);
      text += as_text(canonical);
    }
    result.rows.push_back(text);
  }
  for (std::size_t i = 0; i < evaluation.explained(); ++i) GRID_CHECK(!evaluation.explain(i).by.empty());
  GRID_CHECK(evaluation.problem().exists() == (result.status != Status::ok));
  GRID_CHECK(result.status == Status::ok || result.status == Status::full || result.status == Status::invalid);
  result.steps = evaluation.steps();
  return result;
}

void check(const datalog::Index& index, const datalog::Query& query) {
  const Answer whole = answer(index, query, kSteps, kBytes);
  std::vector<datalog::Clause> turned(query.where.rbegin(), query.where.rend());
  datalog::Query other = query;
  other.where = turned;
  const Answer back = answer(index, other, kSteps, kBytes);
  GRID_CHECK(whole.status != Status::ok || back.status != Status::ok || whole.rows == back.rows);
  if (whole.status != Status::ok) return;
  const Answer hurried = answer(index, query, whole.steps / 2, kBytes);
  GRID_CHECK(hurried.status == Status::full || hurried.rows == whole.rows);
  const Answer tight = answer(index, query, kSteps, 20'000);
  GRID_CHECK(tight.status == Status::full || tight.rows == whole.rows);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const World world;
  static std::vector<std::uint8_t> room(1 << 20);
  const std::string_view input = as_text({data, size});
  const std::size_t split = input.find("\n%\n");
  const std::string_view rules = split == std::string_view::npos ? std::string_view() : input.substr(split + 3);
  Arena arena(room);
  datalog::Trouble trouble;
  const Result<datalog::Query> query = datalog::parse(input.substr(0, split), rules, arena, trouble);
  if (query.ok()) check(world.index(), *query);
  return 0;
}
