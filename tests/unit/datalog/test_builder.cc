// SPDX-License-Identifier: Apache-2.0
//
// Questions put together in C++: what they write, and that a value is never read as anything else.

#include <cmath>

#include "crdt/datalog/builder.h"
#include "tests/unit/datalog/text_bench.h"

namespace grid::test {
namespace {

using datalog::Aggregate;
using datalog::any;
using datalog::Call;
using datalog::Part;
using datalog::QueryBuilder;
using datalog::Shape;
using datalog::var;

void expect_builder(QueryBuilder& ask, std::string_view wanted, std::string_view rules = {}) {
  const Result<std::string_view> text = ask.text();
  expect_text(text.ok() ? std::string(*text) : name_of(text.status()), wanted, "builder");
  std::vector<std::uint8_t> room(1 << 16);
  Arena arena(room);
  datalog::Trouble trouble;
  const Result<datalog::Query> query = ask.parse(arena, trouble, rules);
  char sentence[300];
  if (!query.ok()) fail_msg("%s", std::string(trouble.sentence(sentence)).c_str());
}

void every_part_is_written(void**) {
  char room[1'000];
  QueryBuilder ask(room);
  ask.find(var("?name"))
      .find(Aggregate::greatest, var("?age"), 2)
      .pull(var("?p"), "[:name]")
      .with(var("?x"))
      .in(var("?least"))
      .in_each(var("?x"))
      .in_each({var("?a"), var("?b")})
      .rules()
      .where(var("?p"), "age", var("?age"))
      .where(var("?p"), "name", var("?name"))
      .test(Call::at_least, {var("?age"), var("?least")})
      .let(var("?more"), Call::add, {var("?age"), -1, 1.5})
      .rule("adult", {var("?p"), any})
      .begin_not()
      .where(var("?p"), "gone", true)
      .end()
      .begin_or({var("?p")})
      .where(var("?p"), "a")
      .begin_and()
      .where(var("?p"), "b", any)
      .begin_not({var("?p")})
      .where(any, "c", var("?p"))
      .end()
      .end()
      .end()
      .order_by(var("?name"), true)
      .limit(10)
      .offset(20);
  expect_builder(ask,
                 "[:find ?name (max 2 ?age) (pull ?p [:name]) :with ?x :in ?least [?x ...] [[ ?a ?b]] % :where"
                 " [?p \"age\" ?age] [?p \"name\" ?name] [(>= ?age ?least)] [(+ ?age -1 1.5) ?more] (adult ?p _) (not"
                 " [?p \"gone\" true]) (or-join [ ?p] [?p \"a\" _] (and [?p \"b\" _] (not-join [ ?p] [_ \"c\" ?p])))"
                 " :order-by ?name :desc :limit 10 :offset 20]",
                 "[[(adult ?p ?a) [?p :age ?a]]]");
}

void shapes_have_their_brackets(void**) {
  char room[200];
  QueryBuilder scalar(room);
  scalar.shape(Shape::scalar).find(Aggregate::count, var("?e")).where(var("?e"), "a");
  expect_builder(scalar, "[:find (count ?e) . :where [?e \"a\" _]]");
  QueryBuilder each(room);
  each.where(var("?e"), "a").shape(Shape::collection).find(var("?e"));
  expect_builder(each, "[:where [?e \"a\" _] :find [?e ...]]");
  QueryBuilder tuple(room);
  tuple.shape(Shape::tuple).find(var("?e")).find(var("?v")).where(var("?e"), "a", var("?v"));
  expect_builder(tuple, "[:find [?e ?v] :where [?e \"a\" ?v]]");
}

void text_is_never_read_as_anything_else(void**) {
  for (const std::string_view text :
       {std::string_view("\"] [?e :b \""), std::string_view("\\"), std::string_view("\\\""), std::string_view("?x"),
        std::string_view("a\nb"), std::string_view("\0;", 2), std::string_view(""), std::string_view("nil"),
        std::string_view("größe")}) {
    char room[200];
    QueryBuilder ask(room);
    ask.find(var("?e")).where(var("?e"), text, text);
    std::vector<std::uint8_t> memory(1 << 16);
    Arena arena(memory);
    datalog::Trouble trouble;
    const Result<datalog::Query> query = ask.parse(arena, trouble);
    assert_ok(query.status());
    assert_int_equal(query->where.size(), 1);
    for (const std::size_t at : {1U, 2U}) {
      assert_true(query->where[0].terms[at].constant.text_or("other") == text);
    }
  }
}

void numbers_are_read_as_they_were(void**) {
  for (const double number : {0.1, 5.0, -2.5e300, 1e-300, 3.0e15, 12345.6789, 1e22}) {
    char room[200];
    QueryBuilder ask(room);
    ask.find(var("?e")).where(var("?e"), "a", number);
    std::vector<std::uint8_t> memory(1 << 16);
    Arena arena(memory);
    datalog::Trouble trouble;
    const Result<datalog::Query> query = ask.parse(arena, trouble);
    assert_ok(query.status());
    const crdt::Value constant = query->where[0].terms[2].constant;
    assert_true(constant.kind() == crdt::ValueKind::number);
    assert_true(constant.number_or(0) == number);
  }
}

void what_can_not_be_written_is_refused(void**) {
  char room[100];
  for (const std::string_view name : {"e", "?e) (x", "?e\"", "", "?e ?f"}) {
    QueryBuilder ask(room);
    assert_status(ask.find(var(name)).text().status(), Status::invalid);
  }
  QueryBuilder number(room);
  assert_status(number.find(var("?e")).where(var("?e"), "a", Part(INFINITY)).text().status(), Status::invalid);
  QueryBuilder rule(room);
  assert_status(rule.find(var("?e")).rule("a b", {var("?e")}).text().status(), Status::invalid);
  QueryBuilder open(room);
  assert_status(open.find(var("?e")).begin_not().text().status(), Status::invalid);
  QueryBuilder closed(room);
  assert_status(closed.find(var("?e")).end().text().status(), Status::invalid);
  QueryBuilder late(room);
  assert_status(late.find(var("?e")).shape(Shape::scalar).text().status(), Status::invalid);
  QueryBuilder full{std::span<char>(room, 20)};
  assert_status(full.find(var("?e")).where(var("?e"), "a").text().status(), Status::full);
  std::vector<std::uint8_t> memory(1 << 12);
  Arena arena(memory);
  datalog::Trouble trouble;
  assert_status(full.parse(arena, trouble).status(), Status::full);
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(every_part_is_written),
      cmocka_unit_test(shapes_have_their_brackets),
      cmocka_unit_test(text_is_never_read_as_anything_else),
      cmocka_unit_test(numbers_are_read_as_they_were),
      cmocka_unit_test(what_can_not_be_written_is_refused),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
