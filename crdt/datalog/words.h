// SPDX-License-Identifier: Apache-2.0
//
// Words: the dictionary of one question: that of the facts, and of its own what only the question says or makes.
//
// Place     Above symbols.h. The index stands still while it lives.
// Promises  Equal bytes have one number, be they of the facts or of the question.
#pragma once

#include "crdt/datalog/values.h"

namespace grid::datalog {

class Words final : public Symbolic, public Interner {
 public:
  Words(const Symbols& facts, Region& region) : facts_(facts), own_(region), region_(region) {}

  Result<std::uint32_t> intern(Bytes content) override {
    const std::uint32_t symbol = facts_.find(content);
    if (symbol != kNoSymbol) return symbol;
    const Result<std::uint32_t> own = own_.intern(content);
    if (!own.ok()) return own;
    return *own | kOwn;
  }
  Bytes bytes_of(std::uint32_t symbol) const override {
    return (symbol & kOwn) != 0 ? own_.bytes_of(symbol & ~kOwn) : facts_.bytes_of(symbol);
  }

  Result<Atom> atom(const Value& value) { return atom_of_value(value, *this, region_); }
  std::string_view text(Atom atom) const { return text_of(atom, *this); }
  int order(Atom a, Atom b) const { return datalog::order(a, b, *this); }
  Region& region() { return region_; }

 private:
  static constexpr std::uint32_t kOwn = 1u << 31;

  const Symbols& facts_;
  Symbols own_;
  Region& region_;
};

}  // namespace grid::datalog
