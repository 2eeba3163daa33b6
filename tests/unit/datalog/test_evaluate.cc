// SPDX-License-Identifier: Apache-2.0
//
// What questions answer, clause by clause.

#include "tests/unit/datalog/answer_bench.h"

namespace grid::test {
namespace {

constexpr std::string_view kPeople =
    "1 name \"Ada\"\n1 age 36\n1 friend* {\"$ref\":\"2\"}\n1 friend* {\"$ref\":\"3\"}\n1 tag* \"x\"\n1 tag* \"y\"\n"
    "2 name \"Bob\"\n2 age 20\n2 friend* {\"$ref\":\"3\"}\n"
    "3 name \"Cy\"\n3 age 20.5\n3 boss {\"$ref\":\"1\"}\n3 nick \"C\"\n"
    "team name \"Team\"\nteam lead {\"$ref\":\"2\"}\n"
    "4 name \"Dee\"\n4 friend* {\"$ref\":\"9\"}";

void patterns_join_in_any_order(void**) {
  Facts facts(kPeople);
  const datalog::Index& index = facts.index();
  expect_answer(index, "[:find ?n :where [?e :name ?n]]", R"("Ada" "Bob" "Cy" "Dee" "Team")");
  expect_answer(index, "[:find ?e :where [?e :name \"Ada\"]]", "1");
  expect_answer(index, "[:find ?n :where [?e :name \"Ada\"] [?e :friend ?f] [?f :name ?n]]", R"("Bob" "Cy")");
  expect_answer(index, "[:find ?n :where [?f :name ?n] [?e :friend ?f] [?e :name \"Ada\"]]", R"("Bob" "Cy")");
  expect_answer(index, "[:find ?e ?a :where [?e :age ?a]]", "1,36 2,20 3,20.5");
  expect_answer(index, "[:find ?a ?v :where [3 ?a ?v]]", R"("age",20.5 "boss",1 "name","Cy" "nick","C")");
  expect_answer(index, "[:find ?e ?a :where [?e ?a 1]]", R"(3,"boss")");
  expect_answer(index, "[:find ?e :where [?e :lead]]", R"("team")");
  expect_answer(index, "[:find ?n :where [\"team\" :lead ?l] [?l :name ?n]]", R"("Bob")");
  expect_answer(index, "[:find ?x :where [?x :boss ?y] [?y :friend ?x]]", "3");
  expect_answer(index, "[:find ?x :where [?x :friend ?x]]", "");
  expect_answer(index, "[:find ?x ?y :where [?x :nick _] [?y :lead _]]", R"(3,"team")");
}

void comparisons_become_ranges(void**) {
  Facts facts(kPeople);
  const datalog::Index& index = facts.index();
  expect_answer(index, "[:find ?e :where [?e :age ?a] [(< ?a 21)]]", "2 3");
  expect_answer(index, "[:find ?e :where [(>= ?a 20.5)] [?e :age ?a]]", "1 3");
  expect_answer(index, "[:find ?e ?a :where [(> ?a 20)] [?e :age ?a] [(< ?a 36)]]", "3,20.5");
  expect_answer(index, "[:find ?e :where [?e :age ?a] [(= ?a 20)]]", "2");
  expect_answer(index, "[:find ?e :where [?e :age ?a] [(< 20 ?a 36)]]", "3");
  expect_answer(index, "[:find ?e ?f :where [?e :age ?a] [?f :age ?b] [(< ?a ?b)]]", "2,1 2,3 3,1");
  expect_answer(index, "[:find ?e :where [?e :age ?a] [(not= ?a 20)]]", "1 3");
}

// The dictionary of the facts knows nothing of them.
void texts_that_only_the_question_says_have_their_place(void**) {
  Facts facts("1 name \"person a\"\n2 name \"person c\"\n3 name \"person e\"\n4 age 1.12345678901234567");
  const datalog::Index& index = facts.index();
  expect_answer(index, "[:find ?e :where [?e :name \"person b\"]]", "");
  expect_answer(index, "[:find ?e :where [?e :name ?n] [(< ?n \"person d\")]]", "1 2");
  expect_answer(index, "[:find ?e :where [?e :name ?n] [(>= ?n \"person b\")]]", "2 3");
  expect_answer(index, "[:find ?e :where [?e ?a \"person d\"]]", "");
  expect_answer(index, "[:find ?e :where [?e :age ?n] [(> ?n 1.12345678901234501)]]", "4");
  expect_answer(index, "[:find ?e ?m :where [?e :name ?n] [(str ?n \"x\") ?m] (not [_ :name ?m])]",
                R"(1,"person ax" 2,"person cx" 3,"person ex")");
}

void branches_and_negations_keep_and_drop(void**) {
  Facts facts(kPeople);
  const datalog::Index& index = facts.index();
  expect_answer(index, "[:find ?n :where [?e :name ?n] (not [?e :age _])]", R"("Dee" "Team")");
  expect_answer(index, "[:find ?n :where [?e :name ?n] (not [?e :friend ?f] [?f :age 20])]",
                R"("Bob" "Cy" "Dee" "Team")");
  expect_answer(index, "[:find ?e :where [?e :name _] (not-join [?e] [?e :friend ?f] [?f :nick _])]", R"(3 4 "team")");
  expect_answer(index, "[:find ?e :where (or [?e :age 20] [?e :nick \"C\"])]", "2 3");
  expect_answer(index, "[:find ?e :where (or-join [?e] [?e :age 36] (and [?e :friend ?f] [?f :nick _]))]", "1 2");
  expect_answer(index, "[:find ?e :where [?e :name _] (not (or [?e :age 20] [?e :age 36]))]", R"(3 4 "team")");
  expect_answer(index, "[:find ?e :where [?e :name _] (not [?e :age ?a] (not [(> ?a 21)]))]", R"(1 4 "team")");
}

void rules_recurse(void**) {
  Facts facts(
      "1 next {\"$ref\":\"2\"}\n2 next {\"$ref\":\"3\"}\n3 next {\"$ref\":\"4\"}\n4 next {\"$ref\":\"2\"}\n"
      "7 next {\"$ref\":\"8\"}");
  const datalog::Index& index = facts.index();
  constexpr std::string_view kRight = "[[(reach ?a ?b) [?a :next ?b]] [(reach ?a ?b) [?a :next ?x] (reach ?x ?b)]]";
  constexpr std::string_view kLeft = "[[(reach ?a ?b) [?a :next ?b]] [(reach ?a ?b) (reach ?a ?x) [?x :next ?b]]]";
  constexpr std::string_view kBoth = "[[(reach ?a ?b) [?a :next ?b]] [(reach ?a ?b) (reach ?a ?x) (reach ?x ?b)]]";
  for (const std::string_view rules : {kRight, kLeft, kBoth}) {
    expect_answer(index, "[:find ?b :in $ % :where (reach 1 ?b)]", "2 3 4", rules);
    expect_answer(index, "[:find ?a :in $ % :where (reach ?a 3)]", "1 2 3 4", rules);
    expect_answer(index, "[:find ?a :in $ % ?a :where (reach ?a ?a)]", "3", rules, "[3]");
    expect_answer(index, "[:find ?a :in $ % :where (reach ?a ?a)]", "2 3 4", rules);
    expect_answer(index, "[:find (count ?b) . :in $ % :where (reach ?a ?b)]", "4", rules);
    expect_answer(index, "[:find ?a ?b :in $ % [?a ...] :where (reach ?a ?b)]", "1,2 1,3 1,4 7,8", rules, "[[1,7,8]]");
  }
  constexpr std::string_view kParity =
      "[[(odd ?a ?b) [?a :next ?b]] [(odd ?a ?b) [?a :next ?x] (even ?x ?b)] [(even ?a ?b) [?a :next ?x] (odd ?x ?b)]]";
  expect_answer(index, "[:find ?b :in $ % :where (even 1 ?b)]", "2 3 4", kParity);
  expect_answer(index, "[:find ?a :in $ % :where [?a :next _] (not (even ?a 8))]", "1 2 3 4 7", kParity);
  expect_answer(index, "[:find ?a :in $ % :where [?a :next _] (not (odd ?a 8))]", "1 2 3 4", kParity);
}

void inputs_are_bound_by_their_shape(void**) {
  Facts facts(kPeople);
  const datalog::Index& index = facts.index();
  expect_answer(index, "[:find ?e :in $ ?n :where [?e :name ?n]]", "1", {}, R"(["Ada"])");
  expect_answer(index, "[:find ?e :in $ [?n ...] :where [?e :name ?n]]", "1 3", {}, R"([["Ada","Cy","Zed"]])");
  expect_answer(index, "[:find ?e :in $ [?n ?a] :where [?e :name ?n] [?e :age ?a]]", "1", {}, R"([["Ada",36.0]])");
  expect_answer(index, "[:find ?e :in $ [[?n ?a]] :where [?e :name ?n] [?e :age ?a]]", "1 2", {},
                R"([[["Ada",36],["Bob",20],["Cy",1]]])");
  expect_answer(index, "[:find ?x ?y :in $ [[?x [?y ...]]]]", "1,2 1,3", {}, "[[[1,[2,3]],[4,[]]]]");
  expect_answer(index, "[:find ?x :in $ [?x ...]]", "input 1: a list is wanted for [?x ...]", {}, "[3]");
  expect_answer(index, "[:find ?x :in $ ?y [?x ?z]]",
                "input 2: a list with an item for each variable is wanted for [?x ?z]", {}, "[1,[2]]");
  expect_answer(index, "[:find ?x :in $ ?x]", "inputs: the query takes 1, but there are 0");
}

void functions_bind(void**) {
  Facts facts(kPeople);
  const datalog::Index& index = facts.index();
  expect_answer(index, "[:find ?e ?b :where [?e :age ?a] [(+ ?a 1) ?b]]", "1,37 2,21 3,21.5");
  expect_answer(index, "[:find ?e ?n :where [?e :name _] [(get-else $ ?e :nick \"-\") ?n]]",
                R"(1,"-" 2,"-" 3,"C" 4,"-" "team","-")");
  expect_answer(index, "[:find ?e :where [?e :name _] [(missing? $ ?e :age)]]", R"(4 "team")");
  expect_answer(index, "[:find ?e ?a ?v :where [?e :name _] [(get-some $ ?e :nick :age) [?a ?v]]]",
                R"(1,"age",36 2,"age",20 3,"nick","C")");
  expect_answer(index, "[:find ?x :where [(ground [1 2 3]) [?x ...]] [(even? ?x)]]", "2");
  expect_answer(index,
                "[:find ?s :where [?e :name ?n] [(str ?n \"!\" 1.5) ?s] [(clojure.string/starts-with? ?n \"A\")]]",
                R"("Ada!1.5")");
  expect_answer(index, "[:find ?x ?y :where [(tuple 1 2) [?x ?y]]]", "1,2");
}

void aggregates_are_of_rows_with_what_is_said(void**) {
  Facts facts("1 g \"a\"\n1 v 10\n2 g \"a\"\n2 v 10\n3 g \"a\"\n3 v 4\n4 g \"b\"\n4 v 2.5");
  const datalog::Index& index = facts.index();
  expect_answer(index, "[:find ?g (sum ?v) (count ?v) :where [?e :g ?g] [?e :v ?v]]", R"("a",14,2 "b",2.5,1)");
  expect_answer(index, "[:find ?g (sum ?v) (count ?v) :with ?e :where [?e :g ?g] [?e :v ?v]]", R"("a",24,3 "b",2.5,1)");
  expect_answer(index, "[:find (min ?v) (max ?v) (avg ?v) (median ?v) :with ?e :where [?e :v ?v]]", "2.5,10,6.625,7");
  expect_answer(index, "[:find (min 2 ?v) (max 2 ?v) (distinct ?v) (count-distinct ?v) :with ?e :where [?e :v ?v]]",
                "[2.5,4],[10,10],[2.5,4,10],3");
  expect_answer(index, "[:find (variance ?v) (stddev ?v) :with ?e :where [?e :v ?v] [(> ?v 3)]]",
                "8,2.8284271247461903");
  expect_answer(index, "[:find (count ?e) . :where [?e :nothing _]]", "");
  expect_answer(index, "[:find ?e ?v :where [?e :v ?v] :order-by [[?v :desc] ?e] :limit 2 :offset 1]", "2,10 3,4");
}

void pulls_give_records(void**) {
  Facts facts(kPeople);
  const datalog::Index& index = facts.index();
  expect_answer(index, "[:find (pull ?e [:name {:friend [:name]}]) :where [?e :age 36]]",
                R"({"friend":[{"name":"Bob"},{"name":"Cy"}],"name":"Ada"})");
  expect_answer(index, "[:find (pull ?e [*]) . :in $ ?e]",
                R"({"age":36,"db/id":1,"friend":[{"db/id":2},{"db/id":3}],"name":"Ada","tag":["x","y"]})", {}, "[1]");
  expect_answer(index, "[:find (pull ?e [:name :_friend]) . :in $ ?e]",
                R"({"_friend":[{"db/id":1},{"db/id":2}],"name":"Cy"})", {}, "[3]");
  expect_answer(index, "[:find (pull ?e [:name {:boss ...}]) . :in $ ?e]", R"({"boss":{"name":"Ada"},"name":"Cy"})", {},
                "[3]");
  expect_answer(index, "[:find (pull ?e [:name {:friend 1}]) . :in $ ?e]",
                R"({"friend":[{"name":"Bob"},{"name":"Cy"}],"name":"Ada"})", {}, "[1]");
  expect_answer(index, "[:find (pull ?e [:name {:friend [:name]}]) . :in $ ?e]", R"({"name":"Dee"})", {}, "[4]");
  expect_answer(index, "[:find (pull ?e [(:nick :default \"-\")]) . :in $ ?e]", R"({"nick":"-"})", {}, "[1]");
  expect_answer(index, "[:find (pull ?e [:name]) . :in $ ?e]", "null", {}, "[99]");
  expect_answer(index, "[:find (pull ?e [:name :age (:nick :as :name) :age]) . :in $ ?e]", R"({"age":20.5,"name":"C"})",
                {}, "[3]");
}

// Deeper than a value of a cell may be.
void a_pull_nests_as_deep_as_what_it_follows(void**) {
  constexpr int kGenerations = 300;
  std::string facts, expected = "{\"n\":0}";
  for (int i = 0; i < kGenerations; ++i) {
    const std::string next = std::to_string(i + 1);
    facts += std::to_string(i) + " n " + std::to_string(kGenerations - i) + "\n";
    facts += std::to_string(i) + " child* {\"$ref\":\"" + next + "\"}\n";
    expected = "{\"child\":[" + expected + "],\"n\":" + next + "}";
  }
  facts += std::to_string(kGenerations) + " n 0";
  Facts people(facts);
  expect_answer(people.index(), "[:find (pull ?e [:n {:child ...}]) . :in $ ?e]", expected, {}, "[0]");
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(patterns_join_in_any_order),
      cmocka_unit_test(comparisons_become_ranges),
      cmocka_unit_test(texts_that_only_the_question_says_have_their_place),
      cmocka_unit_test(branches_and_negations_keep_and_drop),
      cmocka_unit_test(rules_recurse),
      cmocka_unit_test(inputs_are_bound_by_their_shape),
      cmocka_unit_test(functions_bind),
      cmocka_unit_test(aggregates_are_of_rows_with_what_is_said),
      cmocka_unit_test(pulls_give_records),
      cmocka_unit_test(a_pull_nests_as_deep_as_what_it_follows),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
