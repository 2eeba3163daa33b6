// SPDX-License-Identifier: Apache-2.0
//
// EntityDesk: what a device that asks on which entities an answer stands is told, and when. The test is the loop of the
// app, and has its store.

#include "server/host/entity_desk.h"
#include "tests/unit/query/fact_bench.h"

namespace {

using namespace grid;
using namespace grid::server;

constexpr std::uint64_t kPatienceMs = 60'000;
constexpr const char* kAdults = "[:find ?p :where [?p :age ?a] [(> ?a 18)]]";
constexpr const char* kFriends = "[:find ?p ?q :where [?p :friend ?q]]";

struct Loop {
  Loop() { uv_loop_init(&loop); }
  ~Loop() {
    while (uv_run(&loop, UV_RUN_DEFAULT) != 0) {
    }
    uv_loop_close(&loop);
  }
  uv_loop_t loop{};
};

struct Fixture {
  explicit Fixture(const config::FactSettings& settings = {}) : facts(&loop.loop, bench.store, settings) {}

  Loop loop;
  test::FactBench bench;
  FactDesk facts;
  std::string said;  // "serial key key", "serial more", or "serial reason"; each with an end of line.
  EntityDesk desk{
      facts, [](void* self, std::uint64_t serial, Bytes frame) { static_cast<Fixture*>(self)->note(serial, frame); },
      this};

  void ask(std::uint64_t serial, const char* question, std::uint32_t limit = 8) {
    desk.take({.serial = serial, .id = 7, .map = "m", .question = question, .limit = limit});
  }
  void end(std::uint64_t serial) { desk.take({.serial = serial}); }
  // Waits until so many lines were said, and says them.
  std::string heard(int count) {
    facts.look_on();
    transport::UvHandle<uv_timer_t> deadline;
    uv_timer_init(&loop.loop, deadline.get());
    uv_timer_start(
        deadline.get(), [](uv_timer_t*) { fail_msg("waited for too long"); }, kPatienceMs, 0);
    while (std::count(said.begin(), said.end(), '\n') < count) uv_run(&loop.loop, UV_RUN_ONCE);
    return std::exchange(said, {});
  }
  void assert_heard(int count, const char* expected) { assert_string_equal(heard(count).c_str(), expected); }

 private:
  void note(std::uint64_t serial, Bytes frame) {
    wire::EntitiesReplyReader reader;
    assert_ok(reader.open(frame));
    assert_int_equal(reader.head().id, 7);
    said += std::to_string(serial);
    if (reader.head().status != Status::ok) said += " " + std::string(reader.head().reason);
    if (reader.head().more) said += " more";
    for (std::string_view key; reader.next(key);) said += " " + std::string(key);
    assert_ok(reader.status());
    said += '\n';
  }
};

void what_stands_is_told_whole_and_again_when_it_is_another(void**) {
  Fixture at;
  at.bench.set("ann", "age", "20");
  at.bench.set("bob", "age", "30");
  at.ask(1, kAdults);
  at.assert_heard(1, "1 ann bob\n");
  at.bench.set("eve", "age", "40");
  at.assert_heard(1, "1 ann bob eve\n");
  at.bench.set("ann", "age", "7");
  at.assert_heard(1, "1 bob eve\n");
  at.bench.bury("eve");
  at.assert_heard(1, "1 bob\n");
}

// Where nothing stands, that is the answer, and not silence.
void that_an_answer_stands_on_nothing_is_told(void**) {
  Fixture at;
  at.ask(1, kAdults);
  at.assert_heard(1, "1\n");
}

// A row that goes takes no entity along that another row stands on.
void an_entity_of_two_rows_stays_until_the_last_of_them_goes(void**) {
  Fixture at;
  at.bench.add("ann", "friend", "{\"$ref\": \"bob\"}");
  at.bench.add("ann", "friend", "{\"$ref\": \"eve\"}");
  at.ask(1, kFriends);
  at.assert_heard(1, "1 ann bob eve\n");
  at.bench.remove("ann", "friend", "{\"$ref\": \"eve\"}");
  at.assert_heard(1, "1 ann bob\n");
  at.bench.remove("ann", "friend", "{\"$ref\": \"bob\"}");
  at.assert_heard(1, "1\n");
}

// With more than were asked for none is told, for some of them would be taken for all; and nobody watches any more.
void with_more_than_were_asked_for_it_is_over(void**) {
  Fixture at;
  at.bench.set("ann", "age", "20");
  at.bench.set("bob", "age", "30");
  at.ask(1, kAdults, 2);
  at.assert_heard(1, "1 ann bob\n");
  assert_int_equal(at.facts.figures().watches, 1);
  at.bench.set("eve", "age", "40");
  at.assert_heard(1, "1 more\n");
  assert_int_equal(at.facts.figures().watches, 0);
}

void what_is_wrong_with_a_question_ends_it(void**) {
  Fixture at({.watches = 1});
  at.ask(1, "[:find ?p");
  assert_non_null(std::strstr(at.heard(1).c_str(), "line 1"));
  assert_int_equal(at.facts.figures().watches, 0);
  at.ask(2, kAdults);
  at.assert_heard(1, "2\n");
  at.ask(3, kAdults);
  at.assert_heard(1, "3 limit: 1 questions of this app are watched already\n");
  assert_int_equal(at.facts.figures().watches, 1);
}

void one_that_has_ended_is_told_nothing_more(void**) {
  Fixture at;
  at.ask(1, kAdults);
  at.ask(2, kAdults);
  at.heard(2);
  at.end(1);
  assert_int_equal(at.facts.figures().watches, 1);
  at.bench.set("ann", "age", "20");
  at.assert_heard(1, "2 ann\n");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(what_stands_is_told_whole_and_again_when_it_is_another),
      cmocka_unit_test(that_an_answer_stands_on_nothing_is_told),
      cmocka_unit_test(an_entity_of_two_rows_stays_until_the_last_of_them_goes),
      cmocka_unit_test(with_more_than_were_asked_for_it_is_over),
      cmocka_unit_test(what_is_wrong_with_a_question_ends_it),
      cmocka_unit_test(one_that_has_ended_is_told_nothing_more),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
