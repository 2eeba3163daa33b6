// SPDX-License-Identifier: Apache-2.0
//
// SubscriptionIndex: which subscriptions a write may concern, without asking each of them.
//
// Place     Below coordinator.h, above crdt/query/analysis.h. Knows scopes and predicates, no session: what is found is
//           handed out as it was put in.
// Promises  Complete: whoever has a row in its scope, before a write or behind it, is found. Not exact: who is found
//           looks at the row.
//           The cost of a write does not grow with predicates that name another value of a field.
// Limits    An entry a subscription, of a range one for each power of two that it is made of: at most 112.
//
// A predicate is filed under one thing that it requires: a field's value (a hash of it), or a range of it. A range of
// codes (runtime/query/code.h) is cut into blocks whose size is a power of two, so that a value is looked for in the
// one block of each size that it would lie in. What requires neither is in its map's list.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "crdt/query/predicate.h"
#include "runtime/scope.h"

namespace grid::server {

class Session;
class Subscription;

class SubscriptionIndex {
 public:
  struct Entry {
    Session* session;
    Subscription* subscription;
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  // `predicate` is that of a scope of the kind `where`.
  void add(const runtime::Scope& scope, const query::Predicate& predicate, const Entry& entry);
  // What was added under the same scope and predicate.
  void remove(const runtime::Scope& scope, const query::Predicate& predicate, const Entry& entry);

  // Calls `visit(entry)`, perhaps twice, for whom the row may concern. `value` is that of the row, absent when none
  // stands.
  template <typename Visit>
  void each(const crdt::CellName& name, const crdt::Value& value, Visit visit) const {
    std::vector<const Entries*> found;
    find(name, value, found);
    for (const Entries* entries : found) {
      for (const Entry& entry : *entries) visit(entry);
    }
  }

 private:
  using Entries = std::vector<Entry>;
  // A block of codes: those whose bits above `level` are `prefix`; of points the hash, at level 0.
  struct Block {
    std::uint64_t prefix;
    std::uint8_t level;
    friend auto operator<=>(const Block&, const Block&) = default;
  };
  using Blocks = std::map<Block, Entries>;
  struct Field {
    Blocks points;
    Blocks ranges;
    std::uint64_t levels[64] = {};  // How many blocks of a size there are.
  };
  struct Map {
    std::map<std::string, Field, std::less<>> fields;  // By their paths.
    std::map<std::string, Entries, std::less<>> keys;
    std::map<std::string, Entries, std::less<>> attributes;  // The empty one is the marker's: all who want any.
    Entries rest;  // Prefixes, the whole map, and predicates that require nothing that can be looked up.
  };
  // Where a predicate is filed: nothing, or blocks of one field.
  struct Place {
    std::string path;
    std::vector<Block> blocks;
    bool is_points = false;
  };

  static Place place_of(const query::Predicate& predicate);
  void find(const crdt::CellName& name, const crdt::Value& value, std::vector<const Entries*>& found) const;
  static void find_in(const Field& field, const crdt::Value& value, std::vector<const Entries*>& found);
  template <typename Change>
  void change(const runtime::Scope& scope, const query::Predicate& predicate, Change change);

  Entries everywhere_;
  std::map<std::string, Map, std::less<>> maps_;
};

}  // namespace grid::server
