// SPDX-License-Identifier: Apache-2.0
//
// get MAP KEY: prints what the key holds.
#include "cli/get.h"

#include <algorithm>

#include "cli/image.h"
#include "cli/names.h"
#include "cli/print.h"
#include "cli/session.h"
#include "cli/text.h"
#include "transport/json/value_json.h"

namespace grid::cli {
namespace {

// What a shell would want: text as it is, bytes as they are, everything else as JSON.
std::string raw_of(const Value& value) {
  if (value.kind() == ValueKind::text) return std::string(value.text_or({}));
  if (value.kind() == ValueKind::bytes) return std::string(as_text(value.bytes_or({})));
  return json::json_from_value(value);
}

// A record's fields side by side; anything else is one line.
std::string table_of(const Value& value) {
  if (value.kind() != ValueKind::record) return json::json_from_value(value) + "\n";
  std::size_t wide = 0;
  for (Value::Walk walk(value); walk.next();) wide = std::max(wide, columns_of(walk.name()));
  std::string table;
  for (Value::Walk walk(value); walk.next();)
    table += padded(walk.name(), wide) + "  " + json::json_from_value(walk.value()) + "\n";
  return table;
}

std::string formatted(const Value& value, Format format) {
  if (format == Format::table) return table_of(value);
  if (format != Format::raw) return json::json_from_value(value) + "\n";
  return value.kind() == ValueKind::bytes ? raw_of(value) : raw_of(value) + "\n";
}

}  // namespace

Exit print_value(const Context& context, const KeyOptions& options, const Value& value) {
  if (!value.exists()) throw Failure(Exit::not_found, options.map + " has no " + json_text(options.key));
  print(formatted(value, resolved(context.format)));
  return Exit::ok;
}

Exit get(const Context& context, const KeyOptions& options) {
  check_map(options.map);
  check_key(options.key);
  if (is_image(context)) {
    Image image(context);
    return print_value(context, options, image.find(options.map, options.key));
  }
  Session session(context);
  session.pull({ScopeKind::key, options.map, options.key});
  return print_value(context, options, session.node().map(options.map).get(options.key));
}

}  // namespace grid::cli
