// SPDX-License-Identifier: Apache-2.0

#include "crdt/datalog/fact_array.h"

namespace grid::datalog {

int FactArray::By::operator()(const Fact& a, const Fact& b) const {
  return symbols_ == nullptr ? EntityOrder{}(a, b) : ValueOrderOfAsker{symbols_}(a, b);
}

std::size_t FactArray::count_before(const Fact& fact, By by) const {
  std::size_t from = 0, to = facts_.size();
  while (from < to) {
    const std::size_t middle = (from + to) / 2;
    if (by(facts_[middle], fact) < 0) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  return from;
}

void FactArray::look_beside(std::size_t at, std::size_t behind, Neighbours& beside) const {
  beside = {};
  if (at > 0) beside.before = facts_[at - 1];
  if (behind < facts_.size()) beside.behind = facts_[behind];
}

Status FactArray::insert(const Fact& fact, Neighbours& beside) {
  const std::size_t at = count_before(fact, order_);
  if (is_at(at, fact)) return Status::conflict;
  GRID_TRY(facts_.reserve(facts_.size() + 1));
  look_beside(at, at, beside);
  GRID_TRY(facts_.extend(1));
  std::memmove(facts_.begin() + at + 1, facts_.begin() + at, (facts_.size() - 1 - at) * sizeof(Fact));
  facts_[at] = fact;
  return Status::ok;
}

Status FactArray::erase(const Fact& fact, Neighbours& beside) {
  const std::size_t at = count_before(fact, order_);
  if (!is_at(at, fact)) return Status::not_found;
  look_beside(at, at + 1, beside);
  std::memmove(facts_.begin() + at, facts_.begin() + at + 1, (facts_.size() - 1 - at) * sizeof(Fact));
  facts_.truncate(facts_.size() - 1);
  return Status::ok;
}

Status FactArray::build(std::span<const Fact> facts) {
  GRID_CHECK(facts_.empty());
  GRID_TRY(facts_.extend(facts.size()));
  std::copy(facts.begin(), facts.end(), facts_.begin());
  return Status::ok;
}

}  // namespace grid::datalog
