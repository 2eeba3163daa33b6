// SPDX-License-Identifier: Apache-2.0

#include "server/partitions.h"

namespace grid::server {

using crdt::Digest;
using crdt::Op;

Partitions::Counted Partitions::counted(const Op& op) const {
  if (op.cell.is_tombstone()) return {};
  if (!op.cell.is_live(expired_through_ms_)) return {false, 0, op.cell.expires_ms, op.seq};
  return {true, crdt::digest_of(op.cell), op.cell.expires_ms, op.seq};
}

Partitions::Tree* Partitions::tree_for(std::string_view map) {
  const auto found = trees_.find(map);
  if (found != trees_.end()) return &found->second;
  if (trees_.size() == maps_max_) {
    overflowed_ = true;
    return nullptr;
  }
  Tree& tree = trees_[std::string(map)];
  tree.slots.resize(crdt::MerkleTree::nodes(kDeepBits));
  tree.tree = crdt::MerkleTree(tree.slots, kDeepBits);
  return &tree;
}

void Partitions::add(const Op& op) {
  const Counted now = counted(op);
  if (now.expires_ms != 0) (now.counted ? expiries_ : expired_).insert({now.expires_ms, op.seq});
  if (!now.counted) return;
  if (Tree* tree = tree_for(op.cell.name.map)) tree->tree.add(position_of(op.cell.name), now.digest);
}

void Partitions::remove(const crdt::CellName& name, const Counted& before) {
  if (before.expires_ms != 0) (before.counted ? expiries_ : expired_).erase({before.expires_ms, before.seq});
  if (!before.counted) return;
  const auto found = trees_.find(name.map);
  if (found != trees_.end()) found->second.tree.remove(position_of(name), before.digest);
}

void Partitions::expire(std::uint64_t wall_ms, storage::Store& store) {
  while (!expiries_.empty() && expiries_.begin()->at_ms <= wall_ms) {
    const Expiry expiry = *expiries_.begin();
    const Result<Op> op = store.next_op(expiry.seq - 1);
    if (!op.ok() && op.status() != Status::not_found) return;  // The store says so itself, to whoever reads next.
    expiries_.erase(expiry);
    if (!op.ok() || op->seq != expiry.seq) continue;
    expired_.insert(expiry);
    remove(op->cell.name, {true, crdt::digest_of(op->cell), 0, 0});
  }
  if (wall_ms > expired_through_ms_) expired_through_ms_ = wall_ms;
}

const crdt::MerkleTree* Partitions::tree(std::string_view map) const {
  const auto found = trees_.find(map);
  return found == trees_.end() ? nullptr : &found->second.tree;
}

Result<Digest> Partitions::root(const runtime::Scope& scope) const {
  if (scope.kind == runtime::ScopeKind::map) {
    if (const crdt::MerkleTree* kept = tree(scope.map)) return kept->root();
    return overflowed_ ? Result<Digest>(Status::not_found) : Result<Digest>(Digest{});
  }
  if (scope.kind != runtime::ScopeKind::everything || overflowed_) return Status::not_found;
  Digest sum;
  for (const auto& [map, tree] : trees_) sum.add(tree.tree.root());
  return sum;
}

}  // namespace grid::server
