// SPDX-License-Identifier: Apache-2.0
//
// Taking values apart as bindings say: inputs, and what functions answer. Not in a lean engine (lean.h).

#include "crdt/datalog/engine.h"

namespace grid::datalog {
namespace {

constexpr std::size_t kOfFunction = SIZE_MAX;

bool is_scalar(const Binding& binding) {
  return binding.kind == Binding::Kind::scalar || binding.kind == Binding::Kind::blank;
}

}  // namespace

// Scalars and tuples are known before anything is asked. What has rows is a predicate, that is joined when it pays.
Status Program::add_inputs() {
  Growing<Item> items(region_);
  for (std::size_t i = 0; i < query_->in.size(); ++i) {
    const Binding& binding = query_->in[i];
    if (is_scalar(binding)) continue;
    const Result<std::span<const BindingNode>> nodes = flatten(binding);
    if (!nodes.ok()) return nodes.status();
    Growing<Variable> variables(region_);
    for (const BindingNode& node : *nodes) {
      const bool is_new = place_of({variables.data(), variables.size()}, node.variable) == variables.size();
      if (node.kind == Binding::Kind::scalar && is_new) GRID_TRY(variables.push(node.variable));
    }
    const Result<std::span<Variable>> own = make<Variable>(variables.size());
    if (!own.ok()) return own.status();
    std::copy(variables.begin(), variables.end(), own->begin());
    Predicate predicate;
    predicate.name = "input";
    predicate.arity = static_cast<std::uint16_t>(own->size());
    predicate.input = static_cast<std::int32_t>(i);
    if (own->size() > kArgumentsMax) return refuse_many("an input binds more than ", " variables");
    Item item;
    item.kind = Item::Kind::call;
    item.callee = count();
    item.at = binding.at;
    item.variables = *own;
    const Result<std::span<const Term>> terms = terms_of(*own, binding.at);
    if (!terms.ok()) return terms.status();
    item.terms = *terms;
    GRID_TRY(predicates_.push(predicate));
    GRID_TRY(items.push(item));
  }
  const Result<std::span<Item>> kept = make<Item>(items.size());
  if (!kept.ok()) return kept.status();
  std::copy(items.begin(), items.end(), kept->begin());
  input_items_ = *kept;
  return Status::ok;
}

Result<std::span<const BindingNode>> Program::flatten(const Binding& binding) {
  Growing<BindingNode> nodes(region_);
  Growing<const Binding*> open(region_);
  GRID_TRY(open.push(&binding));
  for (std::size_t i = 0; i < open.size(); ++i) {
    const Binding& at = *open[i];
    if (open.size() + at.parts.size() > UINT16_MAX) return refuse("a binding of too many parts");
    GRID_TRY(nodes.push(
        {at.kind, at.variable, static_cast<std::uint16_t>(open.size()), static_cast<std::uint16_t>(at.parts.size())}));
    for (const Binding& part : at.parts) GRID_TRY(open.push(&part));
  }
  const Result<std::span<BindingNode>> kept = make<BindingNode>(nodes.size());
  if (!kept.ok()) return kept.status();
  std::copy(nodes.begin(), nodes.end(), kept->begin());
  return std::span<const BindingNode>(*kept);
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

Status Engine::bind_parts(const Stage& stage, const Atom* row, Atom answer, Rows& out) {
  const std::span<const BindingNode> nodes = stage.item->binding;
  Rows parts(region_, nodes.size());
  Atom* root = nullptr;
  GRID_TRY(parts.append(root));
  std::fill(root, root + nodes.size(), Atom{});
  root[0] = answer;
  GRID_TRY(unwind(nodes, parts, SIZE_MAX));
  Growing<Atom> fresh(region_);
  GRID_TRY(fresh.resize(stage.fresh));
  for (std::uint32_t i = 0; i < parts.count(); ++i) {
    bool fits = true;
    for (std::size_t j = 0; j < nodes.size() && fits; ++j)
      fits = settle(stage.binding[j], row, parts[i][j], fresh.data());
    if (fits) GRID_TRY(put(stage, row, fresh.data(), out));
  }
  return Status::ok;
}

}  // namespace grid::datalog
