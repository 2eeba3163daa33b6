// SPDX-License-Identifier: Apache-2.0
//
// Values as JSON and back: every value keeps its type and its bytes, and people's ways to write it are understood.

#include <limits>
#include <string>

#include "tests/check.h"
#include "tests/unit/crdt/value_model.h"
#include "transport/json/value_json.h"

namespace grid::json {
namespace {

using crdt::Value;
using crdt::ValueKind;
using crdt::ValueWriter;

std::string canonical_of(std::string_view text) {
  std::string canonical;
  JsonError error;
  const Status status = value_from_json(text, canonical, error);
  if (status != Status::ok) {
    fail_msg("%.*s: %s at %zu", int(text.size()), text.data(), error.sentence.c_str(), error.at);
  }
  assert_ok(crdt::check_value(as_bytes(canonical)));
  return canonical;
}

// What `text` becomes when it is read and written again.
std::string rewritten(std::string_view text) {
  const std::string canonical = canonical_of(text);
  return json_from_value(Value(as_bytes(canonical)));
}

void expect_rewritten(std::string_view text, std::string_view expected) {
  assert_string_equal(rewritten(text).c_str(), std::string(expected).c_str());
}

void expect_kept(std::string_view text) { expect_rewritten(text, text); }

ValueKind kind_of_json(std::string_view text) {
  const std::string canonical = canonical_of(text);
  return Value(as_bytes(canonical)).kind();
}

void every_value_comes_back_with_the_same_bytes(void**) {
  test::Dice dice;
  for (int round = 0; round < 3'000; ++round) {
    const test::Encoded encoded = test::encode(test::drawn_model(dice, kValueDepthMax));
    const std::string text = json_from_value(Value(encoded.bytes()));
    const std::string again = canonical_of(text);
    if (as_text(encoded.bytes()) != again) fail_msg("changed: %s", text.c_str());
  }
}

void every_double_comes_back_with_the_same_bits(void**) {
  test::Dice dice;
  for (int round = 0; round < 20'000; ++round) {
    const double number = std::bit_cast<double>(dice.any());
    std::uint8_t room[16];
    ValueWriter writer(room);
    writer.number(number);
    const Bytes encoded = *writer.finish();
    assert_true(canonical_of(json_from_value(Value(encoded))) == as_text(encoded));
  }
}

void integers_stay_integers_and_doubles_doubles(void**) {
  assert_int_equal(kind_of_json("1"), ValueKind::integer);
  assert_int_equal(kind_of_json("1.0"), ValueKind::number);
  assert_int_equal(kind_of_json("1e2"), ValueKind::number);
  for (const char* text :
       {"0", "-1", "1.0", "0.1", "1e+300", "5e-324", "9223372036854775807", "-9223372036854775808"}) {
    expect_kept(text);
  }
  expect_rewritten("1e2", "100.0");
  expect_rewritten("-0.0", "0.0");
  expect_rewritten("9223372036854775808.0", "9223372036854775808.0");
}

void plain_json_is_kept(void**) {
  for (const char* text : {"null", "true", "false", "[]", "{}", "\"\"", R"({"a":[1,"x",null,{"b":true}],"c":{}})"}) {
    expect_kept(text);
  }
  expect_rewritten(" { \"b\" : 1 ,\n\"a\" : [ 2 ] } ", R"({"a":[2],"b":1})");
}

void text_is_escaped_where_json_needs_it_only(void**) {
  expect_kept(R"("\"\\\b\t\n\f\r\u0000\u001f\u007f/")");
  expect_kept("\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8c\xb1\"");
  expect_rewritten(R"("\u00e9\ud83c\udf31\/")", "\"\xc3\xa9\xf0\x9f\x8c\xb1/\"");
}

void bytes_travel_as_base64(void**) {
  for (const char* text : {R"({"$bytes":""})", R"({"$bytes":"AA=="})", R"({"$bytes":"AP8="})",
                           R"({"$bytes":"3q2+7w=="})", R"({"$bytes":"////"})"}) {
    expect_kept(text);
    assert_int_equal(kind_of_json(text), ValueKind::bytes);
  }
  const std::string canonical = canonical_of(R"({"$bytes":"3q2+7w=="})");
  assert_true(as_text(Value(as_bytes(canonical)).bytes_or({})) == "\xde\xad\xbe\xef");
}

std::int64_t timestamp_of(const std::string& content) {
  const std::string canonical = canonical_of("{\"$timestamp\":" + content + "}");
  return Value(as_bytes(canonical)).timestamp_or(-12345);
}

void timestamps_travel_as_dates(void**) {
  assert_true(timestamp_of("\"2026-11-21T02:01:00.123Z\"") == 1'795'226'460'123);
  assert_true(timestamp_of("1795226460123") == 1'795'226'460'123);
  assert_true(timestamp_of("\"1970-01-01T00:00:00Z\"") == 0);
  assert_true(timestamp_of("\"1969-12-31T23:59:59.999Z\"") == -1);
  assert_true(timestamp_of("\"2024-02-29T12:00:00.5+05:30\"") == 1'709'188'200'500);
  assert_true(timestamp_of("\"2024-02-29T12:00:00.120000-00:30\"") == 1'709'209'800'120);
  for (const char* text : {"\"0000-01-01T00:00:00.000Z\"", "\"9999-12-31T23:59:59.999Z\"", "-62167219200001",
                           "253402300800000", "9223372036854775807", "-9223372036854775808"}) {
    expect_kept("{\"$timestamp\":" + std::string(text) + "}");
  }
}

void references_and_odd_numbers_have_their_escapes(void**) {
  for (const char* text : {R"({"$ref":"house/7"})", R"({"$number":"nan"})", R"({"$number":"inf"})",
                           R"({"$number":"-inf"})", R"([{"$ref":""},{"a":{"$ref":"b"}}])"}) {
    expect_kept(text);
  }
  assert_int_equal(kind_of_json(R"({"$ref":"house/7"})"), ValueKind::ref);
  assert_int_equal(kind_of_json(R"({"$number":"nan"})"), ValueKind::number);
}

void records_with_a_dollar_name_are_escaped(void**) {
  for (const char* text : {R"({"$record":{"$bytes":1}})", R"({"$record":{"$record":{"a":1}}})",
                           R"({"$record":{"$x":{"$record":{"$y":{"$ref":"z"}}},"a":2}})", R"({"a$":1})"}) {
    expect_kept(text);
    assert_int_equal(kind_of_json(text), ValueKind::record);
  }
  expect_rewritten(R"({"$record":{"a":1}})", R"({"a":1})");
  expect_rewritten(R"({"$record":{}})", "{}");
}

void absent_value_is_null(void**) { assert_string_equal(json_from_value(Value()).c_str(), "null"); }

}  // namespace
}  // namespace grid::json

int main() {
  using namespace grid::json;
  const CMUnitTest tests[] = {
      cmocka_unit_test(every_value_comes_back_with_the_same_bytes),
      cmocka_unit_test(every_double_comes_back_with_the_same_bits),
      cmocka_unit_test(integers_stay_integers_and_doubles_doubles),
      cmocka_unit_test(plain_json_is_kept),
      cmocka_unit_test(text_is_escaped_where_json_needs_it_only),
      cmocka_unit_test(bytes_travel_as_base64),
      cmocka_unit_test(timestamps_travel_as_dates),
      cmocka_unit_test(references_and_odd_numbers_have_their_escapes),
      cmocka_unit_test(records_with_a_dollar_name_are_escaped),
      cmocka_unit_test(absent_value_is_null),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
