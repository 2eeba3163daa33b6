// SPDX-License-Identifier: Apache-2.0
//
// grid/c.h: the server's full-text search.

#include <memory>

#include "ports/linux/c_node.h"
#include "runtime/grid/search.h"

using namespace grid;
using namespace grid::c;

struct grid_search {
  grid_node* node;
  grid_on_found found;
  void* context;
  Search search;
};

namespace {

// Its own search may be ended from within the callback: nothing of `at` is looked at behind it.
void tell(const grid_search* at, const Found& found) {
  const std::string reason(found.reason);
  const grid_found told{status_of(found.status), reason.c_str(), found.more, found.building != 0,
                        found.through,           found.head,     &found};
  at->found(at->context, &told);
}

}  // namespace

grid_search* grid_search_begin(grid_node* node, const grid_search_query* query, grid_on_found found, void* context) {
  auto begun = std::make_unique<grid_search>(grid_search{node, found, context, {}});
  const SearchQuery asked{.map = text_of(query->map),
                          .text = text_of(query->text),
                          .limit = query->limit,
                          .after_rank = query->after_rank,
                          .after = text_of(query->after),
                          .watch = query->watch};
  begun->search = search_for(*node->node, asked, [at = begun.get()](const Found& answer) { tell(at, answer); });
  if (begun->search.status() != Status::ok) return nullptr;
  return node->searches.emplace_back(begun.release());
}

void grid_search_end(grid_search* search) {
  if (search == nullptr) return;
  std::erase(search->node->searches, search);
  delete search;
}

void grid_each_hit(const grid_found* found, grid_visit_hit visit, void* context) {
  bool goes_on = true;
  static_cast<const Found*>(found->hits)->each([&](const Hit& hit) {
    const grid_hit one{hit.key.data(), hit.key.size(), hit.rank, {hit.highlights.data(), hit.highlights.size()}};
    goes_on = goes_on && visit(context, &one);
  });
}
