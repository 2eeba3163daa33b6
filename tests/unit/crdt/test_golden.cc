// SPDX-License-Identifier: Apache-2.0
//
// Every encoding and hash of crdt/ against the vectors in tests/golden, which are never changed, only added to.

#include <functional>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "crdt/cell.h"
#include "crdt/clock.h"
#include "crdt/hash.h"
#include "crdt/partition.h"
#include "crdt/value.h"
#include "tests/unit/crdt/hex.h"

namespace grid::crdt {
namespace {

using test::golden;
using test::hex;
using test::unhex;
using test::unhex_number;

void expect(const std::string& what, const std::string& computed, const std::string& pinned) {
  if (computed != pinned) fail_msg("%s: %s, pinned as %s", what.c_str(), computed.c_str(), pinned.c_str());
}

using Build = void (*)(ValueWriter&);

void reading(ValueWriter& w) {
  w.begin_record();
  w.field("temp"), w.number(21.5);
  w.field("fan"), w.boolean(true);
  w.field("at"), w.timestamp(1'795'226'460'123);
  w.field("room"), w.ref("house/7");
  w.field(""), w.null();
  w.field("raw"), w.bytes(as_bytes(std::string_view("\x00\xff", 2)));
  w.field("tags"), w.begin_list(), w.text("a"), w.text("\xc3\xa9"), w.integer(-1), w.end_list();
  w.end_record();
}

void eight_deep(ValueWriter& w) {
  for (std::size_t i = 0; i < kValueDepthMax; ++i) w.begin_list();
  w.integer(8);
  for (std::size_t i = 0; i < kValueDepthMax; ++i) w.end_list();
}

const std::map<std::string, Build> kValues = {
    {"null", [](ValueWriter& w) { w.null(); }},
    {"false", [](ValueWriter& w) { w.boolean(false); }},
    {"true", [](ValueWriter& w) { w.boolean(true); }},
    {"integer_0", [](ValueWriter& w) { w.integer(0); }},
    {"integer_1", [](ValueWriter& w) { w.integer(1); }},
    {"integer_minus_1", [](ValueWriter& w) { w.integer(-1); }},
    {"integer_300", [](ValueWriter& w) { w.integer(300); }},
    {"integer_max", [](ValueWriter& w) { w.integer(INT64_MAX); }},
    {"integer_min", [](ValueWriter& w) { w.integer(INT64_MIN); }},
    {"number_0", [](ValueWriter& w) { w.number(0.0); }},
    {"number_minus_0_becomes_0", [](ValueWriter& w) { w.number(-0.0); }},
    {"number_21.5", [](ValueWriter& w) { w.number(21.5); }},
    {"number_minus_infinity", [](ValueWriter& w) { w.number(-std::numeric_limits<double>::infinity()); }},
    {"number_nan", [](ValueWriter& w) { w.number(-std::numeric_limits<double>::quiet_NaN()); }},
    {"number_least", [](ValueWriter& w) { w.number(std::numeric_limits<double>::denorm_min()); }},
    {"text_empty", [](ValueWriter& w) { w.text(""); }},
    {"text_euro", [](ValueWriter& w) { w.text("5 \xe2\x82\xac"); }},
    {"text_of_128", [](ValueWriter& w) { w.text(std::string(128, 'x')); }},
    {"bytes_empty", [](ValueWriter& w) { w.bytes({}); }},
    {"bytes_00ff", [](ValueWriter& w) { w.bytes(as_bytes(std::string_view("\x00\xff", 2))); }},
    {"timestamp_2026", [](ValueWriter& w) { w.timestamp(1'795'226'460'123); }},
    {"timestamp_before_1970", [](ValueWriter& w) { w.timestamp(-1); }},
    {"ref", [](ValueWriter& w) { w.ref("house/7"); }},
    {"list_empty", [](ValueWriter& w) { w.begin_list(), w.end_list(); }},
    {"list_of_null", [](ValueWriter& w) { w.begin_list(), w.null(), w.end_list(); }},
    {"list_of_128", [](ValueWriter& w) { w.begin_list(), w.text(std::string(128, 'x')), w.end_list(); }},
    {"record_empty", [](ValueWriter& w) { w.begin_record(), w.end_record(); }},
    {"record_reading", reading},
    {"eight_deep", eight_deep},
};

void values_are_written_as_pinned(void**) {
  const auto lines = golden(GRID_GOLDEN, "values.txt", 2);
  assert_int_equal(lines.size(), kValues.size());
  for (const auto& line : lines) {
    const auto build = kValues.find(line[0]);
    if (build == kValues.end()) fail_msg("values.txt: nothing is called %s", line[0].c_str());
    std::uint8_t room[1'024];
    ValueWriter writer(room);
    build->second(writer);
    const Result<Bytes> encoded = writer.finish();
    assert_ok(encoded.status());
    expect(line[0], hex(*encoded), line[1]);
    assert_ok(check_value(unhex(line[1])));
  }
}

void stamps_are_written_as_pinned(void**) {
  for (const auto& line : golden(GRID_GOLDEN, "stamps.txt", 5)) {
    const Stamp stamp =
        Stamp::of(std::stoull(line[0]), static_cast<std::uint16_t>(std::stoul(line[1])), unhex_number(line[2]));
    char text[Stamp::kTextBytes];
    format(stamp, text);
    expect(line[3], std::string(text, sizeof(text)), line[3]);
    std::uint8_t bytes[Stamp::kBytes];
    stamp.write(bytes);
    expect(line[3], hex(bytes), line[4]);
    assert_true(*parse_stamp(line[3]) == stamp);
    assert_true(Stamp::read(unhex(line[4]).data()) == stamp);
  }
}

void clocks_are_written_as_pinned(void**) {
  for (const auto& line : golden(GRID_GOLDEN, "clocks.txt", 4)) {
    const ClockState state{*parse_stamp(line[0]), *parse_stamp(line[1]), *parse_stamp(line[2])};
    std::uint8_t bytes[ClockState::kBytes];
    state.write(bytes);
    expect(line[0], hex(bytes), line[3]);
    assert_true(ClockState::read(bytes).ceiling == state.ceiling);
    assert_true(ClockState::read(bytes).floor == state.floor);
    assert_true(ClockState::read(bytes).shared == state.shared);
  }
}

void hashes_are_as_pinned(void**) {
  for (const auto& line : golden(GRID_GOLDEN, "hashes.txt", 2)) {
    const std::vector<std::uint8_t> bytes = unhex(line[0]);
    expect(line[0], hex(hash64(bytes)), line[1]);
    expect(line[0], hex(Hash64().add(bytes).value()), line[1]);
  }
}

void digests_are_as_pinned(void**) {
  for (const auto& line : golden(GRID_GOLDEN, "digests.txt", 7)) {
    const std::vector<std::uint8_t> key = unhex(line[1]), sub = unhex(line[2]), value = unhex(line[5]);
    const Cell cell{{line[0], as_text(key), as_text(sub)}, *parse_stamp(line[3]), std::stoull(line[4]), Bytes(value)};
    assert_ok(check_name(cell.name));
    assert_ok(check_value(value));
    expect(line[0] + " " + line[1], hex(digest_of(cell)), line[6]);
  }
}

void positions_are_as_pinned(void**) {
  for (const auto& line : golden(GRID_GOLDEN, "positions.txt", 5)) {
    const std::vector<std::uint8_t> key = unhex(line[2]);
    const Position at = position_of(line[0], line[1], as_text(key));
    expect(line[2], std::to_string(at.partition), line[3]);
    expect(line[2], hex(at.path), line[4]);
  }
}

}  // namespace
}  // namespace grid::crdt

int main() {
  using namespace grid::crdt;
  const CMUnitTest tests[] = {
      cmocka_unit_test(values_are_written_as_pinned), cmocka_unit_test(stamps_are_written_as_pinned),
      cmocka_unit_test(clocks_are_written_as_pinned), cmocka_unit_test(hashes_are_as_pinned),
      cmocka_unit_test(digests_are_as_pinned),        cmocka_unit_test(positions_are_as_pinned),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
