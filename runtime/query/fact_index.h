// SPDX-License-Identifier: Apache-2.0
//
// FactIndex: the facts of one map of a store, in an index of crdt/datalog that reads the log on.
//
// Place     Below fact_engine.h. Knows cells and their names, and no question.
// Promises  After catch_up() the index holds the facts that stand, each once.
//           BND-1  It takes at most the bytes that it is given; then it is `full`, and holds nothing.
// Ownership Borrows the store and the chunks for life.
//
// What has changed is looked up in the store, and not taken from its record: of a name that was written, taken back and
// written again only what stands now counts.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crdt/datalog/index.h"
#include "storage/store.h"

namespace grid::runtime {

// A fact that comes or goes. Entities are ids, in `object` too where that is a ref.
struct FactDelta {
  std::vector<std::uint8_t> entity;  // Canonical, as are objects.
  std::string predicate;
  std::vector<std::uint8_t> object;
  bool is_added = false;
};

// Who wants to look at the index before and after it changes.
class FactListener {
 public:
  // `deltas` are about to be applied; of a fact whose object changes, one goes and one comes.
  virtual void changing(std::span<const FactDelta> deltas) = 0;
  virtual void changed(std::span<const FactDelta> deltas) = 0;

 protected:
  ~FactListener() = default;
};

class FactIndex {
 public:
  FactIndex(storage::Store& store, std::string_view map, Chunks& chunks, std::size_t bytes_max)
      : store_(store), map_(map), chunks_(chunks), bytes_max_(bytes_max) {}
  FactIndex(const FactIndex&) = delete;
  FactIndex& operator=(const FactIndex&) = delete;

  std::string_view map() const { return map_; }
  // Only behind a catch_up() that went well.
  const datalog::Index& index() const { return held_->index; }
  // How often it was read anew: of what changed in between no listener was told.
  std::uint64_t loads() const { return loads_; }
  std::size_t bytes() const { return held_ == nullptr ? 0 : held_->region.taken(); }

  // Reads at most so many records of the log; the first time it reads the map itself.
  //   busy  There is more.
  //   full  The facts take more memory than they may. Another call begins anew.
  //   corrupt, io  Of the store.
  Status catch_up(FactListener* listener = nullptr, std::uint64_t records_max = UINT64_MAX);
  // A name has left the store without a record.
  void erased(const crdt::CellName& name);

 private:
  struct Held {
    Held(Chunks& chunks, std::size_t bytes_max) : region(chunks, kChunkBytes, bytes_max), index(region) {}
    Region region;
    datalog::Index index;
  };
  // What becomes of one name.
  struct Change {
    std::string key;
    std::string sub;
    std::vector<std::uint8_t> object;  // That stands now, or stood before.
    bool stands;
  };
  static constexpr std::size_t kChunkBytes = 1u << 20;

  Status load();
  Status read_log(std::uint64_t records_max);
  Status look_at(const std::string& key, const std::string& sub, std::vector<Change>& changes,
                 std::vector<FactDelta>& deltas);
  Status apply(const Change& change);

  storage::Store& store_;
  std::string map_;
  Chunks& chunks_;
  std::size_t bytes_max_;
  std::unique_ptr<Held> held_;
  std::uint64_t loads_ = 0;
  crdt::Seq position_ = 0;
  std::vector<std::uint8_t> room_ = std::vector<std::uint8_t>(kValueBytesMax + 64);  // One object.
  std::set<std::pair<std::string, std::string>> touched_;                            // By key and sub.
};

}  // namespace grid::runtime
