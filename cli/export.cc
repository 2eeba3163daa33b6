// SPDX-License-Identifier: Apache-2.0
//
// export MAP: the whole map as NDJSON in key order, the same bytes wherever the same rows are.
#include "cli/names.h"
#include "cli/print.h"
#include "cli/session.h"

namespace grid::cli {

Exit export_map(const Context& context, const ListOptions& options) {
  check_map(options.map);
  Session session(context);
  session.pull({ScopeKind::map, options.map, {}});
  // A file is for a machine to read, on a terminal too.
  RowPrinter printer(context.format == Format::automatic ? Format::ndjson : context.format);
  session.require(session.node().map(options.map).scan({}, [&](const Change& row) { printer.row(row.key, row.now); }));
  printer.finish();
  return Exit::ok;
}

}  // namespace grid::cli
