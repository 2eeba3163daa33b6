// SPDX-License-Identifier: Apache-2.0
//
// Stamps: one order in three forms, and a calendar that nobody checks but this.

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "crdt/stamp.h"
#include "tests/unit/crdt/dice.h"

namespace grid::crdt {
namespace {

std::string text_of(const Stamp& stamp) {
  char text[Stamp::kTextBytes];
  format(stamp, text);
  return {text, sizeof(text)};
}

std::string bytes_of(const Stamp& stamp) {
  std::uint8_t bytes[Stamp::kBytes];
  stamp.write(bytes);
  return std::string(as_text(bytes));
}

// The wall time of `text`, which is a date and a time without the rest of a stamp.
std::uint64_t wall_of(const std::string& text) {
  const Result<Stamp> stamp = parse_stamp(text + ".0000.0000000000000001");
  assert_ok(stamp.status());
  return stamp->wall_ms();
}

void a_stamp_reads_as_date_counter_and_node(void**) {
  const Stamp stamp = Stamp::of(1'795'226'460'123, 7, 0x9f3c61d2a0b4e875);
  assert_string_equal(text_of(stamp).c_str(), "2026-11-21T02:01:00.123Z.0007.9f3c61d2a0b4e875");
  assert_true(*parse_stamp("2026-11-21T02:01:00.123Z.0007.9f3c61d2a0b4e875") == stamp);
}

void the_first_and_the_last_moment_have_a_text(void**) {
  assert_string_equal(text_of({}).c_str(), "1970-01-01T00:00:00.000Z.0000.0000000000000000");
  assert_string_equal(text_of({UINT64_MAX, UINT64_MAX}).c_str(), "9999-08-02T05:31:50.655Z.ffff.ffffffffffffffff");
}

void leap_years_follow_the_gregorian_rule(void**) {
  const std::uint64_t day = 86'400'000;
  assert_int_equal(wall_of("2000-03-01T00:00:00.000Z") - wall_of("2000-02-28T00:00:00.000Z"), 2 * day);
  assert_int_equal(wall_of("2100-03-01T00:00:00.000Z") - wall_of("2100-02-28T00:00:00.000Z"), day);
  assert_int_equal(wall_of("2024-03-01T00:00:00.000Z") - wall_of("2024-02-28T00:00:00.000Z"), 2 * day);
  assert_int_equal(wall_of("2001-01-01T00:00:00.000Z"), 978'307'200'000);
  assert_int_equal(wall_of("9999-12-31T23:59:59.999Z"), 253'402'300'799'999);
}

void days_up_to_the_year_9999_survive_their_text(void**) {
  constexpr std::uint64_t kDays = 2'932'897, kFourCenturies = 146'097;
  for (std::uint64_t day = 0; day < kDays; day += day < kFourCenturies ? 1 : 13) {
    const Stamp stamp = Stamp::of(day * 86'400'000 + day % 86'400'000, static_cast<std::uint16_t>(day), day);
    if (!(*parse_stamp(text_of(stamp)) == stamp)) fail_msg("%s", text_of(stamp).c_str());
  }
}

void order_of_stamps_bytes_and_texts_is_one_order(void**) {
  test::Dice dice;
  std::vector<Stamp> stamps;
  for (int i = 0; i < 500; ++i) {
    const std::uint64_t wall_ms = dice.one_in(2) ? dice.below(4) : dice.below(253'402'300'800'000);
    stamps.push_back(Stamp::of(wall_ms, static_cast<std::uint16_t>(dice.below(3)), dice.any() >> dice.below(64)));
  }
  for (const Stamp& a : stamps) {
    for (const Stamp& b : stamps) {
      assert_int_equal(a < b, bytes_of(a) < bytes_of(b));
      assert_int_equal(a < b, text_of(a) < text_of(b));
    }
  }
}

void bytes_give_the_stamp_back(void**) {
  test::Dice dice;
  for (int i = 0; i < 1'000; ++i) {
    const Stamp stamp{dice.any(), dice.any()};
    const std::string bytes = bytes_of(stamp);
    assert_true(Stamp::read(as_bytes(bytes).data()) == stamp);
  }
}

void text_of_another_form_is_invalid(void**) {
  const std::string good = "2026-11-21T02:01:00.123Z.0007.9f3c61d2a0b4e875";
  assert_ok(parse_stamp(good).status());
  for (std::size_t size = 0; size < good.size(); ++size) {
    assert_status(parse_stamp(good.substr(0, size)).status(), Status::invalid);
  }
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const char wrong : {'\0', ' ', '/', ':' == good[i] ? ';' : ':', 'g', 'A', '\xff'}) {
      std::string bad = good;
      bad[i] = wrong;
      if (parse_stamp(bad).ok()) fail_msg("taken: %s", bad.c_str());
    }
  }
  assert_status(parse_stamp(good + "0").status(), Status::invalid);
}

void dates_and_times_that_do_not_exist_are_invalid(void**) {
  for (const char* wrong :
       {"1969-12-31T23:59:59.999Z", "2026-00-01T00:00:00.000Z", "2026-13-01T00:00:00.000Z", "2026-01-00T00:00:00.000Z",
        "2026-01-32T00:00:00.000Z", "2026-04-31T00:00:00.000Z", "2026-02-29T00:00:00.000Z", "2100-02-29T00:00:00.000Z",
        "2026-01-01T24:00:00.000Z", "2026-01-01T00:60:00.000Z", "2026-01-01T00:00:60.000Z"}) {
    assert_status(parse_stamp(std::string(wrong) + ".0000.0000000000000001").status(), Status::invalid);
  }
}

}  // namespace
}  // namespace grid::crdt

int main() {
  using namespace grid::crdt;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_stamp_reads_as_date_counter_and_node),
      cmocka_unit_test(the_first_and_the_last_moment_have_a_text),
      cmocka_unit_test(leap_years_follow_the_gregorian_rule),
      cmocka_unit_test(days_up_to_the_year_9999_survive_their_text),
      cmocka_unit_test(order_of_stamps_bytes_and_texts_is_one_order),
      cmocka_unit_test(bytes_give_the_stamp_back),
      cmocka_unit_test(text_of_another_form_is_invalid),
      cmocka_unit_test(dates_and_times_that_do_not_exist_are_invalid),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
