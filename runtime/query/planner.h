// SPDX-License-Identifier: Apache-2.0
//
// Planner: the cheapest way to the rows of a question, and why not another.
//
// Place     Below query_engine.h. Knows constraints and indexes, reads no row.
// Promises  Every row that the predicate accepts lies on the way.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "crdt/query/predicate.h"
#include "runtime/query/index.h"

namespace grid::runtime {

enum class Way : std::uint8_t {
  scan,  // All rows of the map.
  keys,  // The rows whose keys lie in a range.
  index,
};

const char* name_of(Way way);

// Keys from `first` on, included, that begin with `prefix` and don't come behind `last`.
struct KeyRange {
  std::string_view first;
  std::string_view prefix;
  std::string_view last;
  bool has_last = false;

  bool is_past(std::string_view key) const {
    return (has_last && key > last) || (key > prefix && !key.starts_with(prefix));
  }
};

struct Plan {
  Way way = Way::scan;
  KeyRange keys;
  const Index* index = nullptr;
  std::vector<CodeRange> ranges;  // Of the index, none overlapping.
  std::size_t expected = 0;       // Entries in them.
  std::string why_no_index;       // A sentence; empty when there is one.
};

// `where` and `indexes`, those of the map, live as long as the plan.
Plan plan_for(const query::Predicate& where, const std::vector<const Index*>& indexes);

}  // namespace grid::runtime
