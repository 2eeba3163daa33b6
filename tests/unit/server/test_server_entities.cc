// SPDX-License-Identifier: Apache-2.0
//
// Who asks on which entities an answer stands, what the host is told of it, and who is told what it answers.

#include "tests/unit/server/bench.h"
#include "transport/wire_entities.h"

namespace grid::server {
namespace {

using namespace test;

void with_entities(Bench& bench) {
  bench.options.entity_asks_max = 2;
  bench.start();
  bench.open(1, kA);
  bench.open(2, kB);
}

Frame ask(std::uint32_t id, std::string_view map = "people") {
  Frame room(wire::kEntitiesAskBytesMax);
  const wire::EntitiesAsk ask = map.empty() ? wire::EntitiesAsk{.id = id} : wire::EntitiesAsk{id, map, "q", {}, 2};
  room.resize(wire::encode(ask, room).size());
  return room;
}

// What the host is to do: "+serial map" begins, "-serial" has ended.
std::string work(Bench& bench) {
  std::string text;
  EntityAsks& asks = bench.coordinator->entities();
  while (asks.has_work()) {
    const EntityWork work = asks.take_work();
    text += (text.empty() ? "" : " ") + std::string(work.map.empty() ? "-" : "+") + std::to_string(work.serial);
    if (!work.map.empty()) text += " " + work.map;
  }
  return text;
}
void assert_work(Bench& bench, const char* expected) { assert_string_equal(work(bench).c_str(), expected); }

void answer(Bench& bench, std::uint64_t serial, const wire::EntitiesHead& head,
            std::initializer_list<std::string_view> keys = {}) {
  std::uint8_t room[1'024];
  wire::EntitiesReplyWriter writer(head, room);
  for (const std::string_view key : keys) assert_true(writer.add(key));
  bench.step({.kind = Event::Kind::entities, .bytes = writer.finish(), .batch = serial});
}

// What the link is told: "id key key", or "id reason".
std::string told(Bench& bench, LinkId link) {
  std::string text;
  for (const Frame& frame : bench.all(link)) {
    if (kind_of(frame) != Kind::entities_reply) continue;
    wire::EntitiesReplyReader reader;
    assert_ok(reader.open(frame));
    text += (text.empty() ? "" : "; ") + std::to_string(reader.head().id);
    if (reader.head().status != Status::ok) text += " " + std::string(reader.head().reason);
    if (reader.head().more) text += " more";
    for (std::string_view key; reader.next(key);) text += " " + std::string(key);
    assert_ok(reader.status());
  }
  return text;
}
void assert_told(Bench& bench, LinkId link, const char* expected) {
  assert_string_equal(told(bench, link).c_str(), expected);
}

void an_ask_is_answered_whenever_the_host_says(void** state) {
  Bench& bench = bench_of(state);
  with_entities(bench);
  bench.send(1, ask(7));
  assert_work(bench, "+1 people");
  answer(bench, 1, {.id = 7}, {"ann", "bob"});
  assert_told(bench, 1, "7 ann bob");
  assert_told(bench, 2, "");
  answer(bench, 1, {.id = 7}, {"bob"});
  assert_told(bench, 1, "7 bob");
  answer(bench, 1, {.id = 7}, {});
  answer(bench, 1, {.id = 7}, {"eve"});
  assert_told(bench, 1, "7 eve");  // The newer one alone.
}

void a_question_ends_with_its_ask_with_its_link_and_with_a_refusal(void** state) {
  Bench& bench = bench_of(state);
  with_entities(bench);
  bench.send(1, ask(7));
  bench.send(2, ask(7));
  assert_work(bench, "+1 people +2 people");
  bench.send(1, ask(7, {}));
  assert_work(bench, "-1");
  answer(bench, 1, {.id = 7}, {"ann"});
  assert_told(bench, 1, "");
  bench.step({.kind = Event::Kind::link_down, .link = 2});
  assert_work(bench, "-2");
  bench.send(1, ask(8));
  assert_work(bench, "+3 people");
  answer(bench, 3, {.id = 8, .status = Status::full, .reason = "limit"});
  assert_told(bench, 1, "8 limit");
  answer(bench, 3, {.id = 8}, {"ann"});
  bench.send(1, ask(8, {}));
  assert_told(bench, 1, "");
  assert_work(bench, "");
}

void an_ask_with_the_number_of_another_takes_its_place(void** state) {
  Bench& bench = bench_of(state);
  with_entities(bench);
  bench.send(1, ask(7));
  assert_work(bench, "+1 people");
  bench.send(1, ask(7, "cities"));
  assert_work(bench, "-1 +2 cities");
  answer(bench, 1, {.id = 7}, {"ann"});  // It was under way.
  assert_told(bench, 1, "");
  answer(bench, 2, {.id = 7, .more = true});
  assert_told(bench, 1, "7 more");
  bench.send(1, ask(7));
  assert_work(bench, "+3 people");  // With too many the last one was over.
}

void one_that_ends_before_the_host_has_heard_of_it_never_was(void** state) {
  Bench& bench = bench_of(state);
  with_entities(bench);
  bench.send(1, ask(7));
  bench.send(1, ask(7, {}));
  assert_work(bench, "");
}

void a_link_asks_so_much_and_no_more(void** state) {
  Bench& bench = bench_of(state);
  with_entities(bench);
  bench.send(1, ask(1));
  bench.send(1, ask(2));
  for (std::uint32_t id = 3; id < 40; ++id) bench.send(1, ask(id));
  assert_work(bench, "+1 people +2 people");
  assert_non_null(std::strstr(told(bench, 1).c_str(), "39 this link asks as many questions as it may"));
  bench.send(1, ask(1, {}));
  bench.send(1, ask(40));
  assert_work(bench, "-1 +3 people");
}

void who_does_not_read_what_is_over_fills_nothing(void** state) {
  Bench& bench = bench_of(state);
  with_entities(bench);
  for (std::uint32_t id = 1; id < 200; ++id) {
    bench.send(1, ask(id));
    work(bench);
    answer(bench, id, {.id = id, .status = Status::invalid, .reason = "no question"});
  }
  const std::string said = told(bench, 1);
  assert_true(std::count(said.begin(), said.end(), ';') < 10);
  assert_non_null(std::strstr(said.c_str(), "199 no question"));
}

void a_gateway_that_answers_none_says_so(void** state) {
  Bench& bench = bench_of(state);
  bench.open(1, kA);
  bench.send(1, ask(7));
  assert_told(bench, 1, "7 this gateway answers no questions about facts");
}

}  // namespace
}  // namespace grid::server

int main() {
  using namespace grid::server;
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(an_ask_is_answered_whenever_the_host_says, test::set_up, test::tear_down),
      cmocka_unit_test_setup_teardown(a_question_ends_with_its_ask_with_its_link_and_with_a_refusal, test::set_up,
                                      test::tear_down),
      cmocka_unit_test_setup_teardown(an_ask_with_the_number_of_another_takes_its_place, test::set_up, test::tear_down),
      cmocka_unit_test_setup_teardown(one_that_ends_before_the_host_has_heard_of_it_never_was, test::set_up,
                                      test::tear_down),
      cmocka_unit_test_setup_teardown(a_link_asks_so_much_and_no_more, test::set_up, test::tear_down),
      cmocka_unit_test_setup_teardown(who_does_not_read_what_is_over_fills_nothing, test::set_up, test::tear_down),
      cmocka_unit_test_setup_teardown(a_gateway_that_answers_none_says_so, test::set_up, test::tear_down),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
