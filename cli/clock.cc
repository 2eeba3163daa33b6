// SPDX-License-Identifier: Apache-2.0
//
// clock: how far this machine's clock is to be trusted, and how far off the server says it is.
#include "cli/print.h"
#include "cli/session.h"

namespace grid::cli {

Exit clock(const Context& context) {
  Session session(context);
  if (!session.offline()) session.wait(is_up, kPatienceMs);
  const ReplicaStatus now = session.status();
  Report().text("quality", crdt::name_of(now.quality)).number("offset_ms", now.clock_offset_ms).print(context.format);
  if (!session.keeps() && !is_up(now)) throw session.no_link();
  return Exit::ok;
}

}  // namespace grid::cli
