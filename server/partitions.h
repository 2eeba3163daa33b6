// SPDX-License-Identifier: Apache-2.0
//
// Partitions: the Merkle trees of one app's maps, kept up to date with every merge, and how cells leave them by expiry.
//
// Place     Below journal.h. Knows cells and digests.
// Promises  MRK-1  A tree counts exactly the cells that are live at expired_through_ms().
// Limits    maps_max trees in memory; the digests of further maps are found by scanning. One entry of 16 bytes a cell
//           that has an expiry, until it is collected.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "crdt/cell.h"
#include "crdt/merkle.h"
#include "runtime/machine.h"
#include "runtime/scope.h"
#include "storage/store.h"

namespace grid::server {

class Partitions {
 public:
  // Levels below a partition that are kept: a tree takes 271 * 2^6 digests, 277 KB.
  static constexpr std::uint8_t kDeepBits = 6;

  Partitions(std::string_view app, std::uint32_t maps_max) : app_(app), maps_max_(maps_max) {}

  // What a tree holds of a cell: nothing, or its digest; and when it expires, if it does.
  struct Counted {
    bool counted = false;
    std::uint64_t digest = 0;
    std::uint64_t expires_ms = 0;
    storage::Seq seq = 0;
  };
  Counted counted(const crdt::Op& op) const;

  void add(const crdt::Op& op);
  void remove(const crdt::CellName& name, const Counted& before);
  // Takes what has expired up to `wall_ms` out of the trees.
  void expire(std::uint64_t wall_ms, storage::Store& store);
  // Those that stand and have expired, in that order.
  struct Expiry {
    std::uint64_t at_ms;
    storage::Seq seq;
    friend auto operator<=>(const Expiry&, const Expiry&) = default;
  };
  const std::set<Expiry>& expired() const { return expired_; }
  std::uint64_t next_expiry_ms() const { return expiries_.empty() ? runtime::kNever : expiries_.begin()->at_ms; }
  std::uint64_t expired_through_ms() const { return expired_through_ms_; }

  // The tree of a map; null when it is not kept.
  const crdt::MerkleTree* tree(std::string_view map) const;
  //   not_found  It is not kept.
  Result<crdt::Digest> root(const runtime::Scope& scope) const;
  crdt::Position position_of(const crdt::CellName& name) const { return crdt::position_of(app_, name.map, name.key); }

 private:
  struct Tree {
    std::vector<crdt::Digest> slots;
    crdt::MerkleTree tree;
  };

  Tree* tree_for(std::string_view map);

  std::string_view app_;
  std::uint32_t maps_max_;
  bool overflowed_ = false;  // Some map has no tree.
  std::map<std::string, Tree, std::less<>> trees_;
  std::set<Expiry> expiries_;
  std::set<Expiry> expired_;
  std::uint64_t expired_through_ms_ = 0;
};

}  // namespace grid::server
