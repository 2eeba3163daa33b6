// SPDX-License-Identifier: Apache-2.0
//
// oplog: the writes that a device still owes its server, oldest first.
#include "cli/verbs.h"

namespace grid::cli {

Exit oplog(const Context&) {
  throw Failure(Exit::usage, "oplog looks into a device: say --target serial:DEVICE or --target unix:PATH");
}

}  // namespace grid::cli
