// SPDX-License-Identifier: Apache-2.0
//
// What questions may take, what they do take, and what is told of how they were answered.

#include "tests/unit/datalog/answer_bench.h"

namespace grid::test {
namespace {

constexpr std::string_view kRight = "[[(reach ?a ?b) [?a :to ?b]] [(reach ?a ?b) [?a :to ?x] (reach ?x ?b)]]";

std::string edge(std::size_t from, std::size_t to) {
  return std::to_string(from) + " to* {\"$ref\":\"" + std::to_string(to) + "\"}\n";
}

std::string clique(std::size_t size) {
  std::string facts;
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j < size; ++j) facts += edge(i, j);
  }
  return facts;
}

std::string chain(std::size_t size) {
  std::string facts;
  for (std::size_t i = 0; i < size; ++i) facts += edge(i, i + 1);
  return facts;
}

// DLQ-2
void a_budget_ends_what_would_not(void**) {
  Facts facts(clique(60));
  const std::string_view text = "[:find ?a ?b ?c ?d :where [?a :to ?b] [?b :to ?c] [?c :to ?d]]";
  const Asked steps = asked(facts.index(), text, {}, "[]", 10'000);
  assert_status(steps.status, Status::full);
  assert_string_equal(steps.answer.c_str(), "limit: the query took more than 10000 steps");
  const Asked memory = asked(facts.index(), text, {}, "[]", 1'000'000'000, 1'000'000);
  assert_status(memory.status, Status::full);
  assert_string_equal(memory.answer.c_str(), "limit: the query took more than 1000000 bytes of memory");
}

// DLQ-2
void a_rule_that_counts_for_ever_is_ended(void**) {
  Facts facts("1 n 0");
  const Asked is = asked(facts.index(), "[:find ?n :in $ % :where (count-on ?n)]",
                         "[[(count-on ?n) [1 :n ?n]] [(count-on ?n) (count-on ?m) [(+ ?m 1) ?n]]]", "[]", 100'000);
  assert_status(is.status, Status::full);
  assert_string_equal(is.answer.c_str(), "limit: the query took more than 100000 steps");
}

// DLQ-2
void whatever_memory_there_is_the_answer_is_right_or_none(void**) {
  Facts facts(chain(12) + "1 name \"one\"\n2 name \"two\"\n3 age 1.1234567890123456");
  const std::pair<std::string_view, std::string_view> asks[] = {
      {"[:find ?a ?b :in $ % :where (reach ?a ?b)]", kRight},
      {"[:find ?a (count ?b) (distinct ?b) :in $ % :where (reach ?a ?b) (not [?b :name _])]", kRight},
      {"[:find (pull ?e [* {:to [:name]} :_to]) ?s :where [?e :to _] [(str ?e \"x\") ?s]]", ""},
      {"[:find ?x ?y :where [(ground [[1 2] [3 4] [5 6]]) [[?x ?y]]] (or [(< ?x 3)] [(= ?x 5)])]", ""},
  };
  for (const auto& [text, rules] : asks) {
    const Asked whole = asked(facts.index(), text, rules);
    assert_ok(whole.status);
    std::size_t refused = 0;
    for (std::size_t bytes = 100; bytes < 1'000'000; bytes += bytes / 40 + 8) {
      const Asked is = asked(facts.index(), text, rules, "[]", 100'000'000, bytes, 1'024);
      if (is.status == Status::ok) {
        assert_string_equal(is.answer.c_str(), whole.answer.c_str());
      } else {
        assert_status(is.status, Status::full);
        assert_true(is.answer.starts_with("limit: the query took more than "));
        ++refused;
      }
    }
    assert_true(refused > 10);
    for (std::uint64_t steps = 0; steps < whole.steps; steps += steps / 20 + 1)
      assert_status(asked(facts.index(), text, rules, "[]", steps).status, Status::full);
    assert_ok(asked(facts.index(), text, rules, "[]", whole.steps).status);
  }
}

void one_array_is_memory_enough(void**) {
  Facts facts(chain(12));
  std::vector<std::uint8_t> room(64 * 1024), texts(64 * 1024);
  FixedChunk chunk(room);
  Region region(chunk, room.size(), room.size());
  Arena arena(texts);
  datalog::Trouble trouble;
  const auto query = datalog::parse("[:find ?b :in $ % :where (reach 3 ?b)]", kRight, arena, trouble);
  assert_ok(query.status());
  datalog::Evaluation evaluation(facts.index(), region, {});
  assert_ok(evaluation.run(*query, {}));
  assert_int_equal(evaluation.count(), 9);
}

// Of whom nothing is asked, nothing is looked at.
void recursion_looks_at_what_its_seed_reaches(void**) {
  Facts facts(chain(200) + [] {
    std::string others;
    for (std::size_t i = 1'000; i < 6'000; ++i) others += edge(i, 1'000 + (i * 7) % 5'000);
    return others;
  }());
  for (const std::string_view rules :
       {kRight, std::string_view("[[(reach ?a ?b) [?a :to ?b]] [(reach ?a ?b) (reach ?a ?x) [?x :to ?b]]]")}) {
    const Asked forward = asked(facts.index(), "[:find (count ?b) . :in $ % ?a :where (reach ?a ?b)]", rules, "[0]");
    assert_string_equal(forward.answer.c_str(), "200");
    assert_true(forward.steps < 6'000);
    const Asked back = asked(facts.index(), "[:find (count ?a) . :in $ % ?b :where (reach ?a ?b)]", rules, "[200]");
    assert_string_equal(back.answer.c_str(), "200");
    // By a rule that goes on at its end, what leads to it is asked of each on the way.
    assert_true(back.steps < 60'000);
  }
}

void who_asks_is_told_how_it_was_answered(void**) {
  Facts facts(chain(100) + "5 name \"five\"");
  const Asked is = asked(facts.index(), "[:find ?n :where\n [?a :to ?b]\n [?b :name ?n]\n [?a :to ?c] [(> ?c 3)]]");
  assert_string_equal(is.answer.c_str(), "\"five\"");
  assert_int_equal(is.explained.size(), 4);
  assert_int_equal(is.explained[0].at.line, 3);
  assert_string_equal(std::string(is.explained[0].by).c_str(), "attribute");
  assert_int_equal(is.explained[0].rows_out, 1);
  assert_int_equal(is.explained[1].at.line, 2);
  assert_string_equal(std::string(is.explained[1].by).c_str(), "attribute and value");
  assert_string_equal(std::string(is.explained[2].by).c_str(), "entity");
  assert_string_equal(std::string(is.explained[3].by).c_str(), "test");
  const Asked range = asked(facts.index(), "[:find ?a :where [?a :to ?b] [(> ?b 95)]]");
  assert_int_equal(range.explained.size(), 1);
  assert_string_equal(std::string(range.explained[0].by).c_str(), "range of values");
  assert_int_equal(range.explained[0].rows_out, 5);
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_budget_ends_what_would_not),
      cmocka_unit_test(a_rule_that_counts_for_ever_is_ended),
      cmocka_unit_test(whatever_memory_there_is_the_answer_is_right_or_none),
      cmocka_unit_test(one_array_is_memory_enough),
      cmocka_unit_test(recursion_looks_at_what_its_seed_reaches),
      cmocka_unit_test(who_asks_is_told_how_it_was_answered),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
