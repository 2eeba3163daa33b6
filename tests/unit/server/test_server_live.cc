// SPDX-License-Identifier: Apache-2.0
//
// Subscriptions by predicate: who is told what, and at which cost.

#include "crdt/value.h"
#include "tests/unit/server/bench.h"

namespace {

using namespace grid;
using namespace grid::server::test;
using wire::PullMode;

std::string record(std::string_view field, std::int64_t number) {
  std::uint8_t room[256];
  crdt::ValueWriter writer(room);
  writer.begin_record();
  writer.field(field);
  writer.integer(number);
  writer.end_record();
  return std::string(as_text(*writer.finish()));
}

runtime::Scope where(std::string_view text) { return {wire::ScopeKind::where, "climate", text}; }

// A writes `number` under the key; what B gets of it: keys in order, evicted ones behind a minus.
class Story {
 public:
  explicit Story(Bench& bench) : bench_(bench) {
    bench.open(1, kA);
    bench.open(2, kB);
  }
  void put(std::string_view key, std::int64_t number, std::string_view field = "age") {
    const std::string value = record(field, number);
    ++seq_;
    bench_.send(1, push({server::test::put(seq_, key, kWallMs + seq_, kA, as_bytes(value))}));
    bench_.flush();
    bench_.all(1);
  }
  void remove(std::string_view key) {
    ++seq_;
    bench_.send(1, push({removal(seq_, key, kWallMs + seq_, kA)}));
    bench_.flush();
    bench_.all(1);
  }
  std::string told(LinkId link = 2) {
    std::string text;
    for (const Frame& frame : bench_.all(link)) {
      if (kind_of(frame) != Kind::delta) continue;
      wire::OpsReader reader;
      assert_ok(reader.open(frame));
      if (!reader.head().cursor.empty()) cursor = cursor_of(frame);
      for (crdt::Op op; reader.next(op);) {
        assert_ok(reader.status());
        text += std::string(text.empty() ? "" : " ") +
                (op.evicted               ? "-"
                 : op.cell.is_tombstone() ? "x"
                                          : "") +
                std::string(op.cell.name.key);
      }
    }
    return text;
  }

  Frame cursor;

