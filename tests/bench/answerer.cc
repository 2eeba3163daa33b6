// SPDX-License-Identifier: Apache-2.0
//
// Our half of bench_datalog: an index of facts that takes orders on its input, one a line, and tells on its output how
// long each took. Reading files and writing down what is printed is not counted.
//
//   load FILE         facts, [entity, attribute, value, "one"|"many"|"ref"|"refMany"] a line; sorted and built at once
//   add FILE          the same, one after the other
//   ask JSON          {"query": "...", "rules": "...", "inputs": [...], "times": 10}
//
// Answers are {"ms": 1.5, "rows": 7, ...}. With GRID_EXPLAIN set it says on stderr how it answered.

#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "crdt/datalog/evaluate.h"
#include "crdt/datalog/parse.h"
#include "transport/json/value_json.h"

namespace {

using grid::Status;
using grid::crdt::Value;
using grid::crdt::ValueKind;

constexpr std::size_t kChunkBytes = 256 * 1024;
constexpr std::size_t kQueryChunkBytes = 32 * 1024;
constexpr std::size_t kIndexBytes = std::size_t{4} << 30;
constexpr std::size_t kQueryBytes = std::size_t{2} << 30;

class HeapChunks final : public grid::Chunks {
 public:
  void* take(std::size_t bytes) override { return std::malloc(bytes); }
  void give(void* chunk, std::size_t) override { std::free(chunk); }
};

[[noreturn]] void stop(const std::string& why) {
  std::fprintf(stderr, "answerer: %s\n", why.c_str());
  std::exit(1);
}

void expect_ok(Status status, const std::string& what) {
  if (status != Status::ok) stop(what + ": " + grid::name_of(status));
}

// Of this process, so that what else the machine does is not counted; it has one thread.
double milliseconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

std::string canonical_of(const std::string& json) {
  std::string canonical;
  grid::json::JsonError error;
  if (grid::json::value_from_json(json, canonical, error) != Status::ok) stop(error.sentence + ": " + json);
  return canonical;
}

struct Fact {
  std::string key, attribute, object;
  bool is_one;
};

std::string key_of(const Value& id) {
  return id.kind() == ValueKind::integer ? std::to_string(id.integer_or(0)) : std::string(id.text_or({}));
}

Fact fact_of(const std::string& line) {
  const std::string canonical = canonical_of(line);
  std::vector<Value> parts;
  for (Value::Walk walk(Value(grid::as_bytes(canonical))); walk.next();) parts.push_back(walk.value());
  const std::string_view kind = parts[3].text_or({});
  Fact fact{key_of(parts[0]), std::string(parts[1].text_or({})), {}, kind == "one" || kind == "ref"};
  if (kind.starts_with("ref")) {
    fact.object.resize(300);
    grid::crdt::ValueWriter writer({reinterpret_cast<std::uint8_t*>(fact.object.data()), fact.object.size()});
    writer.ref(key_of(parts[2]));
    fact.object.resize((*writer.finish()).size());
  } else {
    fact.object = grid::as_text(parts[2].canonical());
  }
  return fact;
}

class Answerer {
 public:
  void take(const std::string& file, bool at_once) {
    std::vector<Fact> facts;
    std::ifstream lines(file);
    for (std::string line; std::getline(lines, line);) facts.push_back(fact_of(line));
    index_.reset();
    region_ = std::make_unique<grid::Region>(chunks_, kChunkBytes, kIndexBytes);
    index_ = std::make_unique<grid::datalog::Index>(*region_);
    const double before = milliseconds();
    for (const Fact& fact : facts) {
      const Value object(grid::as_bytes(fact.object));
      expect_ok(at_once ? index_->load(fact.key, fact.attribute, object, fact.is_one)
                        : index_->add(fact.key, fact.attribute, object, fact.is_one),
                "a fact");
    }
    if (at_once) expect_ok(index_->finish_load(), "load");
    const double took = milliseconds() - before;
    std::printf("{\"ms\":%.3f,\"rows\":%zu,\"bytes\":%zu}\n", took, index_->size(), region_->taken());
  }

  void ask(const std::string& json) {
    const std::string canonical = canonical_of(json);
    const Value order(grid::as_bytes(canonical));
    const std::int64_t times = order["times"].integer_or(1);
    Told told;
    const double before = milliseconds();
    for (std::int64_t i = 0; i < times; ++i) told = answer(order);
    const double took = (milliseconds() - before) / static_cast<double>(times);
    std::printf("{\"ms\":%.4f,\"rows\":%zu,\"steps\":%llu,\"memory\":%zu}\n", took, told.rows, 0ull + told.steps,
                told.memory);
  }

 private:
  struct Told {
    std::size_t rows = 0;
    std::uint64_t steps = 0;
    std::size_t memory = 0;
  };

  // From the text to the bytes of the last value.
  Told answer(const Value& order) {
    std::vector<Value> inputs;
    for (Value::Walk walk(order["inputs"]); walk.next();) inputs.push_back(walk.value());
    grid::Arena arena(room_);
    grid::datalog::Trouble trouble;
    const auto query = grid::datalog::parse(order["query"].text_or({}), order["rules"].text_or({}), arena, trouble);
    if (!query.ok()) stop("a query that doesn't parse");
    grid::Region region(chunks_, kQueryChunkBytes, kQueryBytes);
    grid::datalog::Evaluation evaluation(*index_, region, {1'000'000'000});
    if (evaluation.run(*query, inputs) != Status::ok) stop(std::string(evaluation.problem().sentence()));
    for (std::size_t i = 0; i < evaluation.count(); ++i) expect_ok(evaluation.row(i).status(), "a row");
    if (is_explained_) explain(evaluation);
    return {evaluation.count(), evaluation.steps(), region.taken()};
  }

  static void explain(const grid::datalog::Evaluation& evaluation) {
    for (std::size_t i = 0; i < evaluation.explained(); ++i) {
      const auto one = evaluation.explain(i);
      std::fprintf(stderr, "  %s/%d line %u column %u by %s: expected %.3f a row, %llu in, %llu out\n",
                   std::string(one.of).c_str(), one.branch, one.at.line, one.at.column, std::string(one.by).c_str(),
                   one.expected, 0ull + one.rows_in, 0ull + one.rows_out);
    }
  }

  HeapChunks chunks_;
  std::vector<std::uint8_t> room_ = std::vector<std::uint8_t>(1 << 20);
  bool is_explained_ = std::getenv("GRID_EXPLAIN") != nullptr;
  std::unique_ptr<grid::Region> region_;
  std::unique_ptr<grid::datalog::Index> index_;
};

}  // namespace

int main() {
  Answerer answerer;
  std::ifstream orders("/dev/stdin");
  for (std::string line; std::getline(orders, line);) {
    const std::string verb = line.substr(0, line.find(' '));
    const std::string rest = line.substr(std::min(line.size(), verb.size() + 1));
    if (verb == "load" || verb == "add") {
      answerer.take(rest, verb == "load");
    } else if (verb == "ask") {
      answerer.ask(rest);
    } else {
      stop("an order that is none: " + line);
    }
    std::fflush(stdout);
  }
}
