// SPDX-License-Identifier: Apache-2.0
//
// Merkle tree of one map: lets two replicas find what differs by exchanging a few sums.
//
// Place     Above cell.h and partition.h. Knows digests, never cells or stores.
// Promises  MRK-1  Equal live cells give equal roots; different ones differ except with probability 2^-64
//                  (honest writers).
//           A node is the sum mod 2^64 of the digests of its live cells, with their count: updates are
//           incremental, in any order, and the sums of children add up to their parent's.
//
// Level 0 is the root, level 1 the kPartitions partitions; below, a Range names the cells of one partition
// whose path begins with `bits` given bits. How many bits to descend is the asker's choice.
#pragma once

#include <cstdint>
#include <span>

#include "crdt/partition.h"

namespace grid::crdt {

struct Digest {
  std::uint64_t sum = 0;
  std::uint64_t count = 0;

  void add(std::uint64_t cell_digest) { sum += cell_digest, ++count; }
  void remove(std::uint64_t cell_digest) { sum -= cell_digest, --count; }
  void add(const Digest& other) { sum += other.sum, count += other.count; }
  bool empty() const { return count == 0; }

  friend bool operator==(const Digest&, const Digest&) = default;
};

struct Range {
  static constexpr std::uint8_t kBitsMax = 48;

  std::uint16_t partition = 0;
  std::uint8_t bits = 0;     // 0: the whole partition.
  std::uint64_t prefix = 0;  // The first `bits` bits of the path, as a number.

  bool contains(const Position& at) const {
    return at.partition == partition && (bits == 0 || at.path >> (64 - bits) == prefix);
  }
  // Where it begins in the order of positions, and how it stands to others there: for lists that are searched.
  std::uint64_t first_path() const { return bits == 0 ? 0 : prefix << (64 - bits); }
  bool begins_before(const Range& other) const {
    return partition != other.partition ? partition < other.partition : first_path() < other.first_path();
  }
  bool begins_after(const Position& at) const {
    return partition != at.partition ? partition > at.partition : first_path() > at.path;
  }
  bool is_valid() const { return partition < kPartitions && bits <= kBitsMax && prefix >> bits == 0; }
  // Child `index` of the 2^`more` below.
  Range child(std::uint8_t more, std::uint64_t index) const {
    return {partition, static_cast<std::uint8_t>(bits + more), (prefix << more) | index};
  }

  friend bool operator==(const Range&, const Range&) = default;
};

// How many bits to descend from a node of `count` cells so that what is sent (children now, cell digests next)
// is least: half the bits of the count.
std::uint8_t split_bits(std::uint64_t count);

// The kept part of a tree: root, partitions, and `deep_bits` below them, in slots that the caller lends.
class MerkleTree {
 public:
  // Slots for nodes(deep_bits) digests, all empty.
  static constexpr std::size_t nodes(std::uint8_t deep_bits) { return std::size_t{kPartitions} << deep_bits; }

  MerkleTree() = default;
  MerkleTree(std::span<Digest> slots, std::uint8_t deep_bits);

  void add(const Position& at, std::uint64_t cell_digest);
  void remove(const Position& at, std::uint64_t cell_digest);
  void clear();

  Digest root() const { return root_; }
  bool keeps(const Range& range) const { return range.bits <= deep_bits_; }
  // Only where keeps() says so.
  Digest node(const Range& range) const;

 private:
  std::size_t slot_of(const Position& at) const;

  std::span<Digest> slots_;
  std::uint8_t deep_bits_ = 0;
  Digest root_;
};

}  // namespace grid::crdt
