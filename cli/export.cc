// SPDX-License-Identifier: Apache-2.0
//
// export MAP: the whole map as NDJSON in key order, the same bytes wherever the same rows are.
#include "cli/image.h"
#include "cli/names.h"
#include "cli/print.h"
#include "cli/session.h"

namespace grid::cli {

Exit export_map(const Context& context, const ListOptions& options) {
  check_map(options.map);
  // A file is for a machine to read, on a terminal too.
  RowPrinter printer(context.format == Format::automatic ? Format::ndjson : context.format);
  if (is_image(context)) {
    Image(context).scan(options.map, {}, [&](std::string_view key, const Value& value) { printer.row(key, value); });
    printer.finish();
    return Exit::ok;
  }
  Session session(context);
  session.pull({ScopeKind::map, options.map, {}});
  session.require(session.node().map(options.map).scan({}, [&](const Change& row) { printer.row(row.key, row.now); }));
  printer.finish();
  return Exit::ok;
}

}  // namespace grid::cli
