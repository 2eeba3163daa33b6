// SPDX-License-Identifier: Apache-2.0
//
// FactTree: facts in an order, as a B+tree in memory that knows how many facts stand before a place.
//
// Place     Below index.h, which has one in each order; where memory is counted in KiB it has a fact_array.h instead.
// Promises  No fact stands in it twice. A change that fails for want of memory has changed nothing.
// Ownership Nodes are of the region. Cursors are valid until the next change.
//
// A leaf takes 1 KiB and holds 50 facts, column by column: what a search compares lies together. Leaves are two thirds
// full after changes in any order, and full after those in ascending order.
#pragma once

#include <algorithm>

#include "crdt/base/region.h"
#include "crdt/datalog/fact.h"

namespace grid::datalog {

// Facts in columns, in the front of a node.
template <std::uint32_t kCount>
struct FactColumns {
  std::uint64_t entities[kCount];
  std::uint64_t values[kCount];
  std::uint32_t labels[kCount];

  Fact at(std::size_t i) const { return {{entities[i]}, {values[i]}, labels[i]}; }
  void set(std::size_t i, const Fact& fact) {
    entities[i] = fact.entity.word;
    values[i] = fact.value.word;
    labels[i] = fact.label;
  }
  // [from, count) goes to where `to` is in `other`, which may be this.
  void move_to(FactColumns& other, std::size_t to, std::size_t from, std::size_t count) {
    std::memmove(other.entities + to, entities + from, (count - from) * sizeof(*entities));
    std::memmove(other.values + to, values + from, (count - from) * sizeof(*values));
    std::memmove(other.labels + to, labels + from, (count - from) * sizeof(*labels));
  }
};

struct FactLeaf {
  static constexpr std::uint32_t kMax = 50;

