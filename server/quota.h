// SPDX-License-Identifier: Apache-2.0
//
// Quota: what one app may take of its gateway: cells, bytes, and writes a second.
//
// Place     Below session.h and desk.h, above journal.h. Knows counts and positions, no link and no principal.
// Promises  BND-1  What grows beyond the cells or bytes is refused, as a whole unit. What does not grow, deletions of
//                  what stands among it, never is.
//           Nothing is refused, and nothing lost, for coming too fast: of what was taken so many count as paid as the
//           rate allows, in their order, and the rest is acknowledged later.
// Threads   None: the coordinator's.
#pragma once

#include <cstdint>
#include <string>

#include "server/journal.h"

namespace grid::server {

// 0: no limit.
struct QuotaLimits {
  std::uint64_t cells = 0;           // Deletions that are still kept count too.
  std::uint64_t bytes = 0;           // Of their names and values.
  std::uint64_t ops_per_second = 0;  // A second's worth of them at once.
};

class Quota {
 public:
  Quota(const QuotaLimits& limits, const Journal& journal) : limits_(limits), journal_(journal) {}

  const QuotaLimits& limits() const { return limits_; }
  // What stands beyond the new limits stays; it only can't grow.
  void limit(const QuotaLimits& limits) { limits_ = limits; }

  // Whether so much more may stand.
  //   full  `sentence` says of what there is too much, for a person.
  Status judge(const Journal::Held& growth, std::string& sentence) const;
  bool has_room_limit() const { return limits_.cells != 0 || limits_.bytes != 0; }

  // ---- the rate
  void advance(std::uint64_t now_ms);
  // Counts one more op; its number, from 1 on.
  std::uint64_t take() { return ++taken_; }
  std::uint64_t taken() const { return taken_; }
  // Ops with numbers up to this one may be acknowledged.
  std::uint64_t paid() const { return limits_.ops_per_second == 0 ? taken_ : paid_; }
  // What a device may have on its way: no more than a second's worth, so that others wait no longer for it.
  std::uint32_t window(std::uint32_t most) const {
    return limits_.ops_per_second == 0 || limits_.ops_per_second >= most
               ? most
               : static_cast<std::uint32_t>(limits_.ops_per_second);
  }
  // When the op of this number will be.
  std::uint64_t paid_at_ms(std::uint64_t op) const;

 private:
  // Acknowledgements that wait are given together, this often.
  static constexpr std::uint64_t kStepMs = 50;

  QuotaLimits limits_;
  const Journal& journal_;
  std::uint64_t taken_ = 0;
  std::uint64_t paid_ = 0;
  std::uint64_t paid_through_ms_ = 0;  // When that was counted.
  std::uint64_t change_ = 0;           // Thousandths of an op that have been paid beyond it.
};

}  // namespace grid::server
