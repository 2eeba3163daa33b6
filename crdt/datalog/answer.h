// SPDX-License-Identifier: Apache-2.0
//
// Answer: what becomes of the rows that were found: aggregates, order, limit, and values.
//
// Place     Inside evaluate.h, behind engine.h.
#pragma once

#include "crdt/datalog/engine.h"
#include "crdt/datalog/puller.h"

namespace grid::datalog {

class Answer {
 public:
  explicit Answer(Engine& engine)
      : engine_(engine),
        words_(engine.words()),
        region_(engine.region()),
        puller_(engine.index(), words_, engine.meter()),
        rows_(region_, 0),
        order_(region_),
        room_(region_),
        values_(region_) {}

  Status make();
  std::size_t count() const { return count_; }
  Result<std::span<const Value>> row(std::size_t at);

 private:
  // Where in the engine's rows a found variable stands.
  std::size_t column_of(Variable variable) const;
  Status take_rows();
  Status take_groups();
  Status group(RowSet& groups, Growing<std::uint32_t>& group_of);
  Status aggregate(const Find& find, std::span<Atom> atoms, Atom& result);
  Status aggregate_sorted(const Find& find, std::span<Atom> atoms, Atom& result);
  static bool are_numbers(std::span<const Atom> atoms);
  double mean_of(std::span<const Atom> sorted) const;
  Result<Atom> average_of(std::span<const Atom> sorted);
  Result<Atom> aggregate_numbers(Aggregate aggregate, std::span<const Atom> atoms);
  Result<Atom> sum_of(std::span<const Atom> atoms);
  Result<Atom> median_of(std::span<const Atom> sorted);
  Result<Atom> listed(std::span<const Atom> atoms);
  Status sort();
  int compare(std::uint32_t a, std::uint32_t b) const;
  Status write(std::size_t find, Atom atom, std::size_t& size);

  Engine& engine_;
  Words& words_;
  Region& region_;
  Puller puller_;
  Rows rows_;  // An atom for each of find.
  Growing<std::uint32_t> order_;
  Growing<std::uint8_t> room_;
  Growing<Value> values_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

}  // namespace grid::datalog
