// SPDX-License-Identifier: Apache-2.0
//
// The text of Datalog: what each form is taken for.

#include "tests/unit/datalog/text_bench.h"

namespace grid::test {
namespace {

struct Case {
  std::string_view text;
  std::string_view wanted;
};

void expect_where(std::initializer_list<Case> cases) {
  for (const Case& one : cases) {
    const std::string text = "[:find ?e :in $ [?e ...] :where " + std::string(one.text) + "]";
    expect_text(shown(text), "find ?e0 in [?e0 ...] where " + std::string(one.wanted), one.text);
  }
}

void find_has_four_shapes(void**) {
  for (const Case& one : {
           Case{"[:find ?e ?v :where [?e :a ?v]]", "find ?e0 ?v1 where [?e0 \"a\" ?v1]"},
           Case{"[:find [?v ...] :where [_ :a ?v]]", "find... ?v0 where [_ \"a\" ?v0]"},
           Case{"[:find [?e ?v] :where [?e :a ?v]]", "find[] ?e0 ?v1 where [?e0 \"a\" ?v1]"},
           Case{"[:find [?e] :where [?e]]", "find[] ?e0 where [?e0 _ _]"},
           Case{"[:find ?e . :where [?e :a]]", "find. ?e0 where [?e0 \"a\" _]"},
           Case{"[:find ?e ?e :where [?e]]", "find ?e0 ?e0 where [?e0 _ _]"},
       }) {
    expect_text(shown(one.text), one.wanted, one.text);
  }
}

void find_takes_every_aggregate_and_pull(void**) {
  expect_text(
      shown("[:find (count ?e) (count-distinct ?e) (sum ?e) (min ?e) (max 2 ?e) (avg ?e) (median ?e) (variance ?e)"
            " (stddev ?e) (distinct ?e) :where [?e]]"),
      "find count(?e0) count-distinct(?e0) sum(?e0) min(?e0) max2(?e0) avg(?e0) median(?e0) variance(?e0)"
      " stddev(?e0) distinct(?e0) where [?e0 _ _]",
      "aggregates");
  expect_text(shown("[:find (pull ?e [:a]) (pull $ ?e [*]) :where [?e]]"), "find ?e0[a] ?e0[*] where [?e0 _ _]",
              "pull");
}

void a_query_is_a_vector_a_list_or_a_map(void**) {
  constexpr std::string_view kWanted = "find ?e0 with ?v1 where [?e0 \"a\" ?v1] limit 3 offset 2";
  for (const std::string_view text : {"[:find ?e :with ?v :where [?e :a ?v] :limit 3 :offset 2]",
                                      "(:where [?e :a ?v] :find ?e :offset 2 :with ?v :limit 3)",
                                      "{:find [?e] :with [?v] :where [[?e :a ?v]] :limit 3 :offset 2}",
                                      "; first\n[:find, ?e #_ ?x :with ?v\n:where [?e :a ?v] :limit 3N :offset 2]"}) {
    expect_text(shown(text), kWanted, text);
  }
}

void inputs_are_taken_apart_by_their_shapes(void**) {
  for (const Case& one : {
           Case{":in $ ?a", "in ?a0"},
           Case{":in ?a _ ?b", "in ?a0 _ ?b1"},
           Case{":in $ [?a ...] [?b ?c]", "in [?a0 ...] [?b1 ?c2]"},
           Case{":in [[?a ?b]] [[?c _] ...]", "in [[?a0 ?b1] ...] [[?c2 _] ...]"},
           Case{":in [?b [?a [?c ...]]]", "in [?b0 [?a1 [?c2 ...]]]"},
           Case{":in % ?a", "in ?a0 rules-at 0"},
           Case{":in $ ?a ?b %", "in ?a0 ?b1 rules-at 2"},
       }) {
    const std::string text = shown("[:find ?a " + std::string(one.text) + "]");
    expect_text(text.substr(text.find("in ", 4)), one.wanted, one.text);
  }
}

void patterns_are_filled_up_with_blanks(void**) {
  expect_where({{"[?e]", "[?e0 _ _]"},
                {"[?e :a]", "[?e0 \"a\" _]"},
                {"[$ ?e :user/name _]", "[?e0 \"user/name\" _]"},
                {"[?e \"a\" ?e]", "[?e0 \"a\" ?e0]"},
                {"[?e ?a :a.b/c]", "[?e0 ?a1 \"a.b/c\"]"},
                {"[7 :a \"seven\"]", "[7 \"a\" \"seven\"]"},
                {"[:ann :a 1.5]", "[\"ann\" \"a\" 1.5]"},
                {"[\"ann\" :a true]", "[\"ann\" \"a\" true]"},
                {"[?e :a #inst \"1970-01-01T00:00:01Z\"]", "[?e0 \"a\" {\"$timestamp\":\"1970-01-01T00:00:01.000Z\"}]"},
                {"[?e :a #bytes \"AP8=\"]", "[?e0 \"a\" {\"$bytes\":\"AP8=\"}]"}});
}

void calls_are_predicates_or_bind_what_they_return(void**) {
  expect_where({{"[(< ?e 3 4)]", "(< ?e0 3 4)"},
                {"[(+ ?e 1) ?x]", "(+ ?e0 1) -> ?x1"},
                {"[(not= ?e 1)] [(!= ?e 1)] [(== ?e 1)]", "(not= ?e0 1) (not= ?e0 1) (= ?e0 1)"},
                {"[(clojure.string/blank? ?e)] [(str/blank? ?e)] [(blank? ?e)]",
                 "(clojure.string/blank? ?e0) (clojure.string/blank? ?e0) (clojure.string/blank? ?e0)"},
                {"[(missing? $ ?e :a)] [(missing? ?e \"a\")]", "(missing? ?e0 \"a\") (missing? ?e0 \"a\")"},
                {"[(get-else $ ?e :a nil) ?x]", "(get-else ?e0 \"a\" null) -> ?x1"},
                {"[(get-some $ ?e :a :b) [?a ?v]]", "(get-some ?e0 \"a\" \"b\") -> [?a1 ?v2]"},
                {"[(ground [1 [2 #{3}] {:a \"x\", \"b\" nil}]) [?x ...]]",
                 "(ground [1,[2,[3]],{\"a\":\"x\",\"b\":null}]) -> [?x1 ...]"},
                {"[(ground {:a [{:c 1} 2] :b {}}) ?x]", "(ground {\"a\":[{\"c\":1},2],\"b\":{}}) -> ?x1"},
                {"[(ground \\a) ?x] [(ground \\newline) ?y]", "(ground \"a\") -> ?x1 (ground \"\\n\") -> ?y2"},
                {"[(tuple ?e 1) [?x _]]", "(tuple ?e0 1) -> [?x1 _]"},
                {"[(not ?e)]", "(not ?e0)"}});
}

void not_joins_what_stands_around_it_and_nothing_more(void**) {
  expect_where({{"(not [?e :a ?x])", "(not @?e0 [?e0 \"a\" ?x1])"},
                {"(not [?e :a ?x]) [_ :b ?x]", "(not @?e0?x1 [?e0 \"a\" ?x1]) [_ \"b\" ?x1]"},
                {"(not [?e :a ?x]) (not [?e :b ?x])", "(not @?e0 [?e0 \"a\" ?x1]) (not @?e0 [?e0 \"b\" ?x2])"},
                {"(not-join [?e] [?e :a ?x]) [_ :b ?x]", "(not @?e0 [?e0 \"a\" ?x2]) [_ \"b\" ?x1]"},
                {"($ not [?e :a] [?e :b])", "(not @?e0 [?e0 \"a\" _] [?e0 \"b\" _])"},
                // ?y is known outside of both, so both join it.
                {"(not [?e :a ?x] (not [?x :b ?y])) [_ :c ?y]",
                 "(not @?e0?y1 [?e0 \"a\" ?x2] (not @?x2?y1 [?x2 \"b\" ?y1])) [_ \"c\" ?y1]"}});
}

void or_joins_all_variables_and_or_join_its_head(void**) {
  expect_where(
      {{"(or [?e :a 1] [?e :b 2])", "(or @?e0 [?e0 \"a\" 1] / [?e0 \"b\" 2])"},
       {"(or (and [?e :a ?x] [?x :b]) [?x :c ?e])", "(or @?e0?x1 [?e0 \"a\" ?x1] [?x1 \"b\" _] / [?x1 \"c\" ?e0])"},
       {"(or [?e :a] (or [?e :b] (and [?e :c])))", "(or @?e0 [?e0 \"a\" _] / (or @?e0 [?e0 \"b\" _] / [?e0 \"c\" _]))"},
       {"(or-join [?e] [?e :a ?x] [?x :b ?e])", "(or @?e0 [?e0 \"a\" ?x1] / [?x2 \"b\" ?e0])"},
       {"(or-join [[?e] ?y] [?e :a ?y] [(ground 1) ?y])", "(or @?e0|?y1 [?e0 \"a\" ?y1] / (ground 1) -> ?y1)"},
       {"(or [(< ?e 1)] [(> ?e 5)])", "(or @?e0 (< ?e0 1) / (> ?e0 5))"},
       {"(or [?e :a ?x] (and [?e :b ?x] (not [?x :c ?z])))",
        "(or @?e0?x1 [?e0 \"a\" ?x1] / [?e0 \"b\" ?x1] (not @?x1 [?x1 \"c\" ?z2]))"}});
}

void order_names_what_find_has(void**) {
  const std::string find = "[:find ?a (count ?b) ?c :where [?a ?b ?c] :order-by ";
  for (const Case& one : {Case{"?c", "asc 2"}, Case{"?c :desc ?a", "desc 2 asc 0"}, Case{"[?c :desc]", "desc 2"},
                          Case{"[[?c :desc] ?a]", "desc 2 asc 0"}, Case{"[?c :asc] [?a :desc]", "asc 2 desc 0"},
                          Case{"[(count ?b) :desc ?c]", "desc 1 asc 2"}}) {
    const std::string text = shown(find + std::string(one.text) + "]");
    expect_text(text.substr(text.find(']') + 2), one.wanted, one.text);
  }
}

void rules_have_strata_and_know_whether_they_recur(void**) {
  expect_text(shown("[:find ?b :in % :where (ancestor 1 ?b) (lonely ?b)]",
                    "[[(ancestor ?a ?b) [?a :parent ?b]]"
                    " [(lonely ?x) [?x :name] (not (ancestor _ ?x))]"
                    " [(ancestor ?a ?b) [?a :parent ?x] (ancestor ?x ?b)]]"),
              "find ?b0 rules-at 0 where (ancestor 1 ?b0) (lonely ?b0)"
              " rule ancestor/2 stratum 0 recursive (?a1 ?b2 :- [?a1 \"parent\" ?b2])"
              " (?a3 ?b4 :- [?a3 \"parent\" ?x5] (ancestor ?x5 ?b4))"
              " rule lonely/1 stratum 1 (?x6 :- [?x6 \"name\" _] (not @?x6 (ancestor _ ?x6)))",
              "ancestor");
  expect_text(shown("[:find ?a :in % :where (even ?a)]",
                    "[[(even ?a) [?a :zero]] [(even ?a) (odd ?b) [?b :next ?a]] [(odd ?a) (even ?b) [?b :next ?a]]"
                    " [(adult [?p ?age]) [(< 17 ?age)] [?p]]]"),
              "find ?a0 rules-at 0 where (even ?a0)"
              " rule even/1 stratum 0 recursive (?a1 :- [?a1 \"zero\" _]) (?a2 :- (odd ?b3) [?b3 \"next\" ?a2])"
              " rule odd/1 stratum 0 recursive (?a4 :- (even ?b5) [?b5 \"next\" ?a4])"
              " rule adult/2 required 2 stratum 0 (?p6 ?age7 :- (< 17 ?age7) [?p6 _ _])",
              "even");
}

void what_a_rule_needs_of_its_caller_comes_first(void**) {
  expect_text(shown("[:find ?a :in % :where [?a :x ?b] (old ?a ?b) (older ?a ?b)]",
                    "[[(old ?p ?age) [?p] [(< 17 ?age)]]"
                    " [(older ?p ?age) [(inc ?p) ?more] (not (old ?age ?more))] [(older ?p ?age) (old ?p 5) [?age]]]"),
              "find ?a0 rules-at 0 where [?a0 \"x\" ?b1] (old ?b1 ?a0) (older ?a0 ?b1)"
              " rule old/2 required 1 stratum 0 (?age3 ?p2 :- [?p2 _ _] (< 17 ?age3))"
              " rule older/2 required 2 stratum 1"
              " (?p4 ?age5 :- (inc ?p4) -> ?more6 (not @?age5?more6 (old ?more6 ?age5)))"
              " (?p7 ?age8 :- (old 5 ?p7) [?age8 _ _])",
              "old");
}

void clauses_may_stand_in_any_order(void**) {
  for (const std::string_view text : {"[:find ?z :where [(+ ?y 1) ?z] [(+ ?x 1) ?y] [_ :a ?x]]",
                                      "[:find ?z :where (or [(= ?z 1)] [(= ?z 2)]) (not [?z :a]) [_ :b ?z]]",
                                      "[:find ?z :where [(< ?z 1)] (or-join [[?y] ?z] (and [?x :a ?z] [(< ?y ?x)])"
                                      " (and [?z :c] (not [?z :d ?y]))) [(inc ?w) ?y] [_ :c ?w]]"}) {
    const Reading reading(text);
    if (reading.status() != Status::ok) fail_msg("%s", reading.sentence().c_str());
  }
}

void pull_has_options_nesting_and_depth(void**) {
  for (const Case& one : {
           Case{"[:name :db/id]", "[id name]"},
           Case{"[* :user/_friend]", "[* <user/friend>user/_friend]"},
           Case{"[\"*\" \"_a\" \"_\"]", "[* <a>_a _]"},
           Case{"[(:tag :limit 3 :as :tags) [:a :default \"none\"] (:b :limit nil)]",
                "[tag>tags limit 3 a else \"none\" b limit 0]"},
           Case{"[(limit :a 2) (default :b [1 2])]", "[a limit 2 b else [1,2]]"},
           Case{"[{:friend [:name {:pet [*]}] :x/_y [:z]}]", "[friend [name pet [*]] <x/y>x/_y [z]]"},
           Case{"[:a {:parent 3} {(:child :limit 1) ...}]", "[a parent again 3 child limit 1 again ...]"},
       }) {
    std::vector<std::uint8_t> room(1 << 16);
    Arena arena(room);
    datalog::Trouble trouble;
    const Result<const datalog::Pull*> pull = datalog::parse_pull(one.text, arena, trouble);
    char sentence[300];
    expect_text(pull.ok() ? Shown::pull(**pull) : std::string(trouble.sentence(sentence)), one.wanted, one.text);
  }
}

void the_place_of_the_rules_is_known_without_them(void**) {
  std::vector<std::uint8_t> room(1 << 16);
  datalog::Trouble trouble;
  for (const auto& [text, wanted] : {std::pair<std::string_view, int>{"[:find ?a :in $ ?a % :where (r ?a)]", 1},
                                     {"[:find ?a :in % $ ?a :where (r ?a)]", 0},
                                     {"{:find [?a] :in [$ [?a ...] ?b]}", -1},
                                     {"[:find ?a :where [?a]]", -1}}) {
    Arena arena(room);
    const Result<std::int32_t> place = datalog::rules_input(text, arena, trouble);
    assert_ok(place.status());
    assert_int_equal(*place, wanted);
  }
}

void where_there_is_no_room_it_is_said(void**) {
  constexpr std::string_view kText =
      "[:find ?e (pull ?e [{:a [:b]}]) :in $ % [?x ...] :where [?e :a \"\\n\"] (r ?e) (not [?e])"
      " (or-join [?e] [?e :b] (and [_ :c ?z] [(+ ?z 1) ?e]))]";
  constexpr std::string_view kRules = "[[(r ?a) [?a :p ?b] (r ?b) (or [?a] (not [?a :k]))]]";
  std::size_t bytes = 0;
  for (;; bytes += 8) {
    const Reading reading(kText, kRules, bytes);
    if (reading.status() == Status::ok) break;
    if (reading.status() != Status::full) fail_msg("%zu bytes: %s", bytes, reading.sentence().c_str());
    assert_true(reading.sentence().find("there is no room for so long a text") != std::string::npos);
  }
  assert_true(bytes > 5'000 && bytes < 50'000);
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(find_has_four_shapes),
      cmocka_unit_test(find_takes_every_aggregate_and_pull),
      cmocka_unit_test(a_query_is_a_vector_a_list_or_a_map),
      cmocka_unit_test(inputs_are_taken_apart_by_their_shapes),
      cmocka_unit_test(patterns_are_filled_up_with_blanks),
      cmocka_unit_test(calls_are_predicates_or_bind_what_they_return),
      cmocka_unit_test(not_joins_what_stands_around_it_and_nothing_more),
      cmocka_unit_test(or_joins_all_variables_and_or_join_its_head),
      cmocka_unit_test(order_names_what_find_has),
      cmocka_unit_test(rules_have_strata_and_know_whether_they_recur),
      cmocka_unit_test(what_a_rule_needs_of_its_caller_comes_first),
      cmocka_unit_test(clauses_may_stand_in_any_order),
      cmocka_unit_test(pull_has_options_nesting_and_depth),
      cmocka_unit_test(the_place_of_the_rules_is_known_without_them),
      cmocka_unit_test(where_there_is_no_room_it_is_said),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
