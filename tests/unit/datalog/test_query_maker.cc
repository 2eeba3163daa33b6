// SPDX-License-Identifier: Apache-2.0
//
// Questions put together without a text mean what their texts mean.

#include "crdt/datalog/query_maker.h"
#include "tests/unit/datalog/answer_bench.h"

namespace grid::test {
namespace {

using namespace datalog;

constexpr std::string_view kPeople =
    "1 name \"Ada\"\n1 age 36\n1 friend* {\"$ref\":\"2\"}\n1 friend* {\"$ref\":\"3\"}\n1 tag* \"x\"\n1 tag* \"y\"\n"
    "2 name \"Bob\"\n2 age 20\n2 friend* {\"$ref\":\"3\"}\n"
    "3 name \"Cy\"\n3 age 20.5\n3 boss {\"$ref\":\"1\"}\n3 nick \"C\"\n"
    "team name \"Team\"\nteam lead {\"$ref\":\"2\"}\n"
    "4 name \"Dee\"\n4 friend* {\"$ref\":\"9\"}";

constexpr Var kE{"?e"}, kF{"?f"}, kN{"?n"}, kM{"?m"}, kA{"?a"}, kB{"?b"}, kX{"?x"};

struct Made {
  std::vector<std::uint8_t> memory = std::vector<std::uint8_t>(std::size_t{1} << 14);
  Arena arena{memory};
  QueryMaker ask{arena};
};

std::string answer_of(const Index& index, const Result<Query>& query, std::span<const Value> inputs) {
  if (!query.ok()) return name_of(query.status());
  CountedChunks chunks;
  Region region(chunks, std::size_t{64} * 1'024, std::size_t{1} << 26);
  Evaluation evaluation(index, region, {});
  if (const Status status = evaluation.run(*query, inputs); status != Status::ok)
    return std::string(evaluation.problem().sentence());
  std::string rows;
  for (std::size_t i = 0; i < evaluation.count(); ++i) {
    const Result<std::span<const Value>> row = evaluation.row(i);
    if (!row.ok()) return name_of(row.status());
    for (const Value& value : *row) rows += json::json_from_value(value) + ",";
    rows += ";";
  }
  return rows;
}

void expect_same(Made& made, std::string_view text, std::string_view rules = {}, std::span<const Value> inputs = {}) {
  Facts facts(kPeople);
  std::vector<std::uint8_t> memory(1 << 16);
  Arena arena(memory);
  Trouble trouble;
  const std::string read = answer_of(facts.index(), parse(text, rules, arena, trouble), inputs);
  const std::string answer = answer_of(facts.index(), made.ask.make(), inputs);
  if (answer != read || read.empty()) fail_msg("%s, and not %s", answer.c_str(), read.c_str());
}

void patterns_calls_and_order(void**) {
  Made made;
  made.ask.find(kN)
      .find(kM)
      .where(kE, "name", kN)
      .where(kE, "friend", kF)
      .where(kF, "name", kM)
      .order_by(kM, true)
      .limit(2);
  expect_same(made, "[:find ?n ?m :where [?e :name ?n] [?e :friend ?f] [?f :name ?m] :order-by ?m :desc :limit 2]");
  Made calls;
  calls.ask.find(kE).find(kB).where(kE, "age", kA).test(Call::less, {kA, 30.5}).let(kB, Call::add, {kA, 1}).offset(1);
  expect_same(calls, "[:find ?e ?b :where [?e :age ?a] [(< ?a 30.5)] [(+ ?a 1) ?b] :offset 1]");
  Made tuple;
  tuple.ask.find(Aggregate::count, kE)
      .find(Aggregate::greatest, kA, 2)
      .with(kN)
      .where(kE, "age", kA)
      .where(kE, "name", kN);
  tuple.ask.shape(Shape::tuple);
  expect_same(tuple, "[:find [(count ?e) (max 2 ?a)] :with ?n :where [?e :age ?a] [?e :name ?n]]");
}

void negations_and_branches_have_names_of_their_own(void**) {
  Made apart;
  apart.ask.find(kN).where(kE, "name", kN).begin_not({kE}).where(kE, "friend", kX).where(kX, "nick").end();
  apart.ask.begin_not({kE}).where(kE, "lead", kX).end();
  expect_same(apart,
              "[:find ?n :where [?e :name ?n] (not-join [?e] [?e :friend ?x] [?x :nick _])"
              " (not-join [?e] [?e :lead ?x])]");
  Made branches;
  branches.ask.find(kE)
      .find(kN)
      .where(kE, "name", kN)
      .begin_or({kE})
      .where(kE, "age", kX)
      .where(kE, "lead", kX)
      .begin_and();
  branches.ask.where(kE, "friend", kX).begin_not({kX}).where(kX, "name").end().end().end();
  expect_same(branches,
              "[:find ?e ?n :where [?e :name ?n] (or-join [?e] [?e :age ?x] [?e :lead ?x]"
              " (and [?e :friend ?x] (not [?x :name])))]");
}

void rules_recur_and_require(void**) {
  constexpr std::string_view kRules =
      "[[(reach ?a ?b) [?a :friend ?b]] [(reach ?a ?b) [?a :friend ?x] (reach ?x ?b)]"
      " [(older [?a] ?b) [(+ ?a 1) ?b]]]";
  Made made;
  made.ask.find(kA).find(kB).find(kX).rule("reach", {kA, kB}).where(kA, "age", kN).rule("older", {kN, kX});
  made.ask.begin_rule("reach", {kA, kB}).where(kA, "friend", kB).end();
  made.ask.begin_rule("reach", {kA, kB}).where(kA, "friend", kX).rule("reach", {kX, kB}).end();
  made.ask.begin_rule("older", {kA, kB}, 1).let(kB, Call::add, {kA, 1}).end();
  expect_same(made, "[:find ?a ?b ?x :in $ % :where (reach ?a ?b) [?a :age ?n] (older ?n ?x)]", kRules);
}

void inputs_and_pulls(void**) {
  const std::string list = canonical_of("[[\"Ada\",36],[\"Bob\",21]]"), names = canonical_of("[\"Ada\",\"Cy\"]");
  const Value rows[] = {Value(as_bytes(list))};
  Made each;
  each.ask.find(kE).in_each({kN, kA}).where(kE, "name", kN).where(kE, "age", kA);
  expect_same(each, "[:find ?e :in $ [[?n ?a]] :where [?e :name ?n] [?e :age ?a]]", {}, rows);
  static constexpr PullItem kName[] = {pulled("name")};
  static constexpr Pull kFriend{.items = kName};
  static constexpr PullItem kItems[] = {pulled("age"), pulled("friend", &kFriend)};
  static constexpr Pull kPull{.items = kItems};
  const Value all[] = {Value(as_bytes(names))};
  Made pull;
  pull.ask.pull(kE, kPull).in_each(kN).where(kE, "name", kN);
  expect_same(pull, "[:find (pull ?e [:age {:friend [:name]}]) :in $ [?n ...] :where [?e :name ?n]]", {}, all);
}

void expect_status(Made& made, Status wanted) { assert_status(made.ask.make().status(), wanted); }

void what_is_no_question_is_refused(void**) {
  Made nothing, open, unended, unknown, arity, ordered, name, deep;
  expect_status(nothing, Status::invalid);
  open.ask.find(kE).where(kE, "a").end();
  expect_status(open, Status::invalid);
  unended.ask.find(kE).begin_not({kE}).where(kE, "a");
  expect_status(unended, Status::invalid);
  unknown.ask.find(kE).rule("no", {kE});
  expect_status(unknown, Status::invalid);
  arity.ask.find(kE).rule("r", {kE}).begin_rule("r", {kE, kN}).where(kE, "a", kN).end();
  expect_status(arity, Status::invalid);
  ordered.ask.find(kE).where(kE, "a", kN).order_by(kN);
  expect_status(ordered, Status::invalid);
  name.ask.find(var("e")).where(var("e"), "a");
  expect_status(name, Status::invalid);
  deep.ask.find(kE).where(kE, "a");
  for (int i = 0; i < 9; ++i) deep.ask.begin_not({kE});
  for (int i = 0; i < 9; ++i) deep.ask.where(kE, "b").end();
  expect_status(deep, Status::too_large);
  for (std::size_t bytes = 0; bytes < 300; bytes += 8) {
    std::uint8_t small[300];
    Arena arena(MutBytes(small, bytes));
    QueryMaker ask(arena);
    ask.find(kE).where(kE, "name", "Ada").begin_or({kE}).where(kE, "age").where(kE, "nick").end();
    assert_status(ask.make().status(), Status::full);
  }
}

// The evaluation says it.
void what_is_never_bound_is_refused_when_it_is_asked(void**) {
  Facts facts(kPeople);
  Made made;
  made.ask.find(kE).find(kX).where(kE, "name", kN).test(Call::less, {kX, 1});
  assert_string_equal(answer_of(facts.index(), made.ask.make(), {}).c_str(), "a variable of query can't be bound");
  Made circle;
  circle.ask.find(kE)
      .rule("r", {kE})
      .begin_rule("r", {kE})
      .where(kE, "name")
      .begin_not({kE})
      .rule("r", {kE})
      .end()
      .end();
  assert_string_equal(answer_of(facts.index(), circle.ask.make(), {}).c_str(), "limit: a rule negates itself");
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(patterns_calls_and_order),
      cmocka_unit_test(negations_and_branches_have_names_of_their_own),
      cmocka_unit_test(rules_recur_and_require),
      cmocka_unit_test(inputs_and_pulls),
      cmocka_unit_test(what_is_no_question_is_refused),
      cmocka_unit_test(what_is_never_bound_is_refused_when_it_is_asked),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
