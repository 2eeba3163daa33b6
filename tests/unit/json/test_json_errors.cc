// SPDX-License-Identifier: Apache-2.0
//
// Texts that are no value: each is refused with where and why.

#include <string>

#include "crdt/base/limits.h"
#include "crdt/cell.h"
#include "tests/check.h"
#include "transport/json/value_json.h"

namespace grid::json {
namespace {

JsonError refused(std::string_view text, Status expected = Status::invalid) {
  std::string canonical = "untouched";
  JsonError error;
  assert_status(value_from_json(text, canonical, error), expected);
  assert_true(canonical.empty());
  assert_false(error.sentence.empty());
  assert_true(crdt::is_utf8(error.sentence) && error.sentence.size() < 512);
  assert_true(error.at <= text.size());
  return error;
}

void expect_at(const JsonError& error, std::size_t line, std::size_t column, const char* part) {
  assert_int_equal(error.line, line);
  assert_int_equal(error.column, column);
  if (error.sentence.find(part) == std::string::npos) fail_msg("\"%s\" is not in: %s", part, error.sentence.c_str());
}

void broken_syntax_is_found_where_it_breaks(void**) {
  expect_at(refused(""), 1, 1, "unexpected end of input");
  expect_at(refused("[1,2"), 1, 5, "unexpected end of input");
  expect_at(refused("[1 2]"), 1, 4, "unexpected number");
  expect_at(refused("{\"a\":\n tru}"), 2, 5, "invalid literal");
  expect_at(refused("1 2"), 1, 3, "expected end of input");
  refused("'a'");
  refused("{a:1}");
  refused("[1,]");
  refused("01");
  refused("1.");
  refused("NaN");
  refused("// 1\n1");
}

void text_that_is_not_utf8_is_refused(void**) {
  for (const char* text : {"\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\\ud800\"", "\"a\nb\"", "\"\xe2\x82\"",
                           "\"; expected \xff"}) {
    refused(text);
  }
}

void field_that_occurs_twice_is_refused(void**) {
  expect_at(refused("{\"a\":1,\n \"b\":2, \"a\":3}"), 2, 9, "\"a\" occurs twice");
  expect_at(refused(R"([{"x":{"b":1,"b":1}}])"), 1, 14, "\"b\" occurs twice");
  expect_at(refused(R"({"":1,"":1})"), 1, 7, "occurs twice");
}

void numbers_out_of_range_are_refused(void**) {
  expect_at(refused("[1,9223372036854775808]"), 1, 4, "9223372036854775808 is beyond 64 bits");
  expect_at(refused("-9223372036854775809"), 1, 1, "beyond 64 bits");
  expect_at(refused("[ 123456789012345678901234567890 ]"), 1, 3, "beyond 64 bits");
  refused("1e400");
  refused(std::string(100'000, '7'));
}

void nesting_and_records_have_limits(void**) {
  const std::string eight(kValueDepthMax, '[');
  expect_at(refused(eight + "[", Status::too_large), 1, 9, "nested deeper");
  refused(eight + "{}", Status::too_large);
  refused(std::string(1'000'000, '['), Status::too_large);

  std::string fields;
  for (std::size_t i = 0; i < crdt::kRecordFieldsMax; ++i) fields += '"' + std::to_string(i) + "\":0,";
  std::string canonical;
  JsonError error;
  assert_ok(value_from_json('{' + fields.substr(0, fields.size() - 1) + '}', canonical, error));
  refused('{' + fields + "\"one more\":0}", Status::too_large);
}

void value_beyond_its_limit_is_refused(void**) {
  // Tag and three bytes of length stand before the text.
  std::string canonical;
  JsonError error;
  assert_ok(value_from_json('"' + std::string(kValueBytesMax - 4, 'x') + '"', canonical, error));
  assert_int_equal(canonical.size(), kValueBytesMax);
  refused('"' + std::string(kValueBytesMax - 3, 'x') + '"', Status::too_large);
}

void dollar_names_stand_alone_and_are_known(void**) {
  expect_at(refused(R"({"$foo":1})"), 1, 2, "\"$foo\" begins with '$'");
  expect_at(refused(R"({"a":1,"$bytes":""})"), 1, 8, "\"$bytes\" begins with '$'");
  expect_at(refused(R"({"$bytes":"","a":1})"), 1, 14, "can't have other fields");
  expect_at(refused(R"({"$record":{"a":1},"b":1})"), 1, 20, "can't have other fields");
}

void escapes_take_what_they_are_for(void**) {
  for (const char* text : {R"({"$bytes":1})", R"({"$bytes":"3q2+7w"})", R"({"$bytes":"3q2+7x=="})",
                           R"({"$bytes":"a b="})", R"({"$bytes":"===="})", R"({"$bytes":null})", R"({"$bytes":{}})"}) {
    expect_at(refused(text), 1, 11, "$bytes takes base64");
  }
  for (const char* text :
       {"1.5", "\"\"", "\"2026-02-29T00:00:00Z\"", "\"2026-11-21\"", "\"2026-11-21T02:01:00\"",
        "\"2026-11-21T24:00:00Z\"", "\"2026-11-21T02:01:60Z\"", "\"2026-11-21T02:01:00.Z\"",
        "\"2026-11-21T02:01:00.0001Z\"", "\"2026-11-21T02:01:00.12301-21T02:01Z\"", "\"2026-11-21T02:01:00.00012Z\"",
        "\"2026-11-21T02:01:00Z \"", "\"2026-13-01T00:00:00Z\"", "\"2026-11-21t02:01:00Z\"", "[]", "true"}) {
    expect_at(refused("{\"$timestamp\":" + std::string(text) + "}"), 1, 15, "$timestamp takes a date");
  }
  expect_at(refused(R"({"$ref":7})"), 1, 9, "$ref takes text, not a number");
  expect_at(refused(R"({"$ref":[]})"), 1, 9, "$ref takes text, not a list");
  expect_at(refused(R"({"$number":"NaN"})"), 1, 12, "$number takes");
  expect_at(refused(R"({"$number":1})"), 1, 12, "$number takes");
  expect_at(refused(R"({"$record":1})"), 1, 12, "$record takes an object");
  expect_at(refused(R"({"$record":"a"})"), 1, 12, "$record takes an object");
}

}  // namespace
}  // namespace grid::json

int main() {
  using namespace grid::json;
  const CMUnitTest tests[] = {
      cmocka_unit_test(broken_syntax_is_found_where_it_breaks), cmocka_unit_test(text_that_is_not_utf8_is_refused),
      cmocka_unit_test(field_that_occurs_twice_is_refused),     cmocka_unit_test(numbers_out_of_range_are_refused),
      cmocka_unit_test(nesting_and_records_have_limits),        cmocka_unit_test(value_beyond_its_limit_is_refused),
      cmocka_unit_test(dollar_names_stand_alone_and_are_known), cmocka_unit_test(escapes_take_what_they_are_for),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
