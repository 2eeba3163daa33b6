// SPDX-License-Identifier: Apache-2.0
//
// Queries of the embedding API: what grid.h asks, to the query engine over the node's store.

#include "ports/linux/linux_host_impl.h"
#include "ports/linux/parameters.h"
#include "ports/port.h"

namespace grid {
Page LinuxHost::Impl::query(std::string_view map, const Query& query, const Visitor& visitor) {
  Page page;
  if (has_failed()) {
    page.status = Status::io;
    return page;
  }
  Parameters parameters;
  page.status = parameters.fill(query.parameters, scratch());
  if (page.status != Status::ok) {
    complain("a parameter of the query is no value: text that is not UTF-8, or too large");
    return page;
  }
  const runtime::QueryEngine::Visitor rows{
      [](void* at, const query::Row& row, const crdt::Op& op) {
        const auto* to = static_cast<const Visitor*>(at);
        to->visit(to->at, {op.cell.name.map, row.key, row.value, op.cell.stamp, op.local});
      },
      const_cast<Visitor*>(&visitor)};
  page.status = queries_->ask({.map = map,
                               .where = query.where,
                               .order = query.order,
                               .limit = query.limit,
                               .after = query.after,
                               .parameters = parameters.all(),
                               .known_ms = replica_->known_ms(port::wall_ms())},
                              rows);
  if (page.status != Status::ok) complain(queries_->problem());
  const runtime::Explanation& how = queries_->explanation();
  page.cursor = queries_->cursor();
  page.way = runtime::name_of(how.way);
  page.index = how.index;
  page.why_no_index = how.why_no_index;
  page.looked_at = how.looked_at;
  page.matched = how.matched;
  page.shown = how.shown;
  page.sorted = how.is_sorted;
  return page;
}

Status LinuxHost::Impl::search(const SearchQuery& query, SearchCallback callback, std::uint32_t& id) {
  if (has_failed()) return Status::io;
  const Status status = searches_.ask(query, callback, id);
  if (status == Status::ok) host_->step(runtime::Event::Kind::wake);
  if (status == Status::full) complain("so many searches are under way as there may be");
  if (status == Status::invalid || status == Status::too_large) {
    complain("the search names no map, or its text is too long, or not UTF-8");
  }
  return status;
}

void LinuxHost::Impl::end_search(std::uint32_t id) {
  searches_.end(id);
  if (!has_failed()) host_->step(runtime::Event::Kind::wake);
}

Status LinuxHost::Impl::declare_index(std::string_view map, std::string_view path, IndexKind kind) {
  const Status status =
      queries_->declare(map, path, kind == IndexKind::hash ? runtime::IndexKind::hash : runtime::IndexKind::ordered);
  if (status != Status::ok) complain(queries_->problem());
  return status;
}

}  // namespace grid
