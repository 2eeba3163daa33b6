// SPDX-License-Identifier: Apache-2.0
//
// Watches: live queries of a device. A watch is a reader of the local log: it holds a position, never a queue, so
// superseded changes coalesce by themselves and nothing can overflow.
//
// Place     Above storage/store.h, beside oplog.h.
// Promises  Every standing row of the scope is reported once when a watch begins, and each later change at least in
//           its newest form.
#pragma once

#include "crdt/base/arena.h"
#include "crdt/base/limits.h"
#include "runtime/action_list.h"
#include "runtime/scope.h"
#include "storage/store.h"

namespace grid::runtime {

// A scope with the text that it refers to.
class ScopeCopy {
 public:
  void set(const Scope& scope) {
    kind_ = scope.kind;
    map_bytes_ = static_cast<std::uint8_t>(scope.map.size());
    text_bytes_ = static_cast<std::uint16_t>(scope.text.size());
    if (!scope.map.empty()) std::memcpy(map_, scope.map.data(), scope.map.size());
    if (!scope.text.empty()) std::memcpy(text_, scope.text.data(), scope.text.size());
  }
  Scope get() const { return {kind_, {map_, map_bytes_}, {text_, text_bytes_}}; }

 private:
  ScopeKind kind_ = ScopeKind::everything;
  std::uint8_t map_bytes_ = 0;
  std::uint16_t text_bytes_ = 0;
  char map_[kMapBytesMax] = {};
  char text_[kKeyBytesMax] = {};
};

class Watches {
 public:
  static std::size_t memory_bytes(const Limits& limits) { return limits.watches_max * sizeof(Watch) + alignof(Watch); }
  Watches(storage::Store& store, const Limits& limits, Arena& arena)
      : store_(store), watches_(arena.make<Watch>(limits.watches_max)) {}

  //   full  Limits::watches_max.
  Status add(std::uint32_t id, const Scope& scope);
  // False: no such watch. Its scope is gone with it.
  bool remove(std::uint32_t id);

  // Reports changes as long as `actions` has room. True: there is more to look at.
  Result<bool> advance(ActionList& actions, std::uint64_t known_ms);

 private:
  struct Watch {
    std::uint32_t id = 0;
    ScopeCopy scope{};
    storage::Seq position = 0;
    storage::Seq born = 0;  // Up to here rows are reported for standing, so only live ones.
  };
  // Log records that one step looks at, for all watches together.
  static constexpr std::uint32_t kLooksMax = 4'096;

  Status advance(Watch& watch, ActionList& actions, std::uint64_t known_ms, std::uint32_t& looks);

  storage::Store& store_;
  Vec<Watch> watches_;
};

}  // namespace grid::runtime
