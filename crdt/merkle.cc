// SPDX-License-Identifier: Apache-2.0
//
// The kept part of a Merkle tree: only its deepest level is stored, in path order, so that every node above is the
// sum of one run of slots. An update touches one slot and the root.

#include "crdt/merkle.h"

#include <algorithm>
#include <bit>

#include "crdt/base/check.h"

namespace grid::crdt {

std::uint8_t split_bits(std::uint64_t count) {
  // The count is what a peer says; more children than this no frame would carry.
  constexpr int kBitsMax = 12;
  return static_cast<std::uint8_t>(std::min(static_cast<int>(std::bit_width(count)) / 2, kBitsMax));
}

MerkleTree::MerkleTree(std::span<Digest> slots, std::uint8_t deep_bits) : slots_(slots), deep_bits_(deep_bits) {
  GRID_CHECK(deep_bits <= Range::kBitsMax && slots.size() == nodes(deep_bits));
  clear();
}

void MerkleTree::add(const Position& at, std::uint64_t cell_digest) {
  slots_[slot_of(at)].add(cell_digest);
  root_.add(cell_digest);
}

void MerkleTree::remove(const Position& at, std::uint64_t cell_digest) {
  Digest& slot = slots_[slot_of(at)];
  GRID_CHECK(slot.count > 0);
  slot.remove(cell_digest);
  root_.remove(cell_digest);
}

void MerkleTree::clear() {
  std::fill(slots_.begin(), slots_.end(), Digest{});
  root_ = {};
}

Digest MerkleTree::node(const Range& range) const {
  GRID_CHECK(range.is_valid() && keeps(range) && !slots_.empty());
  const std::size_t run = std::size_t{1} << (deep_bits_ - range.bits);
  const std::size_t first = (std::size_t{range.partition} << deep_bits_) + static_cast<std::size_t>(range.prefix) * run;
  Digest sum;
  for (const Digest& slot : slots_.subspan(first, run)) sum.add(slot);
  return sum;
}

std::size_t MerkleTree::slot_of(const Position& at) const {
  GRID_CHECK(!slots_.empty() && at.partition < kPartitions);
  const std::uint64_t below = deep_bits_ == 0 ? 0 : at.path >> (64 - deep_bits_);
  return (std::size_t{at.partition} << deep_bits_) + static_cast<std::size_t>(below);
}

}  // namespace grid::crdt
