// SPDX-License-Identifier: Apache-2.0
//
// Watches: live queries of a device. A watch is a reader of the local log: it holds a position, never a queue, so
// superseded changes coalesce by themselves and nothing can overflow.
//
// Place     Above storage/store.h and pulls.h, which has the scopes.
// Promises  Every standing row of the scope is reported once when a watch begins, and each later change at least in
//           its newest form.
#pragma once

#include "crdt/base/arena.h"
#include "crdt/base/limits.h"
#include "runtime/action_list.h"
#include "runtime/pulls.h"
#include "storage/store.h"

namespace grid::runtime {

class Watches {
 public:
  static constexpr std::size_t memory_bytes(const Limits& limits) {
    return limits.watches_max * sizeof(Watch) + alignof(Watch);
  }
  Watches(storage::Store& store, Pulls& pulls, const Limits& limits, Arena& arena)
      : store_(store), pulls_(pulls), watches_(arena.make<Watch>(limits.watches_max)) {}

  // Watches the scope of `pull`, which the caller holds for it. Returns the watch's id: several may watch one scope.
  //   full  Limits::watches_max.
  Result<std::uint32_t> add(std::uint32_t pull);
  // Returns the pull that it watched.
  //   not_found  No such watch.
  Result<std::uint32_t> remove(std::uint32_t id);

  // Reports changes as long as `actions` has room.
  Status advance(ActionList& actions, std::uint64_t known_ms);
  // Reports `op`, which has expired, to each watch behind `told` that has been told of it, and moves `told` along;
  // false when `actions` had no room for all.
  bool tell(const crdt::Op& op, std::uint32_t& told, ActionList& actions);
  bool empty() const { return watches_.empty(); }
  // There is more to look at.
  bool are_behind() const;

 private:
  struct Watch {
    std::uint32_t id = 0;
    std::uint32_t pull = 0;
    storage::Seq position = 0;
    storage::Seq born = 0;  // Up to here rows are reported for standing, so only live ones.
  };
  // Log records that one step looks at, for all watches together.
  static constexpr std::uint32_t kLooksMax = 4'096;

  Status advance(Watch& watch, ActionList& actions, std::uint64_t known_ms, std::uint32_t& looks);

  storage::Store& store_;
  Pulls& pulls_;
  Vec<Watch> watches_;
  std::uint32_t next_id_ = 1;
};

}  // namespace grid::runtime
