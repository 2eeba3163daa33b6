// SPDX-License-Identifier: Apache-2.0
//
// Fact: one cell of the store as the engine has it, and the orders that an index keeps facts in.
//
// Place     Below fact_tree.h and fact_array.h.
#pragma once

#include "crdt/datalog/symbols.h"

namespace grid::datalog {

// One cell of the store.
struct Fact {
  static constexpr std::uint32_t kOne = 1;  // The attribute has one value, by this cell.
  static constexpr std::uint32_t kRef = 2;

  Atom entity{};
  Atom value{};
  std::uint32_t label = 0;  // The attribute's number, above two bits.

  std::uint32_t attribute() const { return label >> 2; }
  bool is_one() const { return (label & kOne) != 0; }
  bool is_ref() const { return (label & kRef) != 0; }
};

// By entity, attribute, value; words as they are.
struct EntityOrder {
  int operator()(const Fact& a, const Fact& b) const {
    if (a.entity.word != b.entity.word) return a.entity.word < b.entity.word ? -1 : 1;
    if (a.attribute() != b.attribute()) return a.attribute() < b.attribute() ? -1 : 1;
    if (a.value.word != b.value.word) return a.value.word < b.value.word ? -1 : 1;
    return a.label < b.label ? -1 : a.label > b.label ? 1 : 0;
  }
};

// By attribute, value in the total order, entity. Who asks may know more symbols than the facts have.
template <typename Known>
struct ValueOrderBy {
  const Known* symbols;

  int operator()(const Fact& a, const Fact& b) const {
    if (a.attribute() != b.attribute()) return a.attribute() < b.attribute() ? -1 : 1;
    if (const int by_value = order_values(a.value, b.value); by_value != 0) return by_value;
    if (a.entity.word != b.entity.word) return a.entity.word < b.entity.word ? -1 : 1;
    return a.label < b.label ? -1 : a.label > b.label ? 1 : 0;
  }

 private:
  // Texts that begin alike are what a search in a tree meets most.
  int order_values(Atom a, Atom b) const {
    if (a == b) return 0;
    const bool are_alike = a.kind() == AtomKind::text && (a.word >> 32) == (b.word >> 32);
    if (are_alike) return grid::compare(symbols->bytes_of(a.symbol()), symbols->bytes_of(b.symbol()));
    return order_apart(a, b, *symbols);
  }
};
using ValueOrder = ValueOrderBy<Symbols>;
using ValueOrderOfAsker = ValueOrderBy<Symbolic>;

// Who stands beside a fact in an order; none where `entity` doesn't exist.
struct FactsBeside {
  Fact before{};
  Fact behind{};
};

}  // namespace grid::datalog
