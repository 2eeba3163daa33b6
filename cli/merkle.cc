// SPDX-License-Identifier: Apache-2.0
//
// merkle [MAP]: the count and root digest of each map here; equal wherever the same rows are.
#include "cli/names.h"
#include "cli/print.h"
#include "cli/session.h"
#include "cli/text.h"

namespace grid::cli {
namespace {

// The maps that have a live cell, in order.
std::vector<std::string> maps_of(Session& session) {
  // Behind every key of a map: none has such a byte.
  static const std::string kBehindAllKeys(kKeyBytesMax, '\xff');
  std::vector<std::string> maps;
  for (;;) {
    const std::string last = maps.empty() ? std::string() : maps.back();
    const Result<crdt::Op> cell =
        session.node().driver().next_cell({last, maps.empty() ? std::string_view() : kBehindAllKeys});
    if (cell.status() == Status::not_found) return maps;
    session.require(cell.status());
    maps.emplace_back(cell->cell.name.map);
  }
}

}  // namespace

Exit merkle(const Context& context, const MerkleOptions& options) {
  if (!options.map.empty()) check_map(options.map);
  Session session(context);
  session.pull(options.map.empty() ? Scope{} : Scope{ScopeKind::map, options.map, {}});
  const std::vector<std::string> maps = options.map.empty() ? maps_of(session) : std::vector<std::string>{options.map};
  std::vector<Report> reports;
  for (const std::string& map : maps) {
    const crdt::Digest digest = session.node().digest({ScopeKind::map, map, {}});
    reports.push_back(Report().text("map", map).count("cells", digest.count).text("root", hex(digest.sum)));
  }
  print_all(reports, context.format);
  return Exit::ok;
}

}  // namespace grid::cli
