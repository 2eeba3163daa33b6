// SPDX-License-Identifier: Apache-2.0
//
// Scan: walks the standing cells of a scope in order, and can stop and go on later.
//
// Place     Above scope.h and storage/store.h. Used by both machines.
#pragma once

#include "runtime/scope.h"
#include "storage/store.h"

namespace grid::runtime {

class Scan {
 public:
  Scan() = default;
  // `scope` keeps what its views refer to for as long as the scan goes on.
  explicit Scan(const Scope& scope);
  // From behind `after`, a name in the scope.
  Scan(const Scope& scope, const crdt::CellName& after);

  // The next cell, tombstones included; what is written behind the present place meanwhile is seen. What lies under a
  // row of a predicate that has expired by `known_ms` is passed over; 0: nothing has.
  //   not_found  The end.
  Result<crdt::Op> next(storage::Store& store, std::uint64_t known_ms = 0);

  // What was known of the row at the present place may have changed.
  void look_again() { row_ = Row::unknown; }

 private:
  friend class RowTest;

  Result<crdt::Op> take(storage::Store& store);
  Result<crdt::Op> take_kept(storage::Store& store, std::uint64_t known_ms);
  bool has_row(const crdt::Cell& row, std::uint64_t known_ms) const;
  crdt::CellName place() const;
  void keep(const crdt::CellName& name);

  Scope scope_;
  bool started_ = false;
  enum class Row : std::uint8_t { unknown, in, out } row_ = Row::unknown;  // That of the present place.
  std::size_t map_bytes_ = 0;
  std::size_t key_bytes_ = 0;
  std::size_t sub_bytes_ = 0;
  char name_[kNameBytesMax] = {};
};

}  // namespace grid::runtime
