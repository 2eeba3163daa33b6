// SPDX-License-Identifier: Apache-2.0
//
// Rules: `[[(ancestor ?a ?b) [?a :parent ?b]] ...]`. Branches of one name may stand anywhere.

#include "crdt/datalog/parser.h"

namespace grid::datalog {
namespace {

using Kind = Node::Kind;

bool is_word_of_clauses(std::string_view name) {
  for (const std::string_view word : {"or", "or-join", "not", "not-join", "and"}) {
    if (name == word) return true;
  }
  return false;
}

}  // namespace

const Rule* Parser::find_rule(std::string_view name) const {
  for (std::size_t i = 0; i < rules_count_; ++i) {
    if (rules_[i].name == name) return &rules_[i];
  }
  return nullptr;
}

Status Parser::name_rules(Forms branches) {
  for (const Node& branch : branches) {
    if (!branch.is(Kind::vector) || branch.items().empty()) return refuse(Complaint::rules_wrong, branch);
    const Node& head = branch.items().front();
    if (!head.is(Kind::list) || head.items().empty() || !head.items().front().is(Kind::symbol)) {
      return refuse(Complaint::rule_head_wrong, head);
    }
    const Node& name = head.items().front();
    if (is_word_of_clauses(name.text)) return refuse_named(Complaint::rule_name_taken, name, name.text);
    if (branch.items().rest().empty()) return refuse_named(Complaint::rule_body_missing, branch, name.text);
    if (find_rule(name.text) != nullptr) continue;
    if (rules_count_ == kRulesMax) return refuse(Complaint::too_many_rules, name, Status::too_large);
    rules_[rules_count_++].name = name.text;
  }
  return Status::ok;
}

// The head's variables, those that must be bound first, and of the first branch of a name the rule's shape.
Result<std::span<Variable>> Parser::read_rule_head(const Node& branch, Rule& rule, Scope& scope) {
  const Node& head = branch.items().front();
  Forms items = head.items().rest();
  Forms required;
  if (!items.empty() && items.front().is(Kind::vector)) {
    required = items.front().items();
    items = items.rest();
  }
  const std::size_t arity = required.count() + items.count();
  if (arity == 0) return refuse(Complaint::rule_head_wrong, head);
  const auto variables_of_head = make<Variable>(arity, head);
  if (!variables_of_head.ok()) return variables_of_head.status();
  std::size_t count = 0;
  for (const Forms& part : {required, items}) {
    for (const Node& item : part) {
      if (!is_variable(item)) return refuse(Complaint::rule_head_wrong, item);
      const Result<Variable> variable = variable_of(item, scope);
      if (!variable.ok()) return variable.status();
      for (std::size_t i = 0; i < count; ++i) {
        if ((*variables_of_head)[i] == *variable) return refuse_named(Complaint::variable_twice, item, item.text);
      }
      (*variables_of_head)[count++] = *variable;
    }
  }
  if (rule.arity == 0) {
    rule.arity = static_cast<std::uint16_t>(arity);
    rule.required = static_cast<std::uint16_t>(required.count());
  }
  if (rule.arity != arity) {
    const Status status = refuse_named(Complaint::rule_arity, head, rule.name);
    trouble_.least = trouble_.most = rule.arity;
    trouble_.count = static_cast<std::uint32_t>(arity);
    return status;
  }
  if (rule.required != required.count()) return refuse_named(Complaint::rule_required, head, rule.name);
  return variables_of_head;
}

Status Parser::read_rules(const Node* root) {
  if (root == nullptr) return Status::ok;
  is_in_rules_ = true;
  if (!root->is(Kind::vector) && !root->is(Kind::list)) return refuse(Complaint::rules_wrong, *root);
  const Forms forms = root->items();
  const std::size_t all = forms.count();
  const auto rules = make<Rule>(all < kRulesMax ? all : kRulesMax, *root);
  const auto branches = make<Branch>(all, *root);
  if (!rules.ok() || !branches.ok()) return Status::full;
  rules_ = *rules;
  GRID_TRY(name_rules(forms));
  std::size_t made = 0;
  for (std::size_t i = 0; i < rules_count_; ++i) {
    Rule& rule = rules_[i];
    const std::size_t first = made;
    for (const Node& form : forms) {
      if (form.items().front().items().front().text != rule.name) continue;
      Scope* scope = add_scope(nullptr);
      if (scope == nullptr) return no_room(form);
      Branch& branch = (*branches)[made];
      const Result<std::span<Variable>> head = read_rule_head(form, rule, *scope);
      if (!head.ok()) return head.status();
      branch.head = *head;
      branch.at = form.at;
      const Forms clauses = form.items().rest();
      GRID_TRY(declare_all(clauses, *scope));
      Body* body = add_body(clauses, *scope, form, &branch.body);
      if (body == nullptr) return no_room(form);
      body->rule = static_cast<std::int32_t>(i);
      body->head = *head;
      body->branch = made - first;
      ++made;
    }
    rule.branches = branches->subspan(first, made - first);
  }
  is_in_rules_ = false;
  return Status::ok;
}

}  // namespace grid::datalog
