// SPDX-License-Identifier: Apache-2.0
//
// sync: pushes and pulls until this replica and the server hold the same, and prints what moved.
#include <chrono>

#include "cli/inputs.h"
#include "cli/names.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/query_text.h"
#include "cli/session.h"
#include "cli/text.h"
#include "runtime/grid/datalog.h"

namespace grid::cli {
namespace {

using Clock = std::chrono::steady_clock;

std::uint64_t ms_since(Clock::time_point began) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began).count());
}

bool is_converged(const ReplicaStatus& now) { return is_up(now) && now.quiet && now.current && now.verified; }

void check(const SyncOptions& options) {
  for (const std::string& map : options.maps) check_map(map);
  if (!options.query.empty() && options.maps.size() != 1)
    throw Failure(Exit::usage, "--query is about the facts of one map: say --map MAP once");
  if (!options.query.empty() && !options.where.empty())
    throw Failure(Exit::usage, "--where is about rows, and --query about facts: say one of them");
  if (options.where.empty()) return;
  if (options.maps.size() != 1) throw Failure(Exit::usage, "--where is about the rows of one map: say --map MAP once");
  const Where checked("--where", options.where);
  if (options.where.size() <= kKeyBytesMax) return;
  const std::string bytes = std::to_string(options.where.size()), most = std::to_string(kKeyBytesMax);
  throw Failure(Exit::usage, "--where: " + bytes + " bytes; a server takes predicates of up to " + most);
}

void subscribe_to_facts(Session& session, const SyncOptions& options) {
  const Inputs inputs(options.inputs);
  const Status status = Datalog(session.node(), options.maps.front()).subscribe({options.query, inputs.values()});
  if (status == Status::invalid) throw Failure(Exit::usage, session.host().problem());
  session.require(status);
}

void subscribe(Session& session, const SyncOptions& options) {
  if (!options.query.empty()) return subscribe_to_facts(session, options);
  const ScopeKind kind = options.where.empty() ? ScopeKind::map : ScopeKind::where;
  for (const std::string& map : options.maps) session.require(session.node().subscribe({kind, map, options.where}));
  if (options.maps.empty()) session.require(session.node().subscribe(Scope{}));
  session.node().verify();
}

// The link goes on without what was refused, and would never be found equal.
Failure refused(const std::string& refusal) {
  if (!refusal.ends_with(name_of(Status::denied))) return {Exit::failure, refusal};
  return {Exit::denied, refusal + ": no grant to read all of it"};
}

// What a question stands on, and so what is to be compared, is known when that has come.
void verify_answer(Session& session, std::uint64_t timeout_ms) {
  const auto is_refused = [&session] { return session.host().refusal()[0] != '\0'; };
  session.wait([&](const ReplicaStatus& now) { return is_up(now) && (now.current || is_refused()); }, timeout_ms);
  session.node().verify();
}

// Waits for the link, then for convergence; a link that drops on the way is had again within the time.
bool converge(Session& session, std::uint64_t timeout_ms, Clock::time_point began) {
  const auto spent = [&] { return ms_since(began) >= timeout_ms; };
  session.wait([&](const ReplicaStatus& now) { return is_up(now) || spent(); }, timeout_ms);
  if (!is_up(session.status())) throw session.no_link();
  Progress progress("syncing");
  const std::uint64_t to_push = session.status().ops_pending;
  while (!is_converged(session.status()) && !spent()) {
    const std::uint64_t slice_ms = std::min<std::uint64_t>(100, timeout_ms - std::min(timeout_ms, ms_since(began)));
    const Clock::time_point slept_at = Clock::now();
    const bool stopped = session.host().wait_until(is_converged, slice_ms);
    const ReplicaStatus now = session.status();
    if (now.state == SyncState::error) throw session.no_link();
    const std::string refusal(session.host().refusal());
    if (!refusal.empty()) throw refused(refusal);
    if (!stopped && ms_since(slept_at) + 1 < slice_ms) throw Failure(Exit::failure, "interrupted");
    progress.show(now.figures.cells_pushed + now.figures.cells_pulled, now.figures.cells_pulled == 0 ? to_push : 0);
  }
  return is_converged(session.status());
}

Failure why_not(Session& session, std::uint64_t timeout_ms) {
  const ReplicaStatus now = session.status();
  const std::string after = " after " + std::to_string(timeout_ms / 1'000) + " s";
  if (!is_up(now)) return {session.no_link().exit(), "lost the server" + after + ": " + session.unreachable()};
  if (!now.quiet || !now.current) return {Exit::unreachable, "not converged" + after + ": still under way"};
  return {Exit::differs, "not converged" + after + ": the replicas differ"};
}

}  // namespace

Exit sync(const Context& context, const SyncOptions& options) {
  check(options);
  if (context.offline) throw Failure(Exit::usage, "sync needs the network that --offline forbids");
  const Clock::time_point began = Clock::now();
  Session session(context);
  if (!session.keeps()) throw Failure(Exit::usage, "sync needs a store to sync: say --store DIR");
  subscribe(session, options);
  if (!options.query.empty()) verify_answer(session, options.timeout_ms);
  const bool converged = converge(session, options.timeout_ms, began);
  const ReplicaStatus now = session.status();
  Report()
      .truth("converged", converged)
      .count("cells_pushed", now.figures.cells_pushed)
      .count("cells_pulled", now.figures.cells_pulled)
      .count("ops_pending", now.ops_pending)
      .count("bytes_sent", now.figures.bytes_sent)
      .count("bytes_received", now.figures.bytes_received)
      .count("round_trips", now.figures.round_trips)
      .count("ms", ms_since(began))
      .print(context.format);
  if (!converged) throw why_not(session, options.timeout_ms);
  if (now.figures.rejected != 0) {
    throw Failure(Exit::partial, counted(now.figures.rejected, "write") + " rejected (gridctl deadletter ls shows " +
                                     (now.figures.rejected == 1 ? "it" : "them") + "): " + session.host().problem());
  }
  return Exit::ok;
}

}  // namespace grid::cli
