// SPDX-License-Identifier: Apache-2.0
//
// An engine without what lean.h says: it refuses it before anything is looked at. What is defined here for the rest of
// the engine's sake is never reached.

#include "crdt/datalog/lean.h"

#include "crdt/datalog/answer.h"
#include "crdt/datalog/containers.h"

namespace grid::datalog {
namespace {

bool is_container(const Value& value) { return value.kind() == ValueKind::list || value.kind() == ValueKind::record; }

bool has_call(Call call) {
  const bool is_value = call == Call::identity || call == Call::ground;
  const bool is_logic =
      (call >= Call::is_true && call <= Call::is_some) || (call >= Call::truth_not && call <= Call::truth_or);
  return call < Call::get_some || (call >= Call::add && call <= Call::is_odd) || is_value || is_logic;
}

bool has_aggregate(const Find& find) {
  const bool is_one = find.aggregate <= Aggregate::greatest || find.aggregate == Aggregate::average;
  return is_one && find.amount == 0;
}

std::string_view missing_of(const Item& item) {
  const bool is_call = item.kind == Item::Kind::predicate || item.kind == Item::Kind::function;
  if (is_call && !has_call(item.call)) return "functions of texts and lists";
  if (!item.binding.empty() && item.binding[0].parts > 0) return "bindings that take lists apart";
  for (const Term& term : item.terms) {
    if (is_container(term.constant)) return "lists";
  }
  return {};
}

}  // namespace

std::string_view missing_of(const Program& program, std::span<const Value> inputs) {
  for (const Find& find : program.query().find) {
    if (find.pull != nullptr) return "pull";
    if (!has_aggregate(find)) return "aggregates but count, count-distinct, sum, min, max and avg";
  }
  for (const Binding& in : program.query().in) {
    if (in.kind == Binding::Kind::tuple || in.kind == Binding::Kind::collection) return "inputs that are lists";
  }
  for (const Value& input : inputs) {
    if (is_container(input)) return "inputs that are lists";
  }
  for (std::uint16_t i = 0; i < program.count(); ++i) {
    for (const Body& body : program[i].bodies) {
      for (const Item& item : body.items) {
        if (const std::string_view missing = missing_of(item); !missing.empty()) return missing;
      }
    }
  }
  return {};
}

Result<Atom> atom_of_container(const Value&, Interner&, Region&) { return Status::invalid; }
int order_containers(Bytes a, Bytes b) { return grid::compare(a, b); }

Status Puller::pull(const Pull&, Atom) { return Status::invalid; }
void Puller::write(crdt::ValueWriter& writer) const { writer.null(); }

Result<Atom> Functions::listed(Arguments) { return Status::invalid; }
Result<Atom> Functions::of_text(Call, Arguments) { return Status::invalid; }
Result<Atom> Functions::of_values(Call call, Arguments arguments) {
  if (call != Call::identity && call != Call::ground) return of_logic(call, arguments);
  return arguments.empty() ? kNil : arguments[0];
}

Status Answer::aggregate_sorted(const Find&, std::span<Atom>, Atom&) { return Status::invalid; }

Status Program::add_inputs() { return Status::ok; }
Result<std::span<const BindingNode>> Program::flatten(const Binding& binding) {
  const Result<std::span<BindingNode>> node = make<BindingNode>(1);
  if (!node.ok()) return node.status();
  (*node)[0] = {binding.kind, binding.variable, 1, static_cast<std::uint16_t>(binding.parts.size())};
  return std::span<const BindingNode>(*node);
}

Status Engine::take_rows(std::size_t, const Value&) { return Status::invalid; }
Status Engine::bind_parts(const Stage&, const Atom*, Atom, Rows&) { return Status::invalid; }

}  // namespace grid::datalog
