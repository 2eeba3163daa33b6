// SPDX-License-Identifier: Apache-2.0
//
// Retention: lets go of the rows of a map that this device need not keep, so that one that appends for years does not
// fill its store. What goes is evicted, never deleted: eviction is local and does not travel (PROTOCOL P22).
//
// Place     Below housekeeping.h, above oplog.h and pulls.h.
// Promises  Only what is durable at the server goes, and nothing that a subscription or a watch of this device has:
// those
//           hold their scopes whole. Of the others the newest `rows_max` stay, and up to an eighth more.
//           Removed and expired rows of a map with a rule go too.
//           Sets and counters stay: a device's own part of a counter must never be lost.
// Limits    A step looks at kLooksMax cells. A row that was let go of cannot heal a server that was set back.
#pragma once

#include <cstdint>
#include <span>

#include "runtime/keep.h"
#include "runtime/machine.h"
#include "runtime/scan.h"
#include "runtime/upkeep.h"

namespace grid::runtime {

class Retention {
 public:
  // A rule, and what is known of its map.
  struct Rule {
    Keep keep{};
    std::uint32_t fresh = 0;  // Records since its map was looked through.
    std::uint64_t due_at_ms = 0;
  };
  // Both are borrowed for life, with what the rules refer to. So many rows as `room` holds go at a time, at least one:
  // each time costs a look at all of the map.
  Retention(std::span<Rule> rules, std::span<crdt::Seq> room) : rules_(rules), oldest_(room) {}

  //   As Upkeep::advance().
  Status advance(const Upkeep::Wards& wards);
  bool has_work() const { return rule_ != nullptr || is_behind_; }
  std::uint64_t wake_at_ms() const { return wake_at_ms_; }
  // Rows let go of since the machine was made.
  std::uint64_t evicted_count() const { return evicted_count_; }

 private:
  static constexpr std::uint32_t kLooksMax = 64;
  static constexpr std::uint64_t kPeriodMsMin = 1'000;
  static constexpr std::uint64_t kPeriodMsMax = 3'600'000;

  std::uint64_t slack_of(const Keep& keep) const;
  void start(OpLog& log, std::uint64_t now_ms);
  Status follow(OpLog& log);
  void begin(std::uint64_t now_ms);
  Status look_through(const Upkeep::Wards& wards);
  void look_at(const Upkeep::Wards& wards, const crdt::Op& op);
  void count(crdt::Seq seq);
  Status end(const Upkeep::Wards& wards);
  Status evict(const Upkeep::Wards& wards, crdt::Seq seq);

  std::span<Rule> rules_;
  bool started_ = false;
  bool is_behind_ = false;
  crdt::Seq followed_ = 0;       // Settled records up to here are counted.
  Rule* rule_ = nullptr;         // Whose map is being looked through,
  Scan scan_{};                  // up to here,
  bool seen_all_ = false;        // or wholly.
  crdt::Seq goes_ = 0;           // It goes, whatever the count: 0, none.
  std::uint64_t rows_ = 0;       // So many of its rows may go,
  std::span<crdt::Seq> oldest_;  // these first: a heap, and in order once all is seen.
  std::size_t oldest_count_ = 0;
  std::size_t gone_count_ = 0;  // Of them.
  bool forgot_cursors_ = false;
  std::uint64_t wake_at_ms_ = 0;
  std::uint64_t evicted_count_ = 0;
};

}  // namespace grid::runtime
