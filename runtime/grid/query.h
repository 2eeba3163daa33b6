// SPDX-License-Identifier: Apache-2.0
//
// Query: a question about the rows of a map, and how it was answered. docs/queries.md is the reference of its text.
//
// Place     Beside grid.h, which includes it. Machines with a heap answer; on others Predicate (crdt/query) filters
// what
//           Map::scan() visits.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "crdt/base/status.h"
#include "crdt/value.h"

namespace grid {

struct Query {
  std::string_view where{};  // "temp > $low and site = 'Oslo'"; empty: every row.
  std::string_view order{};  // "temp desc, site"; empty: by key.
  std::uint64_t limit = 0;   // 0: all of them.
  std::string_view after{};  // The cursor of the page before.
  // What $names in `where` stand for: {{"low", 21.5}}. A text that comes from a user is never part of `where` itself.
  std::initializer_list<crdt::Field> parameters{};
};

// How a query was answered. Its texts stand until the next call on the node.
struct Page {
  //   invalid, too_large  `where`, `order` or `after` is none, or the cursor is of another query: the host's problem()
  //                       names the column.
  //   corrupt, newer      The cursor is damaged, or of a later release; or the store is.
  //   full                There is no memory to sort so many rows: say a limit.
  //   io                  The store failed.
  Status status = Status::invalid;
  std::string_view cursor{};        // For the next page; empty: there is no more.
  std::string_view way{};           // How the rows were found: "scan", "keys" (a range of them) or "index".
  std::string_view index{};         // The path of the index that was used.
  std::string_view why_no_index{};  // A sentence; empty when one was used.
  std::uint64_t looked_at = 0;      // Rows that were held against `where`,
  std::uint64_t matched = 0;        // that it accepted, behind the cursor,
  std::uint64_t shown = 0;          // and that were visited.
  bool sorted = false;              // They did not come in order, and were sorted.
};

enum class IndexKind : std::uint8_t {
  hash,     // For `=` and `in`, of text of any length.
  ordered,  // For ranges and `starts with` too; of text the first 15 bytes count.
};

}  // namespace grid
