// SPDX-License-Identifier: Apache-2.0
//
// Planner: in which order a body's clauses are answered, from which index each, and which columns rows have meanwhile.
//
// Place     Above program.h and index.h. Looks at statistics, never at facts.
// Promises  A plan depends on what is bound, on the statistics and on the clauses; not on their order but where two are
//           equally good. A column is dropped as soon as nothing behind needs it.
#pragma once

#include "crdt/datalog/index.h"
#include "crdt/datalog/program.h"
#include "crdt/datalog/rows.h"
#include "crdt/datalog/words.h"

namespace grid::datalog {

// Where a stage has a value from.
struct Operand {
  enum class Kind : std::uint8_t {
    blank,
    constant,
    column,  // Of the row that comes.
    fresh,   // The stage finds it, and adds it to the row as the column of that number behind those that are kept.
    repeat,  // It equals that fresh one.
  };

  Kind kind = Kind::blank;
  Column column = 0;
  Atom atom{};
};

struct Limit {
  Operand value{};  // Blank: there is none.
  bool is_inclusive = false;
};

struct Stage {
  enum class Kind : std::uint8_t {
    pattern,
    absence,  // Not a single fact of that pattern.
    same,     // Two columns are equal.
    test,
    function,
    call,
    tail_call,  // A call of itself that gives what it finds to the caller's caller: it only hands on what it asks for.
    negation,
  };

  Kind kind = Kind::pattern;
  const Item* item = nullptr;
  std::span<const Operand> operands{};
  std::span<const Operand> binding{};      // One for each node of the item's binding.
  bool is_attribute_known = false;         // Of a pattern: it is a constant,
  std::uint32_t attribute = kNoAttribute;  // and this one, if any fact has it.
  Limit low{};
  Limit high{};
  Column in_width = 0;
  std::span<const Column> keep{};
  Column fresh = 0;
  bool makes_twins = false;  // Rows may come out that are equal.
  std::uint32_t site = 0;
  double expected = 1;
  std::uint64_t rows_in = 0;
  std::uint64_t rows_out = 0;
  bool has_hashed = false;

  std::size_t out_width() const { return keep.size() + fresh; }
};

struct Plan {
  std::span<Stage> stages{};
  std::span<const Column> head{};  // The columns that make the answer.
};

// What a body is planned for.
struct Demand {
  std::uint16_t predicate = 0;
  std::uint64_t bound = 0;  // Arguments that are known, a bit each: the first columns, in order.
  // The row begins with the arguments of whom the answers are for, before those that are asked about.
  bool is_tail = false;
};

class Planner {
 public:
  Planner(const Program& program, const Index& index, Words& words, Region& region)
      : program_(program),
        index_(index),
        words_(words),
        region_(region),
        columns_(region),
        uses_(region),
        layout_(region),
        stages_(region),
        left_(region) {}

  // How many rows each input predicate has.
  void set_input_rows(std::span<const std::uint32_t> rows) { input_rows_ = rows; }

  //   not_found  As a tail: it can't be one.
  //   invalid    Nothing that is left can be answered: what it waits for is never bound.
  Status plan(const Demand& demand, const Body& body, Plan& plan);

 private:
  struct Chosen {
    std::size_t at = 0;
    double expected = 0;
    bool exists = false;
  };
  static constexpr std::uint32_t kHidden = 1u << 16;  // In a layout: no variable's.

  Status begin(const Demand& demand, const Body& body);
  Chosen choose();
  Status take(std::size_t at, double expected);
  Status take_tail(const Item& item);
  bool is_tail_of(const Demand& demand, const Body& body, const Item& item) const;
  Status add_stage(Stage stage, std::span<const Variable> fresh);
  Status operands_of(const Item& item, Stage& stage, Growing<Variable>& fresh);
  Status operand_of(const Term& term, Growing<Variable>& fresh, Operand& operand);
  Status operand_of(Variable variable, Growing<Variable>& fresh, Operand& operand);
  bool is_of_no_use(const Term& term, const Item& item) const;
  Status take_limits(Stage& stage, Growing<Variable>& fresh);
  bool limits_from(const Item& test, Variable variable, Stage& stage);
  bool is_limited_by(const Item& test, Variable variable, std::size_t& at) const;
  Result<Operand> known(const Term& term);
  Status finish(const Demand& demand, const Body& body, Plan& plan);
  bool is_bound(Variable variable) const { return columns_[variable] != kNoColumn; }
  bool is_known(const Term& term) const {
    return term.kind == Term::Kind::constant || (term.kind == Term::Kind::variable && is_bound(term.variable));
  }
  bool is_absence(const Item& item) const;

  double expected(const Item& item);
  double expected_of_call(const Item& item);
  bool recurs(std::uint16_t predicate, const Body& body) const;
  template <typename IsBound>
  double expected_of_pattern(std::span<const Term> terms, IsBound is_bound, bool with_limits);
  double expected_in_range(std::uint32_t attribute, Variable variable);

  template <typename T>
  Result<std::span<const T>> keep(const T* items, std::size_t count) {
    if (count == 0) return std::span<const T>();
    T* const kept = region_.take_many<T>(count);
    if (kept == nullptr) return Status::full;
    std::copy(items, items + count, kept);
    return std::span<const T>(kept, count);
  }

  const Program& program_;
  const Index& index_;
  Words& words_;
  Region& region_;
  std::span<const std::uint32_t> input_rows_{};
  Growing<Column> columns_;        // Of each variable.
  Growing<std::uint16_t> uses_;    // Of each variable: how much of what is left mentions it.
  Growing<std::uint32_t> layout_;  // Of each column: its variable, or kHidden with a number.
  Growing<Stage> stages_;
  Growing<const Item*> left_;
};

}  // namespace grid::datalog
