// SPDX-License-Identifier: Apache-2.0
//
// Timekeeper: what time a device thinks it is, and how it learns better.
//
// Place     Below oplog.h. Turns the machine's wall clock (perhaps wrong, perhaps absent) into the corrected time
//           that stamps and expiry go by. Knows no ops: who must correct stamps is told by how much.
// Promises  Time never jumps by itself: only a server (learn) or the machine's own clock being set (observe) moves it.
#pragma once

#include <cstdint>

#include "crdt/clock.h"

namespace grid::runtime {

// By how much the stamps of unshared ops must move, and which: those that were written without knowing the time,
// or those that were written by a clock that was wrong.
struct Correction {
  std::int64_t by_ms = 0;
  bool of_unknown = false;

  bool needed() const { return by_ms != 0; }
};

// The moment at which a row that lives for `ttl_ms` expires; 0: never, as what would outlive the last stamp that a
// clock can issue.
std::uint64_t expiry_of(std::uint64_t ttl_ms, std::uint64_t now_ms);

class Timekeeper {
 public:
  // A device that is off by more than this corrects itself, its stamps too.
  static constexpr std::int64_t kToleranceMs = 5'000;

  // `resumed_ms` is the wall time of the last stamp: a machine without time goes on from there.
  void start(std::uint64_t resumed_ms, std::uint64_t now_ms) {
    base_ms_ = resumed_ms;
    base_now_ms_ = now_ms;
  }

  // Takes note of an event's clocks. A correction is needed when the machine's clock has been set meanwhile, from
  // nothing or back.
  Correction observe(std::uint64_t now_ms, std::uint64_t wall_ms);

  // The server's time for this moment. No correction is needed within the tolerance.
  Correction learn(std::uint64_t server_ms);

  // Corrected time now; without any knowledge it still goes forward.
  std::uint64_t now_ms() const;
  // The same, or 0 while the time is unknown: for expiry, which must not guess (PROTOCOL P20).
  std::uint64_t known_ms() const { return quality_ == crdt::ClockQuality::unknown ? 0 : now_ms(); }
  // The same, or 0 while no server has told it: for what is erased, which must not go by a clock that is years ahead.
  std::uint64_t told_ms() const { return quality_ < crdt::ClockQuality::server ? 0 : now_ms(); }
  // For a read between events: `wall_ms` as the machine's clock stands.
  std::uint64_t known_ms(std::uint64_t wall_ms) const;

  crdt::ClockQuality quality() const { return quality_; }
  std::int64_t offset_ms() const { return offset_ms_; }

 private:
  std::uint64_t machine_ms() const;

  std::uint64_t base_ms_ = 0;
  std::uint64_t base_now_ms_ = 0;
  std::uint64_t now_ms_ = 0;
  std::uint64_t wall_ms_ = 0;
  std::int64_t offset_ms_ = 0;
  crdt::ClockQuality quality_ = crdt::ClockQuality::unknown;
};

}  // namespace grid::runtime
