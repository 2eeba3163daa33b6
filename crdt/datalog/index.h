// SPDX-License-Identifier: Apache-2.0
//
// Index: facts in memory, in the orders by which questions find them, with what planning wants to know of them.
//
// Place     Above fact_tree.h. Knows nothing of queries. Whoever keeps it tells it of each fact cell that comes and
// goes. Promises  DLX-1  It holds the facts that were added and not removed, each once, and both orders hold the same.
//           DLX-2  The counts are exact: of facts, of entities, and of an attribute's facts, entities and values.
//           DLX-3  A change that fails has changed nothing; texts of facts that went away take no memory.
// Ownership All memory is of the region. Cursors, texts and attributes are valid until the next change.
//
// Two orders do: by entity, attribute, value; and by attribute, value, entity. docs/decisions/0039 says why.
#pragma once

#include "crdt/datalog/fact_array.h"
#include "crdt/datalog/fact_tree.h"
#include "crdt/datalog/values.h"

namespace grid::datalog {

inline constexpr std::uint32_t kNoAttribute = UINT32_MAX;

using FactsByEntity = std::conditional_t<kIsSmallMachine, FactArray, FactTree<EntityOrder>>;
using FactsByValue = std::conditional_t<kIsSmallMachine, FactArray, FactTree<ValueOrder>>;
using FactCursor = std::conditional_t<kIsSmallMachine, FactArray::Cursor, LeafCursor>;

class Index {
 public:
  struct Attribute {
    Atom name{};
    std::uint32_t facts = 0;
    std::uint32_t entities = 0;  // Different ones.
    std::uint32_t values = 0;    // Different ones.
    std::uint32_t refs = 0;      // Facts whose value refers to an entity.
    std::uint32_t singles = 0;   // Facts of cells that hold one value.
    std::uint32_t next_free = 0;
  };

  explicit Index(Region& region)
      : region_(region),
        symbols_(region),
        attributes_(region),
        by_entity_(region, EntityOrder{}),
        by_value_(region, ValueOrder{&symbols_}),
        loaded_(region) {}

  // The cell of that entity and predicate holds `object` now. A one-valued one held something else before, which goes.
  // Adding what stands already is fine.
  //   full     No memory.
  //   invalid  An object of no kind that facts have.
  Status add(std::string_view key, std::string_view predicate, const Value& object, bool is_one);
  // The same, into an index that is thrown away with its region where this fails, and of a one-valued cell once.
  Status add_once(std::string_view key, std::string_view predicate, const Value& object, bool is_one);
  // That cell is no more; of a one-valued one it doesn't matter what it held. Removing what isn't there is fine.
  Status remove(std::string_view key, std::string_view predicate, const Value& object, bool is_one);
  // All facts of the entity.
  Status drop(std::string_view key);

  // Many facts at once, into an empty index: load() takes them in any order, and finish_load() sorts and builds.
  // Between them nothing else may be called. Of a one-valued cell there may be one fact only. Where either fails, the
  // index is to be thrown away with its region.
  Status load(std::string_view key, std::string_view predicate, const Value& object, bool is_one);
  Status finish_load();

  const Symbols& symbols() const { return symbols_; }
  std::size_t size() const { return by_entity_.size(); }
  std::size_t entities() const { return entities_; }

  // Numbers of attributes are below this; an attribute of no facts may be among them.
  std::uint32_t attribute_count() const { return static_cast<std::uint32_t>(attributes_.size()); }
  const Attribute& attribute(std::uint32_t number) const { return attributes_[number]; }
  // kNoAttribute where no fact has it.
  std::uint32_t attribute_named(Atom name) const;

  // From the first fact on that isn't before these; words of 0 are before all. `symbols` knows the text of `value`, and
  // those of all facts.
  FactCursor from_entity(Atom entity, std::uint32_t attribute, Atom value) const {
    return by_entity_.seek({entity, value, attribute << 2}, EntityOrder{});
  }
  FactCursor from_value(std::uint32_t attribute, Atom value, Atom entity, const Symbolic& symbols) const {
    return by_value_.seek({entity, value, attribute << 2}, ValueOrderOfAsker{&symbols});
  }
  // Facts of an attribute with a value before `value`, or up to it, among those of all attributes.
  std::size_t count_before(std::uint32_t attribute, Atom value, const Symbolic& symbols) const {
    return by_value_.count_before({{}, value, attribute << 2}, ValueOrderOfAsker{&symbols});
  }
  std::size_t count_up_to(std::uint32_t attribute, Atom value, const Symbolic& symbols) const {
    return by_value_.count_before({{UINT64_MAX}, value, (attribute << 2) | 3}, ValueOrderOfAsker{&symbols});
  }

 private:
  Result<Fact> fact_of(std::string_view key, std::string_view predicate, const Value& object, bool is_one);
  Result<Fact> find_fact(std::string_view key, std::string_view predicate, const Value& object, bool is_one) const;
  Result<std::uint32_t> number_of_attribute(std::string_view predicate);
  // Whether the entity has other facts of that attribute.
  Status put(const Fact& fact, bool& is_beside_others);
  void cut(Fact fact);
  void cut_single(const Fact& fact, bool spare_equal);
  void hold(const Fact& fact);
  void release(const Fact& fact);
  void forget_unheld(const Fact& fact);
  void forget_unheld(Atom atom) {
    if (atom.is_symbol()) symbols_.forget_unheld(atom.symbol());
  }

  Region& region_;
  Symbols symbols_;
  Growing<Attribute> attributes_;
  std::uint32_t free_attribute_ = kNoAttribute;
  FactsByEntity by_entity_;
  FactsByValue by_value_;
  Growing<Fact> loaded_;
  std::size_t entities_ = 0;
};

// The facts of an entity, by attribute. Valid until the index changes.
class FactsOf {
 public:
  FactsOf(const Index& index, std::string_view key);

  bool next();
  std::string_view predicate() const;
  bool is_one() const { return fact_.is_one(); }
  // In the front of `room`.
  //   full  It is larger.
  Result<Value> object(MutBytes room) const;

 private:
  const Index& index_;
  FactCursor cursor_;
  Fact fact_;
  Atom entity_;
};

}  // namespace grid::datalog
