// SPDX-License-Identifier: Apache-2.0
//
// The engine of chips: what it has it answers as the other one does, and what it has not it refuses by name.

#include "tests/unit/datalog/answer_bench.h"

namespace grid::test {
namespace {

constexpr std::string_view kPeople =
    "1 name \"Ada\"\n1 age 36\n1 friend* {\"$ref\":\"2\"}\n2 name \"Bob\"\n2 age 20\n2 friend* {\"$ref\":\"3\"}\n"
    "3 name \"Cy\"\n3 age 20.5\n3 nick \"C\"";

// DLQ-1
void what_it_has_is_answered(void**) {
  Facts facts(kPeople);
  const datalog::Index& index = facts.index();
  expect_answer(index, "[:find ?n :in $ ?least :where [?e :age ?a] [(>= ?a ?least)] [?e :name ?n] :order-by ?n :desc]",
                R"("Cy" "Ada")", {}, "[20.5]");
  expect_answer(index, "[:find (count ?e) (sum ?a) (min ?a) (max ?a) (avg ?a) (count-distinct ?a) :where [?e :age ?a]]",
                "3,76.5,20,36,25.5,3");
  expect_answer(index, "[:find ?n ?b :where [?e :name ?n] [(get-else $ ?e :nick \"-\") ?b] (not [?e :age 36])]",
                R"("Bob","-" "Cy","C")");
  expect_answer(index, "[:find ?b :where [1 :age ?a] [(* ?a 2) ?c] [(ground 1.5) ?d] [(+ ?c ?d) ?b]]", "73.5");
  expect_answer(index, "[:find ?n :in $ % :where (far 1 ?e) [?e :name ?n]]", R"("Bob" "Cy")",
                "[[(far ?a ?b) [?a :friend ?b]] [(far ?a ?b) [?a :friend ?x] (far ?x ?b)]]");
  expect_answer(index, "[:find ?e :where (or [?e :nick _] [?e :age 20])]", "2 3");
}

void what_it_has_not_is_refused_by_name(void**) {
  Facts facts(kPeople);
  const datalog::Index& index = facts.index();
  constexpr std::string_view kTexts = "this device has no functions of texts and lists";
  constexpr std::string_view kAggregates =
      "this device has no aggregates but count, count-distinct, sum, min, max and avg";
  expect_answer(index, "[:find (pull ?e [:name]) :where [?e :age 20]]", "this device has no pull");
  expect_answer(index, "[:find (median ?a) :where [?e :age ?a]]", kAggregates);
  expect_answer(index, "[:find (min 2 ?a) :where [?e :age ?a]]", kAggregates);
  expect_answer(index, "[:find ?m :where [?e :name ?n] [(str ?n) ?m]]", kTexts);
  expect_answer(index, "[:find ?m :where [?e :name ?n] (or-join [?n ?m] [(count ?n) ?m] [(identity ?n) ?m])]", kTexts);
  expect_answer(index, "[:find ?v :where [?e :name _] [(get-some $ ?e :nick :name) [_ ?v]]]", kTexts);
  expect_answer(index, "[:find ?e :where [?e :name _] [(ground [1 2]) [?x ...]]]",
                "this device has no bindings that take lists apart");
  expect_answer(index, "[:find ?l :where [?e :name _] [(ground [1 2]) ?l]]", "this device has no lists");
  constexpr std::string_view kInputs = "this device has no inputs that are lists";
  expect_answer(index, "[:find ?e :in $ [?n ...] :where [?e :name ?n]]", kInputs, {}, "[[\"Ada\"]]");
  expect_answer(index, "[:find ?e :in $ ?n :where [?e :name ?n]]", kInputs, {}, "[[\"Ada\"]]");
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(what_it_has_is_answered),
      cmocka_unit_test(what_it_has_not_is_refused_by_name),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
