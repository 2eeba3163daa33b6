// SPDX-License-Identifier: Apache-2.0
//
// Predicates: what each test says of a row, and what is said of a text that is none.

#include <algorithm>

#include "crdt/query/analysis.h"
#include "tests/unit/query/query_bench.h"

namespace grid::test {
namespace {

using query::Constraint;
using query::Parameter;
using query::Predicate;

constexpr std::string_view kOslo = R"({"age": 19, "city": "Oslo", "tags": ["x", 2, null], "fan": true, "none": null,
    "temp": 21.5, "big": 9007199254740993, "geo": {"at": {"lat": 59.9}}, "odd name": 1, "raw": {"$bytes": "AP8B"},
    "seen": {"$timestamp": "2026-11-21T02:01:00.123Z"}, "of": {"$ref": "house/7"}, "note": "50% off_é"})";

void expect(bool expected, const std::vector<std::string_view>& texts) {
  for (const std::string_view text : texts) {
    const Question question(text);
    if (question.accepts(kOslo, "bench/3") != expected) fail_msg("%s", std::string(text).c_str());
  }
}

void each_test_says_yes_where_it_holds(void**) {
  expect(true, {"age > 18 and (city = 'Oslo' or tags contains 'y')",
                "age = 19",
                "age = 19.0",
                "age >= 19 and age <= 19",
                "AGE exists or Age exists or not AGE exists",
                "age between 18.5 and 19",
                "age in (1, 19.0, 'x')",
                "age not in (1, 2)",
                "big > 9007199254740992 and big != 9007199254740992.0",
                "big < 9007199254740993.5e0",
                "temp < 22 and temp > 2.1e1",
                "fan = true and fan != false",
                "none is null and none exists and none = null",
                "nothing is null and not nothing exists",
                "city is not null",
                "city != null",
                "tags contains 2 and tags contains 2.0 and not tags contains 'y'",
                "city contains 'sl' and city contains '' and city starts with 'Os'",
                "city like 'O%' and city like '_sl_' and city like '%' and city not like 'o%'",
                "note like '50\\% off\\__' and note like '%\\%%'",
                "geo.at.lat > 59 and \"geo\".\"at\".lat < 60",
                "\"odd name\" = 1",
                "raw = bytes '00ff01' and raw contains bytes 'FF'",
                "seen = timestamp '2026-11-21T02:01:00.123Z' and seen > timestamp '2026-11-21'",
                "seen < timestamp '2026-11-21T02:02Z' and seen >= timestamp '2026-11-21T02:01:00Z'",
                "of = ref 'house/7' and of starts with 'house/' and of != 'house/7'",
                "$key = 'bench/3' and $key starts with 'bench/' and $key like '%3'",
                "$value exists and $value.age = 19",
                "  "});
}

void each_test_says_no_where_it_does_not_hold(void**) {
  expect(false, {"age > 19",
                 "age < 19",
                 "age = '19'",
                 "age > '1'",
                 "age between 20 and 30",
                 "city = 'oslo'",
                 "nothing > 1",
                 "nothing < 1",
                 "nothing != null",
                 "none < 1",
                 "tags = 'x'",
                 "city like 'Osl'",
                 "city like 'slo'",
                 "geo.at = 1",
                 "city.name exists",
                 "tags.x exists",
                 "age contains 1",
                 "not (age > 18 or nothing = 1)",
                 "$key = 'bench/4'",
                 "seen > 0",
                 "fan > false and fan < true"});
}

// QRY-2
void not_is_the_opposite_of_every_test(void**) {
  for (const char* test : {"age > 18", "age = 20", "nothing = 1", "nothing < 1", "none is null", "tags contains 'x'",
                           "city like 'O%'", "age in (1)", "nothing exists", "age between 1 and 2", "city > 3"}) {
    const std::string text = test;
    assert_true(Question(text).accepts(kOslo) != Question("not " + text).accepts(kOslo));
    assert_true(Question(text).accepts(kOslo) == Question("not not (" + text + ")").accepts(kOslo));
  }
}

void and_binds_stronger_than_or_whatever_the_nesting(void**) {
  // Every formula of these forms over all eight rows, against C++.
  for (int bits = 0; bits < 8; ++bits) {
    const bool a = (bits & 1) != 0, b = (bits & 2) != 0, c = (bits & 4) != 0;
    const std::string row =
        std::string("{\"a\":") + (a ? "1" : "0") + ",\"b\":" + (b ? "1" : "0") + ",\"c\":" + (c ? "1" : "0") + "}";
    const auto is = [&row](const char* text) { return Question(text).accepts(row); };
    assert_true(is("a=1 or b=1 and c=1") == (a || (b && c)));
    assert_true(is("a=1 and b=1 or c=1") == ((a && b) || c));
    assert_true(is("(a=1 or b=1) and c=1") == ((a || b) && c));
    assert_true(is("not (a=1 or b=1) and not c=1") == (!(a || b) && !c));
    assert_true(is("not a=1 and b=1 or not (b=1 and c=1)") == ((!a && b) || !(b && c)));
    assert_true(is("not (a=1 and not (b=1 or not c=1))") == !(a && !(b || !c)));
    assert_true(is("a=1 and (b=1 or c=1) and (a=1 or c=1) or b=1 and c=1") ==
                ((a && (b || c) && (a || c)) || (b && c)));
  }
}