  FactLeaf* before;
  FactLeaf* behind;
  std::uint32_t count;
  std::uint32_t unused;
  FactColumns<kMax> facts;
};
static_assert(kIsSmallMachine || sizeof(FactLeaf) == 1'024);

// Walks on in the order of the tree that it came from.
class LeafCursor {
 public:
  LeafCursor() = default;
  LeafCursor(const FactLeaf* leaf, std::uint32_t at) : leaf_(leaf), at_(at) { settle(); }

  bool is_at_end() const { return leaf_ == nullptr; }
  Fact fact() const { return leaf_->facts.at(at_); }
  Atom entity() const { return {leaf_->facts.entities[at_]}; }
  Atom value() const { return {leaf_->facts.values[at_]}; }
  std::uint32_t label() const { return leaf_->facts.labels[at_]; }
  void next() {
    ++at_;
    settle();
  }

 private:
  void settle() {
    if (leaf_ != nullptr && at_ >= leaf_->count) {
      leaf_ = leaf_->behind;  // No leaf is empty.
      at_ = 0;
    }
  }

  const FactLeaf* leaf_ = nullptr;
  std::uint32_t at_ = 0;
};

template <typename Order>
class FactTree {
 public:
  using Neighbours = FactsBeside;

  FactTree(Region& region, Order order) : region_(region), order_(order) {}

  //   conflict  It is there.
  //   full      No memory.
  Status insert(const Fact& fact, Neighbours& beside);
  //   not_found  It isn't there.
  Status erase(const Fact& fact, Neighbours& beside);
  // Of an empty tree. `facts` are in order, each once. A failure leaves the tree empty, and its memory with the region.
  Status build(std::span<const Fact> facts);

  // The first fact that isn't before `fact`, by an order that is the tree's.
  template <typename By>
  LeafCursor seek(const Fact& fact, By by) const;
  // How many facts are before `fact`.
  template <typename By>
  std::size_t count_before(const Fact& fact, By by) const;
  std::size_t size() const { return size_; }

 private:
  struct Inner {
    static constexpr std::uint32_t kMax = 63;

    std::uint32_t count;
    std::uint32_t unused;
    void* children[kMax];
    // The first fact of each child, which stands there: a fact that is gone can't be compared, its texts are gone too.
    // That of the first child is not looked at.
    FactColumns<kMax> firsts;
    std::uint32_t below[kMax];
  };
  static_assert(sizeof(Inner) <= 2'048);
  static constexpr std::size_t kHeightMax = 16;

  struct Step {
    Inner* node;
    std::uint32_t at;
  };
  struct Path {
    Step steps[kHeightMax];
    std::size_t height = 0;
    FactLeaf* leaf = nullptr;
    std::uint32_t at = 0;
  };
  // Nodes for splits, taken before anything changes.
  struct Spare {
    FactLeaf* leaf = nullptr;
    Inner* inners[kHeightMax] = {};
    std::size_t count = 0;
  };
  // A node and what stands above it: one of a level that is being built.
  struct Built {
    void* node;
    Fact first;
    std::uint32_t below;
  };

  template <std::uint32_t kCount, typename By>
  static std::uint32_t lower_bound(const FactColumns<kCount>& facts, std::uint32_t to, const Fact& fact, By by) {
    std::uint32_t from = 0;
    while (from < to) {
      const std::uint32_t middle = (from + to) / 2;
      if (by(facts.at(middle), fact) < 0) {
        from = middle + 1;
      } else {
        to = middle;
      }
    }
    return from;
  }
  // The child that `fact` is in, or would be.
  template <typename By>
  static std::uint32_t child_of(const Inner& node, const Fact& fact, By by) {
    std::uint32_t from = 1, to = node.count;
    while (from < to) {
      const std::uint32_t middle = (from + to) / 2;
      if (by(node.firsts.at(middle), fact) <= 0) {
        from = middle + 1;
      } else {
        to = middle;
      }
    }
    return from - 1;
  }
  Path path_to(const Fact& fact) const;
  static Neighbours beside_of(const FactLeaf& leaf, std::uint32_t at, std::uint32_t behind);
  Status take_spare(const Path& path, Spare& spare);
  void split(Path& path, Spare& spare);
  void hang(Path& path, std::size_t level, void* node, const Fact& first, std::uint32_t below, Spare& spare);
  static void put_child(Inner& node, std::uint32_t at, void* child, const Fact& first, std::uint32_t below);
  static void cut_child(Inner& node, std::uint32_t at);
  static std::uint32_t sum(const Inner& node) {
    std::uint32_t total = 0;
    for (std::uint32_t i = 0; i < node.count; ++i) total += node.below[i];
    return total;
  }
  void drop_leaf(Path& path, FactLeaf* leaf);
  static void set_first(const Path& path, std::size_t level, const Fact& first);
  void merge(Path& path);
  Status build_leaves(std::span<const Fact> facts, Growing<Built>& level);
  Status build_above(Growing<Built>& level);

  Region& region_;
  Order order_;
  void* root_ = nullptr;
  std::size_t height_ = 0;  // Inner levels.
  std::size_t size_ = 0;
};

template <typename Order>
template <typename By>
LeafCursor FactTree<Order>::seek(const Fact& fact, By by) const {
  if (root_ == nullptr) return {};
  const void* node = root_;
  for (std::size_t level = 0; level < height_; ++level) {
    const auto& inner = *static_cast<const Inner*>(node);
    node = inner.children[child_of(inner, fact, by)];
  }
  const auto* const leaf = static_cast<const FactLeaf*>(node);
  return {leaf, lower_bound(leaf->facts, leaf->count, fact, by)};
}

template <typename Order>
template <typename By>
std::size_t FactTree<Order>::count_before(const Fact& fact, By by) const {
  if (root_ == nullptr) return 0;
  const void* node = root_;
  std::size_t count = 0;
  for (std::size_t level = 0; level < height_; ++level) {
    const auto& inner = *static_cast<const Inner*>(node);
    const std::uint32_t at = child_of(inner, fact, by);
    for (std::uint32_t i = 0; i < at; ++i) count += inner.below[i];
    node = inner.children[at];
  }
  const auto* const leaf = static_cast<const FactLeaf*>(node);
  return count + lower_bound(leaf->facts, leaf->count, fact, by);
}

extern template class FactTree<EntityOrder>;
extern template class FactTree<ValueOrder>;

}  // namespace grid::datalog
