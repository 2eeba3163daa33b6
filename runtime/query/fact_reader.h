// SPDX-License-Identifier: Apache-2.0
//
// FactReader: reads the facts of one map of a store into an index, and the log on behind that.
//
// Place     Below fact_engine.h, above fact_index.h and fact_expiries.h. Reads on the store's own thread.
// Promises  After catch_up() the index holds the facts that stand in the store, and have not expired by then.
//           BND-1  What it keeps of facts that expire takes, with the index, at most the bytes that it is given.
// Ownership Borrows the store for life.
//
// What has changed is looked up in the store, and not taken from its record: of a name that was written, taken back and
// written again only what stands now counts.
#pragma once

#include <string>

#include "runtime/query/fact_expiries.h"
#include "runtime/query/fact_index.h"
#include "storage/store.h"

namespace grid::runtime {

class FactReader {
 public:
  FactReader(storage::Store& store, std::string_view map, std::size_t bytes_max)
      : store_(store), map_(map), bytes_max_(bytes_max) {}

  // The first time it reads the map itself. `known_ms` is the corrected time; 0: it is unknown, and nothing expires.
  //   full  As of the index. Another call begins anew.
  //   corrupt, io  Of the store.
  Status catch_up(FactIndex& index, std::uint64_t known_ms, FactListener* listener);
  // When the next fact expires that stood by then; kNever: none does.
  std::uint64_t next_expiry_ms() const { return expiries_.next_ms(); }
  // A name has left the store without a record.
  void erased(const crdt::CellName& name);

 private:
  Status load(FactIndex& index, std::uint64_t known_ms);
  Status read_log();

  storage::Store& store_;
  std::string map_;
  const std::size_t bytes_max_;
  crdt::Seq position_ = 0;
  FactExpiries expiries_;
  FactExpiries::Names touched_;
};

// What a store has of a name by that time: of a deleted entity its marker, and nothing else. `expiries` are told when
// that changes by itself.
Result<FactCell> fact_cell(storage::Store& store, const crdt::CellName& name, std::uint64_t known_ms,
                           FactExpiries& expiries);

}  // namespace grid::runtime
