// SPDX-License-Identifier: Apache-2.0
#include "cli/json_rows.h"

#include <algorithm>

#include "cli/text.h"
#include "crdt/facts.h"
#include "crdt/value.h"
#include "transport/json/value_json.h"

namespace grid::cli {
namespace {

using crdt::Value;
using crdt::ValueKind;
using crdt::View;

constexpr std::string_view kBlank = " \t\r\n";

Value value_of(const Row& row) { return Value(as_bytes(row.value)); }

Row parsed(std::string_view file, std::size_t line, std::string_view json) {
  Row row{line, {}, {}};
  json::JsonError error;
  if (json::value_from_json(json, row.value, error) == Status::ok) return row;
  throw trouble_at(file, line + error.line - 1, error.sentence);
}

// Walks the elements of a JSON array by its brackets and strings alone; what is inside is the parser's.
class Elements {
 public:
  Elements(std::string_view file, std::string_view text) : file_(file), text_(text) {
    skip_blank();
    ++at_;  // The bracket.
  }

  // The next element; false behind the last one.
  bool next(std::string_view& element, std::size_t& line) {
    skip_blank();
    if (!at_end() && text_[at_] == ']' && !expecting_) return finish();
    line = line_;
    const std::size_t from = at_;
    skip_element();
    element = text_.substr(from, at_ - from);
    if (at_end()) throw trouble_at(file_, line_, "the array has no end");
    expecting_ = text_[at_] == ',';
    at_ += expecting_;
    return true;
  }

 private:
  bool at_end() const { return at_ == text_.size(); }

  void step() {
    line_ += text_[at_] == '\n';
    ++at_;
  }

  void skip_blank() {
    while (!at_end() && kBlank.find(text_[at_]) != std::string_view::npos) step();
  }

  void skip_string() {
    step();
    while (!at_end() && text_[at_] != '"') {
      if (text_[at_] == '\\') step();
      if (!at_end()) step();
    }
    if (!at_end()) step();
  }

  void skip_element() {
    std::size_t depth = 0;
    while (!at_end()) {
      const char byte = text_[at_];
      if (depth == 0 && (byte == ',' || byte == ']')) return;
      if (byte == '"') {
        skip_string();
        continue;
      }
      if (byte == '[' || byte == '{') ++depth;
      if ((byte == ']' || byte == '}') && depth > 0) --depth;
      step();
    }
  }

  bool finish() {
    ++at_;
    skip_blank();
    if (!at_end()) throw trouble_at(file_, line_, "text behind the end of the array");
    return false;
  }

  std::string_view file_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  bool expecting_ = false;  // A comma says that another element follows.
};

// Of an exported line; a row's says nothing.
View view_in(const Value& line) {
  const std::string_view name = line["view"].text_or({});
  if (name == "fact" || name == "facts") return View::facts;
  return name == "set" ? View::or_map : name == "counter" ? View::counter : View::lww_map;
}

bool is_exported(const Row& row) {
  const Value value = value_of(row);
  if (value.kind() != ValueKind::record || value["key"].kind() != ValueKind::text || !value["value"].exists())
    return false;
  std::size_t fields = 0;
  for (Value::Walk walk(value); walk.next();) ++fields;
  const View view = view_in(value);
  if (view == View::facts) return fields == 4 && value["predicate"].kind() == ValueKind::text;
  return fields == 2 || (fields == 3 && view != View::lww_map);
}

void check_fact(std::string_view file, const Value& line, Row& row) {
  row.predicate = line["predicate"].text_or({});
  row.is_many = line["view"].text_or({}) == "facts";
  if (crdt::check_predicate(row.predicate) != Status::ok) {
    throw trouble_at(file, row.line, "a predicate is 1 to 60 bytes of text without control characters");
  }
  if (crdt::check_entity(row.key) != Status::ok) throw trouble_at(file, row.line, "this is the key of no entity");
  std::uint8_t room[16];
  const Result<Bytes> object = crdt::object_of(value_of(row), row.is_many, room);
  if (!object.ok()) {
    throw trouble_at(file, row.line, "an object is text, a number, a boolean, a date, a ref or bytes");
  }
  row.value = std::string(as_text(*object));
}

// Out of an exported line.
void unwrap(std::string_view file, Row& row) {
  const std::string line = std::move(row.value);
  const Value whole{as_bytes(line)};
  row.key = whole["key"].text_or({});
  row.value = as_text(whole["value"].canonical());
  row.view = view_in(whole);
  if (row.view == View::counter && whole["value"].kind() != ValueKind::integer) {
    throw trouble_at(file, row.line, "the value of a counter is a whole number");
  }
  if (row.view == View::facts) check_fact(file, whole, row);
}

std::string key_in(std::string_view file, const Row& row, std::string_view key_field) {
  const Value value = value_of(row);
  if (value.kind() != ValueKind::record) throw trouble_at(file, row.line, "not an object, so it has no key");
  const std::string_view name = !key_field.empty() ? key_field : value["id"].exists() ? "id" : "key";
  const Value key = value[name];
  if (key.kind() == ValueKind::text) return std::string(key.text_or({}));
  if (key.kind() == ValueKind::integer) return std::to_string(key.integer_or(0));
  const std::string wanted = key_field.empty() ? "\"id\" or \"key\"" : json_text(key_field);
  throw trouble_at(file, row.line,
                   key.exists() ? "the key field " + json_text(name) + " is neither text nor a whole number"
                                : "no key: there is no field " + wanted);
}

}  // namespace

std::vector<Row> ndjson_values(std::string_view file, std::string_view content) {
  std::vector<Row> rows;
  std::size_t line = 1;
  for (std::size_t at = 0; at < content.size(); ++line) {
    const std::size_t end = std::min(content.find('\n', at), content.size());
    const std::string_view json = content.substr(at, end - at);
    if (json.find_first_not_of(kBlank) != std::string_view::npos) rows.push_back(parsed(file, line, json));
    at = end + 1;
  }
  return rows;
}

std::vector<Row> array_values(std::string_view file, std::string_view content) {
  std::vector<Row> rows;
  std::string_view json;
  std::size_t line = 0;
  for (Elements elements(file, content); elements.next(json, line);) rows.push_back(parsed(file, line, json));
  return rows;
}

std::vector<Row> keyed_rows(std::string_view file, std::vector<Row> rows, std::string_view key_field) {
  const bool exported = key_field.empty() && std::all_of(rows.begin(), rows.end(), is_exported);
  for (Row& row : rows) {
    if (exported)
      unwrap(file, row);
    else
      row.key = key_in(file, row, key_field);
  }
  return rows;
}

}  // namespace grid::cli
