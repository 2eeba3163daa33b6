// SPDX-License-Identifier: Apache-2.0
//
// ActionList: what one step asks of its host, in as many slots as its machine has for that: at most kActionsMax.
//
// Place     Beside machine.h.
// Promises  Nothing is dropped in silence: who adds asks full() first, or adds one of the few kinds that a step
//           emits once, for which kReserved slots are kept back.
#pragma once

#include "crdt/base/check.h"
#include "crdt/base/limits.h"
#include "runtime/machine.h"
#include "runtime/replica_status.h"

namespace grid::runtime {

class ActionList {
 public:
  static constexpr std::size_t kReserved = 8;

  static constexpr std::size_t memory_bytes(const Limits& limits) {
    return limits.actions_max * sizeof(Action) + alignof(Action);
  }
  explicit ActionList(std::span<Action> slots) : slots_(slots) {
    GRID_CHECK(slots.size() > kReserved && slots.size() <= kActionsMax);
  }

  void clear() { size_ = 0; }
  bool full() const { return size_ >= slots_.size() - kReserved; }
  void add(const Action& action) {
    GRID_CHECK(size_ < slots_.size());
    slots_[size_++] = action;
  }
  // What became of op `seq`.
  void add_outcome(Outcome outcome, crdt::Seq seq, Status status = Status::ok) {
    add({.kind = Action::Kind::outcome, .status = status, .outcome = static_cast<std::uint8_t>(outcome), .seq = seq});
  }
  std::span<const Action> span() const { return slots_.first(size_); }

 private:
  std::span<Action> slots_;
  std::size_t size_ = 0;
};

}  // namespace grid::runtime
