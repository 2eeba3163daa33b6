// SPDX-License-Identifier: Apache-2.0
//
// Clauses of a question and of rules. A body that stands inside of a clause waits until the one around it is read.

#include "crdt/datalog/parser.h"

namespace grid::datalog {
namespace {

using Kind = Node::Kind;

constexpr std::size_t kPatternTerms = 3;

}  // namespace

Body* Parser::add_body(Forms forms, Scope& scope, const Node& at, Clauses* into) {
  const std::span<Body> body = arena_.make<Body>(1);
  if (body.empty()) return nullptr;
  body[0].forms = forms;
  body[0].scope = &scope;
  body[0].into = into;
  body[0].at = at.at;
  (last_body_ == nullptr ? first_body : last_body_->next) = body.data();
  last_body_ = body.data();
  return body.data();
}

Status Parser::read_bodies() {
  for (Body* body = first_body; body != nullptr; body = body->next) {
    is_in_rules_ = body->rule >= 0;
    const auto clauses = make<Clause>(body->forms.count(), Node{});
    if (!clauses.ok()) return clauses.status();
    const auto terms = make<std::span<Term>>(has_rules_ ? body->forms.count() : 0, Node{});
    if (!terms.ok()) return terms.status();
    body->clauses = *clauses;
    body->terms = *terms;
    *body->into = body->clauses;
    std::size_t index = 0;
    for (const Node& node : body->forms) GRID_TRY(read_clause(node, *body, index++));
  }
  return Status::ok;
}

Status Parser::read_clause(const Node& node, Body& body, std::size_t index) {
  Clause& clause = body.clauses[index];
  clause.at = node.at;
  const Forms items = node.is_container() ? node.items() : Forms();
  if (node.is(Kind::vector)) {
    if (items.empty()) return refuse(Complaint::clause_empty, node);
    return items.front().is(Kind::list) ? read_call(node, body, clause) : read_pattern(node, body, clause);
  }
  if (!node.is(Kind::list)) return refuse(Complaint::clause_wrong, node);
  if (items.empty()) return refuse(Complaint::clause_empty, node);
  Forms forms = items;
  if (is_source(forms.front())) {
    GRID_TRY(check_source(forms.front()));
    forms = forms.rest();
  }
  if (forms.empty() || !forms.front().is(Kind::symbol)) return refuse(Complaint::clause_wrong, node);
  const std::string_view word = forms.front().text;
  const bool has_head = word == "not-join" || word == "or-join";
  if (word == "not" || word == "not-join") return read_not(node, forms.rest(), has_head, body, index);
  if (word == "or" || word == "or-join") return read_or(node, forms.rest(), has_head, body, index);
  if (word == "and") return refuse(Complaint::and_alone, node);
  return read_rule_call(node, forms, body, index);
}

Status Parser::read_pattern(const Node& node, Body& body, Clause& clause) {
  Forms items = node.items();
  if (is_source(items.front())) {
    GRID_TRY(check_source(items.front()));
    items = items.rest();
  }
  const std::size_t count = items.count();
  if (count == 0) return refuse(Complaint::clause_empty, node);
  if (count > kPatternTerms) return refuse(Complaint::pattern_long, node);
  const auto terms = make<Term>(kPatternTerms, node);
  if (!terms.ok()) return terms.status();
  for (Term& term : *terms) term.at = node.at;
  std::size_t place = 0;
  for (const Node& item : items) {
    GRID_TRY(read_pattern_term(item, place, *body.scope, (*terms)[place]));
    ++place;
  }
  clause.kind = Clause::Kind::pattern;
  clause.terms = *terms;
  return Status::ok;
}

Status Parser::read_pattern_term(const Node& node, std::size_t place, Scope& scope, Term& term) {
  term.at = node.at;
  if (is_blank(node)) return Status::ok;
  if (is_variable(node)) return read_term(node, scope, term);
  const bool is_text = node.is(Kind::keyword) || node.is(Kind::text);
  if (place == 0) {
    if (node.is(Kind::vector)) return refuse(Complaint::lookup_ref, node);
    if (!is_text && !node.is(Kind::integer)) return refuse(Complaint::entity_wrong, node);
  } else if (place == 1) {
    if (!is_text) return refuse(Complaint::attribute_wrong, node);
  } else {
    if (node.is(Kind::nil)) return refuse(Complaint::value_nil, node);
    if (node.is_container() || node.is(Kind::symbol)) return refuse(Complaint::value_wrong, node);
  }
  return read_term(node, scope, term);
}

// `[(f ?a ...)]`, or with what takes the answer apart: `[(f ?a ...) ?b]`.
Status Parser::read_call(const Node& node, Body& body, Clause& clause) {
  const Node& list = node.items().front();
  const Forms behind = node.items().rest();
  if (list.items().empty() || behind.count() > 1) return refuse(Complaint::call_wrong, node);
  const Node& head = list.items().front();
  if (is_variable(head)) return refuse_named(Complaint::call_of_variable, head, head.text);
  if (!head.is(Kind::symbol)) return refuse(Complaint::call_wrong, head);
  const CallName* name = find_call(head.text);
  if (name == nullptr) return refuse_named(Complaint::call_unknown, head, head.text);
  clause.call = name->call;
  clause.kind = behind.empty() ? Clause::Kind::predicate : Clause::Kind::function;
  Forms arguments = list.items().rest();
  const bool is_of_facts = name->call == Call::missing || name->call == Call::get_else || name->call == Call::get_some;
  if (is_of_facts && !arguments.empty() && is_source(arguments.front())) {
    GRID_TRY(check_source(arguments.front()));
    arguments = arguments.rest();
  }
  const std::size_t count = arguments.count();
  if (count < name->least || (name->most != CallName::kMany && count > name->most)) {
    const Status status = refuse_named(Complaint::call_arguments, list, head.text);
    trouble_.least = name->least;
    trouble_.most = name->most == CallName::kMany ? Trouble::kMany : name->most;
    trouble_.count = static_cast<std::uint32_t>(count);
    return status;
  }
  GRID_TRY(read_arguments(arguments, body, clause));
  if (behind.empty()) return Status::ok;
  const auto binding = make<Binding>(1, node);
  if (!binding.ok()) return binding.status();
  clause.binding = binding->data();
  return read_binding(behind.front(), *body.scope, (*binding)[0]);
}

Status Parser::read_arguments(Forms forms, Body& body, Clause& clause) {
  const auto terms = make<Term>(forms.count(), forms.empty() ? Node{} : forms.front());
  if (!terms.ok()) return terms.status();
  std::size_t index = 0;
  for (const Node& node : forms) {
    if (is_blank(node)) return refuse(Complaint::argument_blank, node);
    GRID_TRY(read_term(node, *body.scope, (*terms)[index++]));
  }
  clause.terms = *terms;
  return Status::ok;
}

Status Parser::read_rule_call(const Node& node, Forms forms, Body& body, std::size_t index) {
  Clause& clause = body.clauses[index];
  const Node& head = forms.front();
  const Rule* rule = find_rule(head.text);
  if (rule == nullptr) {
    return refuse_named(has_rules_ ? Complaint::rule_unknown : Complaint::rule_without_rules, head, head.text);
  }
  const std::size_t count = forms.rest().count();
  if (count != rule->arity) {
    const Status status = refuse_named(Complaint::rule_arguments, node, head.text);
    trouble_.least = trouble_.most = rule->arity;
    trouble_.count = static_cast<std::uint32_t>(count);
    return status;
  }
  clause.kind = Clause::Kind::rule;
  clause.rule = static_cast<std::uint16_t>(rule - rules_.data());
  const auto terms = make<Term>(count, node);
  if (!terms.ok()) return terms.status();
  body.terms[index] = *terms;
  std::size_t place = 0;
  for (const Node& item : forms.rest()) {
    Term& term = (*terms)[place++];
    term.at = item.at;
    if (!is_blank(item)) GRID_TRY(read_term(item, *body.scope, term));
  }
  clause.terms = *terms;
  return Status::ok;
}

// `[?a ?b]`, or `[[?must-be-bound] ?a]`: variables of what stands around that are known inside too.
Status Parser::read_join_head(const Node& node, bool may_require, Scope& outer, Scope& inner, Clause& clause) {
  if (!node.is(Kind::vector)) return refuse(Complaint::join_head_wrong, node);
  const auto joins = make<Variable>(node.size, node);
  if (!joins.ok()) return joins.status();
  Forms items = node.items();
  Forms required;
  if (may_require && !items.empty() && items.front().is(Kind::vector)) {
    required = items.front().items();
    items = items.rest();
  }
  std::size_t count = 0;
  for (const Forms& part : {required, items}) {
    for (const Node& item : part) {
      if (!is_variable(item)) return refuse(Complaint::join_head_wrong, item);
      const Result<Variable> variable = variable_of(item, outer);
      if (!variable.ok()) return variable.status();
      if (inner.names.has(*variable)) return refuse_named(Complaint::variable_twice, item, item.text);
      if (inner.names.add(arena_, *variable) != Status::ok) return no_room(item);
      (*joins)[count++] = *variable;
    }
  }
  if (count == 0) return refuse(Complaint::join_head_wrong, node);
  clause.joins = joins->first(count);
  clause.required = static_cast<std::uint16_t>(required.count());
  return Status::ok;
}

Status Parser::read_not(const Node& node, Forms forms, bool has_head, Body& body, std::size_t index) {
  Clause& clause = body.clauses[index];
  clause.kind = Clause::Kind::negation;
  Scope* scope = add_scope(has_head ? nullptr : body.scope);
  const std::span<Clauses> branch = arena_.make<Clauses>(1);
  if (scope == nullptr || branch.empty()) return no_room(node);
  clause.branches = branch;
  if (has_head) {
    if (forms.empty()) return refuse(Complaint::join_head_wrong, node);
    GRID_TRY(read_join_head(forms.front(), false, *body.scope, *scope, clause));
    clause.required = static_cast<std::uint16_t>(clause.joins.size());
    forms = forms.rest();
  }
  if (forms.empty()) return refuse(Complaint::branches_missing, node);
  GRID_TRY(declare_all(forms, *scope));
  Body* inside = add_body(forms, *scope, node, &branch[0]);
  if (inside == nullptr) return no_room(node);
  inside->outer = &body;
  inside->owner = index;
  inside->rule = body.rule;
  return Status::ok;
}

// Branches of `or` share all variables with what stands around; those of `or-join` its head, and each has its own.
Status Parser::read_or(const Node& node, Forms forms, bool has_head, Body& body, std::size_t index) {
  Clause& clause = body.clauses[index];
  clause.kind = Clause::Kind::disjunction;
  Scope heads;
  if (has_head) {
    if (forms.empty()) return refuse(Complaint::join_head_wrong, node);
    GRID_TRY(read_join_head(forms.front(), true, *body.scope, heads, clause));
    forms = forms.rest();
  }
  if (forms.empty()) return refuse(Complaint::branches_missing, node);
  const auto branches = make<Clauses>(forms.count(), node);
  if (!branches.ok()) return branches.status();
  clause.branches = *branches;
  std::size_t branch = 0;
  for (const Node& form : forms) {
    Scope* scope = body.scope;
    if (has_head) {
      scope = add_scope(nullptr);
      if (scope == nullptr) return no_room(node);
      for (const Variable variable : clause.joins) {
        if (scope->names.add(arena_, variable) != Status::ok) return no_room(node);
      }
    }
    const bool is_and = form.is(Kind::list) && !form.items().empty() && form.items().front().is_symbol("and");
    const Forms inside = is_and ? form.items().rest() : Forms(&form, &form + form.size);
    if (inside.empty()) return refuse(Complaint::branches_missing, form);
    if (has_head) GRID_TRY(declare_all(inside, *scope));
    Body* added = add_body(inside, *scope, form, &(*branches)[branch]);
    if (added == nullptr) return no_room(form);
    added->outer = &body;
    added->owner = index;
    added->rule = body.rule;
    added->branch = branch++;
  }
  return Status::ok;
}

}  // namespace grid::datalog
