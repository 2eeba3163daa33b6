// SPDX-License-Identifier: Apache-2.0
#include "cli/fact_rows.h"

#include <algorithm>
#include <utility>

#include "cli/edn_facts.h"
#include "cli/fact_writer.h"
#include "cli/json_rows.h"
#include "cli/rows.h"

namespace grid::cli {
namespace {

using crdt::Value;
using crdt::ValueKind;

constexpr std::string_view kBlank = " \t\r\n,";

Value id_in(const Value& record) {
  const Value id = record["id"];
  return id.exists() ? id : record["db/id"];
}

// A record, and those that lie in it under attributes: each is an entity of its own, and refers to those within.
class Records {
 public:
  explicit Records(FactWriter& writer) : writer_(writer) {}

  void take(const Value& record) {
    open_.assign(1, record);
    while (!open_.empty()) {
      const Value next = open_.back();
      open_.pop_back();
      take_one(next);
    }
  }

 private:
  void take_one(const Value& record) {
    const Value id = id_in(record);
    if (!id.exists()) writer_.refuse("a record needs an \"id\", a number or text");
    const std::string entity = writer_.entity(id);
    for (Value::Walk walk(record); walk.next();) {
      if (walk.name() == "id" || walk.name() == "db/id") continue;
      field(entity, walk.name(), walk.value());
    }
  }

  void field(const std::string& entity, std::string_view name, const Value& value) {
    if (value.kind() == ValueKind::null) return;
    if (value.kind() != ValueKind::list) return item(entity, name, value, false);
    for (Value::Walk walk(value); walk.next();) item(entity, name, walk.value(), true);
  }

  void item(const std::string& entity, std::string_view name, const Value& value, bool is_many) {
    if (value.kind() != ValueKind::record) return writer_.put(entity, name, value, is_many);
    const Value id = id_in(value);
    if (!id.exists()) writer_.refuse("the record in " + std::string(name) + " needs an \"id\": it is an entity too");
    writer_.refer(entity, name, id, is_many);
    open_.push_back(value);
  }

  FactWriter& writer_;
  std::vector<Value> open_;
};

void take_triple(const Value& triple, FactWriter& writer) {
  Value parts[3];
  std::size_t count = 0;
  for (Value::Walk walk(triple); walk.next(); ++count) {
    if (count < std::size(parts)) parts[count] = walk.value();
  }
  if (count != std::size(parts)) writer.refuse("a fact is [subject, predicate, object]");
  if (parts[1].kind() != ValueKind::text) writer.refuse("the predicate of a fact is a text");
  writer.put(writer.entity(parts[0]), parts[1].text_or({}), parts[2], false);
}

bool is_edn(std::string_view file, std::string_view content) {
  if (file.ends_with(".edn")) return true;
  if (file.ends_with(".json") || file.ends_with(".ndjson") || file.ends_with(".jsonl")) return false;
  const std::size_t first = content.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return false;
  const std::size_t second = content.find_first_not_of(kBlank, first + 1);
  if (second == std::string_view::npos) return content[first] == '(';
  if (content[first] == '{') return content[second] == ':';
  return content.find(':', second) == second + 1;  // [[:db/add ...]], [{:name ...}]
}

bool is_array(std::string_view content) {
  const std::size_t first = content.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && content[first] == '[';
}

}  // namespace

std::vector<FactRow> read_facts(std::string_view file, std::string_view content, const FactSchema& schema) {
  if (content.starts_with("\xef\xbb\xbf")) content.remove_prefix(3);
  FactWriter writer(file, schema);
  if (is_edn(file, content)) {
    read_edn_facts(content, writer);
    return writer.take();
  }
  const std::vector<Row> elements = is_array(content) ? array_values(file, content) : ndjson_values(file, content);
  Records records(writer);
  for (const Row& element : elements) {
    writer.at_line(element.line);
    const Value value{as_bytes(element.value)};
    if (value.kind() == ValueKind::record) {
      records.take(value);
    } else if (value.kind() == ValueKind::list) {
      take_triple(value, writer);
    } else {
      writer.refuse("neither a fact, [subject, predicate, object], nor a record");
    }
  }
  return writer.take();
}

}  // namespace grid::cli
