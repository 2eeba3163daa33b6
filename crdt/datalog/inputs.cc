// SPDX-License-Identifier: Apache-2.0
//
// Taking values apart as bindings say: inputs, and what functions answer.

#include "crdt/datalog/engine.h"

namespace grid::datalog {
namespace {

constexpr std::size_t kOfFunction = SIZE_MAX;

}  // namespace

Status Engine::take_inputs(std::span<const Value> inputs) {
  const Query& query = program_.query();
  if (inputs.size() != query.in.size()) {
    problem_.say("inputs: the query takes ").say(query.in.size()).say(", but there are ").say(inputs.size());
    return Status::invalid;
  }
  GRID_TRY(inputs_.resize(program_.count()));
  GRID_TRY(input_rows_.resize(program_.count()));
  for (std::size_t i = 0; i < program_.count(); ++i) {
    if (program_[i].input < 0) continue;
    GRID_TRY(take_rows(i, inputs[static_cast<std::size_t>(program_[i].input)]));
    input_rows_[i] = inputs_[i]->count();
  }
  planner_.set_input_rows({input_rows_.data(), input_rows_.size()});
  return Status::ok;
}

Status Engine::take_scalars(std::span<const Value> inputs, bool& is_possible) {
  const Query& query = program_.query();
  const std::span<const Variable> head = program_[program_.main()].bodies[0].head;
  Atom row[kArgumentsMax];
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (query.in[i].kind != Binding::Kind::scalar) continue;
    const Result<Atom> atom = words_.atom(inputs[i]);
    if (!atom.ok()) return atom.status();
    for (std::size_t j = 0; j < program_.scalars(); ++j) {
      if (head[j] != query.in[i].variable) continue;
      is_possible = is_possible && (!row[j].exists() || row[j] == *atom);
      row[j] = *atom;
    }
  }
  bool is_new = false;
  return goals_[0]->demand.add(row, is_new);
}

// An input that has rows, as the predicate that it is.
Status Engine::take_rows(std::size_t predicate, const Value& input) {
  const auto number = static_cast<std::size_t>(program_[predicate].input);
  const Result<std::span<const BindingNode>> nodes = program_.flatten(program_.query().in[number]);
  if (!nodes.ok()) return nodes.status();
  Rows parts(region_, nodes->size());
  Atom* root = nullptr;
  GRID_TRY(parts.append(root));
  std::fill(root, root + nodes->size(), Atom{});
  const Result<Atom> whole = words_.atom(input);
  if (!whole.ok()) return whole.status();
  root[0] = *whole;
  GRID_TRY(unwind(*nodes, parts, number));
  auto* const memory = static_cast<Rows*>(region_.take(sizeof(Rows)));
  if (memory == nullptr) return Status::full;
  Rows& rows = *new (memory) Rows(region_, program_[predicate].arity);
  for (std::uint32_t i = 0; i < parts.count(); ++i) {
    Atom row[kArgumentsMax];
    std::size_t count = 0;
    bool fits = true;
    for (std::size_t j = 0; j < nodes->size(); ++j) {
      const BindingNode& node = (*nodes)[j];
      if (node.kind != Binding::Kind::scalar) continue;
      std::size_t twin = 0;
      while (twin < j && ((*nodes)[twin].kind != node.kind || (*nodes)[twin].variable != node.variable)) ++twin;
      if (twin == j) row[count++] = parts[i][j];
      fits = fits && parts[i][twin] == parts[i][j];
    }
    if (fits) GRID_TRY(rows.push(row));
  }
  inputs_[predicate] = &rows;
  return Status::ok;
}

// Each row has an atom for each node; those of a node's parts are set when it is taken apart.
Status Engine::unwind(std::span<const BindingNode> nodes, Rows& rows, std::size_t input) {
  for (std::size_t at = 0; at < nodes.size(); ++at) {
    const Binding::Kind kind = nodes[at].kind;
    if (kind == Binding::Kind::scalar || kind == Binding::Kind::blank) continue;
    Rows next(region_, rows.width());
    GRID_TRY(unwind_node(nodes, at, rows, next, input));
    rows.swap(next);
  }
  return Status::ok;
}

Status Engine::unwind_node(std::span<const BindingNode> nodes, std::size_t at, const Rows& from, Rows& to,
                           std::size_t input) {
  const BindingNode& node = nodes[at];
  for (std::uint32_t i = 0; i < from.count(); ++i) {
    const Atom whole = from[i][at];
    if (whole.kind() != AtomKind::list) {
      if (input != kOfFunction) return refuse_shape(input, node, "");
      continue;
    }
    std::size_t count = 0;
    Atom* row = nullptr;
    for (Value::Walk walk(Value(words_.bytes_of(whole.symbol()))); walk.next(); ++count) {
      GRID_TRY(meter_.step());
      const bool is_tuple = node.kind == Binding::Kind::tuple;
      if (is_tuple && count == node.parts) break;
      const Result<Atom> part = words_.atom(walk.value());
      if (!part.ok()) return part.status();
      if (count == 0 || !is_tuple) {
        GRID_TRY(to.append(row));
        std::copy(from[i], from[i] + from.width(), row);
      }
      row[node.first_part + (is_tuple ? count : 0)] = *part;
    }
    if (node.kind == Binding::Kind::collection || count >= node.parts) continue;
    if (input != kOfFunction) return refuse_shape(input, node, " with an item for each variable");
    if (count > 0) to.pop();
  }
  return Status::ok;
}

Status Engine::refuse_shape(std::size_t input, const BindingNode& node, std::string_view what) {
  const Query& query = program_.query();
  const bool is_behind_rules = query.rules_at >= 0 && input >= static_cast<std::size_t>(query.rules_at);
  problem_.say("input ").say(input + 1 + (is_behind_rules ? 1 : 0)).say(": a list");
  problem_.say(what).say(" is wanted for [");
  Growing<const Binding*> open(region_);
  GRID_TRY(open.push(&query.in[input]));
  bool is_first = true;
  for (std::size_t i = 0; i < open.size(); ++i) {
    for (const Binding& part : open[i]->parts) GRID_TRY(open.push(&part));
    if (open[i]->kind != Binding::Kind::scalar && open[i]->kind != Binding::Kind::blank) continue;
    if (!is_first) problem_.say(" ");
    is_first = false;
    problem_.say(open[i]->kind == Binding::Kind::blank ? "_" : query.variables[open[i]->variable]);
  }
  problem_.say(node.kind == Binding::Kind::collection ? " ...]" : "]");
  return Status::invalid;
}

}  // namespace grid::datalog
