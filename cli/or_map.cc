// SPDX-License-Identifier: Apache-2.0
//
// or add|remove|values|keys: a map whose keys hold sets of values.
#include "cli/argument.h"
#include "cli/names.h"
#include "cli/print.h"
#include "cli/session.h"
#include "cli/text.h"
#include "runtime/grid/views.h"
#include "transport/json/value_json.h"

namespace grid::cli {
namespace {

void check_row(const SetOptions& options) {
  check_map(options.map);
  check_key(options.key);
}

// A line each, or one array.
void print_values(const std::vector<std::string>& values, Format format) {
  const bool is_array = format == Format::json;
  for (const std::string& value : values) {
    if (is_array) print(&value == values.data() ? "[" : ",\n ");
    print(value + (is_array ? "" : "\n"));
  }
  if (is_array) print("]\n");
}

// A remove reaches what is seen here, so what the server has is seen first.
OrMap open(Session& session, const SetOptions& options) {
  session.pull({ScopeKind::key, options.map, options.key});
  return {session.node(), options.map};
}

}  // namespace

Exit or_add(const Context& context, const SetOptions& options) {
  check_row(options);
  const std::string value = value_argument(options.json);
  Session session(context);
  OrMap map(session.node(), options.map);
  const Write write = map.add(options.key, Value(as_bytes(value)), options.ttl_ms);
  return finish_write(session, context, options.map, options.key, write);
}

Exit or_remove(const Context& context, const SetOptions& options) {
  check_row(options);
  const std::string value = options.json.empty() ? std::string() : value_argument(options.json);
  Session session(context);
  OrMap map = open(session, options);
  const Write write = value.empty() ? map.remove_all(options.key) : map.remove(options.key, Value(as_bytes(value)));
  if (write.status() == Status::not_found) {
    throw Failure(Exit::not_found, options.map + " has no such value under " + json_text(options.key));
  }
  return finish_write(session, context, options.map, options.key, write);
}

Exit or_values(const Context& context, const SetOptions& options) {
  check_row(options);
  Session session(context);
  const OrMap map = open(session, options);
  std::vector<std::string> values;
  session.require(
      map.values(options.key, [&values](const Value& value) { values.push_back(json::json_from_value(value)); }));
  if (values.empty()) throw Failure(Exit::not_found, options.map + " has no " + json_text(options.key));
  print_values(values, resolved(context.format));
  return Exit::ok;
}

Exit or_keys(const Context& context, const ListOptions& options) {
  check_map(options.map);
  check_prefix(options.prefix);
  Session session(context);
  session.pull({options.prefix.empty() ? ScopeKind::map : ScopeKind::prefix, options.map, options.prefix});
  const OrMap map(session.node(), options.map);
  std::vector<std::string> keys;
  session.require(map.keys(options.prefix, [&keys](std::string_view key) { keys.emplace_back(key); }));
  std::vector<Report> reports;
  reports.reserve(keys.size());
  for (const std::string& key : keys) {
    reports.push_back(Report().text("key", key).count("values", map.count(key)));
  }
  print_all(reports, context.format);
  return Exit::ok;
}

}  // namespace grid::cli
