// SPDX-License-Identifier: Apache-2.0
//
// rm MAP KEY: removes a row, if there is one.
#include "cli/names.h"
#include "cli/print.h"
#include "cli/session.h"
#include "cli/text.h"

namespace grid::cli {

Exit rm(const Context& context, const KeyOptions& options) {
  check_map(options.map);
  check_key(options.key);
  Session session(context);
  session.pull({ScopeKind::key, options.map, options.key});
  Map map = session.node().map(options.map);
  // A tombstone over nothing would travel and stay for no one's use.
  if (!map.get(options.key).exists()) throw Failure(Exit::not_found, options.map + " has no " + json_text(options.key));
  return finish_write(session, context, options.map, options.key, map.remove(options.key));
}

}  // namespace grid::cli
