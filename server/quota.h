// SPDX-License-Identifier: Apache-2.0
//
// Quota: what one app may take of its gateway: cells, bytes, and writes a second.
//
// Place     Below session.h and desk.h, above journal.h. Knows counts, positions and nodes, no link and no principal.
// Promises  BND-1  What grows beyond the cells or bytes is refused, as a whole unit. What does not grow, deletions of
//                  what stands among it, never is.
//           Nothing is refused, and nothing lost, for coming too fast: of what was taken so many count as paid as the
//           rate allows, in their order, and the rest is acknowledged later.
// Threads   None: the coordinator's.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "server/journal.h"

namespace grid::server {

// 0: no limit.
struct QuotaLimits {
  std::uint64_t cells = 0;           // Deletions that are still kept count too.
  std::uint64_t bytes = 0;           // Of their names and values.
  std::uint64_t ops_per_second = 0;  // A second's worth of them at once.
};

// What the ops of a node wait for that come again over a new link, while some of them are not paid: their own numbers,
// or some behind these, in two parts. The first part stands still until it is paid, or a device that writes on, and
// whose link drops again and again, would wait for its newest op for ever.
class Debts {
 public:
  static constexpr std::size_t kNodesMax = 65'536;

  // The op of this number is the newest of the node; of all that were taken of it, `time` is the greatest stamp's.
  void note(crdt::NodeId node, std::uint64_t time, std::uint64_t op, std::uint64_t paid);
  // The number that one waits for that was noted with a stamp of this time; 0, or one that is paid: none. What a
  // gateway took before its start is paid.
  std::uint64_t op_of(crdt::NodeId node, std::uint64_t time) const;
  void forget_through(std::uint64_t paid);

 private:
  // Ops up to this number, with stamps up to this time.
  struct Part {
    std::uint64_t time = 0;
    std::uint64_t op = 0;
  };
  struct Debt {
    std::uint64_t paid_time = 0;  // What has stamps up to here is paid.
    Part first{};
    Part rest{};
  };

  std::map<crdt::NodeId, Debt> debts_;
  std::map<std::uint64_t, crdt::NodeId> nodes_;  // By the last number of each.
  std::uint64_t unkept_ = 0;                     // The last number of a node that there was no room for.
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
  // The same for an op of this node, which may come again: Debts::note().
  std::uint64_t take(crdt::NodeId node, std::uint64_t time);
  // For one that comes again: Debts::op_of().
  std::uint64_t op_of(crdt::NodeId node, std::uint64_t time) const { return debts_.op_of(node, time); }
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

  void count_paid(std::uint64_t now_ms);

  QuotaLimits limits_;
  const Journal& journal_;
  Debts debts_;
  std::uint64_t taken_ = 0;
  std::uint64_t paid_ = 0;
  std::uint64_t paid_through_ms_ = 0;  // When that was counted.
  std::uint64_t change_ = 0;           // Thousandths of an op that have been paid beyond it.
};

}  // namespace grid::server
