// SPDX-License-Identifier: Apache-2.0
//
// FactFeed: what the indexes of an app's facts are to be told, a batch at a time: the cells of a map, and from then on
// what becomes of them.
//
// Place     Beside row_finder.h, above runtime/query/fact_index.h. Reads the journal's store; knows no index.
// Promises  An index that was told all batches of its map, in their order, holds the facts that stood when the last one
//           was made, and had not expired by the time that was told by then (DLE-2).
//           BND-1  A batch, and a call, look at kLooks cells and records, and take kBatchBytes, or one cell; of a map
//           in which more than kErasedMax facts vanish before it is told of them, it begins anew. FactExpiries says
//           what it keeps of facts that expire: an entry for each of the store's.
// Ownership Borrows its store for life.
// Threads   None: the caller's, which is the store's.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "runtime/query/fact_expiries.h"
#include "runtime/query/fact_index.h"
#include "server/journal.h"
#include "storage/store.h"

namespace grid::server {

struct FactBatch {
  enum class Kind : std::uint8_t {
    begin,   // What the index of the map holds is void; cells follow.
    cells,   // Cells of it.
    loaded,  // These were all.
    change,  // What there is of these names now.
  };

  Kind kind = Kind::begin;
  std::string map{};
  std::vector<runtime::FactCell> cells{};
};

class FactFeed final : public runtime::ErasureListener {
 public:
  static constexpr std::size_t kLooks = 1'024;
  static constexpr std::size_t kBatchBytes = 65'536;
  static constexpr std::size_t kErasedMax = 65'536;

  explicit FactFeed(storage::Store& store) : store_(store) {}

  // The time; 0: it is unknown, and nothing has expired.
  void observe(std::uint64_t known_ms);
  // When it has something to tell for what expires then; kNever: nothing does.
  std::uint64_t next_expiry_ms() const;
  // Feeds the facts of that map from now on.
  void begin(std::string_view map) { maps_.try_emplace(std::string(map)); }
  void end(std::string_view map);
  bool has(std::string_view map) const { return maps_.find(map) != maps_.end(); }
  // Whether the map's index was told of everything that had arrived up to `seq`.
  bool has_told(std::string_view map, storage::Seq seq) const;

  // Whether next() may have something.
  bool has_more() const;
  //   busy       Nothing to tell came of this piece; go on.
  //   not_found  There is nothing more, until something arrives.
  //   corrupt, io  Of the store.
  Status next(FactBatch& batch);

  // runtime::ErasureListener
  void erased(const crdt::CellName& name) override;

 private:
  struct Map {
    enum class Stage : std::uint8_t { fresh, loading, loaded };
    Stage stage = Stage::fresh;
    std::string key{}, sub{};  // Read up to here, while it is loading.
    std::string deleted{};     // A marker stands before what may be left of its entity.
    storage::Seq from = 0;     // What arrived behind it may be missing in what was loaded.
    runtime::FactExpiries expiries{};
    runtime::FactExpiries::Names touched{};  // To be looked at again.
  };
  using Maps = std::map<std::string, Map, std::less<>>;

  Status load_on(const std::string& name, Map& map, FactBatch& batch);
  Status read_log();
  Status tell(const std::string& name, Map& map, FactBatch& batch);
  Maps::iterator find(bool (*is_it)(const Map& map));
  bool is_any_loaded() const;

  storage::Store& store_;
  Maps maps_;
  storage::Seq position_ = 0;  // The log is read up to here, for those that are loaded.
  std::uint64_t known_ms_ = 0;
  bool is_log_next_ = false;  // Turn about with loading.
};

}  // namespace grid::server
