// SPDX-License-Identifier: Apache-2.0
//
// RowFinder: where in the journal the rows of a predicate lie, by the indexes that are declared (docs/policies.md).
//
// Place     Below journal.h, above runtime/query's indexes and planner. Knows records by their sequence, no link.
// Promises  Complete: up to where it has read the journal, no record that a predicate accepts is left out. Not exact:
//           what is found is looked at.
//           BND-1  The indexes take at most the bytes that they are given; one that would take more is switched off,
//                  and whoever asked it reads the journal.
// Ownership Borrows its store for life.
//
// It reads the journal a piece at a time, so that a gateway with many rows serves while its indexes are being built.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "crdt/query/predicate.h"
#include "runtime/query/query_engine.h"
#include "storage/store.h"

namespace grid::server {

// An index that a gateway keeps of a map.
struct IndexedField {
  std::string map;
  std::string field;
  runtime::IndexKind kind = runtime::IndexKind::ordered;

  friend bool operator==(const IndexedField&, const IndexedField&) = default;
};

inline constexpr std::size_t kIndexesMax = 64;

// Adds what a configuration says. False, and nothing added: `problem` is a sentence that says why.
bool add_index(const IndexedField& index, std::vector<IndexedField>& indexes, std::string& problem);

class RowFinder {
 public:
  // `fields` have passed add_index().
  RowFinder(storage::Store& store, std::span<const IndexedField> fields, std::size_t bytes_max);

  // Reads the journal on, a piece.
  //   busy  There is more.
  //   corrupt, io  Of the store.
  Status advance();

  // Records that the predicate may accept, in their order.
  struct Found {
    std::vector<storage::Seq> seqs;
    storage::Seq through = 0;  // Between the asked place and here there are no others.
    storage::Seq indexed = 0;  // How far the index has read: as far, where nothing was cut off.
  };
  // Those of the map behind `after`, the first `count_max` of them. Nothing where no index helps, or none is ready.
  std::optional<Found> find(std::string_view map, const query::Predicate& where, storage::Seq after,
                            std::size_t count_max = SIZE_MAX) const;

  // For questions.
  runtime::QueryEngine& engine() { return engine_; }
  const runtime::QueryEngine& engine() const { return engine_; }

  std::size_t index_count() const { return engine_.indexes().size(); }
  std::size_t bytes() const;
  std::size_t over_cap_count() const;

 private:
  static constexpr std::uint64_t kRecordsOfAPiece = 2'048;

  runtime::QueryEngine engine_;
};

}  // namespace grid::server
