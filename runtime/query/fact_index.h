// SPDX-License-Identifier: Apache-2.0
//
// FactIndex: the facts of one map, in an index of crdt/datalog that is told of each cell.
//
// Place     Below fact_engine.h. Knows cells and their names, no question and no store: fact_reader.h reads one.
// Promises  It holds the facts that stand by what it was told, each once.
//           BND-1  It takes at most the bytes that it is given; then it is `full`, and holds nothing.
// Ownership Borrows the chunks for life.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/base/status.h"
#include "crdt/datalog/index.h"

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

// What there is of one name, as far as facts care. A marker stands where there is one, other cells where they are no
// tombstones and have not expired; what does not stand has no value.
struct FactCell {
  std::string key;
  std::string sub;
  std::vector<std::uint8_t> value;
  bool stands = false;
};

class FactIndex {
 public:
  FactIndex(Chunks& chunks, std::size_t bytes_max) : chunks_(chunks), bytes_max_(bytes_max) {}
  FactIndex(const FactIndex&) = delete;
  FactIndex& operator=(const FactIndex&) = delete;

  bool is_loaded() const { return is_loaded_; }
  // Only of one that is loaded.
  const datalog::Index& index() const { return held_->index; }
  // How often it was loaded: of what changed in between no listener was told.
  std::uint64_t loads() const { return loads_; }
  // Changes since it was read, each of one fact, and the last of a fact under that attribute; 0: there was none.
  std::uint64_t changes() const { return changes_; }
  std::uint64_t last_change(std::string_view attribute) const {
    const auto at = last_changes_.find(attribute);
    return at == last_changes_.end() ? 0 : at->second;
  }
  std::size_t bytes() const { return held_ == nullptr ? 0 : held_->region.taken(); }

  // Begins anew: cells of facts in any order, each name once, and then finish_load(). Whichever fails, it holds
  // nothing.
  //   full  The facts take more memory than they may.
  void begin_load();
  Status load(std::string_view key, std::string_view sub, Bytes value);
  Status finish_load();
  // Of one that is loaded: what there is of these names now. Of a name that was written, taken back and written again
  // only what stands counts.
  //   full  Likewise; it holds nothing any more.
  Status change(std::span<const FactCell> cells, FactListener* listener);
  void let_go();

 private:
  struct Held {
    Held(Chunks& chunks, std::size_t bytes_max) : region(chunks, kChunkBytes, bytes_max), index(region) {}
    Region region;
    datalog::Index index;
  };
  // What becomes of one name.
  struct Change {
    const FactCell* cell;
    std::vector<std::uint8_t> object;  // That stands now, or stood before.
  };
  static constexpr std::size_t kChunkBytes = 1u << 20;

  Status change(std::span<const FactCell> cells, bool are_markers, FactListener* listener);
  Status look_at(const FactCell& cell, std::vector<Change>& changes, std::vector<FactDelta>& deltas);
  Status apply(const Change& change);
  Status settle(Status status);

  Chunks& chunks_;
  std::size_t bytes_max_;
  std::unique_ptr<Held> held_;
  bool is_loaded_ = false;
  std::uint64_t loads_ = 0;
  std::uint64_t changes_ = 0;
  std::map<std::string, std::uint64_t, std::less<>> last_changes_;  // By attribute.
  std::vector<std::uint8_t> room_;                                  // One object; from the first change on.
};

}  // namespace grid::runtime
