// SPDX-License-Identifier: Apache-2.0
//
// What a clause makes of each row that comes: the part of the planner that guesses.

#include <cmath>

#include "crdt/datalog/plan.h"

namespace grid::datalog {
namespace {

constexpr double kTest = 0;  // As soon as it can be.
constexpr double kAbsence = 0.8;
constexpr double kFunction = 0.9;
constexpr double kRecursion = 4;
constexpr double kUnwound = 8;  // A function whose answer is taken apart.

double at_least_one(std::size_t count) { return count == 0 ? 1 : static_cast<double>(count); }

}  // namespace

double Planner::expected(const Item& item) {
  const auto is_bound_here = [this](Variable variable) { return is_bound(variable); };
  switch (item.kind) {
    case Item::Kind::pattern:
      return expected_of_pattern(item.terms, is_bound_here, true);
    case Item::Kind::predicate:
      return kTest;
    case Item::Kind::function:
      return !item.binding.empty() && item.binding[0].kind == Binding::Kind::collection ? kUnwound : kFunction;
    case Item::Kind::negation:
      return kAbsence;
    case Item::Kind::call:
      return expected_of_call(item);
  }
  return 1;
}

template <typename IsBound>
double Planner::expected_of_pattern(std::span<const Term> terms, IsBound is_bound, bool with_limits) {
  const auto is_known = [&is_bound](const Term& term) {
    return term.kind == Term::Kind::constant || (term.kind == Term::Kind::variable && is_bound(term.variable));
  };
  const bool has_entity = is_known(terms[0]);
  const bool has_value = is_known(terms[2]);
  const double entities = at_least_one(index_.entities());
  if (terms[1].kind != Term::Kind::constant) {
    const auto facts = static_cast<double>(index_.size());
    const double by_attribute = is_known(terms[1]) ? at_least_one(index_.attribute_count()) : 1;
    const double by_value = has_value ? std::sqrt(facts) + 1 : 1;
    return facts / by_attribute / by_value / (has_entity ? entities : 1);
  }
  const Result<Atom> name = words_.atom(terms[1].constant);
  const std::uint32_t number = name.ok() ? index_.attribute_named(*name) : kNoAttribute;
  if (number == kNoAttribute) return 0;
  const Index::Attribute& attribute = index_.attribute(number);
  const auto facts = static_cast<double>(attribute.facts);
  if (has_entity) return facts / entities / (has_value ? at_least_one(attribute.values) : 1);
  if (terms[2].kind == Term::Kind::constant) {
    const Result<Atom> value = words_.atom(terms[2].constant);
    if (!value.ok()) return facts;
    return static_cast<double>(index_.count_up_to(number, *value, words_) -
                               index_.count_before(number, *value, words_));
  }
  if (has_value) return facts / at_least_one(attribute.values);
  return with_limits && terms[2].kind == Term::Kind::variable ? expected_in_range(number, terms[2].variable) : facts;
}

double Planner::expected_in_range(std::uint32_t attribute, Variable variable) {
  Stage stage;
  double guessed = 1;
  for (const Item* test : left_) {
    if (!limits_from(*test, variable, stage)) continue;
  }
  const auto count = [&](const Limit& limit, bool is_high) {
    if (limit.value.kind == Operand::Kind::constant) {
      const bool is_behind = is_high == limit.is_inclusive;
      return is_behind ? index_.count_up_to(attribute, limit.value.atom, words_)
                       : index_.count_before(attribute, limit.value.atom, words_);
    }
    if (limit.value.kind == Operand::Kind::column) guessed *= 0.3;
    return is_high ? index_.count_up_to(attribute, kBeyond, words_) : index_.count_before(attribute, {}, words_);
  };
  const std::size_t high = count(stage.high, true);
  const std::size_t low = count(stage.low, false);
  return high > low ? static_cast<double>(high - low) * guessed : 0;
}

// The least of what its patterns make, in each branch. What else it calls is not looked at: of recursion, only where it
// begins.
double Planner::expected_of_call(const Item& item) {
  const Predicate& callee = program_[item.callee];
  std::uint64_t bound = 0;
  for (std::size_t i = 0; i < item.terms.size(); ++i) {
    if (is_known(item.terms[i])) bound |= std::uint64_t{1} << i;
  }
  if (callee.input >= 0) {
    const double rows = item.callee < input_rows_.size() ? input_rows_[item.callee] : 1;
    const double share = static_cast<double>(std::popcount(bound)) / (callee.arity == 0 ? 1 : callee.arity);
    // Without the library's, which is 4 KB.
    const double power = kIsSmallMachine ? rows - (rows - 1) * share : std::pow(rows, 1 - share);
    return power * 0.95;
  }
  double all = 0;
  for (const Body& body : callee.bodies) {
    const auto is_bound = [&](Variable variable) {
      for (std::size_t i = 0; i < body.head.size(); ++i) {
        if (body.head[i] == variable && (bound >> i & 1) != 0) return true;
      }
      return false;
    };
    if (recurs(item.callee, body)) continue;
    double least = at_least_one(index_.entities());
    for (const Item& inner : body.items) {
      if (inner.kind == Item::Kind::pattern) least = std::min(least, expected_of_pattern(inner.terms, is_bound, false));
      if (inner.kind == Item::Kind::function) least = std::min(least, kUnwound);
    }
    all += least;
  }
  return all * (program_.are_of_one_circle(item.callee, item.callee) ? kRecursion : 1) + 0.1;
}

bool Planner::recurs(std::uint16_t predicate, const Body& body) const {
  for (const Item& item : body.items) {
    if (item.callee != kNoPredicate && program_.are_of_one_circle(predicate, item.callee)) return true;
  }
  return false;
}

}  // namespace grid::datalog
