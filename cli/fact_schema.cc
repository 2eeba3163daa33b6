// SPDX-License-Identifier: Apache-2.0
#include "cli/fact_schema.h"

#include <algorithm>
#include <array>

#include "cli/failure.h"
#include "cli/file.h"
#include "cli/text.h"
#include "crdt/facts.h"
#include "transport/json/value_json.h"

namespace grid::cli {
namespace {

using crdt::Value;
using crdt::ValueKind;

struct Type {
  std::string_view name;
  ValueKind kind;
};
constexpr std::array kTypes{
    Type{"any", ValueKind::absent},      Type{"string", ValueKind::text},     Type{"number", ValueKind::number},
    Type{"integer", ValueKind::integer}, Type{"boolean", ValueKind::boolean}, Type{"date", ValueKind::timestamp},
    Type{"ref", ValueKind::ref},         Type{"bytes", ValueKind::bytes},
};
constexpr std::string_view kMany = "Many";

[[noreturn]] void refuse(const std::string& file, std::string_view name, const std::string& why) {
  throw Failure(Exit::usage, "--schema " + file + ": " + json_text(name) + ": " + why);
}

// "ref", "refMany", "many".
bool parse_type(std::string_view text, Attribute& attribute) {
  attribute.is_many = text == "many" || text.ends_with(kMany);
  if (text == "many" || text == "one") return true;
  if (attribute.is_many) text.remove_suffix(kMany.size());
  const auto type = std::find_if(kTypes.begin(), kTypes.end(), [text](const Type& one) { return one.name == text; });
  if (type == kTypes.end()) return false;
  attribute.kind = type->kind;
  return true;
}

// What an object says of an attribute: true or false.
bool truth_of(const std::string& file, std::string_view attribute, std::string_view name, const Value& value) {
  if (value.kind() != ValueKind::boolean) refuse(file, attribute, json_text(name) + " is to be true or false");
  return value.truth_or(false);
}

}  // namespace

FactSchemaFile::FactSchemaFile(const std::string& file, const std::string& content) {
  json::JsonError error;
  if (json::value_from_json(content, record_, error) != Status::ok) {
    throw Failure(Exit::usage, "--schema " + file + ":" + std::to_string(error.line) + ": " + error.sentence);
  }
  const Value record{as_bytes(record_)};
  if (record.kind() != ValueKind::record) {
    throw Failure(Exit::usage, "--schema " + file + R"(: is to be an object: {"movie/cast": "refMany", ...})");
  }
  for (Value::Walk walk(record); walk.next();) add(file, walk.name(), walk.value());
}

void FactSchemaFile::add(const std::string& file, std::string_view name, const Value& about) {
  constexpr const char* kRight =
      "is to be string, number, integer, boolean, date, ref, bytes or any, with Many behind it for many objects";
  if (crdt::check_predicate(name) != Status::ok) refuse(file, name, "this can't be an attribute's name");
  Attribute attribute{.name = name};
  if (about.kind() == ValueKind::text) {
    if (!parse_type(about.text_or({}), attribute)) refuse(file, name, json_text(about.text_or({})) + ": " + kRight);
  } else if (about.kind() == ValueKind::record) {
    for (Value::Walk walk(about); walk.next();) {
      const std::string_view field = walk.name();
      const Value value = walk.value();
      if (field == "type") {
        if (!parse_type(value.text_or({}), attribute)) refuse(file, name, std::string("its type ") + kRight);
      } else if (field == "required") {
        attribute.is_required = truth_of(file, name, field, value);
      } else if (field == "unique") {
        attribute.is_unique = truth_of(file, name, field, value);
      } else if (field == "default") {
        attribute.otherwise = value;
      } else {
        refuse(file, name, json_text(field) + " is none of type, required, unique, default");
      }
    }
  } else {
    refuse(file, name, kRight);
  }
  attributes_.push_back(attribute);
}

FactSchemaFile read_fact_schema(const std::string& file) {
  return file.empty() ? FactSchemaFile() : FactSchemaFile(file, read_file(file));
}

}  // namespace grid::cli
