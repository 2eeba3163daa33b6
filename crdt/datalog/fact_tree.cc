// SPDX-License-Identifier: Apache-2.0

#include "crdt/datalog/fact_tree.h"

namespace grid::datalog {
namespace {

// The lines of a leaf come all at once, instead of one after the other as a search finds out that it needs them.
void fetch(const void* leaf) {
  const auto* const bytes = static_cast<const std::uint8_t*>(leaf);
  for (std::size_t at = 0; at < sizeof(FactLeaf); at += 64) __builtin_prefetch(bytes + at);
}

}  // namespace

template <typename Order>
typename FactTree<Order>::Path FactTree<Order>::path_to(const Fact& fact) const {
  Path path;
  void* node = root_;
  for (; path.height < height_; ++path.height) {
    auto* const inner = static_cast<Inner*>(node);
    const std::uint32_t at = child_of(*inner, fact, order_);
    path.steps[path.height] = {inner, at};
    node = inner->children[at];
    if (path.height + 1 == height_) fetch(node);
  }
  path.leaf = static_cast<FactLeaf*>(node);
  path.at = lower_bound(path.leaf->facts, path.leaf->count, fact, order_);
  return path;
}

template <typename Order>
typename FactTree<Order>::Neighbours FactTree<Order>::beside_of(const FactLeaf& leaf, std::uint32_t at,
                                                                std::uint32_t behind) {
  Neighbours beside;
  if (at > 0) {
    beside.before = leaf.facts.at(at - 1);
  } else if (leaf.before != nullptr) {
    beside.before = leaf.before->facts.at(leaf.before->count - 1);
  }
  if (behind < leaf.count) {
    beside.behind = leaf.facts.at(behind);
  } else if (leaf.behind != nullptr) {
    beside.behind = leaf.behind->facts.at(0);
  }
  return beside;
}

template <typename Order>
Status FactTree<Order>::insert(const Fact& fact, Neighbours& beside) {
  if (root_ == nullptr) {
    auto* const leaf = region_.take_many<FactLeaf>(1);
    if (leaf == nullptr) return Status::full;
    leaf->before = leaf->behind = nullptr;
    leaf->count = 0;
    root_ = leaf;
  }
  Path path = path_to(fact);
  if (path.at < path.leaf->count && order_(path.leaf->facts.at(path.at), fact) == 0) return Status::conflict;
  if (path.leaf->count == 0) {
    beside = {};
  } else {
    beside = beside_of(*path.leaf, path.at, path.at);
  }
  if (path.leaf->count == FactLeaf::kMax) {
    Spare spare;
    GRID_TRY(take_spare(path, spare));
    split(path, spare);
    path = path_to(fact);
  }
  FactLeaf& leaf = *path.leaf;
  leaf.facts.move_to(leaf.facts, path.at + 1, path.at, leaf.count);
  leaf.facts.set(path.at, fact);
  ++leaf.count;
  for (std::size_t i = 0; i < path.height; ++i) ++path.steps[i].node->below[path.steps[i].at];
  ++size_;
  return Status::ok;
}

template <typename Order>
Status FactTree<Order>::take_spare(const Path& path, Spare& spare) {
  std::size_t inners = 0;
  while (inners < path.height && path.steps[path.height - 1 - inners].node->count == Inner::kMax) ++inners;
  if (inners == path.height) ++inners;  // A new root.
  if (path.height == kHeightMax) return Status::full;
  spare.leaf = region_.take_many<FactLeaf>(1);
  while (spare.leaf != nullptr && spare.count < inners) {
    auto* const inner = region_.take_many<Inner>(1);
    if (inner == nullptr) break;
    spare.inners[spare.count++] = inner;
  }
  if (spare.leaf != nullptr && spare.count == inners) return Status::ok;
  while (spare.count > 0) region_.give_many(spare.inners[--spare.count], 1);
  region_.give_many(spare.leaf, spare.leaf == nullptr ? 0 : 1);
  return Status::full;
}

// Whoever appends leaves full leaves behind.
template <typename Order>
void FactTree<Order>::split(Path& path, Spare& spare) {
  FactLeaf& left = *path.leaf;
  FactLeaf& right = *spare.leaf;
  const bool is_appended = left.behind == nullptr && path.at == left.count;
  const std::uint32_t kept = is_appended ? left.count - 1 : left.count / 2;
  left.facts.move_to(right.facts, 0, kept, left.count);
  right.count = left.count - kept;
  left.count = kept;
  right.before = &left;
  right.behind = left.behind;
  if (right.behind != nullptr) right.behind->before = &right;
  left.behind = &right;
  hang(path, path.height, &right, right.facts.at(0), right.count, spare);
}

// Puts `node` behind the one that the path has at `level`, of which it took `below` facts.
template <typename Order>
void FactTree<Order>::hang(Path& path, std::size_t level, void* node, const Fact& first, std::uint32_t below,
                           Spare& spare) {
  Fact least = first;
  for (; level > 0; --level) {
    Inner& parent = *path.steps[level - 1].node;
    const std::uint32_t at = path.steps[level - 1].at;
    parent.below[at] -= below;
    if (parent.count < Inner::kMax) return put_child(parent, at + 1, node, least, below);
    Inner& right = *spare.inners[--spare.count];
    const std::uint32_t kept = at + 1 == parent.count ? parent.count - 1 : parent.count / 2;
    right.count = parent.count - kept;
    std::copy(parent.children + kept, parent.children + parent.count, right.children);
    std::copy(parent.below + kept, parent.below + parent.count, right.below);
    parent.firsts.move_to(right.firsts, 0, kept, parent.count);
    parent.count = kept;
    put_child(at >= kept ? right : parent, at >= kept ? at - kept + 1 : at + 1, node, least, below);
    node = &right;
    least = right.firsts.at(0);
    below = sum(right);
    // What hung below the parent is now below both: the level above takes off what the right one has.
  }
  Inner& root = *spare.inners[--spare.count];
  root.count = 0;
  const auto all = static_cast<std::uint32_t>(size_);
  put_child(root, 0, root_, {}, all - below);
  put_child(root, 1, node, least, below);
  root_ = &root;
  ++height_;
}

template <typename Order>
void FactTree<Order>::put_child(Inner& node, std::uint32_t at, void* child, const Fact& first, std::uint32_t below) {
  std::copy_backward(node.children + at, node.children + node.count, node.children + node.count + 1);
  std::copy_backward(node.below + at, node.below + node.count, node.below + node.count + 1);
  node.firsts.move_to(node.firsts, at + 1, at, node.count);
  node.children[at] = child;
  node.below[at] = below;
  node.firsts.set(at, first);
  ++node.count;
}

template <typename Order>
void FactTree<Order>::cut_child(Inner& node, std::uint32_t at) {
  std::copy(node.children + at + 1, node.children + node.count, node.children + at);
  std::copy(node.below + at + 1, node.below + node.count, node.below + at);
  node.firsts.move_to(node.firsts, at, at + 1, node.count);
  --node.count;
}

template <typename Order>
Status FactTree<Order>::erase(const Fact& fact, Neighbours& beside) {
  if (root_ == nullptr) return Status::not_found;
  Path path = path_to(fact);
  FactLeaf& leaf = *path.leaf;
  if (path.at == leaf.count || order_(leaf.facts.at(path.at), fact) != 0) return Status::not_found;
  beside = beside_of(leaf, path.at, path.at + 1);
  leaf.facts.move_to(leaf.facts, path.at, path.at + 1, leaf.count);
  --leaf.count;
  --size_;
  for (std::size_t i = 0; i < path.height; ++i) --path.steps[i].node->below[path.steps[i].at];
  if (leaf.count == 0) {
    drop_leaf(path, &leaf);
    return Status::ok;
  }
  if (path.at == 0) set_first(path, path.height, leaf.facts.at(0));
  if (leaf.count < FactLeaf::kMax / 4) merge(path);
  return Status::ok;
}

// What the path goes to at `level` begins with `first` now. Whoever is the first of its parent is told by one above.
template <typename Order>
void FactTree<Order>::set_first(const Path& path, std::size_t level, const Fact& first) {
  while (level > 0 && path.steps[level - 1].at == 0) --level;
  if (level > 0) path.steps[level - 1].node->firsts.set(path.steps[level - 1].at, first);
}

// Of the path's parent, the child that the path has there.
template <typename Order>
void FactTree<Order>::drop_leaf(Path& path, FactLeaf* leaf) {
  if (leaf->before != nullptr) leaf->before->behind = leaf->behind;
  if (leaf->behind != nullptr) leaf->behind->before = leaf->before;
  std::size_t level = path.height;
  for (; level > 0; --level) {
    Inner* const parent = path.steps[level - 1].node;
    const std::uint32_t at = path.steps[level - 1].at;
    cut_child(*parent, at);
    if (parent->count > 0) {
      if (at == 0) set_first(path, level - 1, leaf->behind->facts.at(0));
      break;
    }
    region_.give_many(parent, 1);
  }
  region_.give_many(leaf, 1);
  if (level == 0) {
    root_ = nullptr;
    height_ = 0;
  }
  while (height_ > 0 && static_cast<Inner*>(root_)->count == 1) {
    auto* const root = static_cast<Inner*>(root_);
    root_ = root->children[0];
    --height_;
    region_.give_many(root, 1);
  }
}

// With the leaf behind, or before, when it is of the same parent and both fill no more than three quarters.
template <typename Order>
void FactTree<Order>::merge(Path& path) {
  if (path.height == 0) return;
  Step& step = path.steps[path.height - 1];
  if (step.node->count == 1) return;
  const std::uint32_t left_at = step.at + 1 < step.node->count ? step.at : step.at - 1;
  auto& left = *static_cast<FactLeaf*>(step.node->children[left_at]);
  auto& right = *static_cast<FactLeaf*>(step.node->children[left_at + 1]);
  if (left.count + right.count > FactLeaf::kMax * 3 / 4) return;
  right.facts.move_to(left.facts, left.count, 0, right.count);
  left.count += right.count;
  step.node->below[left_at] += right.count;
  step.at = left_at + 1;
  drop_leaf(path, &right);
}

template <typename Order>
Status FactTree<Order>::build(std::span<const Fact> facts) {
  GRID_CHECK(root_ == nullptr);
  if (facts.empty()) return Status::ok;
  Growing<Built> level(region_);
  GRID_TRY(build_leaves(facts, level));
  std::size_t height = 0;
  for (; level.size() > 1; ++height) GRID_TRY(build_above(level));
  root_ = level[0].node;
  height_ = height;
  size_ = facts.size();
  return Status::ok;
}

// A tenth is left free, so that the next changes don't split every leaf.
template <typename Order>
Status FactTree<Order>::build_leaves(std::span<const Fact> facts, Growing<Built>& level) {
  constexpr std::size_t kFill = FactLeaf::kMax * 9 / 10;
  FactLeaf* last = nullptr;
  for (std::size_t from = 0; from < facts.size(); from += kFill) {
    auto* const leaf = region_.take_many<FactLeaf>(1);
    if (leaf == nullptr) return Status::full;
    leaf->count = static_cast<std::uint32_t>(std::min(kFill, facts.size() - from));
    for (std::size_t i = 0; i < leaf->count; ++i) leaf->facts.set(i, facts[from + i]);
    leaf->before = last;
    leaf->behind = nullptr;
    if (last != nullptr) last->behind = leaf;
    last = leaf;
    GRID_TRY(level.push({leaf, facts[from], leaf->count}));
  }
  return Status::ok;
}

template <typename Order>
Status FactTree<Order>::build_above(Growing<Built>& level) {
  constexpr std::size_t kFill = Inner::kMax * 9 / 10;
  std::size_t built = 0;
  for (std::size_t from = 0; from < level.size();) {
    auto* const inner = region_.take_many<Inner>(1);
    if (inner == nullptr) return Status::full;
    const Fact first = level[from].first;
    inner->count = 0;
    for (; inner->count < kFill && from < level.size(); ++from)
      put_child(*inner, inner->count, level[from].node, level[from].first, level[from].below);
    level[built++] = {inner, first, sum(*inner)};
  }
  level.truncate(built);
  return Status::ok;
}

template class FactTree<EntityOrder>;
template class FactTree<ValueOrder>;

}  // namespace grid::datalog
