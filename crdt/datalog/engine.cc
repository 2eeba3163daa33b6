// SPDX-License-Identifier: Apache-2.0

#include "crdt/datalog/engine.h"

#include "crdt/datalog/lean.h"

namespace grid::datalog {
namespace {

constexpr std::uint32_t kNone = UINT32_MAX;

template <typename T>
T* place_in(Region& region) {
  return static_cast<T*>(region.take(sizeof(T)));
}

}  // namespace

Status Engine::run(const Query& query, std::span<const Value> inputs) {
  GRID_TRY(program_.compile(query, problem_));
  if (const std::string_view missing = missing_of(program_, inputs); !missing.empty()) {
    problem_.say("this device has no ").say(missing);
    return Status::invalid;
  }
  bool is_possible = true;
  GRID_TRY(take_inputs(inputs));
  const std::uint16_t scalars = program_.scalars();
  const Result<std::uint32_t> main = goal_for(program_.main(), scalars == 0 ? 0 : UINT64_MAX >> (64 - scalars));
  if (!main.ok()) return main.status();
  GRID_TRY(take_scalars(inputs, is_possible));
  return is_possible ? work() : Status::ok;
}

Result<std::uint32_t> Engine::goal_for(std::uint16_t predicate, std::uint64_t bound) {
  for (std::size_t i = 0; i < goals_.size(); ++i) {
    if (goals_[i]->predicate == predicate && goals_[i]->bound == bound) return static_cast<std::uint32_t>(i);
  }
  const Predicate& callee = program_[predicate];
  const Result<std::span<Column>> columns = make<Column>(static_cast<std::size_t>(std::popcount(bound)));
  if (!columns.ok()) return columns.status();
  for (std::size_t i = 0, at = 0; i < kArgumentsMax; ++i) {
    if ((bound >> i & 1) != 0) (*columns)[at++] = static_cast<Column>(i);
  }
  auto* const memory = place_in<Goal>(region_);
  if (memory == nullptr) return Status::full;
  auto* const goal = new (memory) Goal(region_, columns->size(), callee.arity, *columns);
  goal->predicate = predicate;
  goal->level = callee.level;
  goal->bound = bound;
  const auto number = static_cast<std::uint32_t>(goals_.size());
  GRID_TRY(goals_.push(goal));
  if (callee.input >= 0) {
    const Rows& rows = *inputs_[predicate];
    bool is_new = false;
    for (std::uint32_t i = 0; i < rows.count(); ++i) GRID_TRY(goal->answers.add(rows[i], is_new));
    return number;
  }
  GRID_TRY(plan_goal(*goal, number));
  return number;
}

// As a tail where that can be: then rows of the demand begin with whom the answers are for.
Status Engine::plan_goal(Goal& goal, std::uint32_t number) {
  const Result<std::span<Plan>> plans = make<Plan>(program_[goal.predicate].bodies.size());
  if (!plans.ok()) return plans.status();
  goal.plans = *plans;
  bool is_possible = false;
  goal.is_tail = goal.bound != 0 && program_.are_of_one_circle(goal.predicate, goal.predicate);
  if (goal.is_tail) GRID_TRY(plan_bodies(goal, is_possible));
  if (!is_possible) {
    goal.is_tail = false;
    GRID_TRY(plan_bodies(goal, is_possible));
  }
  if (goal.is_tail) {
    goal.demand.~RowSet();
    new (&goal.demand) RowSet(region_, 2 * static_cast<std::size_t>(std::popcount(goal.bound)));
  }
  return add_sites(goal, number);
}

Status Engine::plan_bodies(Goal& goal, bool& is_possible) {
  const Predicate& predicate = program_[goal.predicate];
  for (std::size_t i = 0; i < predicate.bodies.size(); ++i) {
    const Status status = planner_.plan({goal.predicate, goal.bound, goal.is_tail}, predicate.bodies[i], goal.plans[i]);
    if (status == Status::not_found) return Status::ok;
    if (status == Status::invalid) problem_.say("a variable of ").say(predicate.name).say(" can't be bound");
    GRID_TRY(status);
  }
  is_possible = true;
  return Status::ok;
}

// Goals that are called come to be meanwhile, and with them their sites.
Status Engine::add_sites(Goal& goal, std::uint32_t number) {
  for (std::size_t body = 0; body < goal.plans.size(); ++body) {
    const Plan& plan = goal.plans[body];
    for (std::size_t at = 0; at < plan.stages.size(); ++at) {
      const Stage::Kind kind = plan.stages[at].kind;
      if (kind == Stage::Kind::call || kind == Stage::Kind::negation) GRID_TRY(add_site(goal, number, body, at));
    }
  }
  return Status::ok;
}

Status Engine::add_site(Goal& goal, std::uint32_t number, std::size_t body, std::size_t at) {
  Stage& stage = goal.plans[body].stages[at];
  Growing<Operand> arguments(region_);
  Growing<Column> positions(region_);
  Growing<Column> columns(region_);
  for (std::size_t i = 0; i < stage.operands.size(); ++i) {
    const Operand& operand = stage.operands[i];
    if (operand.kind != Operand::Kind::constant && operand.kind != Operand::Kind::column) continue;
    GRID_TRY(arguments.push(operand));
    GRID_TRY(positions.push(static_cast<Column>(i)));
    if (operand.kind == Operand::Kind::column) GRID_TRY(columns.push(operand.column));
  }
  const Result<std::span<Operand>> own = make<Operand>(arguments.size());
  const Result<std::span<Column>> own_positions = make<Column>(positions.size());
  const Result<std::span<Column>> own_columns = make<Column>(columns.size());
  auto* const memory = place_in<Site>(region_);
  if (!own.ok() || !own_positions.ok() || !own_columns.ok() || memory == nullptr) return Status::full;
  std::copy(arguments.begin(), arguments.end(), own->begin());
  std::copy(positions.begin(), positions.end(), own_positions->begin());
  std::copy(columns.begin(), columns.end(), own_columns->begin());
  auto* const site = new (memory) Site(region_, stage.in_width, *own_columns);
  site->goal = number;
  site->body = body;
  site->stage = at;
  site->is_negation = stage.kind == Stage::Kind::negation;
  site->arguments = *own;
  site->argument_positions = *own_positions;
  stage.site = static_cast<std::uint32_t>(sites_.size());
  site->callee = kNone;
  return sites_.push(site);
}

Status Engine::work() {
  for (;;) {
    GRID_TRY(meter_.step());
    const Work work = find_work();
    if (work.goal != nullptr) {
      GRID_TRY(answer_demand(*work.goal));
    } else if (work.site == nullptr) {
      return Status::ok;
    } else if (work.site->is_negation) {
      GRID_TRY(settle_negation(*work.site));
    } else {
      GRID_TRY(join_answers(*work.site));
    }
  }
}

// Of the lowest level first: what a `not` asks is settled before the `not`, which comes last of its own level.
Engine::Work Engine::find_work() const {
  Work work;
  for (Goal* const goal : goals_) {
    const std::uint32_t urgency = 2u * goal->level;
    if (goal->plans.empty() || goal->taken == goal->demand.count() || urgency >= work.urgency) continue;
    work = {urgency, goal, nullptr};
  }
  for (Site* const site : sites_) {
    if (site->callee == kNone) continue;
    const bool has_work =
        site->is_negation ? !site->waiting.empty() : site->seen < goals_[site->callee]->answers.count();
    const std::uint32_t urgency = 2u * goals_[site->goal]->level + (site->is_negation ? 1 : 0);
    if (has_work && urgency < work.urgency) work = {urgency, nullptr, site};
  }
  return work;
}

Status Engine::answer_demand(Goal& goal) {
  const std::uint32_t from = goal.taken;
  const std::uint32_t to = goal.demand.count();
  goal.taken = to;
  for (std::size_t body = 0; body < goal.plans.size(); ++body) {
    Rows rows(region_, goal.demand.rows().width());
    for (std::uint32_t i = from; i < to; ++i) GRID_TRY(rows.push(goal.demand.rows()[i]));
    GRID_TRY(run_from(goal, body, 0, rows));
  }
  return Status::ok;
}

Status Engine::join_answers(Site& site) {
  Goal& callee = *goals_[site.callee];
  const Rows& answers = callee.answers.rows();
  const std::uint32_t from = site.seen;
  site.seen = answers.count();
  GRID_TRY(site.by_argument.catch_up(site.waiting));
  const Stage& stage = stage_of(site);
  Rows out(region_, stage.out_width());
  for (std::uint32_t i = from; i < site.seen; ++i) {
    const Atom* const answer = answers[i];
    Atom key[kArgumentsMax];
    std::size_t count = 0;
    bool is_asked = true;
    for (std::size_t j = 0; j < site.arguments.size(); ++j) {
      const Atom given = answer[site.argument_positions[j]];
      if (site.arguments[j].kind == Operand::Kind::column) key[count++] = given;
      is_asked = is_asked && (site.arguments[j].kind == Operand::Kind::column || site.arguments[j].atom == given);
    }
    GRID_TRY(meter_.step());
    if (!is_asked) continue;
    std::uint32_t row = site.by_argument.first(site.waiting, key);
    for (; row != kNoRow; row = site.by_argument.next(site.waiting, key, row)) {
      GRID_TRY(meter_.step());
      GRID_TRY(join(site, site.waiting[row], answer, out));
    }
  }
  Goal& goal = *goals_[site.goal];
  Stage& counted = goal.plans[site.body].stages[site.stage];
  counted.rows_out += out.count();
  return run_from(goal, site.body, site.stage + 1, out);
}

Status Engine::settle_negation(Site& site) {
  Goal& callee = *goals_[site.callee];
  Rows waiting(region_, site.waiting.width());
  waiting.swap(site.waiting);
  GRID_TRY(callee.found.catch_up(callee.answers.rows()));
  Goal& goal = *goals_[site.goal];
  Stage& stage = goal.plans[site.body].stages[site.stage];
  Rows out(region_, stage.out_width());
  for (std::uint32_t i = 0; i < waiting.count(); ++i) {
    GRID_TRY(meter_.step());
    Atom key[kArgumentsMax];
    for (std::size_t j = 0; j < site.arguments.size(); ++j) key[j] = value_of(site.arguments[j], waiting[i]);
    if (callee.found.first(callee.answers.rows(), key) == kNoRow) GRID_TRY(put(stage, waiting[i], nullptr, out));
  }
  stage.rows_out += out.count();
  return run_from(goal, site.body, site.stage + 1, out);
}

Status Engine::run_from(Goal& goal, std::size_t body, std::size_t from, Rows& rows) {
  const Plan& plan = goal.plans[body];
  for (std::size_t at = from; at < plan.stages.size(); ++at) {
    if (rows.empty()) return Status::ok;
    Stage& stage = plan.stages[at];
    Rows out(region_, stage.out_width());
    stage.rows_in += rows.count();
    GRID_TRY(run_stage(goal, stage, rows, out));
    stage.rows_out += out.count();
    if (stage.makes_twins && out.count() > 1 && at + 1 < plan.stages.size()) GRID_TRY(drop_twins(out));
    rows.swap(out);
  }
  return keep_answers(goal, plan, rows);
}

Status Engine::run_stage(Goal& goal, Stage& stage, const Rows& in, Rows& out) {
  switch (stage.kind) {
    case Stage::Kind::pattern:
    case Stage::Kind::absence:
      return run_pattern(stage, in, out);
    case Stage::Kind::same:
      return run_same(stage, in, out);
    case Stage::Kind::test:
      return run_test(stage, in, out);
    case Stage::Kind::function:
      return run_function(stage, in, out);
    case Stage::Kind::call:
    case Stage::Kind::negation:
      return run_call(stage, in, out);
    case Stage::Kind::tail_call:
      return run_tail(goal, stage, in);
  }
  return Status::ok;
}

Status Engine::drop_twins(Rows& rows) {
  RowSet once(region_, rows.width());
  bool is_new = false;
  for (std::uint32_t i = 0; i < rows.count(); ++i) GRID_TRY(once.add(rows[i], is_new));
  if (once.count() < rows.count()) once.swap_rows(rows);
  return Status::ok;
}

// Rows wait for what the goal finds later, and are joined with what it has found so far.
Status Engine::run_call(Stage& stage, const Rows& in, Rows& out) {
  Site& site = *sites_[stage.site];
  if (site.callee == kNone) {
    std::uint64_t bound = 0;
    for (const Column position : site.argument_positions) bound |= std::uint64_t{1} << position;
    const Result<std::uint32_t> callee = goal_for(stage.item->callee, bound);
    if (!callee.ok()) return callee.status();
    site.callee = *callee;
  }
  Goal& callee = *goals_[site.callee];
  const std::uint32_t seen = site.is_negation ? 0 : site.seen;
  if (seen > 0) GRID_TRY(callee.found.catch_up(callee.answers.rows()));
  for (std::uint32_t i = 0; i < in.count(); ++i) {
    const Atom* const row = in[i];
    GRID_TRY(meter_.step());
    GRID_TRY(site.waiting.push(row));
    GRID_TRY(ask(site, row));
    if (seen == 0) continue;
    Atom key[kArgumentsMax];
    for (std::size_t j = 0; j < site.arguments.size(); ++j) key[j] = value_of(site.arguments[j], row);
    const Rows& answers = callee.answers.rows();
    std::uint32_t found = callee.found.first(answers, key);
    for (; found != kNoRow; found = callee.found.next(answers, key, found)) {
      GRID_TRY(meter_.step());
      if (found < seen) GRID_TRY(join(site, row, answers[found], out));
    }
  }
  return Status::ok;
}

Status Engine::ask(const Site& site, const Atom* row) {
  Goal& callee = *goals_[site.callee];
  if (callee.plans.empty()) return Status::ok;
  Atom asked[2 * kArgumentsMax];
  const std::size_t count = site.arguments.size();
  for (std::size_t i = 0; i < count; ++i) asked[i] = value_of(site.arguments[i], row);
  if (callee.is_tail) std::copy(asked, asked + count, asked + count);
  bool is_new = false;
  return callee.demand.add(asked, is_new);
}

Status Engine::run_tail(Goal& goal, const Stage& stage, const Rows& in) {
  const auto bound = static_cast<std::size_t>(std::popcount(goal.bound));
  for (std::uint32_t i = 0; i < in.count(); ++i) {
    GRID_TRY(meter_.step());
    Atom asked[2 * kArgumentsMax];
    std::copy(in[i], in[i] + bound, asked);  // Whom it is for stands before all else.
    std::size_t at = bound;
    for (std::size_t j = 0; j < stage.operands.size(); ++j) {
      if ((goal.bound >> j & 1) != 0) asked[at++] = value_of(stage.operands[j], in[i]);
    }
    bool is_new = false;
    GRID_TRY(goal.demand.add(asked, is_new));
  }
  return Status::ok;
}

// What was given fits already.
Status Engine::join(const Site& site, const Atom* row, const Atom* answer, Rows& out) {
  const Stage& stage = stage_of(site);
  Atom fresh[kArgumentsMax];
  for (std::size_t i = 0; i < stage.operands.size(); ++i) {
    if (!settle(stage.operands[i], row, answer[i], fresh)) return Status::ok;
  }
  return put(stage, row, fresh, out);
}

Status Engine::keep_answers(Goal& goal, const Plan& plan, const Rows& rows) {
  const bool hands_on = !plan.stages.empty() && plan.stages.back().kind == Stage::Kind::tail_call;
  if (hands_on) return Status::ok;
  Growing<Atom> answer(region_);
  GRID_TRY(answer.resize(plan.head.size()));
  for (std::uint32_t i = 0; i < rows.count(); ++i) {
    for (std::size_t j = 0; j < plan.head.size(); ++j) answer[j] = rows[i][plan.head[j]];
    bool is_new = false;
    GRID_TRY(goal.answers.add(answer.data(), is_new));
  }
  return Status::ok;
}

}  // namespace grid::datalog
