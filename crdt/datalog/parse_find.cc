// SPDX-License-Identifier: Apache-2.0
//
// What is asked for, and of what: :find, :with, :in, :order-by.

#include <algorithm>

#include "crdt/datalog/parser.h"

namespace grid::datalog {
namespace {

using Kind = Node::Kind;

bool is_same(const Find& a, const Find& b) {
  return a.variable == b.variable && a.aggregate == b.aggregate && a.amount == b.amount && a.pull == nullptr &&
         b.pull == nullptr;
}

}  // namespace

Status Parser::read_find(Forms forms, const Node& key) {
  if (forms.empty()) return refuse(Complaint::section_empty, key);
  const Node& first = forms.front();
  Forms elements = forms;
  const std::size_t count = forms.count();
  if (count == 1 && first.is(Kind::vector)) {
    elements = first.items();
    const std::size_t inside = elements.count();
    if (inside == 0) return refuse(Complaint::find_wrong, first);
    query.shape = Shape::tuple;
    if (inside == 2 && elements.rest().front().is_symbol("...")) {
      query.shape = Shape::collection;
      elements = {&elements.front(), &elements.rest().front()};
    }
  } else if (count == 2 && forms.rest().front().is_symbol(".")) {
    query.shape = Shape::scalar;
    elements = {&first, &forms.rest().front()};
  }
  const auto find = make<Find>(elements.count(), key);
  if (!find.ok()) return find.status();
  std::size_t at = 0;
  for (const Node& element : elements) GRID_TRY(read_find_element(element, (*find)[at++]));
  query.find = *find;
  return Status::ok;
}

Status Parser::read_find_element(const Node& node, Find& find) {
  find.at = node.at;
  if (is_variable(node)) {
    const Result<Variable> variable = variable_of(node, top_);
    if (!variable.ok()) return variable.status();
    find.variable = *variable;
    return Status::ok;
  }
  if (node.is_symbol("...") || node.is_symbol(".")) return refuse(Complaint::find_dots, node);
  if (!node.is(Kind::list) || node.items().empty() || !node.items().front().is(Kind::symbol)) {
    return refuse(Complaint::find_wrong, node);
  }
  const Node& head = node.items().front();
  if (head.text == "pull") return read_find_pull(node, find);
  find.aggregate = find_aggregate(head.text);
  if (find.aggregate == Aggregate::none) return refuse_named(Complaint::aggregate_unknown, head, head.text);
  Forms arguments = node.items().rest();
  if (arguments.count() == 2) {
    const Node& amount = arguments.front();
    const bool takes_one = find.aggregate == Aggregate::least || find.aggregate == Aggregate::greatest;
    if (!takes_one || !amount.is(Kind::integer) || amount.integer < 1 || amount.integer > UINT32_MAX) {
      return refuse(Complaint::aggregate_amount, amount);
    }
    find.amount = static_cast<std::uint32_t>(amount.integer);
    arguments = arguments.rest();
  }
  if (arguments.count() != 1 || !is_variable(arguments.front())) return refuse(Complaint::aggregate_wrong, node);
  const Result<Variable> variable = variable_of(arguments.front(), top_);
  if (!variable.ok()) return variable.status();
  find.variable = *variable;
  return Status::ok;
}

Status Parser::read_find_pull(const Node& node, Find& find) {
  Forms arguments = node.items().rest();
  if (!arguments.empty() && is_source(arguments.front())) {
    GRID_TRY(check_source(arguments.front()));
    arguments = arguments.rest();
  }
  if (arguments.count() != 2 || !is_variable(arguments.front())) return refuse(Complaint::find_pull_wrong, node);
  const Result<Variable> variable = variable_of(arguments.front(), top_);
  if (!variable.ok()) return variable.status();
  find.variable = *variable;
  const Result<const Pull*> pull = parse_pull(arguments.rest().front());
  if (!pull.ok()) return pull.status();
  find.pull = *pull;
  return Status::ok;
}

Status Parser::read_with(Forms forms) {
  if (forms.empty()) return Status::ok;
  const auto with = make<Variable>(forms.count(), forms.front());
  if (!with.ok()) return with.status();
  with_at = forms.front().at;
  std::size_t count = 0;
  for (const Node& node : forms) {
    if (!is_variable(node)) return refuse(Complaint::variable_expected, node);
    const Result<Variable> variable = variable_of(node, top_);
    if (!variable.ok()) return variable.status();
    for (std::size_t i = 0; i < count; ++i) {
      if ((*with)[i] == *variable) return refuse_named(Complaint::variable_twice, node, node.text);
    }
    for (const Find& find : query.find) {
      if (find.variable == *variable) return refuse_named(Complaint::find_and_with, node, node.text);
    }
    (*with)[count++] = *variable;
  }
  query.with = *with;
  return Status::ok;
}

Status Parser::read_inputs(Forms forms, bool has_rules) {
  const auto in = make<Binding>(forms.count(), Node{});
  if (!in.ok()) return in.status();
  std::size_t count = 0;
  std::int32_t index = 0;
  for (const Node& node : forms) {
    if (is_source(node)) {
      GRID_TRY(check_source(node));
      continue;
    }
    if (node.is_symbol("%")) {
      if (query.rules_at >= 0) return refuse(Complaint::rules_twice, node);
      query.rules_at = index++;
      continue;
    }
    if (!is_variable(node) && !is_blank(node) && !node.is(Kind::vector)) return refuse(Complaint::input_wrong, node);
    GRID_TRY(read_binding(node, top_, (*in)[count++]));
    ++index;
  }
  has_rules_ = query.rules_at >= 0;
  if (has_rules && !has_rules_) return refuse(Complaint::rules_not_asked, Node{});
  query.in = in->first(count);
  // Each is a new name: two of one would have to be equal, which is better said in a clause.
  std::size_t names = 0;
  for (const Node& node : forms.nodes()) {
    if (!is_variable(node)) continue;
    const Result<Variable> variable = variable_of(node, top_);
    if (!variable.ok()) return variable.status();
    if (*variable != names++) return refuse_named(Complaint::variable_twice, node, node.text);
  }
  const auto all = make<Variable>(names, Node{});
  if (!all.ok()) return all.status();
  for (std::size_t i = 0; i < names; ++i) (*all)[i] = static_cast<Variable>(i);
  inputs = *all;
  return Status::ok;
}

Status Parser::check_source(const Node& node) {
  return node.text == "$" ? Status::ok : refuse(Complaint::source_other, node);
}

// `?a :desc [?b :asc] (count ?c)`, or all of it in a vector.
Status Parser::read_order(Forms forms) {
  const auto is_direction = [](const Node& node) { return node.is_keyword("asc") || node.is_keyword("desc"); };
  if (forms.count() == 1 && forms.front().is(Kind::vector)) forms = forms.front().items();
  const auto order = make<Order>(forms.count(), forms.empty() ? Node{} : forms.front());
  if (!order.ok()) return order.status();
  std::size_t count = 0;
  for (auto at = forms.begin(); at != forms.end();) {
    const Node* item = &*at;
    ++at;
    const Node* direction = at != forms.end() && is_direction(*at) ? &*at : nullptr;
    if (direction != nullptr) ++at;
    if (item->is(Kind::vector)) {
      const Forms pair = item->items();
      const std::size_t size = pair.count();
      if (direction != nullptr || size == 0 || size > 2) return refuse(Complaint::order_wrong, *item);
      if (size == 2) direction = &pair.rest().front();
      if (direction != nullptr && !is_direction(*direction)) return refuse(Complaint::order_wrong, *direction);
      item = &pair.front();
    }
    GRID_TRY(read_order_item(*item, (*order)[count]));
    (*order)[count++].is_descending = direction != nullptr && direction->is_keyword("desc");
  }
  query.order = order->first(count);
  return Status::ok;
}

Status Parser::read_order_item(const Node& node, Order& order) {
  if (!is_variable(node) && !node.is(Kind::list)) return refuse(Complaint::order_wrong, node);
  Find wanted;
  GRID_TRY(read_find_element(node, wanted));
  const auto found =
      std::find_if(query.find.begin(), query.find.end(), [&](const Find& find) { return is_same(find, wanted); });
  if (found == query.find.end()) return refuse_named(Complaint::order_unknown, node, node.source);
  order.find = static_cast<std::uint16_t>(found - query.find.begin());
  return Status::ok;
}

}  // namespace grid::datalog
