// SPDX-License-Identifier: Apache-2.0
//
// What a question is given.

#include "crdt/datalog/engine.h"

namespace grid::datalog {

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

}  // namespace grid::datalog
