// SPDX-License-Identifier: Apache-2.0

#include "runtime/query/query_attributes.h"

#include <vector>

#include "runtime/query/row_tests.h"

namespace grid::runtime {

using datalog::Call;
using datalog::Clause;
using datalog::Clauses;
using datalog::Term;

namespace {

class Collector {
 public:
  explicit Collector(QueryAttributes& into) : into_(into) {}

  void take(const datalog::Query& query) {
    open_.push_back(query.where);
    for (const datalog::Rule& rule : query.rules) {
      for (const datalog::Branch& branch : rule.branches) open_.push_back(branch.body);
    }
    while (!open_.empty()) {
      const Clauses clauses = open_.back();
      open_.pop_back();
      for (const Clause& clause : clauses) take(clause);
    }
    for (const datalog::Find& find : query.find) {
      if (find.pull != nullptr) take(*find.pull);
    }
  }

 private:
  void take(const Clause& clause) {
    for (const Clauses& branch : clause.branches) open_.push_back(branch);
    if (clause.kind == Clause::Kind::pattern) take(clause.terms[1]);
    const bool is_call = clause.kind == Clause::Kind::predicate || clause.kind == Clause::Kind::function;
    if (!is_call) return;
    const bool has_one = clause.call == Call::missing || clause.call == Call::get_else;
    const std::size_t count = has_one ? 1 : clause.call == Call::get_some ? clause.terms.size() - 1 : 0;
    for (const Term& term : clause.terms.subspan(count == 0 ? 0 : 1, count)) take(term);
  }

  void take(const Term& attribute) {
    if (attribute.kind != Term::Kind::constant) into_.are_all = true;
    into_.names.emplace(attribute.constant.text_or({}));
  }

  void take(const datalog::Pull& pull) {
    std::vector<const datalog::Pull*> open{&pull};
    while (!open.empty()) {
      const datalog::Pull& one = *open.back();
      open.pop_back();
      into_.are_all = into_.are_all || one.is_wild;
      for (const datalog::PullItem& item : one.items) {
        into_.names.emplace(item.attribute);
        if (item.nested != nullptr) open.push_back(item.nested);
      }
    }
  }

  QueryAttributes& into_;
  std::vector<Clauses> open_;
};

}  // namespace

QueryAttributes QueryAttributes::of(const datalog::Query& query) {
  QueryAttributes attributes;
  Collector(attributes).take(query);
  attributes.names.erase(std::string());
  return attributes;
}

Scope QueryAttributes::scope(std::string_view map, std::string& text) const {
  text.clear();
  for (const std::string& name : names) text.append(text.empty() ? "" : "\n").append(name);
  const Scope scope{ScopeKind::facts, map, text};
  const bool is_good = scope.check() == Status::ok && check_attributes(text) == Status::ok;
  if (are_all || !is_good) return {ScopeKind::map, map, {}};
  return scope;
}

}  // namespace grid::runtime
