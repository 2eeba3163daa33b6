// SPDX-License-Identifier: Apache-2.0
//
// Query: a Datalog question, parsed and known to be safe. What parse.h (or a builder) makes, and the evaluator takes.
//
// Place     Between the text and the evaluator; knows neither. Data only.
// Promises  A Query that somebody was given has passed the checks of analysis: every variable of :find, of a predicate
//           and of a function's arguments can be bound by some order of the clauses, negation is stratified, calls have
//           as many arguments as they take, patterns of pull are well-formed.
// Ownership Spans and views are of the arena that the query was made in.
//
// The dialect is that of DataScript and Datomic; docs/datalog.md lists every difference.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "crdt/value.h"

namespace grid::datalog {

using crdt::Value;

// Of a form in its text, from 1. A column is a byte's.
struct Place {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

// An index into Query::variables. Those of a branch of a rule are its own: no two scopes share one.
using Variable = std::uint16_t;

struct Term {
  enum class Kind : std::uint8_t { blank, variable, constant };

  Kind kind = Kind::blank;
  Variable variable = 0;
  Value constant{};  // A keyword is text without its colon.
  Place at{};
};

// What takes a value apart: of an input, or of what a function returns.
struct Binding {
  enum class Kind : std::uint8_t {
    blank,
    scalar,
    tuple,       // One part for each item of a list; a list that is longer has more than is wanted.
    collection,  // One part, for each item of a list in turn. A relation is a collection of tuples.
  };

  Kind kind = Kind::blank;
  Variable variable = 0;
  std::span<const Binding> parts{};
  Place at{};
};

// Functions of the language. Predicates are those whose answer is truth; a function that is called as a predicate
// holds where its answer is neither nil nor false.
enum class Call : std::uint8_t {
  // Comparisons, of any number of arguments from one on. Numbers compare as numbers whatever their kinds; values of
  // different kinds in the total order of docs/datalog.md.
  equal,
  unequal,
  less,
  at_most,
  greater,
  at_least,
  // Of the facts: [(missing? $ ?e :a)], [(get-else $ ?e :a default) ?v], [(get-some $ ?e :a :b ...) [?a ?v]]. The $ is
  // not among the arguments.
  missing,
  get_else,
  get_some,
  // Arithmetic.
  add,
  subtract,
  multiply,
  divide,  // Of integers: an integer where it is whole, else a number.
  quotient,
  remainder,
  modulo,
  increment,
  decrement,
  greatest,  // max of its arguments
  least,
  is_zero,
  is_positive,
  is_negative,
  is_even,
  is_odd,
  // Text.
  concatenate,  // str
  substring,    // (subs s start), (subs s start end)
  starts_with,  // (clojure.string/starts-with? s prefix)
  ends_with,
  includes,
  is_blank,
  upper_case,
  lower_case,
  // Values and lists.
  identity,
  ground,
  count,
  is_true,
  is_false,
  is_nil,
  is_some,
  is_empty,
  is_not_empty,  // not-empty: nil, or its argument
  contains,      // (contains? list item): whether an item of a list equals it. A difference from Clojure.
  get,           // (get list index), (get record "field"), and what else where there is none
  tuple,         // (tuple a b ...), (vector a b ...), (list a b ...)
  untuple,
  compare,    // -1, 0, 1 in the total order
  truth_not,  // (not x), as a function
  truth_and,  // (and a b ...)
  truth_or,   // (or a b ...)
  type_of,    // "string", "integer", "number", "boolean", "date", "bytes", "list", "record", nil
};

struct Rule;
struct Clause;
using Clauses = std::span<const Clause>;

struct Clause {
  enum class Kind : std::uint8_t {
    pattern,      // [?e :a ?v]: `terms` has three, blanks filled up.
    predicate,    // [(< ?a 3)]: `call`, `terms`.
    function,     // [(+ ?a 1) ?b]: `call`, `terms`, `binding`.
    rule,         // (ancestor ?a ?b): `rule`, `terms`.
    negation,     // (not ...), (not-join [?a] ...): one branch, `joins`.
    disjunction,  // (or ...), (or-join [[?in] ?a] ...): branches, `joins`.
  };

  Kind kind = Kind::pattern;
  Call call = Call::equal;
  std::uint16_t rule = 0;  // An index into Query::rules.
  std::span<const Term> terms{};
  const Binding* binding = nullptr;
  // The variables that the branches share with what stands around: all of theirs that do, where the text names none.
  // The other variables of a branch are its own.
  std::span<const Variable> joins{};
  std::uint16_t required = 0;  // So many of `joins`, the first ones, must be bound before.
  std::span<const Clauses> branches{};
  Place at{};
};

struct Branch {
  std::span<const Variable> head;
  Clauses body;
  Place at{};
};

// All branches of one name. They have heads of one length.
struct Rule {
  std::string_view name;
  std::uint16_t arity = 0;
  std::uint16_t required = 0;  // So many arguments, the first ones, must be bound where it is called.
  // Rules of one stratum may call each other; what they negate lies in strata below.
  std::uint16_t stratum = 0;
  bool is_recursive = false;  // It can come to call itself.
  std::span<const Branch> branches{};
};

struct Pull;

struct PullItem {
  std::string_view attribute;  // Without the underscore of a reverse one.
  std::string_view key;        // Under which it stands in the record: as written, or what :as says.
  bool is_reverse = false;
  // Of a many-valued attribute, or a reverse one: no more than so many. 0 is all.
  std::uint32_t limit = kLimit;
  Value otherwise{};             // Where there is nothing; absent: the field is left out.
  const Pull* nested = nullptr;  // Of what is referred to; null: `{"db/id": id}`.
  // The pattern that this item is in, again, for what is referred to: so many times. 0: not; kForever: without end. Of
  // an entity that this has led to already, only the id is told.
  std::uint32_t again = 0;
  Place at{};

  static constexpr std::uint32_t kLimit = 1'000;
  static constexpr std::uint32_t kForever = UINT32_MAX;
};

struct Pull {
  bool is_wild = false;  // *: all attributes, besides those that are named.
  bool with_id = false;  // :db/id is named, or it is wild.
  std::span<const PullItem> items{};
};

enum class Aggregate : std::uint8_t {
  none,
  count,
  count_distinct,
  sum,
  least,     // min; with an amount: a list of the least so many
  greatest,  // max
  average,
  median,
  variance,
  deviation,  // stddev
  distinct,   // A list of the different values, in order. A set in Clojure.
};

struct Find {
  Variable variable = 0;
  Aggregate aggregate = Aggregate::none;
  std::uint32_t amount = 0;  // (min 3 ?x); 0: none was said.
  const Pull* pull = nullptr;
  Place at{};
};

enum class Shape : std::uint8_t {
  relation,    // :find ?a ?b
  collection,  // :find [?a ...]
  tuple,       // :find [?a ?b]
  scalar,      // :find ?a .
};

struct Order {
  std::uint16_t find = 0;  // An index into Query::find.
  bool is_descending = false;
};

struct Query {
  std::span<const std::string_view> variables{};  // Their names, with the question mark.
  std::span<const Find> find{};
  Shape shape = Shape::relation;
  std::span<const Variable> with{};
  // One for each element of :in but $ and %, in order. `rules_at` says where among them % stood.
  std::span<const Binding> in{};
  std::int32_t rules_at = -1;  // Of all inputs behind $; -1: there are no rules.
  std::span<const Rule> rules{};
  Clauses where{};
  std::span<const Order> order{};
  std::uint64_t limit = UINT64_MAX;
  std::uint64_t offset = 0;
};

}  // namespace grid::datalog
