// SPDX-License-Identifier: Apache-2.0
//
// A second evaluator, as simple as it can be: clauses by trying every fact, rules by computing all of each until
// nothing is new. It knows whole numbers, texts and refs, comparisons and `+`.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/datalog/answer_bench.h"

namespace grid::test {

class Naive {
 public:
  // Values are JSON, of a ref the id.
  struct Triple {
    std::string entity, attribute, value;
    auto operator<=>(const Triple&) const = default;
  };

  Naive(const datalog::Query& query, const std::set<Triple>& facts) : query_(query), facts_(facts) { find_rules(); }

  std::set<std::string> answer(const std::vector<std::string>& scalars) {
    Env empty(query_.variables.size());
    for (std::size_t i = 0; i < scalars.size(); ++i) empty[query_.in[i].variable] = scalars[i];
    std::set<std::string> rows;
    for (const Env& env : answer_all(query_.where, {empty})) {
      std::string row;
      for (const datalog::Find& find : query_.find) row += (row.empty() ? "" : ",") + env[find.variable];
      rows.insert(row);
    }
    return rows;
  }

 private:
  using Env = std::vector<std::string>;  // Of each variable; empty: unbound.
  using Envs = std::set<Env>;
  using Tuple = std::vector<std::string>;

  void find_rules() {
    relations_.resize(query_.rules.size());
    unsigned last = 0;
    for (const datalog::Rule& rule : query_.rules) last = std::max<unsigned>(last, rule.stratum);
    for (unsigned stratum = 0; stratum <= last; ++stratum) {
      while (grow(stratum)) {
      }
    }
  }
  bool grow(unsigned stratum) {
    bool is_more = false;
    for (std::size_t i = 0; i < query_.rules.size(); ++i) {
      if (query_.rules[i].stratum != stratum) continue;
      for (const datalog::Branch& branch : query_.rules[i].branches) {
        for (const Env& env : answer_all(branch.body, {Env(query_.variables.size())})) {
          Tuple tuple;
          for (const datalog::Variable variable : branch.head) tuple.push_back(env[variable]);
          is_more = relations_[i].insert(tuple).second || is_more;
        }
      }
    }
    return is_more;
  }

  static bool fits(const datalog::Term& term, const std::string& value, Env& env) {
    if (term.kind == datalog::Term::Kind::blank) return true;
    if (term.kind == datalog::Term::Kind::constant) return json::json_from_value(term.constant) == value;
    if (env[term.variable].empty()) env[term.variable] = value;
    return env[term.variable] == value;
  }
  bool is_ready(const datalog::Clause& clause, const Env& env) const {
    using Kind = datalog::Clause::Kind;
    if (clause.kind == Kind::predicate || clause.kind == Kind::function) {
      for (const datalog::Term& term : clause.terms) {
        if (term.kind == datalog::Term::Kind::variable && env[term.variable].empty()) return false;
      }
    }
    if (clause.kind != Kind::negation) return true;
    return std::none_of(clause.joins.begin(), clause.joins.end(),
                        [&](datalog::Variable variable) { return env[variable].empty(); });
  }
  Envs answer_all(datalog::Clauses clauses, Envs envs) {
    std::vector<const datalog::Clause*> left;
    for (const datalog::Clause& clause : clauses) left.push_back(&clause);
    while (!left.empty() && !envs.empty()) {
      std::size_t at = 0;
      while (at < left.size() && !is_ready(*left[at], *envs.begin())) ++at;
      if (at == left.size()) fail_msg("no clause is ready");
      Envs next;
      for (const Env& env : envs) answer_one(*left[at], env, next);
      left.erase(left.begin() + static_cast<std::ptrdiff_t>(at));
      envs.swap(next);
    }
    return envs;
  }
  void answer_one(const datalog::Clause& clause, const Env& env, Envs& next) {
    switch (clause.kind) {
      case datalog::Clause::Kind::pattern:
        for (const Triple& fact : facts_) {
          Env more = env;
          if (fits(clause.terms[0], fact.entity, more) && fits(clause.terms[1], fact.attribute, more) &&
              fits(clause.terms[2], fact.value, more))
            next.insert(more);
        }
        return;
      case datalog::Clause::Kind::rule:
        for (const Tuple& tuple : relations_[clause.rule]) {
          Env more = env;
          bool is_so = true;
          for (std::size_t i = 0; i < tuple.size() && is_so; ++i) is_so = fits(clause.terms[i], tuple[i], more);
          if (is_so) next.insert(more);
        }
        return;
      case datalog::Clause::Kind::predicate:
        if (holds(clause, env)) next.insert(env);
        return;
      case datalog::Clause::Kind::function: {
        Env more = env;
        const std::int64_t sum = number(value_of(clause.terms[0], env)) + number(value_of(clause.terms[1], env));
        std::string& to = more[clause.binding->variable];
        if (to.empty()) to = std::to_string(sum);
        if (to == std::to_string(sum)) next.insert(more);
        return;
      }
      default:
        branch_out(clause, env, next);
    }
  }
  void branch_out(const datalog::Clause& clause, const Env& env, Envs& next) {
    Env shared(env.size());
    for (const datalog::Variable variable : clause.joins) shared[variable] = env[variable];
    bool is_any = false;
    for (const datalog::Clauses branch : clause.branches) {
      for (const Env& found : answer_all(branch, {shared})) {
        is_any = true;
        Env more = env;
        for (const datalog::Variable variable : clause.joins) more[variable] = found[variable];
        if (clause.kind == datalog::Clause::Kind::disjunction) next.insert(more);
      }
    }
    if (clause.kind == datalog::Clause::Kind::negation && !is_any) next.insert(env);
  }
  static std::string value_of(const datalog::Term& term, const Env& env) {
    return term.kind == datalog::Term::Kind::constant ? json::json_from_value(term.constant) : env[term.variable];
  }
  static std::int64_t number(const std::string& value) { return std::strtoll(value.c_str(), nullptr, 10); }
  // Numbers before texts.
  static int order(const std::string& a, const std::string& b) {
    const bool is_a = a[0] == '"', is_b = b[0] == '"';
    if (is_a != is_b) return is_a ? 1 : -1;
    if (is_a) return a.compare(b);
    return number(a) < number(b) ? -1 : number(a) > number(b) ? 1 : 0;
  }
  static bool holds(const datalog::Clause& clause, const Env& env) {
    const int is = order(value_of(clause.terms[0], env), value_of(clause.terms[1], env));
    switch (clause.call) {
      case datalog::Call::equal:
        return is == 0;
      case datalog::Call::unequal:
        return is != 0;
      case datalog::Call::less:
        return is < 0;
      case datalog::Call::at_most:
        return is <= 0;
      case datalog::Call::greater:
        return is > 0;
      default:
        return is >= 0;
    }
  }

  const datalog::Query& query_;
  const std::set<Triple>& facts_;
  std::vector<std::set<Tuple>> relations_;
};

}  // namespace grid::test
