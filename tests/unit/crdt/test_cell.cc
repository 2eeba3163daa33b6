// SPDX-License-Identifier: Apache-2.0
//
// Cells: the merge rule, names, UTF-8 and digests.

#include <algorithm>
#include <cctype>
#include <set>
#include <string>
#include <vector>

#include "crdt/cell.h"
#include "crdt/lww_map.h"
#include "tests/unit/crdt/dice.h"
#include "tests/unit/crdt/hex.h"

namespace grid::crdt {
namespace {

// Everything that a merge may change, comparable.
struct State {
  Stamp stamp;
  std::uint64_t expires_ms;
  std::string value;

  friend bool operator==(const State&, const State&) = default;
};

Cell cell_of(const State& state) { return {{"map", "key"}, state.stamp, state.expires_ms, as_bytes(state.value)}; }

State merge(const State& standing, const State& challenger) {
  return wins(cell_of(challenger), cell_of(standing)) ? challenger : standing;
}

// From so few stamps and values that equal ones meet all the time.
State drawn(test::Dice& dice) {
  return {Stamp::of(dice.below(3), static_cast<std::uint16_t>(dice.below(2)), dice.below(2)), dice.below(3),
          dice.bytes(dice.below(3))};
}

// CEL-1
void merge_is_commutative_associative_and_idempotent(void**) {
  test::Dice dice;
  for (int i = 0; i < 200'000; ++i) {
    const State a = drawn(dice), b = drawn(dice), c = drawn(dice);
    assert_true(merge(a, b) == merge(b, a));
    assert_true(merge(merge(a, b), c) == merge(a, merge(b, c)));
    assert_true(merge(a, a) == a);
  }
}

// CEL-1
void any_order_and_repetition_of_the_same_cells_gives_the_same_bytes(void**) {
  test::Dice dice;
  for (int round = 0; round < 500; ++round) {
    std::vector<State> cells;
    for (int i = 0; i < 12; ++i) cells.push_back(drawn(dice));
    State first = cells[0];
    for (const State& cell : cells) first = merge(first, cell);
    for (int order = 0; order < 10; ++order) {
      cells.push_back(cells[dice.below(cells.size())]);
      std::shuffle(cells.begin(), cells.end(), dice.engine());
      State result = cells[0];
      for (const State& cell : cells) result = merge(result, cell);
      assert_true(result == first);
    }
  }
}

void the_greater_stamp_wins_whatever_the_values(void**) {
  const State older{Stamp::of(10, 0, 9), 999, "zzz"}, newer{Stamp::of(10, 1, 1), 0, ""};
  assert_true(wins(cell_of(newer), cell_of(older)));
  assert_false(wins(cell_of(older), cell_of(newer)));
}

void between_equal_stamps_expiry_and_then_bytes_decide(void**) {
  const Stamp stamp = Stamp::of(10, 0, 9);
  const State tombstone{stamp, 0, ""}, low{stamp, 0, "a"}, longer{stamp, 0, "aa"}, high{stamp, 0, "\xff"},
      late{stamp, 1, ""};
  const State* ascending[] = {&tombstone, &low, &longer, &high, &late};
  for (const State* const* lower = ascending; lower < std::end(ascending); ++lower) {
    assert_false(wins(cell_of(**lower), cell_of(**lower)));
    for (const State* const* upper = lower + 1; upper < std::end(ascending); ++upper) {
      assert_true(wins(cell_of(**upper), cell_of(**lower)));
      assert_false(wins(cell_of(**lower), cell_of(**upper)));
    }
  }
}

void a_cell_lives_until_it_expires_if_the_time_is_known(void**) {
  const std::string value = "x";
  Cell cell{{"m", "k"}, {}, 1'000, as_bytes(value)};
  assert_true(cell.is_live(999));
  assert_false(cell.is_live(1'000));
  assert_true(cell.is_live(0));
  cell.expires_ms = 0;
  assert_true(cell.is_live(UINT64_MAX));
  cell.value = {};
  assert_false(cell.is_live(0));
}

void an_lww_map_shows_what_lives(void**) {
  const std::uint8_t truth[] = {0x10, 0x01};
  const Cell put = lww_map::put("m", "k", {1, 1}, truth, 1'000);
  assert_true(lww_map::read(put, 999).truth_or(false));
  assert_false(lww_map::read(put, 1'000).exists());
  assert_false(lww_map::read(lww_map::remove("m", "k", {2, 1}), 0).exists());
}

void map_names_take_their_alphabet_and_nothing_else(void**) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string name(1, static_cast<char>(byte));
    const bool good = byte < 128 && (std::isalnum(byte) || byte == '_' || byte == '.' || byte == '-');
    assert_status(check_map_name(name), good ? Status::ok : Status::invalid);
  }
  assert_status(check_map_name(""), Status::invalid);
  assert_ok(check_map_name(std::string(64, 'm')));
  assert_status(check_map_name(std::string(65, 'm')), Status::too_large);
}

void keys_are_utf8_without_control_characters(void**) {
  for (const char* good : {"bench/3", " ", "a b", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x8c\xb1", "\xc2\xa0"}) {
    assert_ok(check_name({"m", good}));
  }
  for (const char* bad : {"", "\x01", "a\n", "\x1f", "\x7f", "\xc2\x80", "\xc2\x9f", "\xc3", "\xff", "a\xc2"}) {
    assert_status(check_name({"m", bad}), Status::invalid);
  }
  assert_status(check_name({"m", std::string_view("\0", 1)}), Status::invalid);
  assert_ok(check_name({"m", std::string(256, 'k')}));
  assert_status(check_name({"m", std::string(257, 'k')}), Status::too_large);
}

void a_sub_is_any_bytes_up_to_its_limit(void**) {
  assert_ok(check_name({"m", "k", std::string(128, '\xff')}));
  assert_status(check_name({"m", "k", std::string(129, 's')}), Status::too_large);
  assert_status(check_name({"", "k", "s"}), Status::invalid);
}

// What a decoder written from the definition says: decode, then see that the shortest form was used.
bool is_utf8_by_definition(const std::string& text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
    if (size == 0 || i + size > text.size()) return false;
    std::uint32_t point = size == 1 ? lead : lead & (0x7fu >> size);
    for (std::size_t k = 1; k < size; ++k) {
      const auto byte = static_cast<unsigned char>(text[i + k]);
      if (byte >> 6 != 2) return false;
      point = (point << 6) | (byte & 0x3fu);
    }
    const std::size_t shortest = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (size != shortest || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return false;
    i += size;
  }
  return true;
}

void expect_as_defined(const std::string& text) {
  if (is_utf8(text) != is_utf8_by_definition(text)) fail_msg("%s", test::hex(as_bytes(text)).c_str());
}

void utf8_is_what_its_definition_says_for_all_short_sequences(void**) {
  const std::string edges("\x00\x7f\x80\x8f\x90\xa0\xbf\xc0\xff", 9);
  for (int lead = 0; lead < 256; ++lead) {
    expect_as_defined({static_cast<char>(lead)});
    for (int second = 0; second < 256; ++second) {
      const std::string two{static_cast<char>(lead), static_cast<char>(second)};
      expect_as_defined(two);
      if (lead < 0xe0) continue;  // What follows a sequence of two is a sequence of its own.
      for (const char third : edges) {
        expect_as_defined(two + third);
        for (const char fourth : edges) expect_as_defined(two + third + fourth);
      }
    }
  }
}

void utf8_is_judged_alike_wherever_it_stands(void**) {
  for (std::size_t before = 0; before < 20; ++before) {
    for (std::size_t after = 0; after < 20; ++after) {
      const std::string a(before, 'a'), z(after, 'z');
      assert_true(is_utf8(a + "\xe2\x82\xac" + z));
      assert_false(is_utf8(a + "\xe2\x82" + z));
      assert_false(is_utf8(a + "\x80" + z));
    }
  }
}

void every_part_of_a_cell_counts_in_its_digest(void**) {
  const std::string value = "v", other = "w";
  const Cell cell{{"map", "key", "sub"}, {1, 2}, 3, as_bytes(value)};
  std::set<std::uint64_t> digests{digest_of(cell)};
  const Cell changed[] = {
      {{"mbp", "key", "sub"}, {1, 2}, 3, as_bytes(value)}, {{"map", "kfy", "sub"}, {1, 2}, 3, as_bytes(value)},
      {{"map", "key", "svb"}, {1, 2}, 3, as_bytes(value)}, {{"map", "key", "sub"}, {2, 2}, 3, as_bytes(value)},
      {{"map", "key", "sub"}, {1, 1}, 3, as_bytes(value)}, {{"map", "key", "sub"}, {1, 2}, 4, as_bytes(value)},
      {{"map", "key", "sub"}, {1, 2}, 3, as_bytes(other)}, {{"mapk", "ey", "sub"}, {1, 2}, 3, as_bytes(value)},
      {{"map", "keys", "ub"}, {1, 2}, 3, as_bytes(value)}, {{"map", "key", "sub"}, {1, 2}, 3, {}},
  };
  for (const Cell& different : changed) assert_true(digests.insert(digest_of(different)).second);
  assert_true(digests.count(digest_of({{"map", "key", "sub"}, {1, 2}, 3, as_bytes(value)})) == 1);
}

}  // namespace
}  // namespace grid::crdt

int main() {
  using namespace grid::crdt;
  const CMUnitTest tests[] = {
      cmocka_unit_test(merge_is_commutative_associative_and_idempotent),
      cmocka_unit_test(any_order_and_repetition_of_the_same_cells_gives_the_same_bytes),
      cmocka_unit_test(the_greater_stamp_wins_whatever_the_values),
      cmocka_unit_test(between_equal_stamps_expiry_and_then_bytes_decide),
      cmocka_unit_test(a_cell_lives_until_it_expires_if_the_time_is_known),
      cmocka_unit_test(an_lww_map_shows_what_lives),
      cmocka_unit_test(map_names_take_their_alphabet_and_nothing_else),
      cmocka_unit_test(keys_are_utf8_without_control_characters),
      cmocka_unit_test(a_sub_is_any_bytes_up_to_its_limit),
      cmocka_unit_test(utf8_is_what_its_definition_says_for_all_short_sequences),
      cmocka_unit_test(utf8_is_judged_alike_wherever_it_stands),
      cmocka_unit_test(every_part_of_a_cell_counts_in_its_digest),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
