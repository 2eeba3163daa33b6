// SPDX-License-Identifier: Apache-2.0
//
// The queue into the database: when it asks, what it hands over, and what it does when the database refuses.

#include "tests/unit/server/bench.h"

namespace {

using namespace grid;
using namespace grid::server::test;

void with_sink(Bench& bench, std::uint32_t rows_max = 1'000, crdt::Seq drained_through = 0) {
  bench.options.has_sink = true;
  bench.options.drain_rows_max = rows_max;
  bench.options.drain_ms_max = 100;
  bench.options.drained_through = drained_through;
  bench.restart();
  bench.open(1, kA);
}

std::string collect(Bench& bench) {
  bench.wants_drain = false;
  bench.written.clear();
  bench.drain_through = 0;
  Frame room(1'048'576);
  bench.step({.kind = Event::Kind::collect, .room = room});
  return bench.written.empty() ? "nothing" : rows(bench.written);
}

void drained(Bench& bench, Status status = Status::ok) {
  bench.step({.kind = Event::Kind::drained, .seq = bench.drain_through, .status = status});
}

// SNK-1
void rows_are_drained_after_their_commit_and_once_a_batch_is_old_enough(void** state) {
  Bench& bench = bench_of(state);
  with_sink(bench);
  bench.send(1, push({put(1, "a", kWallMs, kA), removal(2, "b", kWallMs, kA)}));
  bench.after(500);
  assert_false(bench.wants_drain);  // Not on disk yet.
  bench.flush();
  assert_false(bench.wants_drain);
  assert_int_equal(bench.coordinator->wake_at_ms(), bench.now_ms + 100);
  bench.after(99);
  assert_false(bench.wants_drain);
  bench.after(1);
  assert_true(bench.wants_drain);

  assert_string_equal(collect(bench).c_str(), "a=1@0 b@0");
  wire::OpsReader reader;
  assert_ok(reader.open(bench.written));
  crdt::Op op;
  for (crdt::Seq arrival = 1; arrival <= 2; ++arrival) {
    assert_true(reader.next(op));
    assert_int_equal(op.seq, arrival);
  }
  drained(bench);
  assert_int_equal(bench.coordinator->status().drained, 2);
  assert_true(bench.coordinator->wake_at_ms() > bench.now_ms + 60'000);  // For the removal, not for the database.
}

void a_full_batch_does_not_wait_and_the_rest_follows(void** state) {
  Bench& bench = bench_of(state);
  with_sink(bench, 2);
  bench.send(1, push({put(1, "a", kWallMs, kA), put(2, "b", kWallMs, kA), put(3, "c", kWallMs, kA)}));
  bench.flush();
  assert_true(bench.wants_drain);
  assert_string_equal(collect(bench).c_str(), "a=1@0 b=1@0");
  drained(bench);
  assert_false(bench.wants_drain);
  bench.after(100);
  assert_string_equal(collect(bench).c_str(), "c=1@0");
  drained(bench);
  assert_int_equal(bench.coordinator->status().drained, 3);
}

void what_was_overtaken_before_it_was_drained_is_not_drained(void** state) {
  Bench& bench = bench_of(state);
  with_sink(bench);
  for (crdt::Seq seq = 1; seq <= 50; ++seq) bench.send(1, push({put(seq, "hot", kWallMs + seq, kA)}));
  bench.flush();
  bench.after(100);
  assert_string_equal(collect(bench).c_str(), "hot=1@50");
  drained(bench);
  assert_int_equal(bench.coordinator->status().drained, 50);
}

// SNK-1: a row that is hidden by one which a power cut may take back is not counted as drained.
void what_hides_a_row_and_is_not_on_disk_yet_holds_the_database_back(void** state) {
  Bench& bench = bench_of(state);
  with_sink(bench);
  bench.send(1, push({put(1, "a", kWallMs, kA), put(2, "b", kWallMs, kA)}));
  bench.flush();
  bench.send(1, push({put(3, "b", kWallMs + 1, kA)}));
  bench.after(100);
  assert_string_equal(collect(bench).c_str(), "a=1@0");
  assert_int_equal(bench.drain_through, 1);
  drained(bench);
  bench.options.drained_through = 1;
  bench.restart();
  bench.after(100);
  assert_string_equal(collect(bench).c_str(), "b=1@0");
  assert_int_equal(bench.drain_through, 2);
}

void a_database_that_refuses_is_tried_again_later_and_later(void** state) {
  Bench& bench = bench_of(state);
  with_sink(bench);
  bench.send(1, push({put(1, "a", kWallMs, kA)}));
  bench.flush();
  bench.after(100);
  std::uint64_t wait_ms = 100;
  std::set<std::uint64_t> waits;
  for (int i = 0; i < 12; ++i) {
    assert_true(bench.wants_drain);
    assert_string_equal(collect(bench).c_str(), "a=1@0");
    bench.said.clear();
    drained(bench, Status::busy);
    assert_non_null(std::strstr(bench.said.c_str(), "the database takes no rows (busy)"));
    // Between half of that and all of it: many gateways don't come back as one.
    const std::uint64_t now_wait_ms = bench.coordinator->wake_at_ms() - bench.now_ms;
    assert_in_range(now_wait_ms, wait_ms / 2, wait_ms);
    waits.insert(now_wait_ms);
    bench.after(now_wait_ms - 1);
    assert_false(bench.wants_drain);
    bench.after(1);
    wait_ms = std::min<std::uint64_t>(2 * wait_ms, 10'000);
  }
  assert_true(waits.size() > 8);
  assert_int_equal(bench.coordinator->status().drained, 0);
  collect(bench);
  drained(bench);
  assert_int_equal(bench.coordinator->status().drained, 1);

  bench.send(1, push({put(2, "b", kWallMs, kA)}));  // And the waiting begins anew.
  bench.flush();
  bench.after(100);
  assert_true(bench.wants_drain);
}

void a_database_that_was_set_back_is_drained_again_from_where_it_stands(void** state) {
  Bench& bench = bench_of(state);
  with_sink(bench, 1);
  bench.send(1, push({put(1, "a", kWallMs, kA), put(2, "b", kWallMs, kA), put(3, "c", kWallMs, kA)}));
  bench.flush();
  for (int i = 0; i < 3; ++i) {
    collect(bench);
    drained(bench);
  }
  assert_int_equal(bench.coordinator->status().drained, 3);
  bench.send(1, push({put(4, "d", kWallMs, kA)}));
  bench.flush();
  assert_string_equal(collect(bench).c_str(), "d=1@0");
  bench.step({.kind = Event::Kind::drained, .seq = 1, .status = Status::conflict});
  assert_int_equal(bench.coordinator->status().drained, 1);
  assert_string_equal(bench.said.c_str(), "");
  for (const char* const row : {"b=1@0", "c=1@0", "d=1@0"}) {
    bench.after(100);
    assert_true(bench.wants_drain);
    assert_string_equal(collect(bench).c_str(), row);
    drained(bench);
  }
}

void a_row_that_is_held_back_holds_up_no_database_that_was_set_back(void** state) {
  Bench& bench = bench_of(state);
  with_sink(bench);
  bench.send(1, push({put(1, "a", kWallMs, kA)}));
  bench.flush();
  bench.after(100);
  collect(bench);
  bench.send(1, push({put(2, "b", kWallMs, kA)}));
  bench.flush();
  bench.send(1, push({put(3, "b", kWallMs + 1, kA)}));  // Not on disk, and hides what is.
  bench.step({.kind = Event::Kind::drained, .seq = 1, .status = Status::ok});
  bench.after(100);
  assert_string_equal(collect(bench).c_str(), "nothing");
  bench.step({.kind = Event::Kind::drained, .seq = 0, .status = Status::conflict});
  bench.after(100);
  assert_true(bench.wants_drain);
  assert_string_equal(collect(bench).c_str(), "a=1@0");
}

// PROTOCOL P27: visibly.
void what_the_database_does_is_told(void** state) {
  Bench& bench = bench_of(state);
  with_sink(bench);
  bench.send(1, push({put(1, "a", kWallMs, kA), put(2, "b", kWallMs, kA)}));
  bench.flush();
  bench.after(5'000);
  collect(bench);
  const std::string problem = std::string(239, 'x') + "\xc3\xa9";  // The last character finds half of its room.
  bench.step({.kind = Event::Kind::drained, .bytes = as_bytes(problem), .seq = 2, .status = Status::full});
  server::SinkFigures sink = bench.coordinator->status().sink;
  assert_status(sink.status, Status::full);
  assert_int_equal(sink.since_wall_ms, bench.wall_ms);
  assert_string_equal(sink.problem.c_str(), std::string(239, 'x').c_str());
  assert_int_equal(sink.queue_cells, 2);
  assert_int_equal(sink.queue_age_ms, 5'000);
  bench.after(20'000);
  collect(bench);
  bench.step({.kind = Event::Kind::drained, .batch = 3, .seq = 2, .status = Status::ok});
  sink = bench.coordinator->status().sink;
  assert_status(sink.status, Status::ok);
  assert_int_equal(sink.since_wall_ms, bench.wall_ms);
  assert_int_equal(sink.queue_cells, 0);
  assert_int_equal(sink.queue_age_ms, 0);
  assert_int_equal(sink.dead_letters, 3);
}

// Until a commit has settled what hides the row, the same would be asked again, at once, for ever.
void a_row_that_is_held_back_is_awaited_without_asking(void** state) {
  Bench& bench = bench_of(state);
  with_sink(bench);
  bench.send(1, push({put(1, "a", kWallMs, kA)}));
  bench.flush();
  bench.send(1, push({put(2, "a", kWallMs + 1, kA)}));
  bench.after(100);
  assert_true(bench.wants_drain);
  assert_string_equal(collect(bench).c_str(), "nothing");
  bench.after(10'000);
  assert_false(bench.wants_drain);
  assert_true(bench.coordinator->wake_at_ms() == runtime::kNever);
  bench.flush();
  bench.after(100);
  assert_true(bench.wants_drain);
  assert_string_equal(collect(bench).c_str(), "a=1@1");
}

void the_sink_is_asked_once_until_it_has_answered(void** state) {
  Bench& bench = bench_of(state);
  with_sink(bench, 1);
  bench.send(1, push({put(1, "a", kWallMs, kA)}));
  bench.flush();
  collect(bench);
  bench.send(1, push({put(2, "b", kWallMs, kA)}));
  bench.flush();
  bench.after(1'000);
  assert_false(bench.wants_drain);
  drained(bench);
  assert_true(bench.wants_drain);
  assert_string_equal(collect(bench).c_str(), "b=1@0");
}

void a_restart_goes_on_where_the_database_stands(void** state) {
  Bench& bench = bench_of(state);
  with_sink(bench);
  bench.send(1, push({put(1, "a", kWallMs, kA), put(2, "b", kWallMs, kA)}));
  bench.flush();
  with_sink(bench, 1'000, 1);
  bench.after(100);
  assert_true(bench.wants_drain);
  assert_string_equal(collect(bench).c_str(), "b=1@0");
}

// The contract of SinkMark. A row from below the floor may be one that a database that is filled anew never had.
void a_floor_is_told_to_a_database_that_has_come_so_far(void** state) {
  grid::server::CoordinatorStatus status;
  status.epoch = 7;
  status.gone = {.floor = 10, .expired_ms = 99, .greatest = crdt::Stamp::of(kWallMs, 0, kA)};
  assert_true(status.drained_mark(9) == (storage::SinkMark{7, 9, 0, 0, status.gone.greatest}));
  assert_true(status.drained_mark(10) == (storage::SinkMark{7, 10, 10, 99, status.gone.greatest}));
  static_cast<void>(state);
}

void without_a_database_nothing_is_asked_for(void** state) {
  Bench& bench = bench_of(state);
  bench.open(1, kA);
  bench.send(1, push({put(1, "a", kWallMs, kA)}));
  bench.flush();
  bench.after(10'000);
  assert_false(bench.wants_drain);
  assert_string_equal(collect(bench).c_str(), "nothing");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      server_test(rows_are_drained_after_their_commit_and_once_a_batch_is_old_enough),
      server_test(a_full_batch_does_not_wait_and_the_rest_follows),
      server_test(what_was_overtaken_before_it_was_drained_is_not_drained),
      server_test(what_hides_a_row_and_is_not_on_disk_yet_holds_the_database_back),
      server_test(a_database_that_refuses_is_tried_again_later_and_later),
      server_test(a_database_that_was_set_back_is_drained_again_from_where_it_stands),
      server_test(a_row_that_is_held_back_holds_up_no_database_that_was_set_back),
      server_test(what_the_database_does_is_told),
      server_test(a_row_that_is_held_back_is_awaited_without_asking),
      server_test(the_sink_is_asked_once_until_it_has_answered),
      server_test(a_restart_goes_on_where_the_database_stands),
      server_test(a_floor_is_told_to_a_database_that_has_come_so_far),
      server_test(without_a_database_nothing_is_asked_for),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
