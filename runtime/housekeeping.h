// SPDX-License-Identifier: Apache-2.0
//
// Housekeeping: the upkeep of a replica: expiry and retention, with the memory for both.
//
// Place     Top of expiry.h and retention.h; a host gives one to its replica.
// Ownership HousekeepingOf<rules, rows> holds all that it needs; the names of maps in its rules are borrowed.
#pragma once

#include <algorithm>
#include <span>

#include "crdt/base/check.h"
#include "runtime/expiry.h"
#include "runtime/retention.h"
#include "runtime/upkeep.h"

namespace grid::runtime {

class Housekeeping final : public Upkeep {
 public:
  Housekeeping(std::span<Retention::Rule> rules, std::span<crdt::Seq> rows, std::span<Expiry::Entry> entries)
      : retention_(rules, rows), expiry_(entries) {}

  Status advance(const Wards& wards) override;
  bool has_work() const override { return expiry_.has_work() || has_work_; }
  std::uint64_t wake_at_ms() const override { return std::min(expiry_.wake_at_ms(), retention_.wake_at_ms()); }
  std::uint64_t evicted_count() const { return retention_.evicted_count(); }

 private:
  Retention retention_;
  Expiry expiry_;
  bool has_work_ = false;
};

// `kRules` maps with a rule; `kRows` that are let go of at a time, and whose expiry is remembered ahead: more of them
// cost fewer looks.
template <std::size_t kRules, std::size_t kRows>
class HousekeepingOf {
 public:
  explicit HousekeepingOf(std::span<const Keep> rules) : housekeeping_({rules_, rules.size()}, rows_, entries_) {
    GRID_CHECK(rules.size() <= kRules);
    for (std::size_t i = 0; i < rules.size(); ++i) rules_[i].keep = rules[i];
  }
  HousekeepingOf(const HousekeepingOf&) = delete;
  HousekeepingOf& operator=(const HousekeepingOf&) = delete;

  Housekeeping* get() { return &housekeeping_; }

 private:
  Retention::Rule rules_[kRules == 0 ? 1 : kRules]{};
  crdt::Seq rows_[kRows]{};
  Expiry::Entry entries_[kRows]{};
  Housekeeping housekeeping_;
};

}  // namespace grid::runtime
