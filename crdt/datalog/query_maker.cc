// SPDX-License-Identifier: Apache-2.0

#include "crdt/datalog/query_maker.h"

namespace grid::datalog {

void QueryMaker::refuse(Status status) {
  if (status_ == Status::ok) status_ = status;
}

// ---- lists: links in the arena, and one piece once it is known how many there are

void* QueryMaker::add(List& list, std::size_t bytes) {
  auto* const link = static_cast<Link*>(arena_.take(bytes, 1, kItemAt));
  if (link == nullptr) {
    refuse(Status::full);
    return nullptr;
  }
  link->next = nullptr;
  (list.first == nullptr ? list.first : list.last->next) = link;
  list.last = link;
  ++list.size;
  return link;
}

template <typename T>
T* QueryMaker::add(List& list, const T& item) {
  void* const link = add(list, sizeof(Item<T>));
  if (link == nullptr) return nullptr;
  return new (&static_cast<Item<T>*>(link)->item) T(item);
}

template <typename T>
std::span<T> QueryMaker::make_many(std::size_t count) {
  const std::span<T> made = arena_.make<T>(count);
  if (made.size() < count) refuse(Status::full);
  return made;
}

// Links have their things at one place, whatever they are.
std::uint8_t* QueryMaker::gather(const List& list, std::size_t bytes) {
  auto* const all = static_cast<std::uint8_t*>(arena_.take(bytes, list.size, kItemAt));
  if (all == nullptr) {
    refuse(Status::full);
    return nullptr;
  }
  std::uint8_t* to = all;
  for (const Link* link = list.first; link != nullptr; link = link->next, to += bytes)
    std::memcpy(to, reinterpret_cast<const std::uint8_t*>(link) + kItemAt, bytes);
  return all;
}

template <typename T>
std::span<T> QueryMaker::all_of(const List& list) {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= kItemAt && sizeof(Item<T>) >= kItemAt + sizeof(T));
  void* const all = gather(list, sizeof(T));
  return {static_cast<T*>(all), all == nullptr ? 0 : list.size};
}

// ---- names

void QueryMaker::know(std::string_view name, Variable variable) {
  for (Named& known : make_many<Named>(1)) {
    known = {name, variable, open().names};
    open().names = &known;
  }
}

Variable QueryMaker::new_variable(std::string_view name) {
  const auto variable = static_cast<Variable>(variables_.size);
  if (!name.starts_with('?') || variables_.size == kVariablesMax) refuse(Status::invalid);
  add(variables_, name);
  know(name, variable);
  return variable;
}

Variable QueryMaker::variable(Var var) {
  for (const Named* known = open().names; known != nullptr; known = known->below) {
    if (known->name == var.name) return known->variable;
  }
  return new_variable(var.name);
}

