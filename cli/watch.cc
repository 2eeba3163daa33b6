// SPDX-License-Identifier: Apache-2.0
//
// watch MAP [PREFIX] [--where PRED]: prints the rows that stand, and then every change, a line each, as it happens.
#include <cstdio>
#include <set>

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
  const Where* where = nullptr;                // None: every row.
  std::set<std::string, std::less<>> shown{};  // Keys whose rows it accepted when they were last seen.

  bool is_enough() const { return broken || (count_max != 0 && count >= count_max); }
};

enum class Showing : std::uint8_t { passed_over, shown, left };

// A row that is no longer accepted is told once, so that whoever listens can let go of it.
Showing showing_of(Printed& printed, const Change& change) {
  if (printed.where == nullptr) return Showing::shown;
  if (change.now.exists() && printed.where->accepts(change.key, change.now)) {
    printed.shown.emplace(change.key);
    return Showing::shown;
  }
  return printed.shown.erase(std::string(change.key)) != 0 ? Showing::left : Showing::passed_over;
}

std::string line_of(const Change& change, Showing showing) {
  std::string line = "{\"map\":" + json_text(change.map) + ",\"key\":" + json_text(change.key);
  if (change.view == crdt::View::lww_map) {
    line += ",\"value\":";
    line += change.now.exists() ? json::json_from_value(change.now) : "null,\"removed\":true";
  } else {
    line += change.view == crdt::View::counter ? ",\"counter\":true" : ",\"set\":true";
  }
  if (showing == Showing::left) line += ",\"left\":true";
  const std::string stamp = stamp_text(change.stamp);
  return line + ",\"stamp\":" + (stamp.empty() ? "null" : json_text(stamp)) + "}\n";
}

void print_change(Printed& printed, const Change& change) {
  if (printed.is_enough()) return;
  const Showing showing = showing_of(printed, change);
  if (showing == Showing::passed_over) return;
  const std::string line = line_of(change, showing);
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
  if (session.status().state == SyncState::error) throw Failure(Exit::unreachable, session.unreachable());
  return Exit::ok;
}

}  // namespace

Exit watch(const Context& context, const WatchOptions& options) {
  check_map(options.map);
  check_prefix(options.prefix);
  const Where where("--where", options.where);
  const Scope scope{options.prefix.empty() ? ScopeKind::map : ScopeKind::prefix, options.map, options.prefix};
  Session session(context);
  session.pull(scope);
  Printed printed{.count_max = options.count, .where = options.where.empty() ? nullptr : &where};
  runtime::Call call{.verb = runtime::Call::Verb::watch, .scope = scope};
  session.node().driver().watch(call, [at = &printed](const Change& change) { print_change(*at, change); });
  session.require(call.status);
  return run(session, printed, options.for_ms);
}

}  // namespace grid::cli
