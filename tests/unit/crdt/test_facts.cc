// SPDX-License-Identifier: Apache-2.0
//
// Names and objects of facts, and keys of entities: against tests/golden, and what is refused.

#include <string>

#include "crdt/facts.h"
#include "tests/unit/crdt/hex.h"

namespace grid::crdt {
namespace {

using test::golden;
using test::hex;
using test::unhex;

constexpr Stamp kSome{1, 1};

std::string sub_of(std::string_view predicate, bool is_many, Bytes object) {
  std::uint8_t room[FactName::kBytesMax];
  const Result<std::string_view> sub = FactName::write(predicate, is_many, object, room);
  assert_ok(sub.status());
  return std::string(*sub);
}

std::vector<std::uint8_t> text_value(std::string_view text) {
  std::vector<std::uint8_t> room(text.size() + 16);
  ValueWriter writer(room);
  writer.text(text);
  const Result<Bytes> value = writer.finish();
  assert_ok(value.status());
  return {value->begin(), value->end()};
}

void facts_are_named_as_pinned(void**) {
  for (const auto& line : golden(GRID_GOLDEN, "facts.txt", 5)) {
    const std::vector<std::uint8_t> predicate = unhex(line[0]), given = unhex(line[2]);
    const bool is_many = line[1] == "many";
    std::uint8_t room[16];
    const Result<Bytes> object = object_of(Value(given), is_many, room);
    assert_ok(object.status());
    assert_string_equal(hex(*object).c_str(), line[3].c_str());
    const std::string sub = sub_of(as_text(predicate), is_many, *object);
    assert_string_equal(hex(as_bytes(sub)).c_str(), line[4].c_str());
    assert_true(view_of(sub) == View::facts);
    const Result<FactName> read = FactName::read(sub);
    assert_ok(read.status());
    assert_true(read->predicate == as_text(predicate));
    assert_true(read->is_many() == is_many);
    assert_ok(check_fact({{"m", "e", sub}, kSome, 0, *object}));
    assert_ok(check_fact({{"m", "e", sub}, kSome, 0, {}}));
  }
}

void ids_are_keys_as_pinned_and_back(void**) {
  for (const auto& line : golden(GRID_GOLDEN, "entities.txt", 2)) {
    const std::vector<std::uint8_t> id = unhex(line[0]), key = unhex(line[1]);
    std::uint8_t room[kKeyBytesMax + 4];
    const Result<std::string_view> written = key_of_id(Value(id), room);
    assert_ok(written.status());
    assert_string_equal(hex(as_bytes(*written)).c_str(), line[1].c_str());
    const Result<Value> back = id_of_key(as_text(key), room);
    assert_ok(back.status());
    assert_string_equal(hex(back->canonical()).c_str(), line[0].c_str());
  }
}

void a_key_that_no_id_has_is_refused(void**) {
  std::uint8_t room[kKeyBytesMax + 4];
  for (const char* key : {"\"", "\"\"", "\"a\"", "\"42", "\"007\"", "\"a\"b", ""}) {
    assert_status(id_of_key(key, room).status(), Status::invalid);
  }
  const std::vector<std::uint8_t> half = {0x21, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f};  // 1.5
  assert_status(key_of_id(Value(half), room).status(), Status::invalid);
  assert_status(key_of_id(Value(), room).status(), Status::invalid);
  assert_status(key_of_id(Value(text_value("")), room).status(), Status::invalid);
  assert_status(key_of_id(Value(text_value("a\nb")), room).status(), Status::invalid);
  const std::string quoted = "\"" + std::string(kKeyBytesMax - 2, 'x');
  assert_status(key_of_id(Value(text_value(quoted)), room).status(), Status::too_large);
  assert_ok(key_of_id(Value(text_value(quoted.substr(0, kKeyBytesMax - 2))), room).status());
}

void the_marker_stands_before_all_facts_and_behind_other_views(void**) {
  const std::string least = sub_of("\x20", false, {});
  assert_true(kMarker < std::string_view(least));
  assert_true(std::string_view() < kMarker && std::string_view("\x02zz") < kMarker);
  assert_true(view_of(kMarker) == View::facts && is_marker(kMarker));
  assert_status(FactName::read(kMarker).status(), Status::invalid);
  const std::vector<std::uint8_t> value = text_value("x");
  assert_ok(check_fact({{"m", "e", kMarker}, kSome, 0, {}}));
  assert_status(check_fact({{"m", "e", kMarker}, kSome, 0, value}), Status::invalid);
}

void a_sub_that_nobody_writes_is_no_fact(void**) {
  const std::vector<std::uint8_t> small = text_value("x"), large = text_value(std::string(63, 'x'));
  const std::string one = sub_of("p", false, {}), many = sub_of("p", true, small), hashed = sub_of("p", true, large);
  const std::vector<std::uint8_t> whole = {0x21, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f};  // 1.0, which is the integer 1.
  const std::string wrong[] = {std::string("\x03"),
                               std::string("\x03\x01p", 3),
                               std::string("\x03\x02p\x00", 4),
                               std::string("\x03\x00\x00", 3),
                               std::string("\x03\x01\x1f\x00", 4),
                               std::string("\x03\x01\xff\x00", 4),
                               std::string("\x03\x3d", 2) + std::string(61, 'p') + std::string(1, '\0'),
                               one + "x",
                               std::string("\x03\x01p\x03", 4),
                               std::string("\x03\x01p\x01", 4),
                               std::string("\x03\x01p\x01", 4) + std::string(as_text(whole)),
                               std::string("\x03\x01p\x01", 4) + std::string(as_text(large)),
                               many + "x",
                               hashed + "x",
                               hashed.substr(0, hashed.size() - 1)};
  for (const std::string& sub : wrong) {
    if (FactName::read(sub).status() != Status::invalid) fail_msg("%s is taken", hex(as_bytes(sub)).c_str());
    assert_status(check_fact({{"m", "e", sub}, kSome, 0, small}), Status::invalid);
  }
}

void a_fact_holds_what_its_name_says_and_nothing_else(void**) {
  const std::vector<std::uint8_t> small = text_value("x"), other = text_value("y"),
                                  large = text_value(std::string(63, 'x')), larger = text_value(std::string(64, 'x')),
                                  null = {0x08, 0x00}, list = {0x4a, 0x00};
  assert_status(check_fact({{"m", "e", sub_of("p", true, small)}, kSome, 0, other}), Status::invalid);
  assert_status(check_fact({{"m", "e", sub_of("p", true, large)}, kSome, 0, larger}), Status::invalid);
  assert_status(check_fact({{"m", "e", sub_of("p", true, large)}, kSome, 0, small}), Status::invalid);
  for (const auto& value : {null, list}) {
    assert_status(check_fact({{"m", "e", sub_of("p", false, {})}, kSome, 0, value}), Status::invalid);
  }
  assert_status(check_fact({{"m", "\"e\"", sub_of("p", false, {})}, kSome, 0, small}), Status::invalid);
  const std::vector<std::uint8_t> stray = {0x42, 0x01, '"'};
  assert_status(check_fact({{"m", "e", sub_of("p", false, {})}, kSome, 0, stray}), Status::invalid);
}

void a_predicate_is_text_of_sixty_bytes(void**) {
  assert_ok(check_predicate(std::string(60, 'p')));
  assert_status(check_predicate(std::string(61, 'p')), Status::too_large);
  assert_status(check_predicate(""), Status::invalid);
  assert_status(check_predicate("a\tb"), Status::invalid);
  assert_status(check_predicate("\xc3"), Status::invalid);
}

}  // namespace
}  // namespace grid::crdt

int main() {
  using namespace grid::crdt;
  const CMUnitTest tests[] = {
      cmocka_unit_test(facts_are_named_as_pinned),
      cmocka_unit_test(ids_are_keys_as_pinned_and_back),
      cmocka_unit_test(a_key_that_no_id_has_is_refused),
      cmocka_unit_test(the_marker_stands_before_all_facts_and_behind_other_views),
      cmocka_unit_test(a_sub_that_nobody_writes_is_no_fact),
      cmocka_unit_test(a_fact_holds_what_its_name_says_and_nothing_else),
      cmocka_unit_test(a_predicate_is_text_of_sixty_bytes),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
