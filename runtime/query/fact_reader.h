// SPDX-License-Identifier: Apache-2.0
//
// FactReader: reads the facts of one map of a store into an index, and the log on behind that.
//
// Place     Below fact_engine.h, above fact_index.h. Reads on the store's own thread.
// Promises  After catch_up() the index holds the facts that stand in the store.
// Ownership Borrows the store for life.
//
// What has changed is looked up in the store, and not taken from its record: of a name that was written, taken back and
// written again only what stands now counts.
#pragma once

#include <set>
#include <string>
#include <utility>

#include "runtime/query/fact_index.h"
#include "storage/store.h"

namespace grid::runtime {

class FactReader {
 public:
  FactReader(storage::Store& store, std::string_view map) : store_(store), map_(map) {}

  // The first time it reads the map itself.
  //   full  As of the index. Another call begins anew.
  //   corrupt, io  Of the store.
  Status catch_up(FactIndex& index, FactListener* listener);
  // A name has left the store without a record.
  void erased(const crdt::CellName& name);

 private:
  Status load(FactIndex& index);
  Status read_log();

  storage::Store& store_;
  std::string map_;
  crdt::Seq position_ = 0;
  std::set<std::pair<std::string, std::string>> touched_;  // By key and sub.
};

// What a store has of a name now: of a deleted entity its marker, and nothing else.
Result<FactCell> fact_cell(storage::Store& store, const crdt::CellName& name);

}  // namespace grid::runtime
