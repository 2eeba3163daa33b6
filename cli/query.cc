// SPDX-License-Identifier: Apache-2.0
//
// query MAP [--where PRED] [--order ORDER] [--limit N] [--after CURSOR] [--explain]: prints the rows that a predicate
// accepts, in order and page by page, or how they were found.
#include <cstdio>
#include <optional>
#include <utility>

#include "cli/names.h"
#include "cli/print.h"
#include "cli/query_text.h"
#include "cli/session.h"
#include "cli/text.h"

namespace grid::cli {
namespace {

void check(const QueryOptions& options) {
  check_map(options.map);
  const Where where("--where", options.where);
  check_order("--order", options.order);
}

// A cursor that is no good is the caller's; a store that is no good is not.
void require(Session& session, const Page& page) {
  const bool is_cursor =
      page.status != Status::full && std::string_view(session.host().problem()).starts_with("the cursor");
  if (page.status != Status::ok && is_cursor)
    throw Failure(Exit::usage, std::string("--after: ") + session.host().problem());
  session.require(page.status);
}

void print_plan(const Page& page, Format format) {
  Report report;
  report.text("plan", page.way);
  page.index.empty() ? report.nothing("index") : report.text("index", page.index);
  page.why_no_index.empty() ? report.nothing("why_no_index") : report.text("why_no_index", page.why_no_index);
  report.count("looked_at", page.looked_at).count("matched", page.matched).count("shown", page.shown);
  report.truth("sorted", page.sorted).print(format);
}

// The cursor is data for programs, and talk for people.
void print_end(const Page& page, Format format) {
  if (format == Format::json) {
    print(",\"cursor\":" + (page.cursor.empty() ? "null" : json_text(page.cursor)) + "}\n");
  } else if (!page.cursor.empty()) {
    flush_output();
    std::fprintf(stderr, "gridctl: there is more: --after %s\n", std::string(page.cursor).c_str());
  }
}

}  // namespace

Exit query(const Context& context, const QueryOptions& options) {
  check(options);
  Session session(context);
  session.pull({ScopeKind::map, options.map, {}});
  const Format format = resolved(context.format);
  std::optional<RowPrinter> printer;
  if (!options.explain) printer.emplace(format);
  bool begun = false;
  const auto begin = [&begun, format] {
    if (!std::exchange(begun, true) && format == Format::json) print("{\"rows\":");
  };
  const Page page =
      session.node()
          .map(options.map)
          .query({.where = options.where, .order = options.order, .limit = options.limit, .after = options.after},
                 [&printer, &begin](const Change& row) {
                   if (!printer) return;
                   begin();
                   printer->row(row.key, row.now);
                 });
  require(session, page);
  if (!printer) return print_plan(page, format), Exit::ok;
  begin();
  printer->finish();
  print_end(page, format);
  return Exit::ok;
}

}  // namespace grid::cli
