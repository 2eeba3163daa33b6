// SPDX-License-Identifier: Apache-2.0
//
// schema set|check|show MAP: what this replica's records are to be.
#include "cli/schema.h"

#include "cli/argument.h"
#include "cli/names.h"
#include "cli/print.h"
#include "cli/text.h"
#include "runtime/stored_schema.h"
#include "storage/store.h"
#include "transport/json/value_json.h"

namespace grid::cli {
namespace {

[[noreturn]] void refuse(std::string_view path, const std::string& sentence) {
  throw Failure(Exit::usage, "schema: " + std::string(path) + ": " + sentence);
}

ValueKind kind_named(std::string_view path, std::string_view name) {
  constexpr ValueKind kKinds[] = {ValueKind::boolean, ValueKind::integer, ValueKind::number,
                                  ValueKind::text,    ValueKind::bytes,   ValueKind::ref,
                                  ValueKind::list,    ValueKind::record,  ValueKind::timestamp};
  std::string known;
  for (const ValueKind kind : kKinds) {
    if (name == name_of(kind)) return kind;
    known.append(known.empty() ? "" : ", ").append(name_of(kind));
  }
  refuse(path, "type is one of " + known);
}

double number_of(std::string_view path, std::string_view rule, const Value& value) {
  if (value.kind() != ValueKind::integer && value.kind() != ValueKind::number) {
    refuse(path, std::string(rule) + " is to be a number");
  }
  return value.number_or(0);
}

// What stands, or empty. A replica in memory keeps none.
std::string stored(Session& session, const std::string& map) {
  storage::Store* store = session.node().driver().local_store();
  if (!session.keeps() || store == nullptr) return {};
  std::string room(runtime::kSchemaBytesMax, '\0');
  const MutBytes bytes(reinterpret_cast<std::uint8_t*>(room.data()), room.size());
  const Result<Bytes> schema = runtime::schema_of(*store, map, bytes);
  if (schema.status() == Status::not_found) return {};
  session.require(schema.status());
  return std::string(as_text(*schema));
}

void require_store(const Session& session) {
  if (!session.keeps()) throw Failure(Exit::usage, "a schema lies in a replica on a disk: say --store DIR");
}

}  // namespace

MapSchema::MapSchema(const Value& value) {
  if (value.kind() != ValueKind::record) refuse("$", "is to be {\"FIELD\": {\"type\": ...}, ...}");
  for (Value::Walk walk(value); walk.next();) {
    SchemaField field;
    field.path = kept(walk.name());
    const Value rules = walk.value();
    if (rules.kind() != ValueKind::record) refuse(field.path, "is to be {\"type\": ...}");
    for (Value::Walk rule(rules); rule.next();) take(field, rule.name(), rule.value());
    fields_.push_back(field);
  }
}

void MapSchema::take(SchemaField& field, std::string_view rule, const Value& value) {
  if (rule == "type") {
    field.kind = kind_named(field.path, value.text_or({}));
  } else if (rule == "required") {
    if (value.kind() != ValueKind::boolean) refuse(field.path, "required is to be true or false");
    field.required = value.truth_or(false);
  } else if (rule == "min") {
    field.min = number_of(field.path, rule, value);
  } else if (rule == "max") {
    field.max = number_of(field.path, rule, value);
  } else if (rule == "max_size") {
    const double size = number_of(field.path, rule, value);
    if (!(size >= 0 && size <= kValueBytesMax)) refuse(field.path, "max_size is to be 0 to 1048576");
    field.size_max = static_cast<std::uint32_t>(size);
  } else if (rule == "enum") {
    std::vector<std::string_view>& list = lists_.emplace_back();
    for (Value::Walk walk(value); walk.next();) {
      if (walk.value().kind() != ValueKind::text) refuse(field.path, "enum is to be a list of texts");
      list.push_back(kept(walk.value().text_or({})));
    }
    if (list.empty()) refuse(field.path, "enum is to be a list of texts");
    field.one_of = list;
  } else if (rule == "default") {
    const bool is_text = value.kind() == ValueKind::text;
    if (is_text) field.otherwise = kept(value.text_or({}));
    if (!is_text) field.number_otherwise = number_of(field.path, "default is to be text, or", value);
  } else {
    refuse(field.path,
           "unknown rule " + std::string(rule) + "; there are type, required, min, max, max_size, enum, default");
  }
}

std::string MapSchema::trouble_with(const Value& record) const {
  SchemaTrouble trouble;
  char room[512];
  if (Schema(fields_).check(record, trouble) == Status::ok) return {};
  return std::string(trouble.sentence(room));
}

std::optional<MapSchema> schema_of(Session& session, const std::string& map) {
  const std::string value = stored(session, map);
  if (value.empty()) return std::nullopt;
  return std::optional<MapSchema>(std::in_place, Value(as_bytes(value)));
}

Exit schema_set(const Context& context, const SchemaOptions& options) {
  check_map(options.map);
  const std::string value = value_argument(options.json);
  const MapSchema schema{Value(as_bytes(value))};
  Session session(context);
  require_store(session);
  runtime::Call call{.verb = runtime::Call::Verb::edit, .scope = {ScopeKind::key, options.map, "schema"}};
  call.edit = runtime::set_schema;
  if (!schema.is_empty()) call.value = as_bytes(value);
  session.node().driver().perform(call);
  session.require(call.status);
  session.require(session.host().flush());
  return Exit::ok;
}

Exit schema_show(const Context& context, const SchemaOptions& options) {
  check_map(options.map);
  Session session(context);
  require_store(session);
  const std::string value = stored(session, options.map);
  if (value.empty()) throw Failure(Exit::not_found, options.map + " has no schema here");
  print(json::json_from_value(Value(as_bytes(value))) + "\n");
  return Exit::ok;
}

Exit schema_check(const Context& context, const SchemaOptions& options) {
  check_map(options.map);
  Session session(context);
  require_store(session);
  const std::optional<MapSchema> schema = schema_of(session, options.map);
  if (!schema) throw Failure(Exit::not_found, options.map + " has no schema here");
  session.pull({ScopeKind::map, options.map, {}});
  std::vector<Report> reports;
  session.require(session.node().map(options.map).scan({}, [&](const Change& row) {
    const std::string trouble = schema->trouble_with(row.now);
    if (!trouble.empty()) reports.push_back(Report().text("key", row.key).text("trouble", trouble));
  }));
  print_all(reports, context.format);
  return reports.empty() ? Exit::ok : Exit::differs;
}

}  // namespace grid::cli
