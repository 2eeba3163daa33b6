// SPDX-License-Identifier: Apache-2.0
//
// Sort: the order in which rows come, and Place: one place in it. `temp desc, site`, with the key as the last word.
//
// Place     Above order.h and path.h.
// Promises  QRY-3  Two different rows never stand at the same place, so pages that go on behind a place neither repeat
//                  nor leave out a row that stays as it is.
// Ownership A Sort is a view of flat bytes, as a predicate is.
#pragma once

#include <string_view>

#include "crdt/query/compile.h"
#include "crdt/query/path.h"

namespace grid::query {

inline constexpr std::size_t kSortKeysMax = 8;

// Where a row stands: what it has under each of the sort's keys, and its key.
struct Place {
  std::size_t count = 0;
  Value values[kSortKeysMax];
  std::string_view key;
};

class Sort {
 public:
  Sort() = default;  // By key.
  // `encoded` came from compile_sort().
  explicit Sort(Bytes encoded) : encoded_(encoded) {}

  bool is_by_key() const { return encoded_.empty(); }
  Bytes encoded() const { return encoded_; }

  // Views of `row`. $key is not among the values: it is the key.
  Place place_of(const Row& row) const;
  // Less than 0: `a` comes before `b`. 0 for two places of the same row only.
  int compare(const Place& a, const Place& b) const;

 private:
  friend class SortWalk;
  Bytes encoded_;
};

// "a desc, b.c, $key desc" in the front of `room`; nothing but spaces is by key.
//   invalid, too_large, full  As compile().
Result<Sort> compile_sort(std::string_view text, MutBytes room, Trouble& trouble);

}  // namespace grid::query
