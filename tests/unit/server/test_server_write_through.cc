// SPDX-License-Identifier: Apache-2.0
//
// Maps whose ops are acknowledged durable only when the database has them.

#include "tests/unit/server/bench.h"

namespace {

using namespace grid;
using namespace grid::server::test;

const std::string kMaps[] = {"climate"};

void through_database(Bench& bench, std::uint32_t window_ops = 4'096) {
  bench.options.has_sink = true;
  bench.options.drain_ms_max = 0;
  bench.options.through_maps = kMaps;
  bench.options.window_ops = window_ops;
  bench.restart();
  bench.open(1, kA);
}

crdt::Op elsewhere(crdt::Op op) {
  op.cell.name.map = "other";
  return op;
}

bool collect(Bench& bench) {
  bench.wants_drain = false;
  bench.drain_through = 0;
  Frame room(1'048'576);
  bench.step({.kind = Event::Kind::collect, .room = room});
  return bench.drain_through != 0;
}

void answer(Bench& bench, Status status = Status::ok) {
  bench.step({.kind = Event::Kind::drained, .seq = bench.drain_through, .status = status});
}

// The last ack of the link; none: what was told before.
std::uint64_t durable_of(Bench& bench, LinkId link, std::uint64_t before = 0) {
  for (const Frame& frame : bench.all(link)) {
    if (kind_of(frame) == Kind::ack) before = decoded<grid_Ack>(frame).durable;
  }
  return before;
}

// ACK-2
void an_op_is_durable_when_the_database_has_it(void** state) {
  Bench& bench = bench_of(state);
  through_database(bench);
  bench.send(1, push({put(1, "a", kWallMs, kA), put(2, "b", kWallMs, kA)}));
  bench.flush();
  assert_int_equal(durable_of(bench, 1), 0);
  assert_true(collect(bench));
  assert_int_equal(durable_of(bench, 1), 0);
  answer(bench, Status::busy);
  assert_int_equal(durable_of(bench, 1), 0);
  assert_true(collect(bench));
  answer(bench);
  assert_int_equal(durable_of(bench, 1), 2);
}

// ACK-1
void an_op_of_another_map_is_durable_with_the_journal(void** state) {
  Bench& bench = bench_of(state);
  through_database(bench);
  bench.send(1, push({elsewhere(put(1, "a", kWallMs, kA))}));
  bench.flush();
  assert_int_equal(durable_of(bench, 1), 1);
  // What comes behind one that waits does wait, and what came before it doesn't.
  bench.send(
      1, push({elsewhere(put(2, "b", kWallMs, kA)), put(3, "a", kWallMs, kA), elsewhere(put(4, "c", kWallMs, kA))}));
  bench.flush();
  assert_int_equal(durable_of(bench, 1), 2);
  assert_true(collect(bench));
  answer(bench);
  assert_int_equal(durable_of(bench, 1), 4);
}

// BND-1
void a_database_that_is_away_closes_the_window(void** state) {
  Bench& bench = bench_of(state);
  through_database(bench, 4);
  for (crdt::Seq seq = 1; seq <= 4; ++seq) {
    bench.send(1, push({put(seq, std::to_string(seq), kWallMs, kA)}));
    bench.flush();
  }
  assert_int_equal(durable_of(bench, 1), 0);
  assert_true(collect(bench));
  answer(bench, Status::busy);
  // It is the device that stops; one that doesn't is sent away.
  bench.send(1, push({put(5, "5", kWallMs, kA)}));
  assert_non_null(std::strstr(bench.farewell(1).reason, "window"));
}

void the_window_opens_as_the_database_takes_what_waits(void** state) {
  Bench& bench = bench_of(state);
  through_database(bench, 4);
  for (crdt::Seq seq = 1; seq <= 100; ++seq) {
    bench.send(1, push({put(seq, std::to_string(seq), kWallMs, kA)}));
    bench.flush();
    if (seq % 4 != 0) continue;
    assert_true(collect(bench));
    answer(bench);
    assert_int_equal(durable_of(bench, 1), seq);
  }
}

// ACK-2: what was overtaken is not drained; the database has it with what overtook it.
void an_op_that_was_overtaken_waits_for_what_overtook_it(void** state) {
  Bench& bench = bench_of(state);
  bench.options.drain_rows_max = 1;
  through_database(bench);
  bench.open(2, kB);
  bench.send(1, push({put(1, "a", kWallMs, kA)}));
  bench.send(2, push({put(1, "b", kWallMs, kB)}));
  bench.send(2, push({put(2, "a", kWallMs + 1, kB)}));
  bench.flush();
  bench.all(2);
  // One row a batch: "b" goes, whose place is behind that of the op of "a" that is gone.
  assert_true(collect(bench));
  assert_int_equal(bench.drain_through, 2);
  answer(bench);
  assert_int_equal(durable_of(bench, 1), 0);
  assert_true(collect(bench));
  answer(bench);
  assert_int_equal(durable_of(bench, 1), 1);
}

// ACK-2
void an_op_that_lost_waits_for_what_it_lost_to(void** state) {
  Bench& bench = bench_of(state);
  through_database(bench);
  bench.open(2, kB);
  bench.send(2, push({put(1, "a", kWallMs + 9, kB)}));
  bench.send(1, push({put(1, "a", kWallMs, kA)}));
  bench.flush();
  assert_int_equal(durable_of(bench, 1), 0);
  assert_true(collect(bench));
  answer(bench);
  assert_int_equal(durable_of(bench, 1), 1);
}

void what_comes_again_and_is_in_the_database_is_durable_at_once(void** state) {
  Bench& bench = bench_of(state);
  through_database(bench);
  bench.send(1, push({put(1, "a", kWallMs, kA)}));
  bench.flush();
  assert_true(collect(bench));
  answer(bench);
  bench.close(1);
  bench.open(2, kA);
  bench.send(2, push({put(1, "a", kWallMs, kA)}));
  bench.flush();
  assert_int_equal(durable_of(bench, 2), 1);
  // And what is not there yet, is not.
  bench.send(2, push({put(2, "b", kWallMs, kA)}));
  bench.flush();
  bench.close(2);
  bench.open(3, kA);
  bench.send(3, push({put(2, "b", kWallMs, kA)}));
  bench.flush();
  assert_int_equal(durable_of(bench, 3), 0);
  assert_true(collect(bench));
  answer(bench);
  assert_int_equal(durable_of(bench, 3), 2);
}

// A write that comes while a batch is under way is not in it.
void a_batch_answers_for_what_it_held(void** state) {
  Bench& bench = bench_of(state);
  through_database(bench);
  bench.send(1, push({put(1, "a", kWallMs, kA)}));
  bench.flush();
  assert_true(collect(bench));
  bench.send(1, push({put(2, "a", kWallMs + 1, kA)}));
  bench.flush();
  answer(bench);
  assert_int_equal(durable_of(bench, 1), 1);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      server_test(an_op_is_durable_when_the_database_has_it),
      server_test(an_op_of_another_map_is_durable_with_the_journal),
      server_test(a_database_that_is_away_closes_the_window),
      server_test(the_window_opens_as_the_database_takes_what_waits),
      server_test(an_op_that_was_overtaken_waits_for_what_overtook_it),
      server_test(an_op_that_lost_waits_for_what_it_lost_to),
      server_test(what_comes_again_and_is_in_the_database_is_durable_at_once),
      server_test(a_batch_answers_for_what_it_held),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
