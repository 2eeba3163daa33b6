// SPDX-License-Identifier: Apache-2.0
//
// counter incr|decr|reset|value|ls: a map whose keys hold numbers that replicas add to.
#include "cli/names.h"
#include "cli/print.h"
#include "cli/session.h"
#include "runtime/grid/views.h"

namespace grid::cli {
namespace {

// What the server has is seen first: it is what a reset takes away, and what a sum is of.
CounterMap open(Session& session, const CounterOptions& options) {
  check_map(options.map);
  check_key(options.key);
  session.pull({ScopeKind::key, options.map, options.key});
  return {session.node(), options.map};
}

}  // namespace

Exit counter_incr(const Context& context, const CounterOptions& options) {
  Session session(context);
  const Write write = open(session, options).increment(options.key, static_cast<std::int64_t>(options.by));
  return finish_write(session, context, options.map, options.key, write);
}

Exit counter_decr(const Context& context, const CounterOptions& options) {
  Session session(context);
  const Write write = open(session, options).decrement(options.key, static_cast<std::int64_t>(options.by));
  return finish_write(session, context, options.map, options.key, write);
}

Exit counter_reset(const Context& context, const CounterOptions& options) {
  Session session(context);
  return finish_write(session, context, options.map, options.key, open(session, options).reset(options.key));
}

Exit counter_value(const Context& context, const CounterOptions& options) {
  Session session(context);
  const std::int64_t value = open(session, options).value(options.key);
  print(std::to_string(value) + "\n");
  return Exit::ok;
}

Exit counter_ls(const Context& context, const ListOptions& options) {
  check_map(options.map);
  check_prefix(options.prefix);
  Session session(context);
  session.pull({options.prefix.empty() ? ScopeKind::map : ScopeKind::prefix, options.map, options.prefix});
  const CounterMap map(session.node(), options.map);
  std::vector<std::string> keys;
  session.require(map.keys(options.prefix, [&keys](std::string_view key) { keys.emplace_back(key); }));
  std::vector<Report> reports;
  reports.reserve(keys.size());
  for (const std::string& key : keys) reports.push_back(Report().text("key", key).number("value", map.value(key)));
  print_all(reports, context.format);
  return Exit::ok;
}

}  // namespace grid::cli
