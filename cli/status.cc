// SPDX-License-Identifier: Apache-2.0
//
// status: what this replica holds and owes, and whether its server is there.
#include "cli/image.h"
#include "cli/print.h"
#include "cli/session.h"
#include "cli/text.h"

namespace grid::cli {
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
  report.count("cells", digest.count).text("root", hex(digest.sum));
  report.count("ops_pending", now.ops_pending).count("head", now.head).count("durable", now.durable);
  report.text("clock", crdt::name_of(now.quality)).number("clock_offset_ms", now.clock_offset_ms);
  report.print(context.format);
  if (!session.keeps() && !reachable) throw Failure(Exit::unreachable, session.unreachable());
  return Exit::ok;
}

}  // namespace grid::cli
