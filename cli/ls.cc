// SPDX-License-Identifier: Apache-2.0
//
// ls MAP [PREFIX]: lists the rows of a map whose keys begin with PREFIX, in key order.
#include "cli/image.h"
#include "cli/names.h"
#include "cli/print.h"
#include "cli/session.h"

namespace grid::cli {

Exit ls(const Context& context, const ListOptions& options) {
  check_map(options.map);
  check_prefix(options.prefix);
  if (is_image(context)) {
    RowPrinter printer(context.format);
    Image(context).scan(options.map, options.prefix,
                        [&](std::string_view key, const Value& value) { printer.row(key, value); });
    printer.finish();
    return Exit::ok;
  }
  Session session(context);
  session.pull({options.prefix.empty() ? ScopeKind::map : ScopeKind::prefix, options.map, options.prefix});
  RowPrinter printer(context.format);
  session.require(
      session.node().map(options.map).scan(options.prefix, [&](const Change& row) { printer.row(row.key, row.now); }));
  printer.finish();
  return Exit::ok;
}

}  // namespace grid::cli
