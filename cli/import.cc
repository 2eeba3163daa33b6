// SPDX-License-Identifier: Apache-2.0
//
// import MAP FILE: puts every row, set and counter of a file, or none when one of them is not good.
#include "cli/file.h"
#include "cli/names.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/rows.h"
#include "cli/schema.h"
#include "cli/session.h"
#include "cli/text.h"
#include "cli/view_rows.h"

namespace grid::cli {
namespace {

// A commit to disk takes them together: more gain nothing, fewer cost time.
constexpr std::size_t kRowsPerCommit = 1'000;

// None of them is put when one is not as its schema says.
void check_rows(Session& session, const std::string& map, const std::vector<Row>& rows) {
  const std::optional<MapSchema> schema = schema_of(session, map);
  if (!schema) return;
  for (const Row& row : rows) {
    if (row.view != crdt::View::lww_map) continue;
    const std::string trouble = schema->trouble_with(Value(as_bytes(row.value)));
    if (!trouble.empty()) throw Failure(Exit::usage, "line " + std::to_string(row.line) + ": " + trouble);
  }
}

void put_rows(Session& session, const std::string& name, const std::vector<Row>& rows) {
  Progress progress("importing");
  Map map = session.node().map(name);
  ViewRows views(session, name, rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool is_row = rows[i].view == crdt::View::lww_map;
    Status status = is_row ? map.put(rows[i].key, Value(as_bytes(rows[i].value))).status() : views.put(rows[i]);
    if (status == Status::ok && (i + 1) % kRowsPerCommit == 0) {
      status = session.host().flush();
      progress.show(i + 1, rows.size());
    }
    if (status == Status::ok) continue;
    throw Failure(i == 0 ? Exit::failure : Exit::partial, "stopped at line " + std::to_string(rows[i].line) +
                                                              ", after " + counted(i, "row") + ": " +
                                                              session.host().problem());
  }
}

}  // namespace

Exit import_file(const Context& context, const ImportOptions& options) {
  check_map(options.map);
  const std::vector<Row> rows =
      read_rows(options.file == "-" ? "stdin" : options.file, read_file(options.file), options.key_field);
  Session session(context);
  check_rows(session, options.map, rows);
  put_rows(session, options.map, rows);
  Progress progress("sending");
  const Outcome outcome = session.deliver_all([&](const ReplicaStatus& now) {
    progress.show(rows.size() - std::min<std::uint64_t>(now.ops_pending, rows.size()), rows.size());
  });
  if (context.format != Format::automatic) {
    Report()
        .text("map", options.map)
        .count("rows", rows.size())
        .text("outcome", name_of(outcome))
        .print(context.format);
  }
  return Exit::ok;
}

}  // namespace grid::cli
