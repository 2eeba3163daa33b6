// SPDX-License-Identifier: Apache-2.0
//
// ViewRows: puts the sets, counters and facts of a file. As a row takes the place of the one that stands, a set, or a
// predicate of an entity, gets the values of the file and no others, and a counter its sum: as far as this replica has
// seen them, so the server's are seen first.
//
// Place     Between rows.h and session.h; used by import.cc.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cli/rows.h"
#include "cli/session.h"
#include "runtime/grid/facts.h"
#include "runtime/grid/views.h"

namespace grid::cli {

class ViewRows {
 public:
  // `map` and `rows` are kept by reference.
  ViewRows(Session& session, const std::string& map, const std::vector<Row>& rows);
  // One of them that is no row; its statuses are those of a write.
  Status put(const Row& row);

 private:
  Status trim(const std::string& key, const std::set<std::string_view>& wanted);
  Status count(const Row& row);
  Status put_fact(const Row& row);
  Status trim(const Row& fact, const std::set<std::string_view>& wanted);

  OrMap sets_;
  CounterMap counters_;
  Facts facts_;
  Session& session_;
  std::map<std::string_view, std::set<std::string_view>> wanted_;  // Of sets that are still to be trimmed,
  std::map<std::pair<std::string_view, std::string_view>, std::set<std::string_view>> objects_;  // and of predicates.
};

}  // namespace grid::cli
