// SPDX-License-Identifier: Apache-2.0
//
// Batch and NameTable: what the store holds in memory of its log and of its index.
//
// Place     Above record.h. A Batch is a piece of the log on its way to the medium; a NameTable is the part of the
//           index that is not folded into the medium yet.
// Promises  Bytes handed out never move while their owner lives.
// Threads   Filled on the store's thread; once sealed or frozen, read by the flushing one as well and changed by none.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "storage/lmdb/record.h"

namespace grid::storage::lmdb {

// Memory in blocks that never move.
class Blocks {
 public:
  MutBytes take(std::size_t size);
  std::size_t used() const { return used_; }

 private:
  static constexpr std::size_t kBlockBytes = 16'384;

  std::vector<std::unique_ptr<std::uint8_t[]>> blocks_;
  MutBytes room_;
  std::size_t used_ = 0;
};

struct Batch {
  std::uint64_t number = 0;  // Once sealed.
  Seq first = 0;             // Of `records`, whose sequences have no gap.
  std::vector<Bytes> records;
  std::vector<std::pair<Seq, Bytes>> rewrites;  // Restamped records of older batches.
  std::vector<Seq> superseded;                  // Needed by no one any more: not to be written if they aren't yet.
  std::vector<Seq> kept;                        // Superseded too, but in flight.
  std::vector<Seq> released;                    // Kept before, and settled now.
  std::map<std::string, std::string, std::less<>> facts;  // Empty: removed.
  std::size_t fact_bytes = 0;
  Marks marks;  // As of its end; `folded` is not its business.
  bool marks_moved = false;
  Blocks bytes;

  bool is_empty() const { return records.empty() && rewrites.empty() && facts.empty() && !marks_moved; }
  Seq end() const { return first + records.size(); }
  std::size_t size() const;
};

// Name -> sequence, 0 for a name that was erased. In key order, so that it folds and scans in order.
class NameTable {
 public:
  void set(std::string_view name, Seq seq);
  // Null: the name is not in this table.
  const Seq* find(std::string_view name) const;
  // The first name after `name`; null when there is none.
  using Names = std::map<std::string_view, Seq>;
  const Names::value_type* next(std::string_view name) const;

  // Records that no reader sees any more, to be deleted from the log.
  void bury(Seq seq) { dead_.insert(seq); }
  bool is_dead(Seq seq) const { return dead_.contains(seq); }

  const Names& names() const { return names_; }
  const std::unordered_set<Seq>& dead() const { return dead_; }
  std::size_t entries() const { return names_.size() + dead_.size(); }
  bool is_empty() const { return names_.empty() && dead_.empty(); }

 private:
  Names names_;
  std::unordered_set<Seq> dead_;
  Blocks bytes_;
};

}  // namespace grid::storage::lmdb
