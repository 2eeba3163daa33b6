// SPDX-License-Identifier: Apache-2.0
//
// Positions and the tree of digests above them.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "crdt/hash.h"
#include "crdt/merkle.h"
#include "tests/unit/crdt/dice.h"

namespace grid::crdt {
namespace {

struct Leaf {
  Position at;
  std::uint64_t digest;
};

std::vector<Leaf> leaves(test::Dice& dice, std::size_t count) {
  std::vector<Leaf> drawn;
  for (std::size_t i = 0; i < count; ++i) drawn.push_back({position_of("app", "map", dice.bytes(8)), dice.any()});
  return drawn;
}

bool equal_everywhere(const MerkleTree& a, const MerkleTree& b, std::uint8_t bits) {
  if (!(a.root() == b.root())) return false;
  for (std::uint16_t partition = 0; partition < kPartitions; ++partition) {
    for (std::uint64_t prefix = 0; prefix < std::uint64_t{1} << bits; ++prefix) {
      if (!(a.node({partition, bits, prefix}) == b.node({partition, bits, prefix}))) return false;
    }
  }
  return true;
}

// MRK-1
void any_order_of_adds_and_removes_gives_the_same_tree(void**) {
  test::Dice dice;
  for (const std::uint8_t bits : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{4}}) {
    std::vector<Digest> one(MerkleTree::nodes(bits)), two(MerkleTree::nodes(bits));
    MerkleTree straight(one, bits), crooked(two, bits);
    std::vector<Leaf> stay = leaves(dice, 2'000), pass = leaves(dice, 500);
    for (const Leaf& leaf : stay) straight.add(leaf.at, leaf.digest);
    for (const Leaf& leaf : pass) crooked.add(leaf.at, leaf.digest);
    std::shuffle(stay.begin(), stay.end(), dice.engine());
    std::shuffle(pass.begin(), pass.end(), dice.engine());
    for (std::size_t i = 0; i < stay.size(); ++i) {
      crooked.add(stay[i].at, stay[i].digest);
      if (i < pass.size()) crooked.remove(pass[i].at, pass[i].digest);
    }
    assert_true(equal_everywhere(straight, crooked, bits));
    crooked.clear();
    assert_true(crooked.root().empty());
  }
}

// MRK-1
void a_tree_that_lacks_or_changes_one_leaf_has_another_root(void**) {
  test::Dice dice;
  std::vector<Digest> slots(MerkleTree::nodes(2));
  MerkleTree tree(slots, 2);
  const std::vector<Leaf> all = leaves(dice, 200);
  for (const Leaf& leaf : all) tree.add(leaf.at, leaf.digest);
  const Digest whole = tree.root();
  for (const Leaf& leaf : all) {
    tree.remove(leaf.at, leaf.digest);
    assert_false(tree.root() == whole);
    tree.add(leaf.at, leaf.digest + 1);
    assert_false(tree.root() == whole);
    tree.remove(leaf.at, leaf.digest + 1);
    tree.add(leaf.at, leaf.digest);
    assert_true(tree.root() == whole);
  }
}

void sums_of_children_add_up_to_their_parents(void**) {
  constexpr std::uint8_t kBits = 5;
  test::Dice dice;
  std::vector<Digest> slots(MerkleTree::nodes(kBits));
  MerkleTree tree(slots, kBits);
  for (const Leaf& leaf : leaves(dice, 5'000)) tree.add(leaf.at, leaf.digest);
  Digest partitions;
  for (std::uint16_t partition = 0; partition < kPartitions; ++partition) {
    const Range whole{partition, 0, 0};
    partitions.add(tree.node(whole));
    for (std::uint8_t bits = 0; bits < kBits; ++bits) {
      for (std::uint64_t prefix = 0; prefix < std::uint64_t{1} << bits; ++prefix) {
        const Range parent{partition, bits, prefix};
        const std::uint8_t more = static_cast<std::uint8_t>(1 + dice.below(kBits - bits));
        Digest children;
        for (std::uint64_t i = 0; i < std::uint64_t{1} << more; ++i) children.add(tree.node(parent.child(more, i)));
        assert_true(children == tree.node(parent));
      }
    }
  }
  assert_true(partitions == tree.root());
}

void a_node_sums_exactly_the_leaves_that_its_range_contains(void**) {
  constexpr std::uint8_t kBits = 3;
  test::Dice dice;
  std::vector<Digest> slots(MerkleTree::nodes(kBits));
  MerkleTree tree(slots, kBits);
  const std::vector<Leaf> all = leaves(dice, 1'000);
  for (const Leaf& leaf : all) tree.add(leaf.at, leaf.digest);
  for (int i = 0; i < 300; ++i) {
    const auto bits = static_cast<std::uint8_t>(dice.below(kBits + 1));
    const Range range{static_cast<std::uint16_t>(dice.below(kPartitions)), bits, dice.below(std::uint64_t{1} << bits)};
    Digest expected;
    for (const Leaf& leaf : all) {
      if (range.contains(leaf.at)) expected.add(leaf.digest);
    }
    assert_true(tree.node(range) == expected);
  }
}

void the_children_of_a_range_share_it_out(void**) {
  test::Dice dice;
  for (int i = 0; i < 2'000; ++i) {
    const Position at = position_of("app", "map", dice.bytes(6));
    Range range{at.partition, 0, 0};
    assert_true(range.contains(at));
    while (range.bits < Range::kBitsMax) {
      const auto more = static_cast<std::uint8_t>(1 + dice.below(std::min(6u, 0u + Range::kBitsMax - range.bits)));
      Range inside{};
      int count = 0;
      for (std::uint64_t index = 0; index < std::uint64_t{1} << more; ++index) {
        const Range child = range.child(more, index);
        assert_true(child.is_valid());
        if (child.contains(at)) inside = child, ++count;
      }
      assert_int_equal(count, 1);
      range = inside;
    }
    assert_false(Range{static_cast<std::uint16_t>((at.partition + 1) % kPartitions)}.contains(at));
  }
}

void a_range_outside_the_tree_is_not_valid(void**) {
  assert_true((Range{270, 48, (std::uint64_t{1} << 48) - 1}).is_valid());
  assert_false((Range{271, 0, 0}).is_valid());
  assert_false((Range{0, 49, 0}).is_valid());
  assert_false((Range{0, 0, 1}).is_valid());
  assert_false((Range{0, 3, 8}).is_valid());
}

void a_split_takes_half_the_bits_of_the_count(void**) {
  const std::pair<std::uint64_t, int> expected[] = {{0, 0},     {1, 0},   {2, 1},     {7, 1},          {8, 2},
                                                    {1'000, 5}, {370, 4}, {3'690, 6}, {UINT64_MAX, 12}};
  for (const auto& [count, bits] : expected) assert_int_equal(split_bits(count), bits);
}

void keys_spread_evenly_over_partitions_and_below_them(void**) {
  constexpr std::size_t kKeys = 271'000;
  std::vector<int> partitions(kPartitions), children(16);
  for (std::size_t i = 0; i < kKeys; ++i) {
    const Position at = position_of("farm", "climate", "bench/" + std::to_string(i));
    assert_true(at.partition < kPartitions);
    ++partitions[at.partition];
    ++children[at.path >> 60];
  }
  for (const int count : partitions) assert_in_range(count, 800, 1'200);
  for (const int count : children) assert_in_range(count, kKeys / 16 * 9 / 10, kKeys / 16 * 11 / 10);
}

void a_position_tells_app_map_and_key_apart(void**) {
  const Position at = position_of("app", "map", "key");
  for (const Position& other : {position_of("appm", "ap", "key"), position_of("app", "mapk", "ey"),
                                position_of("map", "app", "key"), position_of("app", "map", "")}) {
    assert_false(at == other);
  }
}

void a_hash_is_the_same_whatever_the_pieces(void**) {
  test::Dice dice;
  const std::string text = dice.bytes(300);
  for (int i = 0; i < 200; ++i) {
    Hash64 hash;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t size = std::min<std::size_t>(dice.below(50), text.size() - at);
      hash.add(as_bytes(text).subspan(at, size));
      at += size;
    }
    assert_true(hash.value() == hash64(as_bytes(text)));
    const Hash64 copy = hash;
    assert_true(copy.value() == hash.value());
  }
}

}  // namespace
}  // namespace grid::crdt

int main() {
  using namespace grid::crdt;
  const CMUnitTest tests[] = {
      cmocka_unit_test(any_order_of_adds_and_removes_gives_the_same_tree),
      cmocka_unit_test(a_tree_that_lacks_or_changes_one_leaf_has_another_root),
      cmocka_unit_test(sums_of_children_add_up_to_their_parents),
      cmocka_unit_test(a_node_sums_exactly_the_leaves_that_its_range_contains),
      cmocka_unit_test(the_children_of_a_range_share_it_out),
      cmocka_unit_test(a_range_outside_the_tree_is_not_valid),
      cmocka_unit_test(a_split_takes_half_the_bits_of_the_count),
      cmocka_unit_test(keys_spread_evenly_over_partitions_and_below_them),
      cmocka_unit_test(a_position_tells_app_map_and_key_apart),
      cmocka_unit_test(a_hash_is_the_same_whatever_the_pieces),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