std::span<const Variable> QueryMaker::variables(std::initializer_list<Var> vars) {
  const std::span<Variable> all = make_many<Variable>(vars.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = variable(vars.begin()[i]);
  return all;
}

Value QueryMaker::constant(const Part& part) {
  constexpr std::size_t kHeadBytes = 16;
  const MutBytes room = make_many<std::uint8_t>(part.text_.size() + kHeadBytes);
  crdt::ValueWriter writer(room);
  if (part.kind_ == Part::Kind::text) writer.text(part.text_);
  if (part.kind_ == Part::Kind::integer) writer.integer(part.integer_);
  if (part.kind_ == Part::Kind::boolean) writer.boolean(part.integer_ != 0);
  if (part.kind_ == Part::Kind::number) writer.number(part.number_);
  const Result<Bytes> written = writer.finish();
  if (!written.ok()) refuse(written.status());
  return written.ok() ? Value(*written) : Value();
}

Term QueryMaker::term(const Part& part) {
  Term term;
  if (part.kind_ == Part::Kind::blank) return term;
  term.kind = part.kind_ == Part::Kind::variable ? Term::Kind::variable : Term::Kind::constant;
  if (term.kind == Term::Kind::variable) term.variable = variable({part.text_});
  if (term.kind == Term::Kind::constant) term.constant = constant(part);
  return term;
}

std::span<const Term> QueryMaker::terms(std::initializer_list<Part> parts) {
  const std::span<Term> all = make_many<Term>(parts.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = term(parts.begin()[i]);
  return all;
}

// ---- :find, :with, :in

QueryMaker& QueryMaker::find(const Find& find) {
  add(find_, find);
  return *this;
}

QueryMaker& QueryMaker::shape(Shape shape) {
  query_.shape = shape;
  return *this;
}

QueryMaker& QueryMaker::with(Var var) {
  add(with_, variable(var));
  return *this;
}

QueryMaker& QueryMaker::in(Var var) {
  add(in_, Binding{.kind = Binding::Kind::scalar, .variable = variable(var)});
  return *this;
}

QueryMaker& QueryMaker::in_each(std::initializer_list<Var> vars, bool are_rows) {
  const std::span<Binding> parts = make_many<Binding>(vars.size());
  for (std::size_t i = 0; i < parts.size(); ++i)
    parts[i] = {.kind = Binding::Kind::scalar, .variable = variable(vars.begin()[i])};
  std::span<const Binding> each = parts;
  if (are_rows) {
    const std::span<Binding> row = make_many<Binding>(1);
    for (Binding& tuple : row) tuple = {.kind = Binding::Kind::tuple, .parts = parts};
    each = row;
  }
  add(in_, Binding{.kind = Binding::Kind::collection, .parts = each});
  return *this;
}

// ---- clauses

// In an `or` a clause by itself is a branch, of which the next one knows no names.
void QueryMaker::put(const Clause& clause) {
  Open& at = open();
  if (at.kind != Open::Kind::disjunction) {
    add(at.clauses, clause);
    return;
  }
  const std::span<Clause> alone = make_many<Clause>(1);
  for (Clause& one : alone) one = clause;
  add(at.clauses, Clauses(alone));
  at.names = at.shared;
}

QueryMaker& QueryMaker::where(Part entity, Part attribute, Part value) {
  put({.kind = Clause::Kind::pattern, .terms = terms({entity, attribute, value})});
  return *this;
}

QueryMaker& QueryMaker::test(Call call, std::initializer_list<Part> arguments) {
  put({.kind = Clause::Kind::predicate, .call = call, .terms = terms(arguments)});
  return *this;
}

QueryMaker& QueryMaker::let(Var var, Call call, std::initializer_list<Part> arguments) {
  const std::span<Binding> binding = make_many<Binding>(1);
  for (Binding& one : binding) one = {.kind = Binding::Kind::scalar, .variable = variable(var)};
  put({.kind = Clause::Kind::function, .call = call, .terms = terms(arguments), .binding = binding.data()});
  return *this;
}

QueryMaker& QueryMaker::rule(std::string_view name, std::initializer_list<Part> arguments) {
  RuleOf* rule = nullptr;
  const std::uint16_t number = rule_named(name, arguments.size(), rule);
  put({.kind = Clause::Kind::rule, .rule = number, .terms = terms(arguments)});
  return *this;
}

// ---- what is begun and ended

void QueryMaker::enter(Open::Kind kind, std::span<const Variable> known, std::initializer_list<Var> names) {
  if (depth_ == kDepthMax) return refuse(Status::too_large);
  Open& at = open_[++depth_];
  at = {};
  at.kind = kind;
  at.joins = known;
  for (std::size_t i = 0; i < known.size(); ++i) know(names.begin()[i].name, known[i]);
  at.shared = at.names;
}

QueryMaker& QueryMaker::begin(Open::Kind kind, std::initializer_list<Var> joins) {
  enter(kind, variables(joins), joins);
  return *this;
}

QueryMaker& QueryMaker::begin_and() {
  if (open().kind != Open::Kind::disjunction) refuse(Status::invalid);
  const Named* const shared = open().shared;
  enter(Open::Kind::several, {}, {});
  open().names = shared;
  return *this;
}

std::uint16_t QueryMaker::rule_named(std::string_view name, std::size_t arity, RuleOf*& rule) {
  std::uint16_t number = 0;
  rule = nullptr;
  for (Link* link = rules_.first; link != nullptr && rule == nullptr; link = link->next, ++number) {
    RuleOf& known = static_cast<Item<RuleOf>*>(link)->item;
    if (known.rule.name == name) rule = &known;
  }
  if (rule != nullptr) {
    if (rule->rule.arity != arity) refuse(Status::invalid);
    return --number;
  }
  rule = add(rules_, RuleOf{{.name = name, .arity = static_cast<std::uint16_t>(arity)}, {}});
  return number;
}

QueryMaker& QueryMaker::begin_rule(std::string_view name, std::initializer_list<Var> head, std::uint16_t required) {
  RuleOf* rule = nullptr;
  rule_named(name, head.size(), rule);
  if (depth_ > 0 || required > head.size()) refuse(Status::invalid);
  if (status_ != Status::ok) return *this;
  rule->rule.required = required;
  enter(Open::Kind::rule, {}, {});
  open().joins = variables(head);
  open().rule = rule;
  return *this;
}

QueryMaker& QueryMaker::end() {
  if (depth_ == 0) refuse(Status::invalid);
  if (status_ != Status::ok) return *this;
  const Open ended = open_[depth_--];
  const bool is_or = ended.kind == Open::Kind::disjunction;
  if (ended.clauses.size == 0) refuse(Status::invalid);
  const Clauses clauses = is_or ? Clauses() : all_of<Clause>(ended.clauses);
  if (ended.kind == Open::Kind::rule) {
    add(ended.rule->branches, Branch{ended.joins, clauses});
    return *this;
  }
  if (ended.kind == Open::Kind::several) {
    add(open().clauses, clauses);
    return *this;
  }
  std::span<Clauses> branches = is_or ? all_of<Clauses>(ended.clauses) : make_many<Clauses>(1);
  if (!is_or && !branches.empty()) branches[0] = clauses;
  put({.kind = is_or ? Clause::Kind::disjunction : Clause::Kind::negation, .joins = ended.joins, .branches = branches});
  return *this;
}

// ---- the whole

QueryMaker& QueryMaker::order_by(Aggregate aggregate, Var var, bool is_descending) {
  const Variable wanted = variable(var);
  std::uint16_t at = 0;
  for (const Link* link = find_.first; link != nullptr; link = link->next, ++at) {
    const Find& found = static_cast<const Item<Find>*>(link)->item;
    if (found.variable != wanted || found.aggregate != aggregate) continue;
    add(order_, Order{at, is_descending});
    return *this;
  }
  refuse(Status::invalid);
  return *this;
}

QueryMaker& QueryMaker::limit(std::uint64_t count) {
  query_.limit = count;
  return *this;
}

QueryMaker& QueryMaker::offset(std::uint64_t count) {
  query_.offset = count;
  return *this;
}

Result<Query> QueryMaker::make() {
  if (depth_ > 0 || find_.size == 0) refuse(Status::invalid);
  query_.find = all_of<Find>(find_);
  query_.with = all_of<Variable>(with_);
  query_.in = all_of<Binding>(in_);
  query_.where = all_of<Clause>(open_[0].clauses);
  query_.order = all_of<Order>(order_);
  query_.variables = all_of<std::string_view>(variables_);
  const std::span<Rule> rules = make_many<Rule>(rules_.size);
  const Link* link = rules_.first;
  for (Rule& rule : rules) {
    const RuleOf& of = static_cast<const Item<RuleOf>*>(link)->item;
    rule = of.rule;
    rule.branches = all_of<Branch>(of.branches);
    if (rule.branches.empty()) refuse(Status::invalid);
    link = link->next;
  }
  query_.rules = rules;
  if (status_ != Status::ok) return status_;
  return query_;
}

}  // namespace grid::datalog
