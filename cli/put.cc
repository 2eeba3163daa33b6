// SPDX-License-Identifier: Apache-2.0
//
// put MAP KEY JSON: writes one row.
#include "cli/argument.h"
#include "cli/names.h"
#include "cli/schema.h"
#include "cli/session.h"

namespace grid::cli {

Exit put(const Context& context, const PutOptions& options) {
  check_map(options.map);
  check_key(options.key);
  const std::string value = value_argument(options.json);
  Session session(context);
  const std::optional<MapSchema> schema = schema_of(session, options.map);
  const std::string trouble = schema ? schema->trouble_with(Value(as_bytes(value))) : "";
  if (!trouble.empty()) throw Failure(Exit::usage, options.map + "/" + options.key + ": " + trouble);
  const Write write = session.node().map(options.map).put(options.key, Value(as_bytes(value)), options.ttl_ms);
  return finish_write(session, context, options.map, options.key, write);
}

}  // namespace grid::cli