 private:
  Bench& bench_;
  crdt::Seq seq_ = 0;
};

void only_rows_that_the_predicate_accepts_are_sent(void** state) {
  Bench& bench = bench_of(state);
  Story story(bench);
  story.put("ann", 19);
  story.put("bob", 3);
  bench.send(2, subscribe(1, {}, false, where("age > 18")));
  assert_string_equal(story.told().c_str(), "ann");
  story.put("cid", 40);
  story.put("dan", 18);
  assert_string_equal(story.told().c_str(), "cid");
  assert_int_equal(bench.coordinator->digest(where("age > 18")).count, 2);
}

// PROTOCOL P21, P22
void a_row_that_leaves_is_told_to_whom_it_was_sent_and_to_nobody_else(void** state) {
  Bench& bench = bench_of(state);
  Story story(bench);
  bench.send(2, subscribe(1, {}, false, where("age > 18")));
  story.put("ann", 19);
  story.put("bob", 3);
  assert_string_equal(story.told().c_str(), "ann");
  story.put("ann", 5);
  story.put("bob", 4);
  assert_string_equal(story.told().c_str(), "-ann");
  story.put("ann", 6);
  assert_string_equal(story.told().c_str(), "");
  story.put("ann", 50);
  story.remove("ann");
  story.remove("bob");
  assert_string_equal(story.told().c_str(), "");  // It came and went between two frames.
  story.put("ann", 51);
  assert_string_equal(story.told().c_str(), "ann");
  story.remove("ann");
  assert_string_equal(story.told().c_str(), "xann -ann");
}

void a_row_that_another_subscription_wants_is_not_evicted(void** state) {
  Bench& bench = bench_of(state);
  Story story(bench);
  bench.send(2, subscribe(1, {}, false, where("age > 18")));
  bench.send(2, subscribe(2, {}, false, where("age < 30")));
  story.put("ann", 40);
  assert_string_equal(story.told().c_str(), "ann");
  story.put("ann", 10);
  assert_string_equal(story.told().c_str(), "ann");
  story.put("ann", 20);
  assert_string_equal(story.told().c_str(), "ann ann");
}

// PROTOCOL P13
void a_cursor_of_another_predicate_does_not_stand(void** state) {
  Bench& bench = bench_of(state);
  Story story(bench);
  bench.send(2, subscribe(1, {}, false, where("age > 18")));
  story.put("ann", 19);
  assert_string_equal(story.told().c_str(), "ann");
  bench.send(2, subscribe(2, story.cursor, true, where("age > 18")));
  assert_int_equal(decoded<grid_Subscribed>(bench.next(2)).mode, PullMode::resume);
  bench.all(2);
  bench.send(2, subscribe(3, story.cursor, true, where("age > 17")));
  assert_int_equal(decoded<grid_Subscribed>(bench.next(2)).mode, PullMode::compare);
}

void a_text_that_is_no_predicate_is_refused_and_the_link_goes_on(void** state) {
  Bench& bench = bench_of(state);
  Story story(bench);
  for (const std::string_view text : {"age >", "age = $user", "(", "age > 18 and"}) {
    bench.send(2, subscribe(9, {}, false, where(text)));
    const auto answer = decoded<grid_Subscribed>(bench.next(2));
    assert_int_equal(answer.mode, PullMode::refused);
    assert_int_equal(answer.status, Status::invalid);
  }
  bench.send(2, subscribe(1, {}, false, where("age > 18")));
  story.put("ann", 19);
  assert_string_equal(story.told().c_str(), "ann");
}

// SYN-2, BND-1: a reader that stands still holds a position, whatever comes and goes.
void who_does_not_read_gets_the_newest_of_each_row(void** state) {
  Bench& bench = bench_of(state);
  Story story(bench);
  bench.send(2, subscribe(1, {}, false, where("age > 18")));
  story.put("ann", 19);
  assert_string_equal(story.told().c_str(), "ann");
  for (std::int64_t i = 0; i < 500; ++i) {
    story.put("ann", i % 2 == 0 ? 5 : 50);
    story.put("bob", i % 2 == 0 ? 50 : 5);
  }
  story.put("cid", 20);
  assert_string_equal(story.told().c_str(), "ann cid");
}

// More rows than the gateway may remember: it has the device show what it holds.
void who_holds_more_than_is_remembered_is_compared_with(void** state) {
  Bench& bench = bench_of(state);
  bench.options.rows_held_max = 2;
  bench.start();
  Story story(bench);
  bench.send(2, subscribe(1, {}, false, where("age > 18")));
  for (const std::string_view key : {"a", "b", "c", "d"}) story.put(key, 20);
  assert_string_equal(story.told().c_str(), "a b c d");
  story.put("d", 1);
  bool is_compared = false;
  for (const Frame& frame : bench.all(2)) {
    if (kind_of(frame) == Kind::subscribed) is_compared = decoded<grid_Subscribed>(frame).mode == 1;
  }
  assert_true(is_compared);
}

// Links with 250 subscriptions each, of `field = const`; how many rows a hundred writes were held against.
std::uint64_t judged_by(Bench& bench, std::size_t subscriptions, const char* form) {
  bench.open(1, kA);
  std::size_t made = 0;
  for (LinkId link = 2; made < subscriptions; ++link) {
    bench.open(link, 1'000 + link);
    for (std::uint32_t id = 1; id <= 250 && made < subscriptions; ++id, ++made) {
      char text[80];
      std::snprintf(text, sizeof(text), form, made, made);
      bench.send(link, subscribe(id, {}, false, where(text)));
    }
    bench.all(link);
  }
  const std::uint64_t before = bench.coordinator->status().rows_judged;
  for (crdt::Seq seq = 1; seq <= 100; ++seq) {
    const std::string value = record("station", static_cast<std::int64_t>(seq * 7 % subscriptions));
    bench.send(1, push({put(seq, "row", kWallMs + seq, kA, as_bytes(value))}));
    bench.flush();
    const std::set<LinkId> wants = bench.wants;
    for (const LinkId link : wants) bench.all(link);
  }
  return bench.coordinator->status().rows_judged - before;
}

// Each write concerns the subscription that had the row, and the one that gets it.
void the_cost_of_a_write_does_not_grow_with_subscriptions_that_it_does_not_concern(void** state) {
  for (const char* form : {"station = %zu", "station between %zu and %zu", "station in (%zu, -1) and fan = true"}) {
    Bench few, many;
    few.start();
    many.start();
    const std::uint64_t of_few = judged_by(few, 10, form);
    const std::uint64_t of_many = judged_by(many, std::string_view(form) == "station = %zu" ? 10'000 : 2'000, form);
    assert_true(of_many <= 200);
    assert_true(of_few <= 200);
    assert_true(of_many >= 100);
  }
  static_cast<void>(state);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      server_test(only_rows_that_the_predicate_accepts_are_sent),
      server_test(a_row_that_leaves_is_told_to_whom_it_was_sent_and_to_nobody_else),
      server_test(a_row_that_another_subscription_wants_is_not_evicted),
      server_test(a_cursor_of_another_predicate_does_not_stand),
      server_test(a_text_that_is_no_predicate_is_refused_and_the_link_goes_on),
      server_test(who_does_not_read_gets_the_newest_of_each_row),
      server_test(who_holds_more_than_is_remembered_is_compared_with),
      server_test(the_cost_of_a_write_does_not_grow_with_subscriptions_that_it_does_not_concern),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