void a_row_may_be_a_value_without_fields(void**) {
  assert_true(Question("$value > 20").accepts("21.5"));
  assert_false(Question("$value > 20").accepts("\"warm\""));
  assert_false(Question("temp > 20").accepts("21.5"));
  assert_true(Question("$value contains 'b'").accepts("[\"a\", \"b\"]"));
}

void parameters_are_bound_when_the_text_is_compiled(void**) {
  const std::string user = canonical("\"ann\""), teams = canonical("[\"a\", \"b\"]"), null = canonical("null");
  const Parameter parameters[] = {{"user", crdt::Value(as_bytes(user))},
                                  {"teams", crdt::Value(as_bytes(teams))},
                                  {"nobody", crdt::Value(as_bytes(null))}};
  const Question mine("owner = $user or team in $teams", parameters);
  assert_true(mine.accepts(R"({"owner":"ann"})"));
  assert_true(mine.accepts(R"({"team":"b"})"));
  assert_false(mine.accepts(R"({"owner":"bob","team":"c"})"));
  assert_true(Question("$user = 'ann' and $teams contains 'a'", parameters).accepts("1"));
  assert_string_equal(
      Question("owner = $nobody", parameters).trouble().c_str(),
      "column 9: a parameter is null, and a comparison with it would mean nothing, but there is $nobody");
  assert_string_equal(Question("owner = $usr", parameters).trouble().c_str(),
                      "column 9: there is no such parameter, but there is $usr; did you mean user?");
  assert_status(Question("owner in $user", parameters).status(), Status::invalid);
}

void trouble_names_the_column_and_what_to_write(void**) {
  const struct {
    const char* text;
    const char* sentence;
  } kTexts[] = {
      {"age grater 3", "column 5: a comparison is to come behind the field, but there is grater"},
      {"name contain 'x'",
       "column 6: a comparison is to come behind the field, but there is contain; did you mean contains?"},
      {"city = Oslo", "column 8: a value is to come here, but there is Oslo; text stands in quotes: 'Oslo'"},
      {"a == 1", "column 3: a comparison is to come behind the field, but there is ==; write ="},
      {"a <> 1", "column 3: a comparison is to come behind the field, but there is <>; write !=, or not"},
      {"a = 1 && b = 2", "column 7: `and`, `or` or the end is to come here, but there is &&; write and"},
      {"a = 1 ad b = 2", "column 7: `and`, `or` or the end is to come here, but there is ad; did you mean and?"},
      {"18 < age", "column 1: a test begins with a field, but there is 18; the field comes first: age > 18"},
      {"active", "column 7: a comparison is to come behind the field; write: active = true"},
      {"a = 'x", "column 5: a value is to come here, but there is 'x; the quote is never closed"},
      {"(a = 1 or b = 2", "column 1: this parenthesis is never closed"},
      {"a = 1)", "column 6: no parenthesis is open, but there is )"},
      {"a < null", "column 5: null has no order, but there is null; write: is null, or: is not null"},
      {"a = 99999999999999999999",
       "column 5: the number is beyond 64 bits, or has more than 19 digits, but there is 99999999999999999999"},
      {"a = 1e999", "column 5: the number is beyond 64 bits, or has more than 19 digits, but there is 1e999"},
      {"a = 12a", "column 5: this is no number, but there is 12a; text stands in quotes: '12a'"},
      {"a in 3", "column 6: a list is to come here, but there is 3; write: in ('a', 'b')"},
      {"a in (1 2)", "column 9: `,` or `)` is to come here, but there is 2"},
      {"a between 1 or 2", "column 13: `and` is to come between the bounds, but there is or"},
      {"a like 3", "column 8: text is to come here, but there is 3; in quotes: 'Oslo'"},
      {"a = timestamp 'soon'",
       "column 15: this is no moment, but there is 'soon'; write: timestamp '2026-11-21T02:01:00Z'"},
      {"a = bytes '0'", "column 11: bytes are up to 256 pairs of hex digits, but there is '0'; write: bytes '00ff'"},
      {"a. = 1",
       "column 4: the name of a field is missing, but there is =; odd names stand in double quotes: \"max temp\""},
      {"a = $user", "column 5: there is no such parameter, but there is $user"},
      {"$user = 1", "column 1: there is no such parameter, but there is $user"},
      {"a = 1 and", "column 10: the name of a field is missing; odd names stand in double quotes: \"max temp\""},
      {"a not = 1", "column 7: `not` stands before words only, but there is =; write != for ="},
      {"a.b.c.d.e.f.g.h.i = 1", "column 17: a path has more than 8 names"},
  };
  for (const auto& [text, sentence] : kTexts) {
    const Question question(text);
    assert_true(question.status() != Status::ok);
    assert_string_equal(question.trouble().c_str(), sentence);
  }
}

