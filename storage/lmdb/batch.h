// SPDX-License-Identifier: Apache-2.0
//
// Batch and NameTable: what the store holds in memory of its log and of its index.
//
// Place     Above record.h. A Batch is a piece of the log on its way to the medium; a NameTable is the part of the
//           index that is not folded into the medium yet.
// Promises  Bytes handed out never move while their owner lives.
// Threads   Filled on the store's thread; once sealed or frozen, read by the flushing one as well and changed by none.
#pragma once

#include <deque>
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
  static constexpr std::size_t kBlockBytesMin = 2'048;
  static constexpr std::size_t kBlockBytesMax = 65'536;

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
  // How many it can have added to a NameTable.
  std::size_t entries() const { return 2 * records.size() + released.size(); }
};

// Name -> sequence, 0 for a name that was erased. Lookups come with every read and write, so they go by hash; an order
// is made when the first scan asks for one, and kept from then on.
class NameTable {
  static constexpr std::size_t kSlotsMin = 64;  // A power of two, as ever after.

 public:
  struct Name {
    std::string_view name;
    Seq seq;
  };

  void set(std::string_view name, Seq seq);
  // Null: the name is not in this table.
  const Seq* find(std::string_view name);
  // The first name after `name`; null when there is none.
  const Name* next(std::string_view name);

  // Records that no reader sees any more, to be deleted from the log.
  void bury(Seq seq) { dead_.insert(seq); }
  bool is_dead(Seq seq) const { return dead_.contains(seq); }

  const std::deque<Name>& names() const { return names_; }  // In no order.
  const std::unordered_set<Seq>& dead() const { return dead_; }
  std::size_t entries() const { return names_.size() + dead_.size(); }

 private:
  // Half of the slots are free, so that a lookup touches one line of memory as a rule.
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t place = 0;  // In names_, from 1; 0 is a free slot.
  };

  Slot& slot_of(std::string_view name, std::uint64_t hash);
  void grow();

  std::vector<Slot> slots_ = std::vector<Slot>(kSlotsMin);
  std::deque<Name> names_;
  std::map<std::string_view, const Name*> order_;  // Of all names, or empty.
  std::unordered_set<Seq> dead_;
  Blocks bytes_;
};

}  // namespace grid::storage::lmdb
