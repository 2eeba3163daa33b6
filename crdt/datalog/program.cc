// SPDX-License-Identifier: Apache-2.0

#include "crdt/datalog/program.h"

#include <algorithm>

namespace grid::datalog {
namespace {

constexpr std::size_t kPredicatesMax = 1'024;

// Unless it stands among `variables` from `from` on.
Status add_new(Growing<Variable>& variables, std::size_t from, Variable variable) {
  const std::size_t count = variables.size() - from;
  return place_of({variables.begin() + from, count}, variable) < count ? Status::ok : variables.push(variable);
}

}  // namespace

Status Program::compile(const Query& query, Problem& problem) {
  query_ = &query;
  problem_ = &problem;
  GRID_TRY(add_rules());
  GRID_TRY(add_inputs());
  GRID_TRY(add_main());
  // Compiling bodies adds the predicates of their branches.
  for (std::size_t i = 0; i < predicates_.size(); ++i) GRID_TRY(compile_bodies(i));
  GRID_TRY(find_required());
  GRID_TRY(find_levels());
  return find_reach();
}

Status Program::refuse(std::string_view what) {
  problem_->say("limit: ").say(what);
  return Status::full;
}

Status Program::refuse_many(std::string_view before, std::string_view behind) {
  problem_->say("limit: ").say(before).say(kArgumentsMax).say(behind);
  return Status::full;
}

Status Program::add_rules() {
  for (const Rule& rule : query_->rules) {
    Predicate predicate;
    predicate.name = rule.name;
    predicate.arity = rule.arity;
    predicate.rule = &rule;
    if (rule.arity > kArgumentsMax) return refuse_many("a rule has more than ", " arguments");
    if (rule.required > 0) predicate.required = UINT64_MAX >> (64 - rule.required);
    GRID_TRY(predicates_.push(predicate));
  }
  return Status::ok;
}

Status Program::add_main() {
  Growing<Variable> head(region_);
  for (const Binding& binding : query_->in) {
    if (binding.kind == Binding::Kind::scalar) GRID_TRY(add_new(head, 0, binding.variable));
  }
  scalars_ = static_cast<std::uint16_t>(head.size());
  for (const Find& find : query_->find) GRID_TRY(add_new(head, scalars_, find.variable));
  for (const Variable variable : query_->with) GRID_TRY(add_new(head, scalars_, variable));
  if (scalars_ > kArgumentsMax) return refuse_many("more than ", " inputs");
  const Result<std::span<Variable>> own = make<Variable>(head.size());
  const Result<std::span<Body>> body = make<Body>(1);
  if (!own.ok() || !body.ok()) return Status::full;
  std::copy(head.begin(), head.end(), own->begin());
  main_ = count();
  Predicate main;
  main.name = "query";
  main.arity = static_cast<std::uint16_t>(head.size());
  (*body)[0].head = *own;
  main.bodies = *body;
  return predicates_.push(main);
}

Status Program::compile_bodies(std::size_t predicate) {
  const Predicate standing = predicates_[predicate];
  if (standing.input >= 0) return Status::ok;
  const std::size_t count = standing.rule != nullptr     ? standing.rule->branches.size()
                            : standing.clause != nullptr ? standing.clause->branches.size()
                                                         : 1;
  const Result<std::span<Body>> bodies = make<Body>(count);
  if (!bodies.ok()) return bodies.status();
  for (std::size_t i = 0; i < count; ++i) {
    if (standing.rule != nullptr) {
      const Branch& branch = standing.rule->branches[i];
      GRID_TRY(compile_body(branch.head, branch.body, {}, (*bodies)[i]));
    } else if (standing.clause != nullptr) {
      GRID_TRY(compile_body(standing.clause->joins, standing.clause->branches[i], {}, (*bodies)[i]));
    } else {
      GRID_TRY(compile_body(standing.bodies[0].head, query_->where, input_items_, (*bodies)[i]));
    }
  }
  predicates_[predicate].bodies = *bodies;
  return Status::ok;
}

Status Program::compile_body(std::span<const Variable> head, Clauses clauses, std::span<const Item> before,
                             Body& body) {
  const Result<std::span<Item>> items = make<Item>(before.size() + clauses.size());
  if (!items.ok()) return items.status();
  std::copy(before.begin(), before.end(), items->begin());
  for (std::size_t i = 0; i < clauses.size(); ++i) {
    Item& item = (*items)[before.size() + i];
    GRID_TRY(compile_clause(clauses[i], item));
    const Result<std::span<const Variable>> variables = mentioned(item);
    if (!variables.ok()) return variables.status();
    item.variables = *variables;
  }
  body = {head, *items};
  return Status::ok;
}

Status Program::compile_clause(const Clause& clause, Item& item) {
  item.at = clause.at;
  item.call = clause.call;
  item.terms = clause.terms;
  if (clause.terms.size() > kArgumentsMax) return refuse_many("more than ", " arguments");
  switch (clause.kind) {
    case Clause::Kind::pattern:
      item.kind = Item::Kind::pattern;
      return Status::ok;
    case Clause::Kind::predicate:
      item.kind = Item::Kind::predicate;
      return Status::ok;
    case Clause::Kind::function: {
      item.kind = Item::Kind::function;
      const Result<std::span<const BindingNode>> nodes = flatten(*clause.binding);
      if (nodes.ok()) item.binding = *nodes;
      return nodes.status();
    }
    case Clause::Kind::rule:
      item.kind = Item::Kind::call;
      item.callee = clause.rule;
      return Status::ok;
    case Clause::Kind::negation:
    case Clause::Kind::disjunction:
      break;
  }
  item.kind = clause.kind == Clause::Kind::negation ? Item::Kind::negation : Item::Kind::call;
  const Result<std::uint16_t> callee = add_branches(clause);
  if (!callee.ok()) return callee.status();
  item.callee = *callee;
  const Result<std::span<const Term>> terms = terms_of(clause.joins, clause.at);
  if (terms.ok()) item.terms = *terms;
  return terms.status();
}

Result<std::uint16_t> Program::add_branches(const Clause& clause) {
  if (clause.joins.size() > kArgumentsMax)
    return refuse_many("more than ", " variables are shared with an or or a not");
  if (predicates_.size() == kPredicatesMax) return refuse("more than 1024 rules, ors and nots");
  Predicate predicate;
  predicate.name = clause.kind == Clause::Kind::negation ? "not" : "or";
  predicate.arity = static_cast<std::uint16_t>(clause.joins.size());
  predicate.clause = &clause;
  if (clause.required > 0) predicate.required = UINT64_MAX >> (64 - clause.required);
  GRID_TRY(predicates_.push(predicate));
  return static_cast<std::uint16_t>(predicates_.size() - 1);
}

Result<std::span<const Term>> Program::terms_of(std::span<const Variable> variables, Place at) {
  const Result<std::span<Term>> terms = make<Term>(variables.size());
  if (!terms.ok()) return terms.status();
  for (std::size_t i = 0; i < variables.size(); ++i) (*terms)[i] = {Term::Kind::variable, variables[i], {}, at};
  return std::span<const Term>(*terms);
}

Result<std::span<const Variable>> Program::mentioned(const Item& item) {
  Growing<Variable> found(region_);
  for (const Term& term : item.terms) {
    if (term.kind == Term::Kind::variable) GRID_TRY(add_new(found, 0, term.variable));
  }
  for (const BindingNode& node : item.binding) {
    if (node.kind == Binding::Kind::scalar) GRID_TRY(add_new(found, 0, node.variable));
  }
  const Result<std::span<Variable>> kept = make<Variable>(found.size());
  if (!kept.ok()) return kept.status();
  std::copy(found.begin(), found.end(), kept->begin());
  return std::span<const Variable>(*kept);
}

// A predicate requires what its bodies can't bind themselves. Requiring more of one may require more of its callers,
// until all are content.
Status Program::find_required() {
  const Result<std::span<std::uint8_t>> bound = make<std::uint8_t>(query_->variables.size() + 1);
  if (!bound.ok()) return bound.status();
  predicates_[main_].required = scalars_ == 0 ? 0 : UINT64_MAX >> (64 - scalars_);
  for (bool is_changed = true; is_changed;) {
    is_changed = false;
    for (Predicate& predicate : predicates_) {
      for (const Body& body : predicate.bodies) is_changed = require_more(predicate, body, *bound) || is_changed;
    }
  }
  return Status::ok;
}

bool Program::require_more(Predicate& predicate, const Body& body, std::span<std::uint8_t> bound) {
  std::fill(bound.begin(), bound.end(), 0);
  for (std::size_t i = 0; i < body.head.size() && i < kArgumentsMax; ++i) {
    if ((predicate.required >> i & 1) != 0) bound[body.head[i]] = 1;
  }
  const auto is_bound = [&bound](Variable variable) { return bound[variable] != 0; };
  for (bool is_more = true; is_more;) {
    is_more = false;
    for (const Item& item : body.items) {
      if (!is_ready(item, is_bound)) continue;
      for (const Variable variable : item.variables) {
        is_more = is_more || bound[variable] == 0;
        bound[variable] = 1;
      }
    }
  }
  // First what a stuck clause waits for, then what nothing binds.
  std::uint64_t wanted = 0;
  std::uint64_t unbound = 0;
  for (std::size_t i = 0; i < body.head.size() && i < kArgumentsMax; ++i) {
    if (is_bound(body.head[i])) continue;
    unbound |= std::uint64_t{1} << i;
    for (const Item& item : body.items) {
      const bool is_in = place_of(item.variables, body.head[i]) < item.variables.size();
      if (is_in && !is_ready(item, is_bound)) wanted |= std::uint64_t{1} << i;
    }
  }
  const std::uint64_t more = wanted != 0 ? wanted : unbound;
  const bool is_main = &predicate == &predicates_[main_];
  if (is_main || (more & ~predicate.required) == 0) return false;
  predicate.required |= more;
  return true;
}

Status Program::find_levels() {
  for (std::size_t round = 0;; ++round) {
    if (round > predicates_.size() + 1) return refuse("a rule negates itself");
    bool is_changed = false;
    for (Predicate& predicate : predicates_) {
      for (const Body& body : predicate.bodies) {
        for (const Item& item : body.items) {
          if (item.callee == kNoPredicate) continue;
          const unsigned above = predicates_[item.callee].level + (item.kind == Item::Kind::negation ? 1u : 0u);
          if (above <= predicate.level) continue;
          predicate.level = static_cast<std::uint16_t>(above);
          is_changed = true;
        }
      }
    }
    if (!is_changed) return Status::ok;
  }
}

Status Program::find_reach() {
  const std::size_t all = predicates_.size();
  GRID_TRY(reach_.resize(all * all));
  Growing<std::uint16_t> open(region_);
  for (std::size_t from = 0; from < all; ++from) {
    open.clear();
    GRID_TRY(open.push(static_cast<std::uint16_t>(from)));
    for (std::size_t i = 0; i < open.size(); ++i) {
      for (const Body& body : predicates_[open[i]].bodies) {
        for (const Item& item : body.items) {
          if (item.callee == kNoPredicate || reaches(from, item.callee)) continue;
          reach_[from * all + item.callee] = 1;
          GRID_TRY(open.push(item.callee));
        }
      }
    }
  }
  return Status::ok;
}

}  // namespace grid::datalog
