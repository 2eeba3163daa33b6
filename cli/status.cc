// SPDX-License-Identifier: Apache-2.0
//
// status: what this replica holds and owes, and whether its server is there.
#include "cli/gateway_look.h"
#include "cli/image.h"
#include "cli/print.h"
#include "cli/session.h"
#include "cli/text.h"
#include "ports/port.h"
#include "storage/store.h"

namespace grid::cli {
namespace {

// Cells that are kept for others to hear of, and nothing else: removed, or expired by now.
std::uint64_t dead_count(Session& session, const ReplicaStatus& now) {
  storage::Store* const store = session.node().driver().local_store();
  const bool knows_time = now.quality != crdt::ClockQuality::unknown;
  const std::uint64_t known_ms = knows_time ? port::wall_ms() + static_cast<std::uint64_t>(now.clock_offset_ms) : 0;
  std::uint64_t count = 0;
  std::string map, key, sub;
  for (;;) {
    const Result<crdt::Op> op = store->next_cell({map, key, sub});
    if (op.status() == Status::not_found) return count;
    session.require(op.status());
    if (!op->cell.is_live(known_ms)) ++count;
    map = op->cell.name.map, key = op->cell.name.key, sub = op->cell.name.sub;
  }
}

}  // namespace

Exit status_of_server(const Context& context) {
  if (is_image(context) || context.offline) throw Failure(Exit::usage, "--server asks a server, on the net");
  GatewayLook look(context);
  std::string figures;
  look.ask_all("status", [&figures](const crdt::Op& op) { figures = as_text(op.cell.value); });
  Report report;
  report.text("server", look.server());
  for (Value::Walk walk{Value(as_bytes(figures))}; walk.next();) {
    if (walk.name() == "epoch") {
      report.text("epoch", hex(static_cast<std::uint64_t>(walk.value().integer_or(0))));
    } else {
      report.value(walk.name(), walk.value());
    }
  }
  report.print(context.format);
  return Exit::ok;
}

Exit status(const Context& context) {
  if (is_image(context)) return status_of_image(context);
  Session session(context);
  if (!session.offline()) session.wait(is_up, kPatienceMs);
  const ReplicaStatus now = session.status();
  const bool reachable = is_up(now);
  const crdt::Digest digest = session.node().digest();
  Report report;
  report.text("app", context.app);
  session.keeps() ? report.text("store", session.store()) : report.nothing("store");
  report.text("node", hex(now.node)).text("server", session.server());
  session.offline() ? report.nothing("reachable") : report.truth("reachable", reachable);
  report.text("state", name_of(now.state)).text("reason", name_of(now.reason));
  const char* const why = sentence_of(now.reason);
  why == nullptr ? report.nothing("why") : report.text("why", why);
  report.count("cells", digest.count).text("root", hex(digest.sum)).count("tombstones", dead_count(session, now));
  report.count("ops_pending", now.ops_pending).count("head", now.head).count("durable", now.durable);
  report.text("clock", crdt::name_of(now.quality)).number("clock_offset_ms", now.clock_offset_ms);
  report.print(context.format);
  if (!session.keeps() && !reachable) throw session.no_link();
  return Exit::ok;
}

}  // namespace grid::cli
