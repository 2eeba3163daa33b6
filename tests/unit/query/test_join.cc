// SPDX-License-Identifier: Apache-2.0
//
// Two predicates as one: what the joined program says of a row is what both would have said.

#include "crdt/query/analysis.h"
#include "runtime/query/join.h"
#include "tests/unit/query/query_bench.h"

namespace grid::test {
namespace {

using query::Predicate;
using runtime::join;
using runtime::Joint;

bool accepts(Bytes program, const std::string& json) {
  const std::string value = canonical(json);
  return Predicate(program).matches({"k", crdt::Value(as_bytes(value))});
}

constexpr const char* kForms[] = {"",
                                  "a=1",
                                  "not a=1",
                                  "a=1 or b=1",
                                  "a=1 and not b=1",
                                  "not (a=1 and b=1) or c=1",
                                  "a=1 and (b=1 or c=1) or not c=1 and b=1",
                                  "a=1 and a=0"};

void a_joined_program_says_what_both_say(void**) {
  for (const char* first : kForms) {
    for (const char* second : kForms) {
      const Question a(first), b(second);
      const auto both = join(a.predicate().program(), Joint::both, b.predicate().program());
      const auto either = join(a.predicate().program(), Joint::either, b.predicate().program());
      assert_ok(both.status());
      assert_ok(either.status());
      // And joined once more, as grants of one map and a question are.
      const auto twice = join(*either, Joint::both, *both);
      assert_ok(twice.status());
      for (int bits = 0; bits < 8; ++bits) {
        std::string row = "{\"a\":";
        row.append((bits & 1) != 0 ? "1" : "0").append(",\"b\":").append((bits & 2) != 0 ? "1" : "0");
        row.append(",\"c\":").append((bits & 4) != 0 ? "1" : "0").append("}");
        const bool is_a = a.accepts(row), is_b = b.accepts(row);
        assert_int_equal(accepts(*both, row), is_a && is_b);
        assert_int_equal(accepts(*either, row), is_a || is_b);
        assert_int_equal(accepts(*twice, row), is_a && is_b);
      }
    }
  }
}

// What a program requires of rows is looked up in rooms of kTestsMax.
void a_joined_program_has_no_more_tests_than_any(void**) {
  std::string text = "a=0";
  for (std::size_t i = 1; i < Predicate::kTestsMax; ++i) text += " or a=" + std::to_string(i);
  const Question most(text), one("b=1");
  assert_int_equal(runtime::test_count(most.predicate().program()), Predicate::kTestsMax);
  for (const Joint joint : {Joint::both, Joint::either}) {
    assert_status(join(most.predicate().program(), joint, one.predicate().program()).status(), Status::too_large);
    assert_status(join(one.predicate().program(), joint, most.predicate().program()).status(), Status::too_large);
  }
  std::string long_text = "a='" + std::string(250, 'x') + "'";
  for (int i = 1; i < 30; ++i) long_text += " or a='" + std::string(250, 'x') + "'";
  const Question long_one(long_text);
  assert_ok(join(long_one.predicate().program(), Joint::both, long_one.predicate().program()).status());
}

void what_a_joined_program_requires_is_what_both_require(void**) {
  const Question a("a=1 or b=1"), b("owner='ann'");
  const auto both = join(a.predicate().program(), Joint::both, b.predicate().program());
  query::Constraint room[8];
  assert_int_equal(query::required(Predicate(*both), room), 1);
  assert_string_equal(std::string(room[0].operand.text_or({})).c_str(), "ann");
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_joined_program_says_what_both_say),
      cmocka_unit_test(a_joined_program_has_no_more_tests_than_any),
      cmocka_unit_test(what_a_joined_program_requires_is_what_both_require),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
