// SPDX-License-Identifier: Apache-2.0
//
// Answers questions, one a line, for tests/datalog/differential.py: our side of the comparison.
//
// A line is {"schema": {attribute: "many", "ref" or "refMany"}, "facts": [[entity, attribute, value], ...],
// "query": text, "rules": text, "inputs": [...]}; inputs without that of the rules. What comes back is {"rows": [...]}
// or {"error": sentence}, on one line.

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "crdt/datalog/evaluate.h"
#include "crdt/datalog/parse.h"
#include "transport/json/value_json.h"

namespace {

using namespace grid;
using crdt::Value;
using crdt::ValueKind;

class HeapChunks final : public Chunks {
 public:
  void* take(std::size_t bytes) override { return std::malloc(bytes); }
  void give(void* chunk, std::size_t) override { std::free(chunk); }
};

constexpr std::size_t kChunkBytes = 1 << 16;
constexpr std::size_t kLimitBytes = 256 << 20;

std::vector<Value> items_of(Value list) {
  std::vector<Value> items;
  for (Value::Walk walk(list); walk.next();) items.push_back(walk.value());
  return items;
}

std::string key_of(Value id) {
  return id.kind() == ValueKind::integer ? std::to_string(id.integer_or(0)) : std::string(id.text_or(""));
}

Status add_fact(datalog::Index& index, Value schema, Value fact) {
  const std::vector<Value> parts = items_of(fact);
  if (parts.size() != 3) return Status::invalid;
  const std::string_view attribute = parts[1].text_or("");
  const std::string_view kind = schema[attribute].text_or("one");
  std::uint8_t room[64];
  crdt::ValueWriter writer(room);
  writer.ref(key_of(parts[2]));
  const bool is_ref = kind.starts_with("ref");
  const Value object = is_ref ? Value(*writer.finish()) : parts[2];
  return index.add(key_of(parts[0]), attribute, object, !kind.ends_with("any"));
}

void append_row(std::string& out, std::span<const Value> row) {
  out += out.back() == '[' ? "[" : ",[";
  for (const Value& value : row) {
    if (out.back() != '[') out += ',';
    json::append_json(out, value);
  }
  out += ']';
}

std::string failed(std::string_view sentence) {
  std::string out = "{\"error\":";
  json::append_json_text(out, sentence);
  return out + "}";
}

std::string answer(Value line) {
  HeapChunks chunks;
  Region facts(chunks, kChunkBytes, kLimitBytes);
  datalog::Index index(facts);
  for (const Value& fact : items_of(line["facts"])) {
    if (add_fact(index, line["schema"], fact) != Status::ok) return failed("a fact is none");
  }
  static std::vector<std::uint8_t> room(1 << 20);
  Arena arena(room);
  datalog::Trouble trouble;
  const Result<datalog::Query> query =
      datalog::parse(line["query"].text_or(""), line["rules"].text_or(""), arena, trouble);
  if (!query.ok()) {
    char sentence[400];
    return failed(trouble.sentence(sentence));
  }
  Region work(chunks, kChunkBytes, kLimitBytes);
  datalog::Evaluation evaluation(index, work, {});
  if (evaluation.run(*query, items_of(line["inputs"])) != Status::ok) return failed(evaluation.problem().sentence());
  std::string out = "{\"rows\":[";
  for (std::size_t at = 0; at < evaluation.count(); ++at) {
    const Result<std::span<const Value>> row = evaluation.row(at);
    if (!row.ok()) return failed(evaluation.problem().sentence());
    append_row(out, *row);
  }
  return out + "]}";
}

}  // namespace

int main() {
  std::ifstream lines("/dev/stdin");
  for (std::string line; std::getline(lines, line);) {
    std::string value;
    json::JsonError error;
    const Status status = json::value_from_json(line, value, error);
    const std::string said = status == Status::ok ? answer(Value(as_bytes(value))) : failed(error.sentence);
    std::printf("%s\n", said.c_str());
    std::fflush(stdout);
  }
  return 0;
}
