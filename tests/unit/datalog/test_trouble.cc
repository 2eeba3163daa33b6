// SPDX-License-Identifier: Apache-2.0
//
// What is said of a question that is none, or that is unsafe: each complaint once at least, word for word.

#include <set>

#include "crdt/datalog/trouble.h"
#include "tests/unit/datalog/text_bench.h"

namespace grid::test {
namespace {

struct Case {
  std::string_view text;
  std::string_view wanted;
};

void expect_each(std::span<const Case> cases, std::string_view rules = {}) {
  for (const Case& one : cases) expect_text(shown(one.text, rules), one.wanted, one.text);
}

void a_query_has_its_parts(void**) {
  constexpr Case kCases[] = {
      {"5",
       "line 1, column 1: a query is a vector or a map, but there is 5; write: [:find ?e :where [?e :name \"Oslo\"]]"},
      {"[?e :find]", "line 1, column 2: a query begins with :find, but there is ?e"},
      {"[:find ?e :wher [?e]]", "line 1, column 11: a query has no part :wher; did you mean where?"},
      {"[:find ?e :keys e]",
       "line 1, column 11: a query has no part :keys; there are :find, :with, :in, :where,"
       " :order-by, :limit and :offset"},
      {"[:find ?e :where [?e] :where [?e]]", "line 1, column 23: :where stands twice"},
      {"[:find ?e :where]", "line 1, column 11: nothing stands behind :where"},
      {"[:find :where [?e]]", "line 1, column 2: nothing stands behind :find"},
      {"[:where [?e]]", "line 1, column 1: the query has no :find, but there is [:where [?e]]"},
      {"[:find 5 :where [?e]]",
       "line 1, column 8: :find takes variables, aggregates and pull, but there is 5; write: ?e,"
       " (count ?e) or (pull ?e [*])"},
      {"[:find ?e ... :where [?e]]",
       "line 1, column 11: ... is out of place; one value is `:find ?e .`, a list of them"
       " `:find [?e ...]`, all else has neither"},
      {"[:find (pull ?e) :where [?e]]",
       "line 1, column 8: pull takes a variable and a pattern, but there is (pull ?e);"
       " write: (pull ?e [:name])"},
      {"[:find (avrg ?e) :where [?e]]", "line 1, column 9: there is no aggregate avrg; did you mean avg?"},
      {"[:find (average ?e) :where [?e]]", "line 1, column 9: there is no aggregate average; write avg"},
      {"[:find (rand ?e) :where [?e]]",
       "line 1, column 9: there is no aggregate rand; one answer for everybody leaves no"
       " room for chance"},
      {"[:find (count 5) :where [?e]]",
       "line 1, column 8: an aggregate takes one variable, but there is (count 5); write:"
       " (count ?e)"},
      {"[:find (sum 2 ?e) :where [?e]]",
       "line 1, column 13: only min and max take an amount from 1 on, but there is 2;"
       " write: (min 3 ?x)"},
      {"[:find ?e :with 5 :where [?e]]", "line 1, column 17: a variable is to come here, but there is 5"},
      {"[:find ?e :with ?v ?v :where [?e :a ?v]]", "line 1, column 20: ?v stands here a second time"},
      {"[:find ?e :with ?e :where [?e]]", "line 1, column 17: ?e is in :find already, so it has no place in :with"},
      {"[:find ?e :in x :where [?e]]",
       "line 1, column 15: :in takes $, %, variables and what takes values apart, but there"
       " is x; write: ?a, [?a ...], [?a ?b] or [[?a ?b]]"},
      {"[:find ?e :in [?e [?e]]]", "line 1, column 20: ?e stands here a second time"},
      {"[:find ?e :in $ $2 :where [?e]]", "line 1, column 17: there is one source of facts, $, but there is $2"},
      {"[:find ?e :in % % :where [?e]]", "line 1, column 17: % stands a second time, but there is %"},
      {"[:find ?e :in [] :where [?e]]",
       "line 1, column 15: this takes no value apart, but there is []; write: ?a, _,"
       " [?a ?b], [?a ...] or [[?a ?b]]"},
      {"[:find ?e :where [?e] :order-by 5]",
       "line 1, column 33: :order-by takes what :find has, each with :asc or :desc"
       " behind it or neither, but there is 5; write: :order-by ?a :desc (count ?b)"},
      {"[:find ?e :where [?e :a ?v] :order-by ?v]",
       "line 1, column 39: :order-by names what :find has, and ?v is not"
       " there"},
      {"[:find ?e :where [?e] :limit -1]",
       "line 1, column 30: :limit takes one whole number, 0 or more, but there is -1"},
      {"[:find ?e :where [?e] :offset]",
       "line 1, column 23: :offset takes one whole number, 0 or more, but there is"
       " :offset"},
  };
  expect_each(kCases);
}

void a_clause_has_its_forms(void**) {
  constexpr Case kCases[] = {
      {"[:find ?e :where ?e]",
       "line 1, column 18: a clause is a vector or a list, but there is ?e; write: [?e :name ?n],"
       " [(< ?a 3)] or (not ...)"},
      {"[:find ?e :where []]", "line 1, column 18: there is nothing in this clause, but there is []"},
      {"[:find ?e :where [$]]", "line 1, column 18: there is nothing in this clause, but there is [$]"},
      {"[:find ?e :where [?e :a ?v ?t]]",
       "line 1, column 18: a pattern has an entity, an attribute and a value: facts have"
       " no transaction, but there is [?e :a ?v ?t]"},
      {"[:find ?e :where [1.5 :a ?e]]",
       "line 1, column 19: an entity is an integer, text or a variable, but there is 1.5"},
      {"[:find ?v :where [[:email \"ann@x.org\"] :a ?v]]",
       "line 1, column 19: an entity is not looked up by a pair here, but there is [:email \"ann@x.org\"]; write a "
       "clause:"
       " [?e :email \"ann@x.org\"]"},
      {"[:find ?e :where [?e 5]]", "line 1, column 22: an attribute is a keyword, text or a variable, but there is 5"},
      {"[:find ?e :where [?e :a [1]]]",
       "line 1, column 25: no fact has this for a value, but there is [1]; values are text,"
       " numbers, booleans, dates and bytes"},
      {"[:find ?e :where [?e :a nil]]",
       "line 1, column 25: no fact has nil for a value, but there is nil; write:"
       " [(missing? $ ?e :attribute)]"},
  };
  expect_each(kCases);
}

void a_call_has_its_form_and_its_arguments(void**) {
  constexpr Case kCases[] = {
      {"[:find ?e :where [?e] [(< ?e 1) ?x ?y]]",
       "line 1, column 23: a call is a list in a vector, with at most one more"
       " form behind it, but there is [(< ?e 1) ?x ?y]; write: [(< ?a 3)] or"
       " [(+ ?a 1) ?b]"},
      {"[:find ?e :where [?e] [(pluss ?e 1) ?x]]", "line 1, column 25: there is no function pluss"},
      {"[:find ?e :where [?e] [(start-with? ?e \"a\")]]",
       "line 1, column 25: there is no function start-with?; did you mean"
       " starts-with??"},
      {"[:find ?e :where [?e] [(like ?e \"a\")]]",
       "line 1, column 25: there is no function like; write"
       " clojure.string/includes?"},
      {"[:find ?e :where [?e] [(re-find ?e \"a\")]]",
       "line 1, column 25: there is no function re-find; there are no regular"
       " expressions; clojure.string/includes? and its like look into text"},
      {"[:find ?e :where [?e] [(< (+ ?e 1) 3)]]",
       "line 1, column 27: a call stands inside of none, but there is (+ ?e 1);"
       " bind it first: [(+ ?a 1) ?b]"},
      {"[:find ?e :in $ ?f :where [?e] [(?f ?e)]]",
       "line 1, column 34: functions can't be given as inputs, and ?f would be"
       " one"},
      {"[:find ?e :where [?e] [(subs ?e) ?x]]", "line 1, column 24: subs takes 2 or 3 arguments, but there is 1"},
      {"[:find ?e :where [?e] [(<)]]", "line 1, column 24: < takes 1 or more arguments, but there are none"},
      {"[:find ?e :where [?e] [(inc ?e 1 2) ?x]]", "line 1, column 24: inc takes 1 argument, but there are 3"},
      {"[:find ?e :where [?e] [(< ?e Oslo)]]",
       "line 1, column 30: this is neither a variable nor a value, but there is"
       " Oslo; text stands in quotes: \"Oslo\""},
      {"[:find ?e :where [?e] [(< ?e _)]]",
       "line 1, column 30: _ is no value that a function could take, but there is _"},
      {"[:find ?e :where [?e] [(< $ ?e)]]",
       "line 1, column 27: $ is an argument of missing?, get-else and get-some only,"
       " the first one, but there is $"},
      {"[:find ?e :where [?e] [(= ?e [1 ?x])]]",
       "line 1, column 33: this can't be inside of a value, but there is ?x; lists"
       " of values and maps with keywords or text for keys can; of variables,"
       " (tuple ?a ?b) makes a list"},
      {"[:find ?e :where [?e] [(= ?e {:a 1 :a 2})]]",
       "line 1, column 30: this can't be inside of a value, but there is"
       " {:a 1 :a 2}; lists of values and maps with keywords or text for"
       " keys can; of variables, (tuple ?a ?b) makes a list"},
      {"[:find ?e :where [?e] [(= ?e [[[[[[[[[1]]]]]]]]])]]",
       "line 1, column 30: a value has at most 8 lists and maps"
       " around one another, but there is [[[[[[[[[1]]]]]]]]]"},
      {"[:find ?e :where [?e] [(inc ?e) x]]",
       "line 1, column 33: this takes no value apart, but there is x; write: ?a, _,"
       " [?a ?b], [?a ...] or [[?a ?b]]"},
  };
  expect_each(kCases);
}

void not_and_or_have_clauses_and_heads(void**) {
  constexpr Case kCases[] = {
      {"[:find ?e :where (and [?e] [?e :a])]",
       "line 1, column 18: `and` stands in `or` only, but there is (and [?e]"
       " [?e :a]); clauses that follow each other are all to hold"},
      {"[:find ?e :where [?e] (not)]", "line 1, column 23: a clause is to come here, but there is (not)"},
      {"[:find ?e :where (or (and))]", "line 1, column 22: a clause is to come here, but there is (and)"},
      {"[:find ?e :where [?e] (not-join ?e [?e])]",
       "line 1, column 33: a vector of variables is to come first, but there"
       " is ?e; write: (or-join [?a] ...)"},
      {"[:find ?e :where [?e] (or-join [?e ?x] [?e])]", "line 1, column 40: ?x is in the head, but not in this branch"},
      {"[:find ?e :where [?e] (foo ?e)]", "line 1, column 24: there is no rule foo, as :in takes none"},
  };
  expect_each(kCases);
}

void a_question_is_safe_in_some_order(void**) {
  constexpr Case kCases[] = {
      {"[:find ?x :where [?e]]", "line 1, column 8: :find asks for ?x, which nothing binds"},
      {"[:find ?e (count ?x) :where [?e] (not [?e :a ?x])]",
       "line 1, column 34: `not` needs ?x, which nothing outside of"
       " it binds"},
      {"[:find ?e :with ?x :where [?e]]", "line 1, column 17: :with names ?x, which nothing binds"},
      {"[:find ?e :where [?e]\n [(< ?x 3)]]", "line 2, column 6: the predicate needs ?x, which nothing binds"},
      {"[:find ?y :where [(+ ?x 1) ?y]]", "line 1, column 22: the function needs ?x, which nothing binds"},
      {"[:find ?y :where [(+ ?x 1) ?y] [(+ ?y 1) ?x]]",
       "line 1, column 22: the function needs ?x, which nothing binds"},
      // What starts the chain is told, not where it is felt first.
      {"[:find ?y :where [(< ?y 3)] [(+ ?x 1) ?y]]", "line 1, column 33: the function needs ?x, which nothing binds"},
      {"[:find ?e :where [?e] (not [?x :a])]",
       "line 1, column 23: `not` shares no variable with what stands around it"},
      {"[:find ?e :where [?e] (not-join [?x] [?x :a])]",
       "line 1, column 23: `not` needs ?x, which nothing outside of it"
       " binds"},
      {"[:find ?e :where [?e] (not [?e :a] [(< ?y 1)])]",
       "line 1, column 40: the predicate needs ?y, which nothing binds"},
      {"[:find ?e :where (or [?e :a] (and [?e :b ?x]))]",
       "line 1, column 22: branches of `or` have the same variables, and"
       " this one lacks ?x; or-join names those that matter outside:"
       " (or-join [?a] ...)"},
      {"[:find ?e :where (or [?e :a] [(< ?e 1)])]", "line 1, column 34: the predicate needs ?e, which nothing binds"},
      {"[:find ?e :where (or-join [[?x] ?e] [?e :a ?x])]",
       "line 1, column 18: `or-join` needs ?x, which nothing binds"},
      {"[:find ?e :where [?e] (or-join [?e] (and [?e :a ?x] [(< ?y ?x)]))]",
       "line 1, column 57: the predicate needs ?y,"
       " which nothing binds"},
  };
  expect_each(kCases);
}

void rules_are_complete_and_not_circular_in_denial(void**) {
  const auto said = [](std::string_view rules, std::string_view where = "[?a :x]") {
    return shown("[:find ?a :in $ % :where " + std::string(where) + "]", rules);
  };
  const auto expect = [&](std::string_view rules, std::string_view wanted, std::string_view where = "[?a :x]") {
    expect_text(said(rules, where), wanted, rules);
  };
  expect("7",
         "rules, line 1, column 1: rules are a vector of vectors, but there is 7; write: [[(parent ?a ?b) [?a :parent"
         " ?b]]]");
  expect("[(r ?a)]",
         "rules, line 1, column 2: rules are a vector of vectors, but there is (r ?a); write: [[(parent ?a ?b)"
         " [?a :parent ?b]]]");
  expect("[[r ?a]]",
         "rules, line 1, column 3: a rule begins with its name and variables, but there is r; write: [(parent"
         " ?a ?b) [?a :parent ?b]]");
  expect("[[(r 5) [?a]]]",
         "rules, line 1, column 6: a rule begins with its name and variables, but there is 5; write:"
         " [(parent ?a ?b) [?a :parent ?b]]");
  expect("[[(r ?a ?a) [?a]]]", "rules, line 1, column 9: ?a stands here a second time");
  expect("[[(or ?a) [?a]]]", "rules, line 1, column 4: or can't be a rule's name");
  expect("[[(r ?a)]]", "rules, line 1, column 2: the rule r has no clauses");
  expect("[[(r ?a) [?a]] [(r ?a ?b) [?a :x ?b]]]",
         "rules, line 1, column 17: the rule r takes 1 argument elsewhere, but"
         " here are 2");
  expect("[[(r ?a) [?a]] [(r [?a]) [?a :x]]]",
         "rules, line 1, column 17: the rule r must have as many variables in"
         " brackets everywhere");
  expect("[[(young ?a) [?a]]]", "line 1, column 27: there is no rule yong; did you mean young?", "(yong ?a)");
  expect("[[(r ?a) [?a]]]", "line 1, column 26: the rule r takes 1 argument, but there are 2", "(r ?a 1)");
  expect("[[(r [?a] ?b) [?a :x ?b]]]", "line 1, column 29: the rule r needs ?b, which nothing binds", "(r ?b ?a)");
  expect("[[(r ?a ?b)\n [?a :x ?bb]]]",
         "rules, line 1, column 2: ?b is in the head of the rule r, but not in this branch");
  expect("[[(r ?b ?a) [?b :x]\n [(< ?a 1)]]]", "line 1, column 37: the rule r needs ?c, which nothing binds",
         "[?a] (r ?a ?c)");
  expect("[[(r ?a) [?a :x]\n [(< ?y 1)]]]", "rules, line 2, column 6: the predicate needs ?y, which nothing binds");
  expect("[[(r ?a) (s ?a)] [(s ?a) [?a]\n (not-join [?a] (or (r ?a) [?a :k]))]]",
         "rules, line 2, column 21: the rule r is"
         " negated here, and comes back to here");
  expect_text(shown("[:find ?a :where [?a]]", "[[(r ?a) [?a]]]"),
              "line 1, column 1: rules were given, but :in has no %", "not asked");
  expect_text(said("[[(r ?a) [?a]"), "rules, line 1, column 2: this is never closed: [(r ?a) [?a]", "unclosed");
}

void a_pattern_of_pull_has_its_forms(void**) {
  const auto expect = [](std::string_view pattern, std::string_view wanted) {
    expect_text(shown("[:find (pull ?e " + std::string(pattern) + ") :where [?e]]"), wanted, pattern);
  };
  expect("[]",
         "line 1, column 17: a pattern of pull is a vector that is not empty, but there is []; write: [:name {:friend"
         " [:name]}]");
  expect("?p",
         "line 1, column 17: a pattern of pull is a vector that is not empty, but there is ?p; write: [:name {:friend"
         " [:name]}]");
  expect("[5]",
         "line 1, column 18: pull takes attributes, but there is 5; write: :name, :user/_friend or (:tag :limit 3)");
  expect("[(:a :xform inc)]", "line 1, column 22: :xform is no option of pull; there are :limit, :default and :as");
  expect("[(:a :limit 0)]",
         "line 1, column 29: :limit doesn't take this; write: (:tag :limit 3 :default"
         " \"none\" :as :tags)");
  expect("[(:a :limit)]",
         "line 1, column 22: :limit doesn't take this; write: (:tag :limit 3 :default \"none\" :as :tags)");
  expect("[{:a b}]",
         "line 1, column 22: behind an attribute a pattern is to come, a depth, or ..., but there is b; write:"
         " {:friend [:name]}, {:parent 3} or {:child ...}");
}

void too_much_is_refused(void**) {
  std::string many = "[:find ?x :where [?x]";
  for (int i = 0; i < 1'001; ++i) many += " [_ :a ?y" + std::to_string(i) + "]";
  assert_true(shown(many + "]").find("more than 1000 variables") != std::string::npos);
  std::string rules = "[";
  for (int i = 0; i < 1'001; ++i) rules += "[(r" + std::to_string(i) + " ?a) [?a]]";
  const Reading reading("[:find ?a :in % :where [?a]]", rules + "]", 1 << 23);
  assert_true(reading.sentence().find("more than 1000 rules") != std::string::npos);
  assert_string_equal(shown(std::string(65'537, ' ')).c_str(), "line 1, column 1: the text is longer than 64 KiB");
}

void a_sentence_is_cut_where_its_room_ends(void**) {
  std::vector<std::uint8_t> room(4'096);
  Arena arena(room);
  datalog::Trouble trouble;
  assert_status(datalog::parse("[:find ?x :where [?e]]", "", arena, trouble).status(), Status::invalid);
  char sentence[9];
  assert_string_equal(std::string(trouble.sentence(sentence)).c_str(), "line 1, c");
  assert_true(trouble.sentence({}).empty());
}

void every_complaint_has_a_sentence(void**) {
  std::set<std::string> all;
  constexpr auto kLast = static_cast<int>(datalog::Complaint::negation_in_circle);
  for (int i = 1; i <= kLast; ++i) {
    datalog::Trouble trouble;
    trouble.complaint = static_cast<datalog::Complaint>(i);
    char room[300];
    all.insert(std::string(trouble.sentence(room)));
  }
  assert_false(all.contains(""));
  // Two are the same until the name of a rule or a column tells them apart.
  assert_int_equal(all.size(), kLast);
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_query_has_its_parts),
      cmocka_unit_test(a_clause_has_its_forms),
      cmocka_unit_test(a_call_has_its_form_and_its_arguments),
      cmocka_unit_test(not_and_or_have_clauses_and_heads),
      cmocka_unit_test(a_question_is_safe_in_some_order),
      cmocka_unit_test(rules_are_complete_and_not_circular_in_denial),
      cmocka_unit_test(a_pattern_of_pull_has_its_forms),
      cmocka_unit_test(too_much_is_refused),
      cmocka_unit_test(a_sentence_is_cut_where_its_room_ends),
      cmocka_unit_test(every_complaint_has_a_sentence),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
