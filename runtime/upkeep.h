// SPDX-License-Identifier: Apache-2.0
//
// Upkeep: what a replica does by itself as time passes: its watches hear of rows that expire, and what no rule keeps
// any longer goes. There is one, runtime/housekeeping.h; a device that has none does not link it.
//
// Place     Below replica.h, which knows it by this alone.
// Promises  As machine.h: pure, and a step is bounded.
// Ownership Whoever made an upkeep keeps it for as long as the replica lives.
#pragma once

#include <cstdint>

#include "crdt/base/status.h"

namespace grid::runtime {

class ActionList;
class OpLog;
class Pulls;
class Watches;

class Upkeep {
 public:
  // What it is lent for a step.
  struct Wards {
    OpLog& log;
    Pulls& pulls;
    Watches& watches;
    ActionList& actions;
    std::uint64_t now_ms;
    std::uint64_t known_ms;  // Timekeeper::known_ms(): 0 while the time is unknown.
    bool is_correcting;      // Stamps and expiry of unsent ops are about to be moved.
  };
  //   full         The batch is; it goes on when there is room again.
  //   corrupt, io  Of the store.
  virtual Status advance(const Wards& wards) = 0;
  // There is more to do at once.
  virtual bool has_work() const = 0;
  virtual std::uint64_t wake_at_ms() const = 0;

 protected:
  ~Upkeep() = default;
};

}  // namespace grid::runtime
