// SPDX-License-Identifier: Apache-2.0
//
// A question of Datalog and, behind a line of a single %, its rules. What is taken keeps the promises of query.h: every
// index leads somewhere, every value is canonical, scopes share no variable but those they join. What is refused has a
// sentence with a place within the text. Also as EDN: one form at a time it is what it is at once.
#include <algorithm>
#include <string>
#include <vector>

#include "crdt/base/check.h"
#include "crdt/datalog/calls.h"
#include "crdt/datalog/edn.h"
#include "crdt/datalog/parse.h"
#include "tests/fuzz/target.h"

namespace {

using namespace grid;
using datalog::Binding;
using datalog::Clause;
using datalog::Query;
using datalog::Term;
using datalog::Variable;

void check_place(const datalog::Trouble& trouble, std::string_view text) {
  char room[400];
  const std::string_view sentence = trouble.sentence(room);
  GRID_CHECK(sentence.starts_with(trouble.is_in_rules ? "rules, line " : "line "));
  const auto lines = static_cast<std::uint32_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  GRID_CHECK(trouble.at.line >= 1 && trouble.at.line <= lines);
  GRID_CHECK(trouble.at.column >= 1 && trouble.at.column <= text.size() + 1);
  GRID_CHECK(trouble.sentence(std::span(room).first(9)).size() == 9);
}

void check_value(crdt::Value value) { GRID_CHECK(crdt::check_value(value.canonical()) == Status::ok); }

class Checker {
 public:
  explicit Checker(const Query& query) : query_(query), owner_(query.variables.size(), 0) {}

  void check() {
    GRID_CHECK(!query_.find.empty());
    for (const datalog::Find& find : query_.find) {
      check(find.variable);
      if (find.pull != nullptr) check(*find.pull);
    }
    for (const Variable variable : query_.with) check(variable);
    for (const Binding& binding : query_.in) check(binding);
    for (const datalog::Order& order : query_.order) GRID_CHECK(order.find < query_.find.size());
    check(query_.where, 0);
    for (std::size_t i = 0; i < query_.rules.size(); ++i) check(query_.rules[i], i + 1);
  }

 private:
  void check(Variable variable) { GRID_CHECK(variable < query_.variables.size()); }
  // Of the question, or of a rule: no variable is of both.
  void check(Variable variable, std::size_t part) {
    check(variable);
    GRID_CHECK(owner_[variable] == 0 || owner_[variable] == part + 1);
    owner_[variable] = part + 1;
  }
  void check(const Binding& binding) {
    if (binding.kind == Binding::Kind::scalar) check(binding.variable);
    GRID_CHECK((binding.kind >= Binding::Kind::tuple) == !binding.parts.empty());
    GRID_CHECK(binding.kind != Binding::Kind::collection || binding.parts.size() == 1);
    for (const Binding& part : binding.parts) check(part);
  }
  void check(const datalog::Pull& pull) {
    GRID_CHECK(pull.is_wild || pull.with_id || !pull.items.empty());
    for (const datalog::PullItem& item : pull.items) {
      GRID_CHECK(!item.attribute.empty());
      GRID_CHECK(item.again == 0 || item.nested == nullptr);
      if (item.otherwise.exists()) check_value(item.otherwise);
      if (item.nested != nullptr) check(*item.nested);
    }
  }
  void check(datalog::Clauses clauses, std::size_t part) {
    for (const Clause& clause : clauses) check(clause, part);
  }
  void check(const Clause& clause, std::size_t part) {
    for (const Term& term : clause.terms) {
      if (term.kind == Term::Kind::variable) check(term.variable, part);
      if (term.kind == Term::Kind::constant) check_value(term.constant);
    }
    if (clause.binding != nullptr) check(*clause.binding);
    for (const Variable variable : clause.joins) check(variable, part);
    GRID_CHECK(clause.required <= clause.joins.size());
    const bool has_branches = clause.kind == Clause::Kind::negation || clause.kind == Clause::Kind::disjunction;
    GRID_CHECK(has_branches == !clause.branches.empty());
    GRID_CHECK(!has_branches || !clause.joins.empty() || clause.kind == Clause::Kind::disjunction);
    GRID_CHECK(clause.kind != Clause::Kind::negation || clause.required == clause.joins.size());
    GRID_CHECK(clause.kind != Clause::Kind::pattern || clause.terms.size() == 3);
    GRID_CHECK((clause.kind == Clause::Kind::function) == (clause.binding != nullptr));
    if (clause.kind == Clause::Kind::rule) {
      GRID_CHECK(clause.rule < query_.rules.size());
      GRID_CHECK(clause.terms.size() == query_.rules[clause.rule].arity);
      GRID_CHECK(part == 0 || query_.rules[clause.rule].stratum <= query_.rules[part - 1].stratum);
    }
    for (const datalog::Clauses branch : clause.branches) check(branch, part);
  }
  void check(const datalog::Rule& rule, std::size_t part) {
    GRID_CHECK(!rule.branches.empty() && rule.arity > 0 && rule.required <= rule.arity);
    for (const datalog::Branch& branch : rule.branches) {
      GRID_CHECK(branch.head.size() == rule.arity && !branch.body.empty());
      for (const Variable variable : branch.head) check(variable, part);
      check(branch.body, part);
    }
  }

