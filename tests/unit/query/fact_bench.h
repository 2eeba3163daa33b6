// SPDX-License-Identifier: Apache-2.0
//
// FactBench: a store with facts, an engine over it, and questions with their inputs and answers as JSON.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "crdt/facts.h"
#include "runtime/query/fact_engine.h"
#include "runtime/query/live_facts.h"
#include "storage/memory/memory_store.h"
#include "tests/check.h"
#include "transport/json/value_json.h"

namespace grid::test {

using crdt::Value;

inline std::string canonical(std::string_view json) {
  std::string bytes;
  json::JsonError error;
  assert_ok(json::value_from_json(json, bytes, error));
  return bytes;
}

inline std::string json_of(std::span<const Value> row) {
  std::string text = "[";
  for (const Value& value : row) text += (&value == row.data() ? "" : ",") + json::json_from_value(value);
  return text + "]";
}

struct FactBench {
  storage::MemoryStore store;
  runtime::FactEngine engine;
  std::uint64_t time = 0;

  explicit FactBench(const runtime::FactOptions& options = {}) : engine(store, options) {}

  // Objects are JSON; an empty one is a removal. `expires_ms` 0: never.
  void set(std::string_view key, std::string_view predicate, std::string_view object, std::uint64_t expires_ms = 0) {
    append(key, predicate, false, object, !object.empty(), expires_ms);
  }
  void add(std::string_view key, std::string_view predicate, std::string_view object, std::uint64_t expires_ms = 0) {
    append(key, predicate, true, object, true, expires_ms);
  }
  void remove(std::string_view key, std::string_view predicate, std::string_view object) {
    append(key, predicate, true, object, false);
  }
  // As replicas do it: what lies under the marker leaves the store. Nobody is told but by the marker.
  void bury(std::string_view key) {
    std::vector<std::string> subs;
    for (std::string sub;;) {
      const Result<crdt::Op> op = store.next_cell({"m", key, sub});
      if (!op.ok() || op->cell.name.key != key || op->cell.name.map != "m") break;
      subs.push_back(sub = op->cell.name.sub);
    }
    for (const std::string& sub : subs) {
      assert_ok(store.append({.cell = {.name = {"m", key, sub}, .stamp = {}}}).status());
    }
    put({"m", key, crdt::kMarker}, {});
  }
  void erase(const crdt::CellName& name) {
    assert_ok(store.append({.cell = {.name = name, .stamp = {}}}).status());
    engine.erased(name);
  }

  // The rows of the answer, each in brackets; `inputs` is a JSON array.
  std::string ask(std::string_view query, std::string_view inputs = "[]") {
    const auto question = read(query, inputs);
    std::string answer;
    assert_ok(engine.ask("m", *question, {take, &answer}));
    return answer;
  }
  std::unique_ptr<runtime::FactQuestion> read(std::string_view query, std::string_view inputs = "[]") {
    const std::string list = canonical(inputs);
    std::vector<Value> values;
    for (Value::Walk walk{Value(as_bytes(list))}; walk.next();) values.push_back(walk.value());
    std::string problem;
    auto question = runtime::FactQuestion::read(query, values, problem);
    if (question == nullptr) fail_msg("%s: %s", std::string(query).c_str(), problem.c_str());
    return question;
  }

 private:
  static void take(void* at, std::span<const Value> row) { *static_cast<std::string*>(at) += json_of(row); }

  void append(std::string_view key, std::string_view predicate, bool is_many, std::string_view object, bool stands,
              std::uint64_t expires_ms = 0) {
    const std::string bytes = object.empty() ? std::string() : canonical(object);
    std::uint8_t room[crdt::FactName::kBytesMax];
    const Result<std::string_view> sub = crdt::FactName::write(predicate, is_many, as_bytes(bytes), room);
    assert_ok(sub.status());
    put({"m", key, *sub}, stands ? as_bytes(bytes) : Bytes{}, expires_ms);
  }
  void put(const crdt::CellName& name, Bytes value, std::uint64_t expires_ms = 0) {
    ++time;
    const crdt::Op op{.cell = {name, crdt::Stamp::of(1'000 + time, 0, 7), expires_ms, value}};
    Status status = store.append(op).status();
    if (status == Status::full) {
      assert_ok(store.commit());
      status = store.append(op).status();
    }
    assert_ok(status);
  }
};

}  // namespace grid::test