void a_text_is_bounded_in_depth_tests_and_room(void**) {
  std::string deep, wide = "a = 1";
  for (int i = 0; i < 33; ++i) deep += "(";
  assert_status(Question(deep + "a = 1").status(), Status::too_large);
  assert_true(Question(deep.substr(1) + "a = 1" + std::string(32, ')')).accepts("{\"a\":1}"));
  for (int i = 1; i < 64; ++i) wide += " or a = " + std::to_string(i + 1);
  assert_true(Question(wide).accepts("{\"a\":64}"));
  assert_status(Question(wide + " or a = 65").status(), Status::too_large);

  std::uint8_t room[64];
  query::Trouble trouble;
  assert_status(
      query::compile("a = 'a text that is longer than the room that is there for it, by far'", {}, room, trouble)
          .status(),
      Status::full);
}

void a_costly_row_is_refused_whatever_not_stands_before(void**) {
  const std::string text(1'000'000, 'a');
  const std::string row = "\"" + text + "\"";
  const std::string part = std::string(200, 'a') + "b";
  assert_false(Question("$value contains '" + part + "'").accepts(row));
  assert_false(Question("not $value contains '" + part + "'").accepts(row));
  const std::string value = canonical(row);
  assert_true(Question("$value contains '" + part + "'").predicate().judge({"k", crdt::Value(as_bytes(value))}) ==
              query::Verdict::too_costly);
}

void the_same_predicate_has_the_same_hash(void**) {
  const std::uint64_t hash = Question("age > 18 and (city = 'Oslo' or tags contains 'x')").predicate().hash();
  assert_true(hash == Question(" (age>18.0)  AND ((city='Oslo') Or (tags CONTAINS 'x'))").predicate().hash());
  assert_true(hash ==
              Question("not not age > 18 and not (not city = 'Oslo' and not tags contains 'x')").predicate().hash());
  for (const char* other : {"age > 19 and (city = 'Oslo' or tags contains 'x')", "age > 18",
                            "age > 18 or (city = 'Oslo' or tags contains 'x')", ""}) {
    assert_true(hash != Question(other).predicate().hash());
  }
}

void a_program_can_be_moved(void**) {
  const Question question("age > 18 and (city = 'Oslo' or tags contains 'x')");
  const Bytes program = question.predicate().program();
  const std::vector<std::uint8_t> copied(program.begin(), program.end());
  const std::string value = canonical(kOslo);
  assert_true(Predicate(copied).matches({"k", crdt::Value(as_bytes(value))}));
}

std::string required_by(const char* text) {
  const Question question(text);
  Constraint room[8];
  const std::size_t count = query::required(question.predicate(), room);
  constexpr const char* kTests[] = {"=",  "<",    "<=",     ">",        ">=",     "between",
                                    "in", "like", "starts", "contains", "exists", "null"};
  std::string all;
  for (std::size_t i = 0; i < count; ++i) {
    const Bytes path = room[i].path.encoded();
    all += std::string(as_text(path.subspan(std::min<std::size_t>(2, path.size())))) + " " +
           kTests[static_cast<int>(room[i].test)] + "; ";
  }
  return all;
}

void analysis_tells_what_every_accepted_row_has(void**) {
  assert_string_equal(required_by("a = 1 and b > 2 and (c = 3 or d = 4)").c_str(), "a =; b >; ");
  assert_string_equal(required_by("a = 1 or b = 2").c_str(), "");
  assert_string_equal(required_by("(a = 1 and b = 2) or (a = 3 and b = 2)").c_str(), "");
  assert_string_equal(required_by("not (a != 1 or not b in (1, 2))").c_str(), "a =; b in; ");
  assert_string_equal(required_by("not a = 1").c_str(), "");
  assert_string_equal(required_by("a between 1 and 2 and b starts with 'x' and $key starts with 'y'").c_str(),
                      "a between; b starts;  starts; ");
  assert_string_equal(required_by("(a = 1 or b = 1) and c exists and (d = 2)").c_str(), "c exists; d =; ");
  assert_string_equal(required_by("").c_str(), "");
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(each_test_says_yes_where_it_holds),
      cmocka_unit_test(each_test_says_no_where_it_does_not_hold),
      cmocka_unit_test(not_is_the_opposite_of_every_test),
      cmocka_unit_test(and_binds_stronger_than_or_whatever_the_nesting),
      cmocka_unit_test(a_row_may_be_a_value_without_fields),
      cmocka_unit_test(parameters_are_bound_when_the_text_is_compiled),
      cmocka_unit_test(trouble_names_the_column_and_what_to_write),
      cmocka_unit_test(a_text_is_bounded_in_depth_tests_and_room),
      cmocka_unit_test(a_costly_row_is_refused_whatever_not_stands_before),
      cmocka_unit_test(the_same_predicate_has_the_same_hash),
      cmocka_unit_test(a_program_can_be_moved),
      cmocka_unit_test(analysis_tells_what_every_accepted_row_has),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
