// SPDX-License-Identifier: Apache-2.0
//
// Attendant: what goes along with the turns of a node's host, and is called where callbacks are.
//
// Place     Beneath grid.h, whose Driver keeps the list. A host that has none pays for one pointer.
// Ownership Whoever makes one adds and removes it; it must not outlive its host.
// Threads   One: the host's.
#pragma once

#include <cstdint>
#include <utility>

namespace grid {

// A function, not a virtual one: applications have RTTI and derive from it, the library has none.
class Attendant {
 protected:
  // Something may have happened, or `wake_at_ms_` has come. On the host's monotonic clock. It may make calls on the
  // node, and may remove itself and others.
  using Turn = void (*)(Attendant& self, std::uint64_t now_ms);
  explicit Attendant(Turn turn) : turn_(turn) {}
  ~Attendant() = default;

  std::uint64_t wake_at_ms_ = UINT64_MAX;  // That: no need.

 private:
  friend class Attendants;
  Turn turn_;
  Attendant* next_ = nullptr;
};

class Attendants {
 public:
  bool empty() const { return first_ == nullptr; }
  void add(Attendant& one) { one.next_ = std::exchange(first_, &one); }
  void remove(Attendant& one) {
    for (Attendant** at = &first_; *at != nullptr; at = &(*at)->next_) {
      if (*at != &one) continue;
      if (turning_ == &one) turning_ = one.next_;
      *at = one.next_;
      return;
    }
  }
  void turn(std::uint64_t now_ms) {
    for (turning_ = first_; turning_ != nullptr;) {
      Attendant* const one = turning_;
      turning_ = one->next_;
      one->turn_(*one, now_ms);
    }
  }
  std::uint64_t wake_at_ms() const {
    std::uint64_t at_ms = UINT64_MAX;
    for (const Attendant* one = first_; one != nullptr; one = one->next_) {
      if (one->wake_at_ms_ < at_ms) at_ms = one->wake_at_ms_;
    }
    return at_ms;
  }

 private:
  Attendant* first_ = nullptr;
  Attendant* turning_ = nullptr;  // The next one whose turn it is, during turn().
};

}  // namespace grid
