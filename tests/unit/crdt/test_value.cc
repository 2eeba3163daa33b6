// SPDX-License-Identifier: Apache-2.0
//
// Reading values: whatever was written is what a walk sees, and a wrong kind is the caller's otherwise.

#include <algorithm>
#include <string>
#include <vector>

#include "crdt/value.h"
#include "tests/unit/crdt/value_model.h"

namespace grid::test {
namespace {

void what_was_written_is_read_back(void**) {
  Dice dice;
  for (int i = 0; i < 4'000; ++i) {
    const Model model = drawn_model(dice, kValueDepthMax);
    const Encoded encoded = encode(model);
    assert_ok(crdt::check_value(encoded.bytes()));
    assert_true(same(Value(encoded.bytes()), model));
  }
}

void one_value_has_one_encoding_whatever_the_order_of_its_fields(void**) {
  Dice dice;
  for (int i = 0; i < 2'000; ++i) {
    Model model = drawn_model(dice, 4);
    const Encoded first = encode(model);
    std::shuffle(model.fields.begin(), model.fields.end(), dice.engine());
    assert_true(equal(encode(model).bytes(), first.bytes()));
  }
}

void a_walk_over_a_value_rewrites_it(void**) {
  Dice dice;
  std::vector<std::uint8_t> room(1 << 20);
  for (int i = 0; i < 2'000; ++i) {
    const Encoded encoded = encode(drawn_model(dice, 5));
    ValueWriter writer(room);
    rewrite(Value(encoded.bytes()), writer);
    const Result<Bytes> again = writer.finish();
    assert_ok(again.status());
    assert_true(equal(*again, encoded.bytes()));
  }
}

void an_absent_value_answers_with_otherwise(void**) {
  const Value absent;
  assert_false(absent.exists());
  assert_string_equal(name_of(absent.kind()), "absent");
  assert_true(absent.truth_or(true));
  assert_int_equal(absent.integer_or(7), 7);
  assert_true(absent.number_or(1.5) == 1.5);
  assert_int_equal(absent.timestamp_or(7), 7);
  assert_true(absent.text_or("else") == "else");
  assert_true(as_text(absent.bytes_or(as_bytes("else"))) == "else");
  assert_false(absent["field"].exists());
  assert_false(Value::Walk(absent).next());
}

void a_value_of_another_kind_answers_with_otherwise(void**) {
  Model model;
  model.kind = ValueKind::text;
  model.text = "21.5";
  const Encoded encoded = encode(model);
  const Value text(encoded.bytes());
  assert_true(text.number_or(1.5) == 1.5);
  assert_int_equal(text.integer_or(7), 7);
  assert_int_equal(text.timestamp_or(7), 7);
  assert_false(text.truth_or(false));
  assert_true(as_text(text.bytes_or(as_bytes("else"))) == "else");
  assert_false(text["21.5"].exists());
  assert_false(Value::Walk(text).next());
}

void number_or_takes_integers_too(void**) {
  Model model;
  model.kind = ValueKind::integer;
  model.integer = -3;
  const Encoded encoded = encode(model);
  assert_true(Value(encoded.bytes()).number_or(0) == -3.0);
  assert_int_equal(Value(encoded.bytes()).timestamp_or(5), 5);
}

void a_field_that_is_not_there_is_absent(void**) {
  Model model;
  model.kind = ValueKind::record;
  for (const char* name : {"b", "d", "bb"}) model.fields.emplace_back(name, Model{});
  const Encoded encoded = encode(model);
  const Value record(encoded.bytes());
  for (const char* name : {"", "a", "ba", "c", "e", "ddd"}) assert_false(record[name].exists());
  for (const char* name : {"b", "bb", "d"}) assert_true(record[name].exists());
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(what_was_written_is_read_back),
      cmocka_unit_test(one_value_has_one_encoding_whatever_the_order_of_its_fields),
      cmocka_unit_test(a_walk_over_a_value_rewrites_it),
      cmocka_unit_test(an_absent_value_answers_with_otherwise),
      cmocka_unit_test(a_value_of_another_kind_answers_with_otherwise),
      cmocka_unit_test(number_or_takes_integers_too),
      cmocka_unit_test(a_field_that_is_not_there_is_absent),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
