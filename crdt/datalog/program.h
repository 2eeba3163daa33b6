// SPDX-License-Identifier: Apache-2.0
//
// Program: a query as flat predicates: what the planner plans and the evaluation evaluates.
//
// Place     Above query.h. Knows no facts.
// Promises  Every body is a flat list: what stands in `or`, `or-join` and `not` has become a predicate of its own, that
//           the body calls; the query is a predicate too, and so is each relation among its inputs. What is called
//           under a `not` is of a lower level than who calls it.
// Ownership Of the region that it was compiled in. The query outlives it.
#pragma once

#include "crdt/base/region.h"
#include "crdt/datalog/budget.h"
#include "crdt/datalog/query.h"
#include "crdt/datalog/rows.h"

namespace grid::datalog {

inline constexpr std::uint16_t kNoPredicate = UINT16_MAX;

// Where among `variables` it stands; their number: nowhere. One loop, where std::find is four in a row.
inline std::size_t place_of(std::span<const Variable> variables, Variable variable) {
  std::size_t at = 0;
  while (at < variables.size() && variables[at] != variable) ++at;
  return at;
}

// A binding and its parts, each behind the one that it is a part of.
struct BindingNode {
  Binding::Kind kind = Binding::Kind::blank;
  Variable variable = 0;
  std::uint16_t first_part = 0;
  std::uint16_t parts = 0;
};

struct Item {
  enum class Kind : std::uint8_t { pattern, predicate, function, call, negation };

  Kind kind = Kind::pattern;
  Call call = Call::equal;
  std::uint16_t callee = kNoPredicate;  // Of a call or a negation.
  std::span<const Term> terms{};
  std::span<const BindingNode> binding{};
  std::span<const Variable> variables{};  // All that it mentions, each once.
  Place at{};
};

struct Body {
  std::span<const Variable> head{};
  std::span<const Item> items{};
};

struct Predicate {
  std::string_view name{};  // Of a rule; "or", "not", "input" or "query" else.
  std::span<const Body> bodies{};
  std::uint16_t arity = 0;
  std::uint16_t level = 0;
  std::int32_t input = -1;     // The input that it is, instead of bodies.
  std::uint64_t required = 0;  // Arguments that must be bound where it is called, a bit each.
  const Clause* clause = nullptr;
  const Rule* rule = nullptr;
};

class Program {
 public:
  explicit Program(Region& region) : region_(region), predicates_(region), reach_(region) {}

  //   full     No memory, or more of something than there may be: `problem` says what.
  //   invalid  A variable can't be bound by any order of the clauses.
  Status compile(const Query& query, Problem& problem);

  const Query& query() const { return *query_; }
  std::uint16_t count() const { return static_cast<std::uint16_t>(predicates_.size()); }
  const Predicate& operator[](std::size_t predicate) const { return predicates_[predicate]; }
  // The query's own. Its head is of the scalars among the inputs, which are bound, and of what is found behind them.
  std::uint16_t main() const { return main_; }
  std::uint16_t scalars() const { return scalars_; }
  // Each can come to call the other.
  bool are_of_one_circle(std::uint16_t a, std::uint16_t b) const { return reaches(a, b) && reaches(b, a); }

  // Whether all is bound that must be, before the item can be answered.
  template <typename IsBound>
  bool is_ready(const Item& item, IsBound is_bound) const {
    if (item.kind == Item::Kind::pattern) return true;
    const std::uint64_t required = item.kind == Item::Kind::call ? predicates_[item.callee].required : UINT64_MAX;
    for (std::size_t i = 0; i < item.terms.size(); ++i) {
      const Term& term = item.terms[i];
      if ((required >> i & 1) != 0 && term.kind == Term::Kind::variable && !is_bound(term.variable)) return false;
    }
    return true;
  }

  // The nodes of an input's binding.
  Result<std::span<const BindingNode>> flatten(const Binding& binding);

 private:
  Status add_rules();
  Status add_inputs();
  Status add_main();
  Status compile_bodies(std::size_t predicate);
  Status compile_body(std::span<const Variable> head, Clauses clauses, std::span<const Item> before, Body& body);
  Status compile_clause(const Clause& clause, Item& item);
  Result<std::uint16_t> add_branches(const Clause& clause);
  Result<std::span<const Term>> terms_of(std::span<const Variable> variables, Place at);
  Result<std::span<const Variable>> mentioned(const Item& item);
  Status find_required();
  bool require_more(Predicate& predicate, const Body& body, std::span<std::uint8_t> bound);
  Status find_levels();
  Status find_reach();
  bool reaches(std::size_t from, std::size_t to) const { return reach_[from * predicates_.size() + to] != 0; }
  Status refuse(std::string_view what);
  // More of something than kArgumentsMax.
  Status refuse_many(std::string_view before, std::string_view behind);

  template <typename T>
  Result<std::span<T>> make(std::size_t count) {
    if (count == 0) return std::span<T>();
    T* const slots = region_.take_many<T>(count);
    if (slots == nullptr) return Status::full;
    for (std::size_t i = 0; i < count; ++i) new (slots + i) T{};
    return std::span<T>(slots, count);
  }

  Region& region_;
  const Query* query_ = nullptr;
  Problem* problem_ = nullptr;
  Growing<Predicate> predicates_;
  Growing<std::uint8_t> reach_;
  std::span<const Item> input_items_{};
  std::uint16_t main_ = 0;
  std::uint16_t scalars_ = 0;
};

}  // namespace grid::datalog
