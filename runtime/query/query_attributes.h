// SPDX-License-Identifier: Apache-2.0
//
// QueryAttributes: which attributes a question looks at. Facts under others have no part in its answer.
//
// Place     Above crdt/datalog/query.h. Who waits for changes, or asks a gateway for facts, wants to know.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "crdt/datalog/query.h"
#include "runtime/scope.h"

namespace grid::runtime {

struct QueryAttributes {
  bool are_all = false;  // It may look at any.
  std::set<std::string, std::less<>> names{};

  static QueryAttributes of(const datalog::Query& query);
  bool has(std::string_view name) const { return are_all || names.count(name) != 0; }
  // The facts of `map` that the question looks at, a view of `text`; the whole map where they have no such scope.
  Scope scope(std::string_view map, std::string& text) const;
};

}  // namespace grid::runtime
