// SPDX-License-Identifier: Apache-2.0
//
// What an observer is told of each op (server/observer.h): enough to follow it, and nothing of what it says.

#include "runtime/call.h"
#include "server/observer.h"
#include "tests/unit/server/bench.h"

namespace grid::server {
namespace {

using namespace test;

class Notes final : public Observer {
 public:
  bool wants_ops() const override { return wants; }
  void op(const SeenOp& seen) override {
    lines += "op link " + std::to_string(seen.link) + " seq " + std::to_string(seen.seq) + " " +
             std::string(seen.name.map) + "/" + std::string(seen.name.key) + (seen.is_removal ? " remove " : " put ") +
             name_of(seen.status) + " at " + std::to_string(seen.position) + "\n";
    why = seen.why;
    stamp = seen.stamp;
  }
  void acknowledged(LinkId link, crdt::Seq applied, crdt::Seq durable) override {
    lines += "acknowledged link " + std::to_string(link) + " " + std::to_string(applied) + " " +
             std::to_string(durable) + "\n";
  }
  void ended(LinkId link, Status status, std::string_view) override {
    lines += "ended link " + std::to_string(link) + " " + name_of(status) + "\n";
  }
  void durable(storage::Seq through) override { durable_through = through; }
  void drained(storage::Seq through) override { drained_through = through; }

  std::string take() { return std::exchange(lines, {}); }

  bool wants = true;
  std::string lines;
  std::string why;
  crdt::Stamp stamp;
  storage::Seq durable_through = 0;
  storage::Seq drained_through = 0;
};

// Outlives the bench that it is lent to.
Notes& notes() {
  static Notes one;
  return one;
}

Bench& begin(void** state) {
  Bench& bench = bench_of(state);
  notes() = Notes();
  bench.options.observer = &notes();
  bench.start();
  bench.open(1, kA);
  return bench;
}

void an_op_that_a_newer_write_answers_is_told_with_the_place_of_that(void** state) {
  Bench& bench = begin(state);
  bench.coordinator->limit({.cells = 1});
  bench.send(1, push({put(1, "a", kWallMs, kA)}));
  notes().take();
  crdt::Op refused = put(2, "b", kWallMs + 1, kA);
  bench.send(1, push({refused}));
  assert_string_equal(notes().take().c_str(), "op link 1 seq 2 climate/b put full at 0\n");
  refused.seq = 3;
  refused.was_applied = true;
  bench.send(1, push({refused}));
  assert_string_equal(notes().take().c_str(), "op link 1 seq 3 climate/b put full at 2\n");
}

void an_op_is_told_from_its_link_to_the_disk(void** state) {
  Bench& bench = begin(state);
  bench.send(1, push({put(7, "a", kWallMs, kA)}));
  assert_string_equal(notes().take().c_str(), "op link 1 seq 7 climate/a put ok at 1\n");
  assert_true(notes().stamp == put(7, "a", kWallMs, kA).cell.stamp);
  assert_true(notes().durable_through < 1);
  bench.flush();
  assert_true(notes().durable_through >= 1);
  bench.all(1);
  assert_string_equal(notes().take().c_str(), "acknowledged link 1 7 7\n");
}

void what_came_again_has_no_place_of_its_own(void** state) {
  Bench& bench = begin(state);
  bench.send(1, push({put(1, "a", kWallMs, kA)}));
  bench.flush();
  bench.close(1);
  bench.open(2, kA);
  notes().take();
  bench.send(2, push({put(1, "a", kWallMs, kA)}));
  assert_string_equal(notes().take().c_str(), "op link 2 seq 1 climate/a put ok at 0\n");
}

void a_refusal_is_told_with_its_reason(void** state) {
  Bench& bench = begin(state);
  bench.coordinator->limit({.bytes = 1});
  bench.send(1, push({put(1, "a", kWallMs, kA)}));
  assert_string_equal(notes().take().c_str(), "op link 1 seq 1 climate/a put full at 0\n");
  assert_true(notes().why.find("quota.bytes") != std::string::npos);
}

void what_comes_without_a_link_is_told_too(void** state) {
  Bench& bench = begin(state);
  runtime::Call call;
  call.verb = runtime::Call::Verb::remove;
  call.scope = {runtime::ScopeKind::key, "climate", "a"};
  bench.send(1, push({put(1, "a", kWallMs, kA)}));
  notes().take();
  bench.step({.kind = Event::Kind::call, .call = &call});
  assert_string_equal(notes().take().c_str(), "op link 0 seq 0 climate/a remove ok at 2\n");
}

void what_the_database_has_is_told(void** state) {
  Bench& bench = bench_of(state);
  notes() = Notes();
  bench.options.observer = &notes();
  bench.options.has_sink = true;
  bench.start();
  bench.step({.kind = Event::Kind::drained, .seq = 5, .status = Status::io});
  assert_int_equal(notes().drained_through, 0);
  bench.step({.kind = Event::Kind::drained, .seq = 5});
  assert_int_equal(notes().drained_through, 5);
}

void a_session_that_ends_is_told(void** state) {
  Bench& bench = begin(state);
  bench.send(1, Frame{0xff});
  assert_string_equal(notes().take().c_str(), "ended link 1 corrupt\n");
}

void who_wants_no_ops_is_told_none(void** state) {
  Bench& bench = begin(state);
  notes().wants = false;
  bench.send(1, push({put(1, "a", kWallMs, kA)}));
  bench.flush();
  bench.all(1);
  assert_string_equal(notes().take().c_str(), "");
}

}  // namespace
}  // namespace grid::server

int main() {
  using namespace grid::server;
  const CMUnitTest tests[] = {
      server_test(an_op_that_a_newer_write_answers_is_told_with_the_place_of_that),
      server_test(an_op_is_told_from_its_link_to_the_disk),
      server_test(what_came_again_has_no_place_of_its_own),
      server_test(a_refusal_is_told_with_its_reason),
      server_test(what_comes_without_a_link_is_told_too),
      server_test(what_the_database_has_is_told),
      server_test(a_session_that_ends_is_told),
      server_test(who_wants_no_ops_is_told_none),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
