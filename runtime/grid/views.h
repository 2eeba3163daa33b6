// SPDX-License-Identifier: Apache-2.0
//
// The views of a map whose keys hold more than one value: sets and counters. A map is used through one view only.
//
// Place     Above grid.h. An application that includes nothing of it links nothing of it.
// Promises  As grid.h. A watch of such a map (grid.h) tells which key has changed; read it here.
#pragma once

#include "runtime/grid/grid.h"

namespace grid {

// A map of sets: a key holds values. Of an add and a remove at the same time, on two replicas, the add wins.
class OrMap {
 public:
  OrMap() = default;
  OrMap(Node& node, std::string_view name) : driver_(&node.driver()), name_(name) {}

  Write add(std::string_view key, const Scalar& value, std::uint64_t ttl_ms = 0);
  Write add(std::string_view key, const Value& value, std::uint64_t ttl_ms = 0);
  // Removes the value as often as it was added, as far as this replica has seen; `remove_all` all values of the key.
  // The write's status is not_found when there is none.
  Write remove(std::string_view key, const Scalar& value);
  Write remove(std::string_view key, const Value& value);
  Write remove_all(std::string_view key);

  bool contains(std::string_view key, const Value& value) const;
  bool contains(std::string_view key, const Scalar& value) const;
  // How many different values the key holds.
  std::size_t count(std::string_view key) const;

  // Calls `visit(const Value&)` once for each value that the key holds, in an order that is the same on every replica
  // with the same cells. `visit` makes no calls on the node. Looks at n * n / 2 cells when there are n.
  template <typename Visit>
  Status values(std::string_view key, Visit visit) const {
    char tag[kTagBytes];
    std::size_t size = 0;
    for (;;) {
      const Result<Value> value = next_value(key, tag, size);
      if (!value.ok()) return value.status() == Status::not_found ? Status::ok : value.status();
      visit(*value);
    }
  }
  // Calls `visit(std::string_view key)` for each key with a value, of those that begin with `prefix`, in order.
  template <typename Visit>
  Status keys(std::string_view prefix, Visit visit) const {
    return each_key(*driver_, name_, prefix, crdt::View::or_map, visit);
  }

  std::string_view name() const { return name_; }

  template <typename Visit>
  static Status each_key(Driver& driver, std::string_view map, std::string_view prefix, crdt::View view, Visit visit) {
    char key[kKeyBytesMax];
    std::size_t size = prefix.copy(key, sizeof(key));
    for (crdt::CellName after{map, {key, size}, {}};; after = {map, {key, size}, crdt::kBehindAllSubs}) {
      const Result<crdt::Op> op = driver.next_cell(after);
      const bool is_over = !op.ok() || op->cell.name.map != map || !op->cell.name.key.starts_with(prefix);
      if (is_over) return op.ok() || op.status() == Status::not_found ? Status::ok : op.status();
      size = op->cell.name.key.copy(key, sizeof(key));
      if (crdt::view_of(op->cell.name.sub) == view) visit(std::string_view(key, size));
    }
  }

 private:
  static constexpr std::size_t kTagBytes = 17;

  Result<Value> next_value(std::string_view key, char (&tag)[kTagBytes], std::size_t& size) const;
  Result<crdt::Op> next_of(std::string_view key, std::string_view tag) const;
  bool stands_before(std::string_view key, std::uint64_t hash, std::string_view tag) const;

  Driver* driver_ = nullptr;
  std::string_view name_;  // Kept by reference: a literal, as a rule.
};

// A map of counters: a key holds a whole number, and what replicas add to it at the same time all counts.
class CounterMap {
 public:
  CounterMap() = default;
  CounterMap(Node& node, std::string_view name) : driver_(&node.driver()), name_(name) {}

  Write increment(std::string_view key, std::int64_t by = 1);
  Write decrement(std::string_view key, std::int64_t by = 1);
  // Takes away what stands here. What others add meanwhile stays: there is no removing a counter (PROTOCOL P25).
  Write reset(std::string_view key);
  // The sum over all replicas as far as they are known here; 0 where nothing was ever counted.
  std::int64_t value(std::string_view key) const;

  // Calls `visit(std::string_view key)` for each key that was ever counted, of those that begin with `prefix`, in
  // order.
  template <typename Visit>
  Status keys(std::string_view prefix, Visit visit) const {
    return OrMap::each_key(*driver_, name_, prefix, crdt::View::counter, visit);
  }

  std::string_view name() const { return name_; }

 private:
  Driver* driver_ = nullptr;
  std::string_view name_;
};

}  // namespace grid
