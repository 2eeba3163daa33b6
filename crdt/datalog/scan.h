// SPDX-License-Identifier: Apache-2.0
//
// Scan: the facts of a pattern, from the index that has them together.
//
// Place     Above index.h.
#pragma once

#include "crdt/datalog/index.h"
#include "crdt/datalog/words.h"

namespace grid::datalog {

// What is known of the facts; an atom that doesn't exist, or kNoAttribute, is anything.
struct Wanted {
  Atom entity{};
  std::uint32_t attribute = kNoAttribute;
  Atom value{};
  // Of the value, where neither it nor the entity is known, and the attribute is.
  Atom low{};
  Atom high = kBeyond;
  bool has_low_itself = true;
  bool has_high_itself = true;
};

class Scan {
 public:
  Scan(const Index& index, const Words& words, const Wanted& wanted) : index_(index), words_(words), wanted_(wanted) {
    if (wanted.entity.exists()) {
      const bool has_attribute = wanted.attribute != kNoAttribute;
      cursor_ =
          index.from_entity(wanted.entity, has_attribute ? wanted.attribute : 0, has_attribute ? wanted.value : Atom{});
    } else if (wanted.attribute != kNoAttribute) {
      enter(wanted.attribute);
    } else if (wanted.value.exists()) {
      enter(0);
    } else {
      cursor_ = index.from_entity({}, 0, {});
    }
  }

  bool next(Fact& fact) {
    if (wanted_.entity.exists()) return next_of_entity(fact);
    if (wanted_.attribute != kNoAttribute) return next_of_attribute(fact);
    if (wanted_.value.exists()) return next_of_value(fact);
    return take(fact);
  }

 private:
  bool take(Fact& fact) {
    if (cursor_.is_at_end()) return false;
    fact = cursor_.fact();
    cursor_.next();
    return true;
  }
  void enter(std::uint32_t attribute) {
    attribute_ = attribute;
    if (wanted_.value.exists()) {
      cursor_ = index_.from_value(attribute, wanted_.value, {}, words_);
    } else {
      cursor_ = index_.from_value(attribute, wanted_.low, wanted_.has_low_itself ? Atom{} : Atom{UINT64_MAX}, words_);
    }
  }
  bool next_of_entity(Fact& fact) {
    while (take(fact)) {
      if (fact.entity != wanted_.entity) return false;
      if (wanted_.attribute != kNoAttribute && fact.attribute() != wanted_.attribute) return false;
      if (!wanted_.value.exists() || fact.value == wanted_.value) return true;
      if (wanted_.attribute != kNoAttribute) return false;
    }
    return false;
  }
  bool next_of_attribute(Fact& fact) {
    if (!take(fact) || fact.attribute() != attribute_) return false;
    if (wanted_.value.exists()) return fact.value == wanted_.value;
    if (wanted_.high == kBeyond) return true;
    const int order = words_.order(fact.value, wanted_.high);
    return order < 0 || (order == 0 && wanted_.has_high_itself);
  }
  // Attribute by attribute.
  bool next_of_value(Fact& fact) {
    while (attribute_ < index_.attribute_count()) {
      if (next_of_attribute(fact)) return true;
      if (attribute_ + 1 == index_.attribute_count()) return false;
      enter(attribute_ + 1);
    }
    return false;
  }

  const Index& index_;
  const Words& words_;
  Wanted wanted_;
  FactCursor cursor_;
  std::uint32_t attribute_ = 0;
};

}  // namespace grid::datalog
