// SPDX-License-Identifier: Apache-2.0
//
// ActionList: what one step asks of its host, at most kActionsMax.
//
// Place     Beside machine.h.
// Promises  Nothing is dropped in silence: who adds asks full() first, or adds one of the few kinds that a step
//           emits once, for which kReserved slots are kept back.
#pragma once

#include "crdt/base/check.h"
#include "runtime/machine.h"

namespace grid::runtime {

class ActionList {
 public:
  static constexpr std::size_t kReserved = 8;

  void clear() { size_ = 0; }
  bool full() const { return size_ >= kActionsMax - kReserved; }
  void add(const Action& action) {
    GRID_CHECK(size_ < kActionsMax);
    actions_[size_++] = action;
  }
  std::span<const Action> span() const { return {actions_, size_}; }

 private:
  Action actions_[kActionsMax];
  std::size_t size_ = 0;
};

}  // namespace grid::runtime
