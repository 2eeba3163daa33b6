// SPDX-License-Identifier: Apache-2.0
//
// On which entities an answer stands: which questions can say so, and that who holds these answers alike.

#include <algorithm>
#include <set>

#include "runtime/query/entity_question.h"
#include "tests/unit/crdt/dice.h"
#include "tests/unit/query/fact_bench.h"

namespace grid::runtime {
namespace {

using namespace test;
using crdt::Value;

std::string said(std::string_view query, std::string_view inputs = "[]") {
  FactBench bench;
  const auto asked = EntityQuestion::of(*bench.read(query, inputs));
  if (!asked.has_value()) return "-";
  std::string text = asked->text;
  for (const std::string& key : asked->keys) text += " +" + key;
  return text;
}

void assert_said(const char* expected, std::string_view query, std::string_view inputs = "[]") {
  assert_string_equal(said(query, inputs).c_str(), expected);
}

void a_question_of_patterns_asks_for_the_entities_of_its_patterns(void**) {
  assert_said("[:find ?p :in $ :where [?p :name ?n]]", "[:find ?n :where [?p :name ?n]]");
  assert_said("[:find ?f ?p :in $ ?n :where [?p :name ?n] [?p :friend ?f] [?f :age ?a] [(> ?a 18)]]",
              "[:find (count ?f) . :in $ ?n :where [?p :name ?n] [?p :friend ?f] [?f :age ?a] [(> ?a 18)] "
              ":order-by [(count ?f)] :limit 3]",
              R"(["ann"])");
  assert_said("[:find ?p :in $ [[?n _] ...] :where [?p :name ?n] (or [?p :age 3] [?p :old true])]",
              "[:find (pull ?p [*]) :in $ [[?n _] ...] :where [?p :name ?n] (or [?p :age 3] [?p :old true])]",
              R"([[["ann", 1]]])");
}

void an_entity_that_is_named_needs_no_asking(void**) {
  assert_said(" +ann", R"([:find ?n :where ["ann" :name ?n]])");
  assert_said("[:find ?f :in $ :where [7 :friend ?f] [?f :name ?n]] +7",
              "[:find ?n :where [7 :friend ?f] [?f :name ?n]]");
}

void what_more_facts_could_take_back_can_not_be_said(void**) {
  for (const char* query :
       {"[:find ?p :where [?p :name ?n] (not [?p :age 3])]", "[:find ?p :where [?p :name ?n] [(missing? $ ?p :age)]]",
        "[:find ?p ?a :where [?p :name ?n] [(get-else $ ?p :age 0) ?a]]", "[:find ?n :where [_ :name ?n]]",
        "[:find ?p :where [?p :name ?n] (or-join [?p] [?p :age 3] (and [?q :boss ?p] [?q :age 3]))]",
        "[:find (pull ?p [:name {:friend [:name]}]) :where [?p :name ?n]]",
        "[:find (pull ?p [:_friend]) :where [?p :name ?n]]", "[:find (pull ?f [:name]) :where [?p :friend ?f]]",
        "[:find ?p :where (or [?p :age 3] [?p :age 4])]"}) {
    assert_said("-", query);
  }
  assert_said("-", "[:find ?p :in $ % :where [?p :name ?n] (old ?p)]", R"(["[[(old ?p) [?p :age 9]]]"])");
}

void forms_are_cut_out_as_they_stand(void**) {
  const std::string text = "[a \"]\\\"\" (b ; )\n c) ?d]";
  assert_string_equal(form_at(text, {1, 1}).c_str(), text.c_str());
  assert_string_equal(form_at(text, {1, 4}).c_str(), "\"]\\\"\"");
  assert_string_equal(form_at(text, {1, 10}).c_str(), "(b ; )\n c)");
  assert_string_equal(form_at(text, {2, 5}).c_str(), "?d");
  assert_string_equal(form_at("x", {1, 9}).c_str(), "");
}

// ---- who holds these entities, and anything of others, answers alike

struct Fact {
  std::string key, predicate, object;
  bool is_many;
};

std::vector<Fact> roll_facts(grid::test::Dice& dice) {
  std::vector<Fact> facts;
  const std::uint64_t people = 3 + dice.below(12);
  for (std::uint64_t p = 1; p <= people; ++p) {
    const std::string key = std::to_string(p);
    if (dice.below(8) != 0) facts.push_back({key, "name", "\"n" + std::to_string(dice.below(5)) + "\"", false});
    if (dice.below(4) != 0) facts.push_back({key, "age", std::to_string(dice.below(6)), false});
    for (std::uint64_t left = dice.below(4); left > 0; --left) {
      facts.push_back({key, "friend", "{\"$ref\": \"" + std::to_string(1 + dice.below(people + 1)) + "\"}", true});
    }
    for (std::uint64_t left = dice.below(3); left > 0; --left) {
      facts.push_back({key, "tag", "\"t" + std::to_string(dice.below(3)) + "\"", true});
    }
  }
  return facts;
}

void put(FactBench& bench, const Fact& fact) {
  fact.is_many ? bench.add(fact.key, fact.predicate, fact.object) : bench.set(fact.key, fact.predicate, fact.object);
}

std::set<std::string> entities_of(FactBench& bench, std::string_view query, std::string_view inputs) {
  const auto asked = EntityQuestion::of(*bench.read(query, inputs));
  if (!asked.has_value()) fail_msg("%s", std::string(query).c_str());
  std::set<std::string> keys(asked->keys.begin(), asked->keys.end());
  if (asked->text.empty()) return keys;
  const auto take = [](void* at, std::span<const Value> row) {
    for (const Value& id : row) {
      std::uint8_t room[kKeyBytesMax];
      static_cast<std::set<std::string>*>(at)->emplace(*crdt::key_of_id(id, room));
    }
  };
  assert_ok(bench.engine.ask("m", *bench.read(asked->text, inputs), {take, &keys}));
  return keys;
}

struct Asked {
  const char* query;
  const char* inputs;
};
constexpr Asked kAsked[] = {
    {"[:find ?n ?a :where [?p :name ?n] [?p :age ?a] [(> ?a 3)]]", "[]"},
    {"[:find ?n ?m :in $ ?n :where [?p :name ?n] [?p :friend ?f] [?f :name ?m]]", R"(["n1"])"},
    {"[:find ?m . :where [1 :friend ?f] [?f :name ?m]]", "[]"},
    {"[:find (count ?f) ?t :where [?p :friend ?f] [?p :tag ?t]]", "[]"},
    {"[:find (pull ?p [*]) :in $ [?t ...] :where [?p :tag ?t]]", R"([["t0", "t2"]])"},
    {"[:find ?p ?a :where [?p :age ?x] [(+ ?x 1) ?a] (or-join [?p] [?p :tag \"t1\"] (and [?p :name ?n] [(= ?n "
     "\"n2\")]))]",
     "[]"},
    {"[:find ?a ?c :where [?a :friend ?b] [?b :friend ?c] [?c :friend ?a]]", "[]"},
    {"[:find ?p ?k ?v :where [?p :tag \"t1\"] [?p ?k ?v]]", "[]"},
    {"[:find [?n ...] :where [?p :name ?n] :order-by [?n] :limit 2]", "[]"},
};

void who_holds_the_entities_of_an_answer_answers_as_who_holds_all(void**) {
  grid::test::Dice dice;
  for (int round = 0; round < 400; ++round) {
    const std::vector<Fact> facts = roll_facts(dice);
    FactBench whole;
    for (const Fact& fact : facts) put(whole, fact);
    for (const Asked& asked : kAsked) {
      const std::set<std::string> held = entities_of(whole, asked.query, asked.inputs);
      FactBench part;
      for (const Fact& fact : facts) {
        if (held.count(fact.key) != 0 || dice.below(4) == 0) put(part, fact);
      }
      const std::string expected = whole.ask(asked.query, asked.inputs);
      assert_string_equal(part.ask(asked.query, asked.inputs).c_str(), expected.c_str());
    }
  }
}

}  // namespace
}  // namespace grid::runtime

int main() {
  using namespace grid::runtime;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_question_of_patterns_asks_for_the_entities_of_its_patterns),
      cmocka_unit_test(an_entity_that_is_named_needs_no_asking),
      cmocka_unit_test(what_more_facts_could_take_back_can_not_be_said),
      cmocka_unit_test(forms_are_cut_out_as_they_stand),
      cmocka_unit_test(who_holds_the_entities_of_an_answer_answers_as_who_holds_all),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
