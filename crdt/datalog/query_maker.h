// SPDX-License-Identifier: Apache-2.0
//
// QueryMaker: a question put together in C++ without any text, for machines that have no room for the reader.
//
// Place     Beside builder.h, which writes the text of a question and has it read. Above query.h; links no reader.
// Promises  What is put together here means what its text would mean. Whether every variable comes from somewhere, and
//           that nothing is defined by its own denial, is looked at when it is answered, and not before: then it is
//           `invalid`, and the evaluation says of what.
// Ownership The query lies in the arena. Names, texts and pulls are views: literals, as a rule.
//
//     QueryMaker ask(arena);
//     ask.find(var("?name")).where(var("?p"), "age", var("?age")).test(Call::at_least, {var("?age"), 18})
//         .where(var("?p"), "name", var("?name"));
//     Result<Query> query = ask.make();
//
// What a `not` or an `or` shares with what stands around it is named. Each clause that stands right in an `or` is a
// branch of it; several are one between begin_and() and end().
#pragma once

#include <initializer_list>

#include "crdt/base/arena.h"
#include "crdt/datalog/parts.h"
#include "crdt/datalog/query.h"

namespace grid::datalog {

// An item of a pull: `{.items = items}` of `PullItem items[] = {pulled("hut/name"), pulled("hut/valley")}` is a Pull.
constexpr PullItem pulled(std::string_view attribute, const Pull* nested = nullptr) {
  PullItem item;
  item.attribute = item.key = attribute;
  item.nested = nested;
  return item;
}

class QueryMaker {
 public:
  explicit QueryMaker(Arena& arena) : arena_(arena) {}

  QueryMaker& find(Var var) { return find({.variable = variable(var)}); }
  QueryMaker& find(Aggregate aggregate, Var var, std::uint32_t amount = 0) {
    return find({.variable = variable(var), .aggregate = aggregate, .amount = amount});
  }
  QueryMaker& pull(Var entity, const Pull& pattern) { return find({.variable = variable(entity), .pull = &pattern}); }
  QueryMaker& shape(Shape shape);
  QueryMaker& with(Var var);

  QueryMaker& in(Var var);
  QueryMaker& in_each(Var var) { return in_each({var}, false); }                        // Of a list.
  QueryMaker& in_each(std::initializer_list<Var> vars) { return in_each(vars, true); }  // Of a list of lists.

  // At the top level, or inside of what was begun last.
  QueryMaker& where(Part entity, Part attribute, Part value = any);
  QueryMaker& test(Call call, std::initializer_list<Part> arguments);
  QueryMaker& let(Var var, Call call, std::initializer_list<Part> arguments);
  QueryMaker& rule(std::string_view name, std::initializer_list<Part> arguments);
  QueryMaker& begin_not(std::initializer_list<Var> joins) { return begin(Open::Kind::negation, joins); }
  QueryMaker& begin_or(std::initializer_list<Var> joins) { return begin(Open::Kind::disjunction, joins); }
  QueryMaker& begin_and();
  // One branch of a rule; what has one name is one rule. Of the first so many variables of its head each is known where
  // it is called. At the top level only.
  QueryMaker& begin_rule(std::string_view name, std::initializer_list<Var> head, std::uint16_t required = 0);
  QueryMaker& end();

  // Of what find() named already.
  QueryMaker& order_by(Var var, bool is_descending = false) { return order_by(Aggregate::none, var, is_descending); }
  QueryMaker& order_by(Aggregate aggregate, Var var, bool is_descending = false);
  QueryMaker& limit(std::uint64_t count);
  QueryMaker& offset(std::uint64_t count);

  // The question. Nothing is added behind it.
  //   full       The arena is too small.
  //   invalid    Something was begun and not ended, or ended and not begun; a rule is called that has no branch, or
  //              with another number of arguments; a variable is ordered by that is not found.
  //   too_large  It nests deeper than kDepthMax.
  Result<Query> make();

 private:
  static constexpr std::size_t kVariablesMax = 1'000;
  static constexpr std::size_t kDepthMax = 8;

  struct Link {
    Link* next;
  };
  struct List {
    Link* first = nullptr;
    Link* last = nullptr;
    std::size_t size = 0;
  };
  // A name that means something, above those that did before.
  struct Named {
    std::string_view name;
    Variable variable = 0;
    const Named* below = nullptr;
  };
  struct RuleOf {
    Rule rule;
    List branches;
  };
  // Where clauses stand: the question, a branch of a rule, a `not`, an `or`, a branch of several clauses.
  struct Open {
    enum class Kind : std::uint8_t { where, rule, negation, disjunction, several };

    Kind kind = Kind::where;
    List clauses;                       // Of an `or`: its branches.
    const Named* names = nullptr;       // Here,
    const Named* shared = nullptr;      // and of these the ones that mean the same outside.
    std::span<const Variable> joins{};  // Of a branch of a rule its head.
    RuleOf* rule = nullptr;
  };
  static constexpr std::size_t kItemAt = 8;
  template <typename T>
  struct Item : Link {
    alignas(kItemAt) T item;
  };

  Open& open() { return open_[depth_]; }
  void refuse(Status status);
  void* add(List& list, std::size_t bytes);
  template <typename T>
  T* add(List& list, const T& item);
  std::uint8_t* gather(const List& list, std::size_t bytes);
  template <typename T>
  std::span<T> all_of(const List& list);
  template <typename T>
  std::span<T> make_many(std::size_t count);

  QueryMaker& find(const Find& find);
  QueryMaker& in_each(std::initializer_list<Var> vars, bool are_rows);
  QueryMaker& begin(Open::Kind kind, std::initializer_list<Var> joins);
  void enter(Open::Kind kind, std::span<const Variable> known, std::initializer_list<Var> names);
  void put(const Clause& clause);
  Variable variable(Var var);
  Variable new_variable(std::string_view name);
  void know(std::string_view name, Variable variable);
  std::span<const Variable> variables(std::initializer_list<Var> vars);
  Term term(const Part& part);
  Value constant(const Part& part);
  std::span<const Term> terms(std::initializer_list<Part> parts);
  std::uint16_t rule_named(std::string_view name, std::size_t arity, RuleOf*& rule);

  Arena& arena_;
  Status status_ = Status::ok;
  Query query_;
  std::size_t depth_ = 0;
  Open open_[kDepthMax + 1];
  List variables_, find_, with_, in_, order_, rules_;
};

}  // namespace grid::datalog
