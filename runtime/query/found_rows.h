// SPDX-License-Identifier: Apache-2.0
//
// FoundRows: rows on their way into another order than they are found in, no more of them than are wanted.
//
// Place     Below query_engine.h.
// Promises  BND-1  It keeps the first `limit` rows in order, and at most the bytes that it is given.
// Ownership Keeps copies.
#pragma once

#include <cstddef>
#include <vector>

#include "crdt/cell.h"
#include "crdt/query/sort.h"

namespace grid::runtime {

struct FoundRow {
  std::vector<std::uint8_t> bytes;  // The key, then the value.
  std::size_t key_bytes = 0;
  query::Place place;  // Views of `bytes`.
  crdt::Stamp stamp;
  bool local = false;

  query::Row row() const {
    const Bytes all(bytes);
    return {as_text(all.first(key_bytes)), crdt::Value(all.subspan(key_bytes))};
  }
};

class FoundRows {
 public:
  // `limit` 0: all.
  FoundRows(const query::Sort& sort, std::uint64_t limit, std::size_t bytes_max)
      : sort_(sort), limit_(limit), bytes_max_(bytes_max) {}

  //   full  The bytes are used up.
  Status add(const query::Row& row, const crdt::Op& op);
  // All that are kept, in order. Nothing is added behind that.
  const std::vector<FoundRow>& sorted();

 private:
  bool is_before(const FoundRow& a, const FoundRow& b) const { return sort_.compare(a.place, b.place) < 0; }

  query::Sort sort_;
  std::uint64_t limit_;
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::vector<FoundRow> rows_;  // With a limit a heap, the last row in order on top.
};

}  // namespace grid::runtime
