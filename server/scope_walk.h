// SPDX-License-Identifier: Apache-2.0
//
// ScopeWalk: the standing cells of a scope, for who sums them up: in no order, and in one go.
//
// Place     Above row_finder.h and runtime/scan.h. Where an index leads to the rows of a predicate, it looks at these
//           and at what has arrived since the index read the journal; of all else it is a scan.
#pragma once

#include <optional>
#include <string>

#include "runtime/scan.h"
#include "server/row_finder.h"

namespace grid::server {

class ScopeWalk {
 public:
  // Nothing is written to the store until it ends. `finder` may be null; rows are told by a CompiledRowTest. What lies
  // under a row that has expired by `known_ms` is passed over; 0: nothing has.
  ScopeWalk(const runtime::Scope& scope, storage::Store& store, const RowFinder* finder, std::uint64_t known_ms = 0);

  // The next cell, tombstones included.
  //   not_found    The end.
  //   corrupt, io  Of the store.
  Result<crdt::Op> next();

 private:
  static constexpr storage::Seq kTailMax = 4'096;

  Result<crdt::Op> next_row();
  Result<crdt::Op> next_under_row();

  runtime::Scope scope_;
  storage::Store& store_;
  std::uint64_t known_ms_;
  runtime::Scan scan_;
  std::optional<RowFinder::Found> found_;
  std::size_t at_ = 0;         // Of what was found.
  storage::Seq position_ = 0;  // Behind that, of the journal.
  bool is_in_row_ = false;
  std::string key_;
  std::string sub_;
};

}  // namespace grid::server