  const Query& query_;
  std::vector<std::size_t> owner_;
};

void check_edn(std::string_view text, std::vector<std::uint8_t>& room) {
  Arena arena(room);
  datalog::Trouble trouble;
  const Result<const datalog::edn::Node*> whole = datalog::edn::read(text, arena, trouble);
  std::size_t forms = 0;
  if (whole.ok()) {
    GRID_CHECK((*whole)->size >= 1);
    for (const datalog::edn::Node& item : (*whole)->items()) forms += item.size;
    GRID_CHECK(forms + 1 == (*whole)->size || !(*whole)->is_container());
  } else {
    check_place(trouble, text);
  }
  datalog::edn::Reader reader(text);
  static std::vector<std::uint8_t> other(1 << 20);
  std::size_t nodes = 0;
  std::size_t count = 0;
  for (;;) {
    Arena step(other);
    const Result<const datalog::edn::Node*> form = reader.next(step, trouble);
    if (!form.ok()) {
      check_place(trouble, text);
      GRID_CHECK(!whole.ok());
      return;
    }
    if (*form == nullptr) break;
    nodes += (*form)->size;
    GRID_CHECK(++count <= text.size());
  }
  // Either the whole was one form of the reader's, or what was inside of it.
  if (whole.ok()) GRID_CHECK(nodes == (*whole)->size || nodes == forms);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::vector<std::uint8_t> room(8 << 20);
  const std::string_view input = as_text({data, size});
  const std::size_t split = input.find("\n%\n");
  const std::string_view text = input.substr(0, split);
  const std::string_view rules = split == std::string_view::npos ? std::string_view() : input.substr(split + 3);
  {
    Arena arena(room);
    datalog::Trouble trouble;
    const Result<Query> query = datalog::parse(text, rules, arena, trouble);
    query.ok() ? Checker(*query).check() : check_place(trouble, trouble.is_in_rules ? rules : text);
    if (query.ok()) {
      const Result<std::int32_t> place = datalog::rules_input(text, arena, trouble);
      GRID_CHECK(place.ok() && *place == query->rules_at);
    }
    // With less room it is the same, or there is no room.
    Arena small(MutBytes(room).first(arena.used() / 2));
    const Result<Query> again = datalog::parse(text, rules, small, trouble);
    GRID_CHECK(again.status() == query.status() || again.status() == Status::full);
    if (!again.ok()) check_place(trouble, trouble.is_in_rules ? rules : text);
  }
  check_edn(text, room);
  return 0;
}
