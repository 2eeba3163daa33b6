// SPDX-License-Identifier: Apache-2.0
//
// watch MAP [PREFIX] [--where PRED]: prints the rows that stand, and then every change, a line each, as it happens.
#include <cstdio>
#include <string>

#include "cli/names.h"
#include "cli/print.h"
#include "cli/query_text.h"
#include "cli/session.h"
#include "cli/text.h"
#include "transport/json/value_json.h"

namespace grid::cli {
namespace {

// What the callback needs; it must not throw, so it notes that stdout is gone.
struct Printed {
  std::uint64_t count = 0;
  std::uint64_t count_max = 0;
  bool broken = false;

  bool is_enough() const { return broken || (count_max != 0 && count >= count_max); }
};

std::string line_of(const Change& change) {
  std::string line = "{\"map\":" + json_text(change.map) + ",\"key\":" + json_text(change.key);
  if (change.view == crdt::View::lww_map) {
    line += ",\"value\":";
    line += change.now.exists() ? json::json_from_value(change.now) : "null,\"removed\":true";
  } else {
    line += change.view == crdt::View::counter ? ",\"counter\":true"
            : change.view == crdt::View::facts ? ",\"facts\":true"
                                               : ",\"set\":true";
  }
  const std::string stamp = stamp_text(change.stamp);
  return line + ",\"stamp\":" + (stamp.empty() ? "null" : json_text(stamp)) + "}\n";
}

// What has become of a row among those that the predicate accepts.
std::string line_of(const LiveChange& change) {
  constexpr const char* kNames[] = {"enter", "update", "leave"};
  std::string line = "{\"map\":" + json_text(change.map) + ",\"key\":" + json_text(change.key) + ",\"change\":\"" +
                     kNames[static_cast<std::size_t>(change.kind)] + "\"";
  if (change.now.exists()) line += ",\"value\":" + json::json_from_value(change.now);
  if (change.old.exists()) line += ",\"old\":" + json::json_from_value(change.old);
  if (change.now.exists()) line += ",\"stamp\":" + json_text(stamp_text(change.stamp));
  return line + "}\n";
}

void print(Printed& printed, const std::string& line) {
  if (printed.is_enough()) return;
  printed.broken = std::fwrite(line.data(), 1, line.size(), stdout) != line.size() || std::fflush(stdout) != 0;
  ++printed.count;
}

// Ends when enough is printed, the time is over or a signal arrives.
Exit run(Session& session, Printed& printed, std::uint64_t for_ms) {
  constexpr std::uint64_t kForEverMs = std::uint64_t{1} << 52;
  const bool stopped = session.host().wait_until([&](const ReplicaStatus&) { return printed.is_enough(); },
                                                 for_ms == 0 ? kForEverMs : for_ms);
  if (printed.broken) throw Failure(Exit::failure, "cannot write to stdout");
  if (stopped) return Exit::ok;
  if (session.status().state == SyncState::error) throw session.no_link();
  return Exit::ok;
}

// The prefix as a part of the predicate: as it stands, a text may hold quotes.
std::string predicate_of(const WatchOptions& options) {
  if (options.prefix.empty()) return options.where;
  std::string text = "$key starts with '";
  for (const char c : options.prefix) text.append(c == '\'' ? 2 : 1, c);
  return text + "' and (" + options.where + ")";
}

Exit watch_where(const Context& context, const WatchOptions& options) {
  const Where checked("--where", options.where);
  const std::string where = predicate_of(options);
  const bool travels = where.size() <= kKeyBytesMax;
  Session session(context);
  session.pull(travels ? Scope{ScopeKind::where, options.map, where} : Scope{ScopeKind::map, options.map, {}});
  Printed printed{.count_max = options.count};
  const Live live = session.node().map(options.map).live({.where = where}, [at = &printed](const LiveChange& change) {
    print(*at, line_of(change));
  });
  session.require(live.status());
  return run(session, printed, options.for_ms);
}

}  // namespace

Exit watch(const Context& context, const WatchOptions& options) {
  check_map(options.map);
  check_prefix(options.prefix);
  if (!options.where.empty()) return watch_where(context, options);
  const Scope scope{options.prefix.empty() ? ScopeKind::map : ScopeKind::prefix, options.map, options.prefix};
  Session session(context);
  session.pull(scope);
  Printed printed{.count_max = options.count};
  runtime::Call call{.verb = runtime::Call::Verb::watch, .scope = scope};
  session.node().driver().watch(call, [at = &printed](const Change& change) { print(*at, line_of(change)); });
  session.require(call.status);
  return run(session, printed, options.for_ms);
}

}  // namespace grid::cli
