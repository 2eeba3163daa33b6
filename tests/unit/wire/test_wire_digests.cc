// SPDX-License-Identifier: Apache-2.0
//
// Digest frames: groups arrive as added, and numbers out of range are refused.

#include "tests/check.h"
#include "tests/unit/crdt/dice.h"
#include "tests/unit/wire/samples.h"

namespace grid::wire {
namespace {

using namespace test;
using crdt::Digest;
using crdt::Range;

Digest children_room[std::size_t{1} << kSplitBitsMax];

void asks_arrive_as_added(void**) {
  const Frame frame = digest_ask();
  DigestsReader reader;
  assert_ok(reader.open(frame));
  assert_int_equal(reader.id(), 7);
  assert_true(reader.map() == "climate" && reader.last());
  Split split;
  assert_true(reader.next_ask(split));
  assert_true(split.range == kWholeMap && split.more == 0);
  assert_true(reader.next_ask(split));
  assert_true(split.range == (Range{270, 4, 9}) && split.more == 12);
  assert_false(reader.next_ask(split));
  assert_ok(reader.status());
}

void reply_leaves_out_empty_children_and_the_reader_puts_them_back(void**) {
  const Frame frame = digest_reply();
  DigestsReader reader;
  assert_ok(reader.open(frame));
  Split split;
  children_room[0] = {1, 1};
  assert_true(reader.next_reply(split, children_room));
  assert_true(split.range == (Range{12, 1, 1}) && split.more == 2);
  assert_true(children_room[0] == Digest{} && children_room[2] == Digest{});
  assert_true(children_room[1] == (Digest{0x0102, 3}));
  assert_true(children_room[3] == (Digest{UINT64_MAX, 1'000'000}));
  assert_false(reader.next_reply(split, children_room));
  assert_ok(reader.status());
}

void lists_of_digests_arrive_as_added(void**) {
  const Frame frame = digests(Kind::have);
  DigestsReader reader;
  assert_ok(reader.open(frame));
  assert_false(reader.last());
  Range range;
  std::size_t digest_count = 0;
  assert_true(reader.next_digests(range, digest_count));
  assert_true(range == (Range{0, 48, 0xffff'ffff'ffff}) && digest_count == 2);
  assert_true(reader.digest(0) == 0x1122'3344'5566'7788 && reader.digest(1) == 5);
  assert_true(reader.next_digests(range, digest_count));
  assert_true(range == (Range{12, 0, 0}) && digest_count == 0);
  assert_false(reader.next_digests(range, digest_count));
  assert_ok(reader.status());
}

// Budget: telling 271 full partitions apart costs little more than their sums and counts.
void reply_for_a_whole_map_is_dense(void**) {
  std::vector<Digest> partitions(crdt::kPartitions, Digest{UINT64_MAX, 3'700});
  Frame room(4'096);
  DigestsWriter writer(Kind::digest_reply, 7, "climate", room);
  assert_true(writer.add_reply({kWholeMap, 0}, partitions));
  const Bytes frame = writer.finish(false);
  assert_true(frame.size() <= 271 * 11 + 32);
  DigestsReader reader;
  assert_ok(reader.open(frame));
  Split split;
  assert_true(reader.next_reply(split, children_room));
  assert_true(std::equal(partitions.begin(), partitions.end(), children_room));
}

void answer_of_a_server_without_maps_is_empty(void**) {
  std::uint8_t room[kControlBytesMax];
  DigestsWriter writer(Kind::digest_reply, 7, "", room);
  const Bytes frame = writer.finish(true);
  DigestsReader reader;
  assert_ok(reader.open(frame));
  assert_true(reader.map().empty() && reader.last());
  Split split;
  assert_false(reader.next_reply(split, children_room));
  assert_ok(reader.status());
}

std::vector<Digest> drawn_children(Dice& dice, std::size_t n) {
  std::vector<Digest> children(n);
  for (Digest& child : children) {
    if (dice.one_in(2)) child = {dice.any(), 1 + (dice.any() >> dice.below(64))};
  }
  return children;
}

Split drawn_split(Dice& dice) {
  if (dice.one_in(8)) return {kWholeMap, 0};
  const auto bits = static_cast<std::uint8_t>(dice.below(Range::kBitsMax + 1));
  const auto more = static_cast<std::uint8_t>(dice.below(std::min<std::uint64_t>(8, Range::kBitsMax - bits) + 1));
  const std::uint64_t prefix = bits == 0 ? 0 : dice.any() >> (64 - bits);
  return {{static_cast<std::uint16_t>(dice.below(crdt::kPartitions)), bits, prefix}, more};
}

struct Added {
  Split split;
  std::vector<Digest> children;
};

// Rooms of every size around the one that is needed: what was added is there, what did not fit is not.
void replies_fill_any_room_and_never_more(void**) {
  Dice dice;
  for (int round = 0; round < 2'000; ++round) {
    const std::size_t size = kControlBytesMax + dice.below(3'000);
    Frame room(size + 64, 0xaa);
    DigestsWriter writer(Kind::digest_reply, static_cast<std::uint32_t>(dice.any()), "m", MutBytes(room).first(size));
    std::vector<Added> added;
    for (;;) {
      Added next{drawn_split(dice), {}};
      next.children = drawn_children(dice, children_of(next.split));
      if (!writer.add_reply(next.split, next.children)) break;
      added.push_back(std::move(next));
    }
    assert_int_equal(writer.count(), added.size());
    const Bytes frame = writer.finish(true);
    assert_true(frame.size() <= size);
    assert_true(std::count(room.end() - 64, room.end(), 0xaa) == 64);
    DigestsReader reader;
    assert_ok(reader.open(frame));
    assert_true(reader.last());
    for (const Added& sent : added) {
      Split split;
      assert_true(reader.next_reply(split, children_room));
      assert_true(split.range == sent.split.range && split.more == sent.split.more);
      assert_true(std::equal(sent.children.begin(), sent.children.end(), children_room));
    }
    Split split;
    assert_false(reader.next_reply(split, children_room));
    assert_ok(reader.status());
  }
}

Frame groups_of(Kind kind, const Frame& groups) {
  Frame frame{static_cast<std::uint8_t>(kind), 0x12, 1, 'm', 0x1a, static_cast<std::uint8_t>(groups.size())};
  frame.insert(frame.end(), groups.begin(), groups.end());
  return frame;
}

void groups_out_of_range_are_corrupt(void**) {
  const struct {
    Kind kind;
    Frame groups;
  } cases[] = {
      {Kind::digest_ask, {0x90, 0x02, 0, 0, 0}},                            // partition 272
      {Kind::digest_ask, {0x8f, 0x02, 1, 0, 0}},                            // the whole map, but a part of it
      {Kind::digest_ask, {0x8f, 0x02, 0, 0, 1}},                            // the whole map, split by bits
      {Kind::digest_ask, {0, 49, 0, 0}},                                    // too deep
      {Kind::digest_ask, {0, 48, 0, 1}},                                    // its children are too deep
      {Kind::digest_ask, {0, 1, 2, 0}},                                     // a prefix longer than its bits
      {Kind::digest_ask, {0, 0, 0, 13}},                                    // too wide
      {Kind::digest_ask, {0, 0, 0}},                                        // cut off
      {Kind::digest_ask, {0x80, 0, 0, 0, 0}},                               // not minimal
      {Kind::digest_reply, {0, 0, 0, 0, 2}},                                // more children than there are
      {Kind::digest_reply, {0, 0, 0, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1}},  // a child behind the last
      {Kind::digest_reply, {0, 0, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0}},  // a child that is empty
      {Kind::digest_reply, {0, 0, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1}},        // a sum that is cut off
      {Kind::have, {0, 0, 0, 1}},                                           // a digest that isn't there
      {Kind::lacks, {0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}},  // 2^64 - 1 of them
  };
  for (const auto& bad : cases) {
    Frame again;
    if (rewrite(groups_of(bad.kind, bad.groups), again) != Status::corrupt) fail_msg("taken: case %zd", &bad - cases);
  }
}

void head_that_breaks_a_rule_is_refused(void**) {
  DigestsReader reader;
  assert_status(reader.open({}), Status::corrupt);
  assert_status(reader.open(Frame{6}), Status::corrupt);
  assert_status(reader.open(Frame{13, 0x1a, 4, 0, 0, 0, 0}), Status::corrupt);    // no map, but groups
  assert_status(reader.open(Frame{13, 0x12, 1, '/'}), Status::corrupt);           // a map with a slash
  assert_status(reader.open(Frame{13, 0x12, 1, 'm', 0x20, 2}), Status::corrupt);  // a truth of 2
  assert_status(reader.open(Frame{13, 0x12, 1, 'm', 0x18, 2}), Status::corrupt);  // groups as a number
  Frame long_map{13, 0x12, 65};
  long_map.insert(long_map.end(), 65, 'm');
  assert_status(reader.open(long_map), Status::too_large);
}

void reader_with_too_little_room_says_so(void**) {
  const Frame frame = digest_reply();
  DigestsReader reader;
  assert_ok(reader.open(frame));
  Split split;
  assert_false(reader.next_reply(split, std::span(children_room).first(3)));
  assert_status(reader.status(), Status::too_large);
  assert_false(reader.next_reply(split, children_room));
}

}  // namespace
}  // namespace grid::wire

int main() {
  using namespace grid::wire;
  const CMUnitTest tests[] = {
      cmocka_unit_test(asks_arrive_as_added),
      cmocka_unit_test(reply_leaves_out_empty_children_and_the_reader_puts_them_back),
      cmocka_unit_test(lists_of_digests_arrive_as_added),
      cmocka_unit_test(reply_for_a_whole_map_is_dense),
      cmocka_unit_test(answer_of_a_server_without_maps_is_empty),
      cmocka_unit_test(replies_fill_any_room_and_never_more),
      cmocka_unit_test(groups_out_of_range_are_corrupt),
      cmocka_unit_test(head_that_breaks_a_rule_is_refused),
      cmocka_unit_test(reader_with_too_little_room_says_so),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
