// SPDX-License-Identifier: Apache-2.0

#include "crdt/datalog/plan.h"

namespace grid::datalog {

Status Planner::plan(const Demand& demand, const Body& body, Plan& plan) {
  GRID_TRY(begin(demand, body));
  const Item* tail = nullptr;
  if (demand.is_tail) {
    for (std::size_t i = 0; i < left_.size(); ++i) {
      if (left_[i]->callee == kNoPredicate || !program_.are_of_one_circle(left_[i]->callee, demand.predicate)) continue;
      if (tail != nullptr) return Status::not_found;
      tail = left_[i];
      std::copy(left_.begin() + i + 1, left_.end(), left_.begin() + i);
      left_.truncate(left_.size() - 1);
      --i;
    }
  }
  while (!left_.empty()) {
    const Chosen chosen = choose();
    if (!chosen.exists) return tail != nullptr ? Status::not_found : Status::invalid;
    GRID_TRY(take(chosen.at, chosen.expected));
  }
  if (tail != nullptr) {
    if (!is_tail_of(demand, body, *tail)) return Status::not_found;
    GRID_TRY(take_tail(*tail));
  }
  return finish(demand, body, plan);
}

Status Planner::begin(const Demand& demand, const Body& body) {
  const std::size_t variables = program_.query().variables.size();
  columns_.clear();
  uses_.clear();
  layout_.clear();
  stages_.clear();
  left_.clear();
  GRID_TRY(columns_.resize(variables));
  GRID_TRY(uses_.resize(variables));
  std::fill(columns_.begin(), columns_.end(), kNoColumn);
  for (const Item& item : body.items) {
    GRID_TRY(left_.push(&item));
    for (const Variable variable : item.variables) ++uses_[variable];
  }
  for (std::size_t i = 0; i < body.head.size(); ++i) {
    const bool is_bound = i < kArgumentsMax && (demand.bound >> i & 1) != 0;
    if (!is_bound || !demand.is_tail) ++uses_[body.head[i]];
    if (is_bound && demand.is_tail) GRID_TRY(layout_.push(kHidden | static_cast<std::uint32_t>(i)));
  }
  for (std::size_t i = 0; i < body.head.size() && i < kArgumentsMax; ++i) {
    if ((demand.bound >> i & 1) == 0) continue;
    const Variable variable = body.head[i];
    const auto column = static_cast<Column>(layout_.size());
    GRID_TRY(layout_.push(is_bound(variable) ? kHidden | kArgumentsMax : variable));
    if (!is_bound(variable)) {
      columns_[variable] = column;
      continue;
    }
    // A head that says a variable twice.
    const Operand twins[] = {{Operand::Kind::column, columns_[variable], {}}, {Operand::Kind::column, column, {}}};
    const Result<std::span<const Operand>> kept = keep(twins, 2);
    if (!kept.ok()) return kept.status();
    Stage stage;
    stage.kind = Stage::Kind::same;
    stage.operands = *kept;
    GRID_TRY(stages_.push(stage));
  }
  Growing<Column> all(region_);
  for (std::size_t i = 0; i < layout_.size(); ++i) GRID_TRY(all.push(static_cast<Column>(i)));
  const Result<std::span<const Column>> kept = keep(all.data(), all.size());
  if (!kept.ok()) return kept.status();
  for (Stage& stage : stages_) {
    stage.keep = *kept;
    stage.in_width = static_cast<Column>(kept->size());
  }
  return Status::ok;
}

Planner::Chosen Planner::choose() {
  Chosen best;
  for (std::size_t i = 0; i < left_.size(); ++i) {
    if (!program_.is_ready(*left_[i], [this](Variable variable) { return is_bound(variable); })) continue;
    const double expected = this->expected(*left_[i]);
    if (best.exists && expected >= best.expected) continue;
    best = {i, expected, true};
  }
  return best;
}

bool Planner::is_absence(const Item& item) const {
  const Predicate& callee = program_[item.callee];
  return callee.bodies.size() == 1 && callee.bodies[0].items.size() == 1 &&
         callee.bodies[0].items[0].kind == Item::Kind::pattern && callee.clause != nullptr;
}

Status Planner::take(std::size_t at, double expected) {
  const Item* item = left_[at];
  std::copy(left_.begin() + at + 1, left_.end(), left_.begin() + at);
  left_.truncate(left_.size() - 1);
  for (const Variable variable : item->variables) --uses_[variable];
  Stage stage;
  stage.item = item;
  stage.expected = expected;
  switch (item->kind) {
    case Item::Kind::pattern:
      stage.kind = Stage::Kind::pattern;
      break;
    case Item::Kind::predicate:
      stage.kind = Stage::Kind::test;
      break;
    case Item::Kind::function:
      stage.kind = Stage::Kind::function;
      break;
    case Item::Kind::call:
      stage.kind = Stage::Kind::call;
      break;
    case Item::Kind::negation:
      stage.kind = Stage::Kind::negation;
      // The terms of a lone pattern are variables of here, or nobody's.
      if (!is_absence(*item)) break;
      stage.kind = Stage::Kind::absence;
      stage.item = &program_[item->callee].bodies[0].items[0];
      break;
  }
  Growing<Variable> fresh(region_);
  GRID_TRY(operands_of(*stage.item, stage, fresh));
  if (stage.kind == Stage::Kind::pattern) GRID_TRY(take_limits(stage, fresh));
  if (stage.kind == Stage::Kind::absence) return add_stage(stage, {});
  return add_stage(stage, {fresh.data(), fresh.size()});
}

Status Planner::add_stage(Stage stage, std::span<const Variable> fresh) {
  Growing<Column> kept(region_);
  Growing<std::uint32_t> layout(region_);
  for (std::size_t column = 0; column < layout_.size(); ++column) {
    const std::uint32_t owner = layout_[column];
    const bool is_kept = (owner & kHidden) != 0 ? owner != (kHidden | kArgumentsMax) : uses_[owner] > 0;
    if (!is_kept) {
      if ((owner & kHidden) == 0) columns_[owner] = kNoColumn;
      continue;
    }
    if ((owner & kHidden) == 0) columns_[owner] = static_cast<Column>(layout.size());
    GRID_TRY(kept.push(static_cast<Column>(column)));
    GRID_TRY(layout.push(owner));
  }
  for (const Variable variable : fresh) {
    columns_[variable] = static_cast<Column>(layout.size());
    GRID_TRY(layout.push(variable));
  }
  stage.in_width = static_cast<Column>(layout_.size());
  const Result<std::span<const Column>> keeps = keep(kept.data(), kept.size());
  if (!keeps.ok()) return keeps.status();
  stage.keep = *keeps;
  stage.fresh = static_cast<Column>(fresh.size());
  bool has_blank = false;
  for (const Operand& operand : stage.operands) has_blank = has_blank || operand.kind == Operand::Kind::blank;
  stage.makes_twins = stage.keep.size() < stage.in_width || (has_blank && stage.fresh > 0);
  layout_.swap(layout);
  return stages_.push(stage);
}

Status Planner::operands_of(const Item& item, Stage& stage, Growing<Variable>& fresh) {
  Growing<Operand> operands(region_);
  for (const Term& term : item.terms) {
    Operand operand;
    if (!is_of_no_use(term, item)) GRID_TRY(operand_of(term, fresh, operand));
    GRID_TRY(operands.push(operand));
  }
  const Result<std::span<const Operand>> kept = keep(operands.data(), operands.size());
  if (!kept.ok()) return kept.status();
  stage.operands = *kept;
  operands.clear();
  for (const BindingNode& node : item.binding) {
    Operand operand;
    if (node.kind == Binding::Kind::scalar) GRID_TRY(operand_of(node.variable, fresh, operand));
    GRID_TRY(operands.push(operand));
  }
  const Result<std::span<const Operand>> binding = keep(operands.data(), operands.size());
  if (!binding.ok()) return binding.status();
  stage.binding = *binding;
  if (item.kind != Item::Kind::pattern || stage.operands[1].kind != Operand::Kind::constant) return Status::ok;
  stage.is_attribute_known = true;
  stage.attribute = index_.attribute_named(stage.operands[1].atom);
  return Status::ok;
}

Status Planner::operand_of(const Term& term, Growing<Variable>& fresh, Operand& operand) {
  if (term.kind == Term::Kind::variable) return operand_of(term.variable, fresh, operand);
  if (term.kind == Term::Kind::blank) return Status::ok;
  const Result<Atom> atom = words_.atom(term.constant);
  if (!atom.ok()) return atom.status();
  operand = {Operand::Kind::constant, 0, *atom};
  return Status::ok;
}

// A variable that nothing else mentions is a blank.
bool Planner::is_of_no_use(const Term& term, const Item& item) const {
  if (term.kind != Term::Kind::variable || is_bound(term.variable) || uses_[term.variable] > 0) return false;
  std::size_t count = 0;
  for (const Term& other : item.terms)
    count += other.kind == Term::Kind::variable && other.variable == term.variable ? 1 : 0;
  for (const BindingNode& node : item.binding)
    count += node.kind == Binding::Kind::scalar && node.variable == term.variable ? 1 : 0;
  return count == 1;
}

Status Planner::operand_of(Variable variable, Growing<Variable>& fresh, Operand& operand) {
  if (is_bound(variable)) {
    operand = {Operand::Kind::column, columns_[variable], {}};
    return Status::ok;
  }
  const std::size_t at = place_of({fresh.data(), fresh.size()}, variable);
  operand = {at < fresh.size() ? Operand::Kind::repeat : Operand::Kind::fresh, static_cast<Column>(at), {}};
  return at < fresh.size() ? Status::ok : fresh.push(variable);
}

Result<Operand> Planner::known(const Term& term) {
  if (term.kind == Term::Kind::variable) return Operand{Operand::Kind::column, columns_[term.variable], {}};
  const Result<Atom> atom = words_.atom(term.constant);
  if (!atom.ok()) return atom.status();
  return Operand{Operand::Kind::constant, 0, *atom};
}

// Comparisons of the value that a pattern finds with what is known become bounds of its scan.
Status Planner::take_limits(Stage& stage, Growing<Variable>& fresh) {
  const Operand value = stage.operands[2];
  const bool is_scan = stage.is_attribute_known && stage.operands[0].kind != Operand::Kind::constant &&
                       stage.operands[0].kind != Operand::Kind::column && value.kind == Operand::Kind::fresh;
  if (!is_scan) return Status::ok;
  const Variable variable = stage.item->terms[2].variable;
  for (std::size_t i = 0; i < left_.size();) {
    if (!limits_from(*left_[i], variable, stage)) {
      ++i;
      continue;
    }
    for (const Variable used : left_[i]->variables) --uses_[used];
    std::copy(left_.begin() + i + 1, left_.end(), left_.begin() + i);
    left_.truncate(left_.size() - 1);
  }
  if (uses_[variable] > 0) return Status::ok;
  // Only the bounds wanted to know it.
  const Operand operands[] = {stage.operands[0], stage.operands[1], {}};
  const Result<std::span<const Operand>> kept = keep(operands, 3);
  if (!kept.ok()) return kept.status();
  stage.operands = *kept;
  fresh.truncate(fresh.size() - 1);
  return Status::ok;
}

// `at` is where the variable stands in a comparison of two, of which the other is known.
bool Planner::is_limited_by(const Item& test, Variable variable, std::size_t& at) const {
  if (test.kind != Item::Kind::predicate || test.terms.size() != 2) return false;
  const bool is_comparison = test.call == Call::equal || (test.call >= Call::less && test.call <= Call::at_least);
  if (!is_comparison) return false;
  for (at = 0; at < 2; ++at) {
    const Term& term = test.terms[at];
    const Term& other = test.terms[1 - at];
    if (term.kind == Term::Kind::variable && term.variable == variable && is_known(other)) return true;
  }
  return false;
}

bool Planner::limits_from(const Item& test, Variable variable, Stage& stage) {
  std::size_t at = 0;
  if (!is_limited_by(test, variable, at)) return false;
  const Result<Operand> other = known(test.terms[1 - at]);
  if (!other.ok()) return false;
  const Call call = test.call;
  const bool is_inclusive = call == Call::equal || call == Call::at_most || call == Call::at_least;
  const bool is_less = call == Call::less || call == Call::at_most;
  const bool is_upper = is_less == (at == 0);
  const bool wants_low = call == Call::equal || !is_upper;
  const bool wants_high = call == Call::equal || is_upper;
  if (wants_low && stage.low.value.kind != Operand::Kind::blank) return false;
  if (wants_high && stage.high.value.kind != Operand::Kind::blank) return false;
  if (wants_low) stage.low = {*other, is_inclusive};
  if (wants_high) stage.high = {*other, is_inclusive};
  return true;
}

// The call asks the same question of another argument, and hands on what it finds as it is.
bool Planner::is_tail_of(const Demand& demand, const Body& body, const Item& item) const {
  if (item.kind != Item::Kind::call || item.callee != demand.predicate) return false;
  for (std::size_t i = 0; i < item.terms.size(); ++i) {
    const Term& term = item.terms[i];
    const bool is_asked = (demand.bound >> i & 1) != 0;
    if (is_asked && !is_known(term)) return false;
    if (is_asked) continue;
    if (term.kind != Term::Kind::variable || is_bound(term.variable) || term.variable != body.head[i]) return false;
    for (std::size_t j = 0; j < i; ++j) {
      if (item.terms[j].kind == Term::Kind::variable && item.terms[j].variable == term.variable) return false;
    }
  }
  return true;
}

Status Planner::take_tail(const Item& item) {
  Stage stage;
  stage.kind = Stage::Kind::tail_call;
  stage.item = &item;
  Growing<Variable> fresh(region_);
  GRID_TRY(operands_of(item, stage, fresh));
  return add_stage(stage, {});
}

Status Planner::finish(const Demand& demand, const Body& body, Plan& plan) {
  const bool hands_on = !stages_.empty() && stages_[stages_.size() - 1].kind == Stage::Kind::tail_call;
  Growing<Column> head(region_);
  for (std::size_t i = 0; i < body.head.size() && !hands_on; ++i) {
    const bool is_origin = demand.is_tail && i < kArgumentsMax && (demand.bound >> i & 1) != 0;
    Column column = columns_[body.head[i]];
    if (is_origin) {
      column = 0;
      while (layout_[column] != (kHidden | static_cast<std::uint32_t>(i))) ++column;
    }
    if (column == kNoColumn) return Status::invalid;
    GRID_TRY(head.push(column));
  }
  const Result<std::span<const Column>> kept = keep(head.data(), head.size());
  if (!kept.ok()) return kept.status();
  plan.head = *kept;
  Stage* const stages = region_.take_many<Stage>(stages_.size());
  if (stages == nullptr) return Status::full;
  std::copy(stages_.begin(), stages_.end(), stages);
  plan.stages = {stages, stages_.size()};
  return Status::ok;
}

}  // namespace grid::datalog
