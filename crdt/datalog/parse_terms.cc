// SPDX-License-Identifier: Apache-2.0
//
// Variables and what they are called, constants, and what takes values apart.

#include "crdt/datalog/parser.h"

namespace grid::datalog {
namespace {

using Kind = Node::Kind;

void write_scalar(const Node& node, crdt::ValueWriter& writer) {
  switch (node.kind) {
    case Kind::nil:
      return writer.null();
    case Kind::boolean:
      return writer.boolean(node.integer != 0);
    case Kind::integer:
      return writer.integer(node.integer);
    case Kind::number:
      return writer.number(node.number());
    case Kind::date:
      return writer.timestamp(node.integer);
    case Kind::bytes:
      return writer.bytes(as_bytes(node.text));
    default:
      return writer.text(node.text);
  }
}

// Of a value's bytes: a tag and a number, or a tag, a length and content; twice for the field it may be in.
constexpr std::size_t kNodeBytesMax = 24;

}  // namespace

Scope* Parser::add_scope(Scope* outer) {
  const std::span<Scope> scope = arena_.make<Scope>(1);
  if (scope.empty()) return nullptr;
  scope[0].outer = outer;
  return scope.data();
}

Result<Variable> Parser::declare(std::string_view name, const Node& at, Scope& scope) {
  if (variables_count_ == variables.size()) return refuse(Complaint::too_many_variables, at, Status::too_large);
  const auto variable = static_cast<Variable>(variables_count_);
  variables[variables_count_++] = name;
  if (scope.names.add(arena_, variable) != Status::ok) return no_room(at);
  return variable;
}

// A name that has no meaning in any scope around gets one here.
Result<Variable> Parser::variable_of(const Node& symbol, Scope& scope) {
  for (Scope* holder = &scope; holder != nullptr; holder = holder->outer) {
    for (const auto* link = holder->names.first; link != nullptr; link = link->next) {
      if (variables[link->item] != symbol.text) continue;
      for (Scope* inner = &scope; inner != holder; inner = inner->outer) {
        if (inner->names.add(arena_, link->item) != Status::ok || inner->shared.add(arena_, link->item) != Status::ok) {
          return no_room(symbol);
        }
      }
      return link->item;
    }
  }
  return declare(symbol.text, symbol, scope);
}

Status Parser::declare_in(std::span<const Node> nodes, Scope& scope) {
  for (const Node& node : nodes) {
    if (!is_variable(node)) continue;
    const Result<Variable> variable = variable_of(node, scope);
    if (!variable.ok()) return variable.status();
  }
  return Status::ok;
}

// Gives a meaning to every name that clauses use outside of what they negate, before any of them is read: what is
// negated shares these, wherever they stand.
Status Parser::declare_all(Forms clauses, Scope& scope) {
  const std::span<const Node> nodes = clauses.nodes();
  for (std::size_t at = 0; at < nodes.size();) {
    const Node& node = nodes[at];
    Forms items = node.is(Kind::list) ? node.items() : Forms();
    if (!items.empty() && is_source(items.front())) items = items.rest();
    const std::string_view word = items.empty() || !items.front().is(Kind::symbol) ? "" : items.front().text;
    if (word == "or" || word == "and") {
      // What is inside comes next, each a clause.
      at = items.rest().empty() ? at + node.size : static_cast<std::size_t>(&*items.rest().begin() - nodes.data());
      continue;
    }
    at += node.size;
    if (word == "not") continue;
    if (word == "or-join" || word == "not-join") {
      if (!items.rest().empty()) GRID_TRY(declare_in({&items.rest().front(), items.rest().front().size}, scope));
      continue;
    }
    GRID_TRY(declare_in({&node, node.size}, scope));
  }
  return Status::ok;
}

Result<Value> Parser::scalar_of(const Node& node) {
  const auto room = make<std::uint8_t>(kNodeBytesMax + node.text.size(), node);
  if (!room.ok()) return room.status();
  crdt::ValueWriter writer(*room);
  write_scalar(node, writer);
  const Result<Bytes> bytes = writer.finish();
  if (!bytes.ok()) return refuse(Complaint::constant_wrong, node);
  return Value(*bytes);
}

// A vector, list or set becomes a list, a map a record.
Result<Value> Parser::constant_of(const Node& node) {
  if (!node.is_container()) return scalar_of(node);
  const std::span<const Node> nodes(&node, node.size);
  std::size_t bytes_max = 0;
  for (const Node& one : nodes) bytes_max += kNodeBytesMax + one.text.size();
  const auto room = make<std::uint8_t>(bytes_max, node);
  if (!room.ok()) return room.status();
  struct Open {
    const Node* end = nullptr;
    bool is_map = false;
  } open[edn::kDepthMax + 1];
  std::size_t depth = 0;
  crdt::ValueWriter writer(*room);
  bool is_name = false;  // The name of a field comes next.
  for (std::size_t at = 0; at <= nodes.size(); ++at) {
    const Node* one = nodes.data() + at;
    for (; depth > 0 && open[depth - 1].end == one; --depth) {
      open[depth - 1].is_map ? writer.end_record() : writer.end_list();
      is_name = depth > 1 && open[depth - 2].is_map;
    }
    if (at == nodes.size()) break;
    if (is_name) {
      if (!one->is(Kind::keyword) && !one->is(Kind::text)) return refuse(Complaint::constant_wrong, *one);
      writer.field(one->text);
      is_name = false;
      continue;
    }
    if (one->is_container()) {
      open[depth++] = {one + one->size, one->is(Kind::map)};
      one->is(Kind::map) ? writer.begin_record() : writer.begin_list();
      is_name = one->is(Kind::map);
      continue;
    }
    if (one->is(Kind::symbol)) return refuse(Complaint::constant_wrong, *one);
    write_scalar(*one, writer);
    is_name = depth > 0 && open[depth - 1].is_map;
  }
  const Result<Bytes> bytes = writer.finish();
  if (bytes.status() == Status::too_large) return refuse(Complaint::constant_deep, node);
  if (!bytes.ok()) return refuse(Complaint::constant_wrong, node);
  return Value(*bytes);
}

// A variable, or a constant of any kind.
Status Parser::read_term(const Node& node, Scope& scope, Term& term) {
  term.at = node.at;
  if (is_variable(node)) {
    const Result<Variable> variable = variable_of(node, scope);
    if (!variable.ok()) return variable.status();
    term.kind = Term::Kind::variable;
    term.variable = *variable;
    return Status::ok;
  }
  if (node.is(Kind::list)) return refuse(Complaint::call_nested, node);
  if (is_source(node)) return refuse(Complaint::source_misplaced, node);
  if (node.is(Kind::symbol)) return refuse(Complaint::argument_wrong, node);
  const Result<Value> constant = constant_of(node);
  if (!constant.ok()) return constant.status();
  term.kind = Term::Kind::constant;
  term.constant = *constant;
  return Status::ok;
}

Status Parser::read_binding(const Node& node, Scope& scope, Binding& binding) {
  struct Job {
    const Node* node = nullptr;
    Binding* into = nullptr;
    bool operator==(const Job&) const = default;
  };
  Chain<Job> jobs;
  if (jobs.add(arena_, {&node, &binding}) != Status::ok) return no_room(node);
  for (const auto* link = jobs.first; link != nullptr; link = link->next) {
    const Node& at = *link->item.node;
    Binding& into = *link->item.into;
    into.at = at.at;
    if (is_blank(at)) continue;
    if (is_variable(at)) {
      const Result<Variable> variable = variable_of(at, scope);
      if (!variable.ok()) return variable.status();
      into.kind = Binding::Kind::scalar;
      into.variable = *variable;
      continue;
    }
    if (!at.is(Kind::vector) || at.items().empty()) return refuse(Complaint::binding_wrong, at);
    Forms items = at.items();
    const std::size_t count = items.count();
    const bool is_each = count == 2 && items.rest().front().is_symbol("...");
    const bool is_relation = count == 1 && items.front().is(Kind::vector);
    into.kind = is_each || is_relation ? Binding::Kind::collection : Binding::Kind::tuple;
    if (is_each) items = {&items.front(), &items.rest().front()};
    const auto parts = make<Binding>(items.count(), at);
    if (!parts.ok()) return parts.status();
    into.parts = *parts;
    std::size_t part = 0;
    for (const Node& item : items) {
      if (jobs.add(arena_, {&item, &(*parts)[part++]}) != Status::ok) return no_room(at);
    }
  }
  return Status::ok;
}

}  // namespace grid::datalog
