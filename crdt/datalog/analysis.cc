// SPDX-License-Identifier: Apache-2.0

#include "crdt/datalog/analysis.h"

#include <algorithm>

namespace grid::datalog {
namespace {

// A set of variables.
class Set {
 public:
  Set() = default;
  explicit Set(std::span<std::uint64_t> words) : words_(words) {}

  bool has(Variable variable) const { return (words_[variable / 64] >> (variable % 64) & 1) != 0; }
  void add(Variable variable) { words_[variable / 64] |= std::uint64_t{1} << (variable % 64); }
  void clear() {
    for (std::uint64_t& word : words_) word = 0;
  }
  // Whether it grew.
  bool add_all(const Set& other) {
    std::uint64_t grown = 0;
    for (std::size_t i = 0; i < words_.size(); ++i) {
      grown |= other.words_[i] & ~words_[i];
      words_[i] |= other.words_[i];
    }
    return grown != 0;
  }
  // One that this has and `other` hasn't; -1: there is none.
  std::int32_t first_beyond(const Set& other) const {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      const std::uint64_t beyond = words_[i] & ~other.words_[i];
      if (beyond != 0) return static_cast<std::int32_t>(i * 64) + std::countr_zero(beyond);
    }
    return -1;
  }
  std::size_t size() const {
    std::size_t size = 0;
    for (const std::uint64_t word : words_) size += static_cast<std::size_t>(std::popcount(word));
    return size;
  }
  template <typename Visit>
  void each(Visit visit) const {
    for (std::size_t i = 0; i < words_.size() * 64; ++i) {
      if (has(static_cast<Variable>(i))) visit(static_cast<Variable>(i));
    }
  }

 private:
  std::span<std::uint64_t> words_;
};

// Calls `visit` with each variable that `binding` binds. Its parts are few and lie at most as deep as the text does.
template <typename Visit>
void each_variable(const Binding& binding, Visit visit) {
  struct Open {
    const Binding* at;
    const Binding* end;
  } open[edn::kDepthMax + 2];
  std::size_t depth = 1;
  open[0] = {&binding, &binding + 1};
  while (depth > 0) {
    if (open[depth - 1].at == open[depth - 1].end) {
      --depth;
      continue;
    }
    const Binding& one = *open[depth - 1].at++;
    if (one.kind == Binding::Kind::scalar) visit(one.variable);
    if (!one.parts.empty()) open[depth++] = {one.parts.data(), one.parts.data() + one.parts.size()};
  }
}

struct ClauseState {
  bool is_done = false;
  std::size_t waiting = 0;  // Branches that are not safe yet.
};

struct BodyState {
  Body* body = nullptr;
  BodyState* outer = nullptr;
  Set bound;
  Set used;
  std::span<ClauseState> clauses;
  std::size_t waiting = 0;  // Clauses that are not safe yet.
};

// Of a rule: which arguments must be bound where it is called. What the text says, and what its branches need.
struct RuleState {
  std::span<bool> needed;
};

class Analysis {
 public:
  Analysis(Parser& parser, Arena& arena, Trouble& trouble) : parser_(parser), arena_(arena), trouble_(trouble) {}

  Status run();

 private:
  Status no_room();
  Status make_set(Set& set);
  Status prepare();
  Status prepare_rules();
  Status prepare_clauses(BodyState& state, std::size_t index);
  void reset();
  Status settle_joins();
  Status settle_or(BodyState& outer, std::size_t clause);
  Status check_heads(const BodyState& state);
  void note_used(BodyState& state);
  void bind_first();
  bool bind_more(BodyState& state);
  bool is_ready(const BodyState& state, std::size_t index) const;
  void complete(BodyState& state, std::size_t index);
  // What keeps a clause from being safe; -1: nothing but what is inside of it.
  std::int32_t missing(const BodyState& state, const Clause& clause) const;
  bool may_come(const BodyState& state, Variable variable) const;
  Result<bool> needs_more();
  void needed_first();
  Status blame();
  Status check_find();
  Status refuse(Complaint complaint, const BodyState* state, Place at, std::int32_t variable);

