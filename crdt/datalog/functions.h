// SPDX-License-Identifier: Apache-2.0
//
// Functions: the calls of the language, on atoms.
//
// Place     Above index.h and words.h.
// Promises  An argument of a kind that a function doesn't take makes its answer nil, and so does what has none (a
//           division by zero): data that somebody wrote otherwise spoils one row, not the question.
#pragma once

#include "crdt/datalog/index.h"
#include "crdt/datalog/query.h"
#include "crdt/datalog/words.h"

namespace grid::datalog {

class Functions {
 public:
  Functions(const Index& index, Words& words) : index_(index), words_(words), room_(words.region()) {}

  // Status is of memory alone.
  Result<Atom> call(Call call, std::span<const Atom> arguments);

  static bool is_true(Atom atom) { return atom != kNil && atom != kFalse; }

 private:
  using Arguments = std::span<const Atom>;

  Result<Atom> of_facts(Call call, Arguments arguments);
  Result<Atom> of_numbers(Call call, Arguments arguments);
  Result<Atom> of_text(Call call, Arguments arguments);
  Result<Atom> of_values(Call call, Arguments arguments);
  Atom of_logic(Call call, Arguments arguments) const;
  bool holds(Call comparison, Arguments arguments) const;
  Atom least_value(Atom entity, Atom attribute) const;
  Result<Atom> fold(Call call, Arguments arguments);
  Result<Atom> of_two(Call call, const Number& a, const Number& b);
  Result<Atom> of_whole(Call call, std::int64_t a, std::int64_t b, bool& is_done);
  Atom of_one(Call call, const Number& number) const;
  Result<Atom> joined(Arguments arguments);
  Result<Atom> cut(Arguments arguments);
  Result<Atom> cased(Atom text, bool is_upper);
  Result<Atom> listed(Arguments arguments);
  Result<Atom> item_of(Arguments arguments);
  Result<Atom> count_of(Atom atom);
  Result<bool> has_item(Atom list, Atom item);
  Result<Atom> type_of(Atom atom);
  Result<Atom> atom(const Number& number);
  Status say(Atom atom);
  Status say(std::string_view text);
  bool is_number(Atom atom) const { return class_of(atom.kind()) == class_of(AtomKind::number); }
  Number number(Atom atom) const { return number_of(atom, words_); }

  const Index& index_;
  Words& words_;
  Growing<std::uint8_t> room_;
};

}  // namespace grid::datalog