  Parser& parser_;
  Arena& arena_;
  Trouble& trouble_;
  std::span<BodyState> bodies_;
  std::span<RuleState> rules_;
};

Status Analysis::no_room() {
  trouble_ = {};
  trouble_.complaint = Complaint::no_room;
  return Status::full;
}

Status Analysis::refuse(Complaint complaint, const BodyState* state, Place at, std::int32_t variable) {
  trouble_ = {};
  trouble_.complaint = complaint;
  trouble_.at = at;
  trouble_.is_in_rules = state != nullptr && state->body->rule >= 0;
  if (variable >= 0) trouble_.name = parser_.query.variables[static_cast<std::size_t>(variable)];
  return Status::invalid;
}

Status Analysis::make_set(Set& set) {
  const std::size_t words = parser_.query.variables.size() / 64 + 1;
  const std::span<std::uint64_t> room = arena_.make<std::uint64_t>(words);
  if (room.empty()) return no_room();
  set = Set(room);
  return Status::ok;
}

Status Analysis::prepare() {
  std::size_t count = 0;
  for (Body* body = parser_.first_body; body != nullptr; body = body->next) ++count;
  bodies_ = arena_.make<BodyState>(count);
  if (bodies_.size() != count) return no_room();
  std::size_t index = 0;
  for (Body* body = parser_.first_body; body != nullptr; body = body->next) {
    bodies_[index].body = body;
    GRID_TRY(prepare_clauses(bodies_[index], index));
    ++index;
  }
  return prepare_rules();
}

Status Analysis::prepare_clauses(BodyState& state, std::size_t index) {
  GRID_TRY(make_set(state.bound));
  GRID_TRY(make_set(state.used));
  const Body& body = *state.body;
  if (!body.clauses.empty()) {
    state.clauses = arena_.make<ClauseState>(body.clauses.size());
    if (state.clauses.empty()) return no_room();
  }
  if (body.outer == nullptr) return Status::ok;
  // Outer ones come before, and those of one body stand together: it is near.
  for (std::size_t i = index; i-- > 0 && state.outer == nullptr;) {
    if (bodies_[i].body == body.outer) state.outer = &bodies_[i];
  }
  return Status::ok;
}

Status Analysis::prepare_rules() {
  const std::span<const Rule> rules = parser_.query.rules;
  if (rules.empty()) return Status::ok;
  rules_ = arena_.make<RuleState>(rules.size());
  if (rules_.empty()) return no_room();
  for (std::size_t i = 0; i < rules.size(); ++i) {
    rules_[i].needed = arena_.make<bool>(rules[i].arity);
    if (rules_[i].needed.empty()) return no_room();
    for (std::size_t at = 0; at < rules[i].required; ++at) rules_[i].needed[at] = true;
  }
  return Status::ok;
}

void Analysis::reset() {
  for (BodyState& state : bodies_) {
    const Body& body = *state.body;
    state.bound.clear();
    state.waiting = body.clauses.size();
    for (std::size_t i = 0; i < body.clauses.size(); ++i) state.clauses[i] = {false, body.clauses[i].branches.size()};
  }
}

void Analysis::note_used(BodyState& state) {
  for (const Clause& clause : state.body->clauses) {
    for (const Term& term : clause.terms) {
      if (term.kind == Term::Kind::variable) state.used.add(term.variable);
    }
    if (clause.binding != nullptr) each_variable(*clause.binding, [&](Variable variable) { state.used.add(variable); });
    for (const Variable variable : clause.joins) state.used.add(variable);
  }
}

// Inner bodies first: what `or` joins is what its branches use, and they may have one inside.
Status Analysis::settle_joins() {
  for (const BodyState& state : bodies_) {
    const Body& body = *state.body;
    if (body.outer == nullptr || body.scope == body.outer->scope || body.scope->outer == nullptr) continue;
    const std::span<Variable> joins = arena_.make<Variable>(body.scope->shared.size);
    if (joins.size() != body.scope->shared.size) return no_room();
    std::size_t count = 0;
    for (const auto* link = body.scope->shared.first; link != nullptr; link = link->next) joins[count++] = link->item;
    body.outer->clauses[body.owner].joins = joins;
    body.outer->clauses[body.owner].required = static_cast<std::uint16_t>(count);
  }
  for (std::size_t i = bodies_.size(); i-- > 0;) {
    BodyState& state = bodies_[i];
    note_used(state);
    const Body& body = *state.body;
    if (body.outer == nullptr) continue;
    // The first branch is met last.
    if (body.scope == body.outer->scope && body.branch == 0) GRID_TRY(settle_or(state, i));
    if (body.scope->outer == nullptr) GRID_TRY(check_heads(state));
  }
  return Status::ok;
}

Status Analysis::settle_or(BodyState& first, std::size_t index) {
  Clause& clause = first.body->outer->clauses[first.body->owner];
  const BodyState* branches = &bodies_[index];
  Set all;
  GRID_TRY(make_set(all));
  for (std::size_t i = 0; i < clause.branches.size(); ++i) all.add_all(branches[i].used);
  for (std::size_t i = 0; i < clause.branches.size(); ++i) {
    const std::int32_t lacking = all.first_beyond(branches[i].used);
    if (lacking >= 0) return refuse(Complaint::or_unequal, &branches[i], branches[i].body->at, lacking);
  }
  const std::span<Variable> joins = arena_.make<Variable>(all.size());
  if (joins.size() != all.size()) return no_room();
  std::size_t count = 0;
  all.each([&](Variable variable) { joins[count++] = variable; });
  clause.joins = joins;
  return Status::ok;
}

// What or-join and not-join name is to be used in every branch, but what must be bound before.
Status Analysis::check_heads(const BodyState& state) {
  const Clause& clause = state.body->outer->clauses[state.body->owner];
  const std::size_t first = clause.kind == Clause::Kind::negation ? 0 : clause.required;
  for (const Variable variable : clause.joins.subspan(first)) {
    if (!state.used.has(variable)) return refuse(Complaint::join_head_unused, &state, state.body->at, variable);
  }
  return Status::ok;
}

void Analysis::bind_first() {
  for (const Variable variable : parser_.inputs) bodies_[0].bound.add(variable);
  for (BodyState& state : bodies_) {
    const Body& body = *state.body;
    if (body.rule < 0 || body.outer != nullptr) continue;
    const auto rule = static_cast<std::size_t>(body.rule);
    const std::span<const Variable> head = parser_.query.rules[rule].branches[body.branch].head;
    for (std::size_t i = 0; i < head.size(); ++i) {
      if (rules_[rule].needed[i]) state.bound.add(head[i]);
    }
  }
}

std::int32_t Analysis::missing(const BodyState& state, const Clause& clause) const {
  for (const Variable variable : clause.joins.first(clause.required)) {
    if (!state.bound.has(variable)) return variable;
  }
  if (clause.kind == Clause::Kind::pattern) return -1;
  for (std::size_t i = 0; i < clause.terms.size(); ++i) {
    const Term& term = clause.terms[i];
    if (clause.kind == Clause::Kind::rule && !rules_[clause.rule].needed[i]) continue;
    if (term.kind == Term::Kind::variable && !state.bound.has(term.variable)) return term.variable;
  }
  return -1;
}

bool Analysis::is_ready(const BodyState& state, std::size_t index) const {
  return state.clauses[index].waiting == 0 && missing(state, state.body->clauses[index]) < 0;
}

void Analysis::complete(BodyState& state, std::size_t index) {
  const Clause& clause = state.body->clauses[index];
  state.clauses[index].is_done = true;
  if (clause.kind == Clause::Kind::pattern || clause.kind == Clause::Kind::rule) {
    for (const Term& term : clause.terms) {
      if (term.kind == Term::Kind::variable) state.bound.add(term.variable);
    }
  }
  if (clause.binding != nullptr) each_variable(*clause.binding, [&](Variable variable) { state.bound.add(variable); });
  if (clause.kind == Clause::Kind::disjunction) {
    for (const Variable variable : clause.joins) state.bound.add(variable);
  }
  if (--state.waiting == 0 && state.outer != nullptr) --state.outer->clauses[state.body->owner].waiting;
}

// Whether more became bound, or safe.
bool Analysis::bind_more(BodyState& state) {
  bool has_more = state.outer != nullptr && state.bound.add_all(state.outer->bound);
  for (std::size_t i = 0; i < state.clauses.size(); ++i) {
    if (state.clauses[i].is_done || !is_ready(state, i)) continue;
    complete(state, i);
    has_more = true;
  }
  return has_more;
}

// Whether a clause that is not safe itself would bind the variable.
bool Analysis::may_come(const BodyState& state, Variable variable) const {
  for (const BodyState* at = &state; at != nullptr; at = at->outer) {
    for (std::size_t i = 0; i < at->clauses.size(); ++i) {
      const Clause& clause = at->body->clauses[i];
      if (at->clauses[i].is_done) continue;
      bool binds = false;
      if (clause.binding != nullptr) each_variable(*clause.binding, [&](Variable one) { binds |= one == variable; });
      if (clause.kind == Clause::Kind::rule) {
        for (std::size_t term = 0; term < clause.terms.size(); ++term) {
          const Term& one = clause.terms[term];
          if (rules_[clause.rule].needed[term]) continue;
          binds |= one.kind == Term::Kind::variable && one.variable == variable;
        }
      }
      if (clause.kind == Clause::Kind::disjunction) {
        for (const Variable one : clause.joins.subspan(clause.required)) binds |= one == variable;
      }
      if (binds) return true;
    }
  }
  return false;
}

Complaint unbound(Clause::Kind kind) {
  switch (kind) {
    case Clause::Kind::predicate:
      return Complaint::predicate_unbound;
    case Clause::Kind::function:
      return Complaint::function_unbound;
    case Clause::Kind::rule:
      return Complaint::rule_unbound;
    case Clause::Kind::negation:
      return Complaint::not_unbound;
    default:
      return Complaint::join_unbound;
  }
}

// Names the first variable that nothing could bind; where each waits for another, the first of them.
Status Analysis::blame() {
  bool is_found = false;
  for (const BodyState& state : bodies_) {
    for (std::size_t i = 0; i < state.clauses.size(); ++i) {
      const Clause& clause = state.body->clauses[i];
      if (clause.kind == Clause::Kind::negation && clause.joins.empty()) {
        return refuse(Complaint::not_apart, &state, clause.at, -1);
      }
      if (state.clauses[i].is_done) continue;
      const std::int32_t variable = missing(state, clause);
      if (variable < 0) continue;
      const bool waits = may_come(state, static_cast<Variable>(variable));
      if (waits && is_found) continue;
      Place at = clause.at;
      for (const Term& term : clause.terms) {
        const bool is_it = term.kind == Term::Kind::variable && term.variable == variable;
        if (is_it && at.line == clause.at.line && at.column == clause.at.column) at = term.at;
      }
      const Status status = refuse(unbound(clause.kind), &state, at, variable);
      if (clause.kind == Clause::Kind::rule) trouble_.found = parser_.query.rules[clause.rule].name;
      if (!waits) return status;
      is_found = true;
    }
  }
  return is_found ? Status::invalid : Status::ok;
}

Status Analysis::check_find() {
  const Set& bound = bodies_[0].bound;
  for (const Find& find : parser_.query.find) {
    if (!bound.has(find.variable)) return refuse(Complaint::find_unbound, nullptr, find.at, find.variable);
  }
  for (const Variable variable : parser_.query.with) {
    if (!bound.has(variable)) return refuse(Complaint::with_unbound, nullptr, parser_.with_at, variable);
  }
  return Status::ok;
}

// What a branch uses of its head and doesn't bind, the caller is to bind. Whether there is more of that than was known.
Result<bool> Analysis::needs_more() {
  bool has_more = false;
  for (const BodyState& state : bodies_) {
    const Body& body = *state.body;
    if (body.rule < 0 || body.outer != nullptr) continue;
    const auto index = static_cast<std::size_t>(body.rule);
    const Rule& rule = parser_.query.rules[index];
    const std::span<const Variable> head = rule.branches[body.branch].head;
    for (std::size_t i = 0; i < head.size(); ++i) {
      if (state.bound.has(head[i])) continue;
      if (!state.used.has(head[i])) {
        const Status status = refuse(Complaint::head_unused, &state, body.at, head[i]);
        trouble_.found = rule.name;
        return status;
      }
      rules_[index].needed[i] = has_more = true;
    }
  }
  return has_more;
}

// Moves what must be bound to the front, in heads and in calls alike: where an argument stands is nobody's business.
void Analysis::needed_first() {
  const auto sort = [](std::span<const bool> needed, auto items) {
    std::size_t front = 0;
    for (std::size_t i = 0; i < needed.size(); ++i) {
      if (needed[i])
        std::rotate(items.begin() + static_cast<std::ptrdiff_t>(front++),
                    items.begin() + static_cast<std::ptrdiff_t>(i), items.begin() + static_cast<std::ptrdiff_t>(i + 1));
    }
    return front;
  };
  for (const BodyState& state : bodies_) {
    for (std::size_t i = 0; i < state.body->clauses.size(); ++i) {
      const Clause& clause = state.body->clauses[i];
      if (clause.kind == Clause::Kind::rule) sort(rules_[clause.rule].needed, state.body->terms[i]);
    }
    if (state.body->rule < 0 || state.body->outer != nullptr) continue;
    const auto rule = static_cast<std::size_t>(state.body->rule);
    parser_.rules()[rule].required = static_cast<std::uint16_t>(sort(rules_[rule].needed, state.body->head));
  }
}

Status Analysis::run() {
  GRID_TRY(prepare());
  GRID_TRY(settle_joins());
  Result<bool> needs = true;
  while (needs.ok() && *needs) {
    reset();
    bind_first();
    for (bool has_more = true; has_more;) {
      has_more = false;
      for (BodyState& state : bodies_) has_more = bind_more(state) || has_more;
    }
    needs = needs_more();
  }
  GRID_TRY(needs.status());
  GRID_TRY(blame());
  GRID_TRY(check_find());
  needed_first();
  return Status::ok;
}

}  // namespace

Status analyse(Parser& parser, Arena& arena, Trouble& trouble) {
  GRID_TRY(Analysis(parser, arena, trouble).run());
  return stratify(parser.rules(), parser.first_body, arena, trouble);
}

}  // namespace grid::datalog
