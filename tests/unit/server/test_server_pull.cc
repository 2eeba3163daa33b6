// SPDX-License-Identifier: Apache-2.0
//
// Subscriptions: cursors, epochs, deltas and where they end.

#include "tests/unit/server/bench.h"

namespace {

using namespace grid;
using namespace grid::server::test;
using wire::PullMode;

void write(Bench& bench, LinkId link, const std::vector<crdt::Op>& ops) {
  bench.send(link, push(ops));
  bench.flush();
  for (const Frame& frame : bench.all(link)) assert_int_equal(kind_of(frame), Kind::ack);
}

// A's three rows stand; the link of B is open.
void prepare(Bench& bench) {
  bench.open(1, kA);
  write(bench, 1, {put(1, "bench/1", kWallMs, kA), put(2, "door", kWallMs, kA), removal(3, "bench/2", kWallMs, kA)});
  bench.open(2, kB);
}

struct Answer {
  grid_Subscribed subscribed = grid_Subscribed_init_zero;
  std::string rows;
  Frame cursor;
  grid_Current current = grid_Current_init_zero;
};

// All that a subscription is answered with, in its order: subscribed, deltas, current.
Answer answer_of(Bench& bench, LinkId link) {
  Answer answer;
  const std::vector<Frame> frames = bench.all(link);
  assert_true(frames.size() >= 2);
  answer.subscribed = decoded<grid_Subscribed>(frames.front());
  for (std::size_t i = 1; i + 1 < frames.size(); ++i) answer.rows += rows(frames[i]);
  answer.current = decoded<grid_Current>(frames.back());
  answer.cursor.assign(answer.current.cursor.bytes, answer.current.cursor.bytes + answer.current.cursor.size);
  return answer;
}

void who_holds_nothing_gets_the_live_rows_and_then_current(void** state) {
  Bench& bench = bench_of(state);
  prepare(bench);
  bench.send(2, subscribe(1));

  const Answer answer = answer_of(bench, 2);

  assert_int_equal(answer.subscribed.mode, PullMode::resume);
  assert_string_equal(answer.rows.c_str(), "bench/1=1@0 door=1@0");
  assert_int_equal(answer.current.count, 2);
  assert_true(answer.current.sum == bench.coordinator->digest({}).sum);
}

// SYN-2
void a_row_that_the_stream_leaves_out_is_told_to_whoever_loses_to_it(void** state) {
  Bench& bench = bench_of(state);
  prepare(bench);
  bench.send(2, subscribe(1));                                // Holds nothing: tombstones are left out,
  bench.send(2, push({put(1, "bench/2", kWallMs - 5, kB)}));  // but for what stands against its own write.
  bench.flush();
  std::string heard;
  for (const Frame& frame : bench.all(2)) {
    if (kind_of(frame) == Kind::delta) heard += rows(frame) + " ";
  }
  assert_string_equal(heard.c_str(), "bench/2@0 bench/1=1@0 door=1@0 ");
}

void a_subscription_gets_only_what_matches_its_scope(void** state) {
  Bench& bench = bench_of(state);
  prepare(bench);
  bench.send(2, subscribe(1, {}, false, {wire::ScopeKind::prefix, "climate", "bench/"}));
  assert_string_equal(answer_of(bench, 2).rows.c_str(), "bench/1=1@0");
  bench.send(2, subscribe(2, {}, false, {wire::ScopeKind::key, "climate", "door"}));
  const Answer key = answer_of(bench, 2);
  assert_string_equal(key.rows.c_str(), "door=1@0");
  assert_int_equal(key.current.count, 1);
  bench.send(2, subscribe(3, {}, false, {wire::ScopeKind::map, "cellar", {}}));
  const Answer other = answer_of(bench, 2);
  assert_string_equal(other.rows.c_str(), "");
  assert_int_equal(other.current.count, 0);

  write(bench, 1, {put(9, "bench/7", kWallMs + 1, kA)});
  const std::vector<Frame> frames = bench.all(2);
  assert_int_equal(frames.size(), 1);
  assert_string_equal(rows(frames[0]).c_str(), "bench/7=1@1");
}

void an_unchanged_reconnect_is_answered_by_current_alone(void** state) {
  Bench& bench = bench_of(state);
  prepare(bench);
  bench.send(2, subscribe(1));
  const Frame cursor = answer_of(bench, 2).cursor;
  bench.close(2);
  bench.open(3, kB);
  bench.send(3, subscribe(1, cursor, true));

  const Answer answer = answer_of(bench, 3);

  assert_int_equal(answer.subscribed.mode, PullMode::resume);
  assert_string_equal(answer.rows.c_str(), "");
  assert_true(answer.cursor.empty());  // It is the one that the device has shown.
}

// SYN-2
void a_cursor_resumes_behind_it_with_tombstones_across_restarts(void** state) {
  Bench& bench = bench_of(state);
  prepare(bench);
  bench.send(2, subscribe(1));
  const Frame cursor = answer_of(bench, 2).cursor;
  write(bench, 1, {removal(4, "door", kWallMs + 1, kA)});
  bench.restart();
  bench.restart();
  bench.open(3, kB);
  bench.send(3, subscribe(1, cursor, true));

  const Answer answer = answer_of(bench, 3);

  assert_int_equal(answer.subscribed.mode, PullMode::resume);
  assert_string_equal(answer.rows.c_str(), "door@1");
}

// PROTOCOL P12: positions that were relayed and lost. The cursor behind them must not stand.
void a_cursor_past_the_end_of_its_epoch_is_compared_and_may_heal(void** state) {
  Bench& bench = bench_of(state);
  prepare(bench);
  bench.send(2, subscribe(1));
  bench.all(2);
  bench.send(1, push({put(4, "lost", kWallMs + 1, kA)}));  // Relayed before it is on disk.
  const Frame delta = bench.next(2);
  assert_string_equal(rows(delta).c_str(), "lost=1@1");
  bench.restart();
  bench.open(1, kA);
  write(bench, 1, {put(5, "other", kWallMs + 2, kA)});
  bench.open(2, kB);
  bench.send(2, subscribe(1, cursor_of(delta), true));

  const auto subscribed = decoded<grid_Subscribed>(bench.next(2));

  assert_int_equal(subscribed.mode, PullMode::compare);
  assert_true(subscribed.heal);
}

// PROTOCOL P19: whatever the cursors of its scopes say.
void a_node_that_has_seen_more_than_is_here_is_told_so_and_may_heal(void** state) {
  Bench& bench = bench_of(state);
  prepare(bench);
  bench.send(2, subscribe(1));
  const Frame stands = answer_of(bench, 2).cursor;
  bench.send(1, push({put(4, "lost", kWallMs + 1, kA)}));  // Relayed before it is on disk.
  const Frame seen = cursor_of(bench.next(2));
  bench.restart();
  assert_false(bench.open(3, 3).lost);
  assert_false(bench.open(4, 4, 0, stands).lost);
  assert_true(bench.open(5, 5, 0, seen).lost);
  bench.send(5, subscribe(1, stands, true));
  const auto subscribed = decoded<grid_Subscribed>(bench.next(5));
  assert_int_equal(subscribed.mode, PullMode::compare);
  assert_true(subscribed.heal);
}

// PROTOCOL P11: a row that is hidden by one which a power cut takes back is not covered by a cursor that came before
// it.
void a_cursor_does_not_cover_what_a_power_cut_brings_back(void** state) {
  Bench& bench = bench_of(state);
  prepare(bench);
  const std::string first(256, 'k'), second(256, 'l');
  write(bench, 1, {put(4, first, kWallMs, kA), put(5, second, kWallMs, kA)});
  bench.close(2);
  bench.open(2, kB, 0, {}, 512);
  bench.send(1, push({put(6, "door", kWallMs + 1, kA)}));  // Not on disk.
  bench.send(2, subscribe(1));
  bench.next(2);
  const Frame delta = bench.next(2);
  assert_string_equal(rows(delta).c_str(), ("bench/1=1@0 " + first + "=1@0").c_str());
  bench.restart();
  bench.open(3, kB);
  bench.send(3, subscribe(1, cursor_of(delta), true));
  const Answer answer = answer_of(bench, 3);
  assert_int_equal(answer.subscribed.mode, PullMode::resume);
  assert_string_equal(answer.rows.c_str(), ("door=1@0 bench/2@0 " + first + "=1@0 " + second + "=1@0").c_str());
}

void a_cursor_of_another_scope_is_compared_and_heals_nothing(void** state) {
  Bench& bench = bench_of(state);
  prepare(bench);
  bench.send(2, subscribe(1));
  const Frame cursor = answer_of(bench, 2).cursor;
  bench.send(2, subscribe(2, cursor, true, {wire::ScopeKind::map, "climate", {}}));
  const auto subscribed = decoded<grid_Subscribed>(bench.next(2));
  assert_int_equal(subscribed.mode, PullMode::compare);
  assert_false(subscribed.heal);
}

void the_chain_of_epochs_is_bounded(void** state) {
  Bench& bench = bench_of(state);
  bench.open(1, kA);
  bench.send(1, subscribe(1));
  const Frame cursor = answer_of(bench, 1).cursor;
  for (int i = 0; i < 1'001; ++i) bench.restart();
  std::size_t facts = 0;
  std::string after;
  for (auto fact = bench.store.next_fact("epoch/", after); fact.ok(); fact = bench.store.next_fact("epoch/", after)) {
    after = fact->name;
    ++facts;
  }
  assert_true(facts <= 1'000);
  bench.open(2, kB);
  bench.send(2, subscribe(1, cursor, true));
  assert_int_equal(decoded<grid_Subscribed>(bench.next(2)).mode, PullMode::compare);
}

void own_ops_do_not_come_back_but_the_cursor_moves_over_them(void** state) {
  Bench& bench = bench_of(state);
  prepare(bench);
  bench.send(2, subscribe(1));
  bench.all(2);
  write(bench, 2, {put(1, "mine", kWallMs, kB)});  // Nothing but an ack, or write() fails.
  write(bench, 1, {put(4, "yours", kWallMs, kA)});
  const Frame delta = bench.next(2);
  assert_string_equal(rows(delta).c_str(), "yours=1@0");
  bench.close(2);
  bench.open(3, kB);
  bench.send(3, subscribe(1, cursor_of(delta), true));
  assert_string_equal(answer_of(bench, 3).rows.c_str(), "");
}

void a_change_overtaken_before_it_was_sent_is_sent_once_in_its_newest_form(void** state) {
  Bench& bench = bench_of(state);
  prepare(bench);
  bench.send(2, subscribe(1));
  bench.all(2);
  for (crdt::Seq seq = 4; seq < 104; ++seq) bench.send(1, push({put(seq, "hot", kWallMs + seq, kA)}));
  const std::vector<Frame> frames = bench.all(2);
  assert_int_equal(frames.size(), 1);
  assert_string_equal(rows(frames[0]).c_str(), "hot=1@103");
}

void verify_is_answered_by_current_in_its_place_in_the_stream(void** state) {
  Bench& bench = bench_of(state);
  prepare(bench);
  bench.send(2, subscribe(1));
  bench.all(2);
  bench.send(1, push({put(4, "new", kWallMs, kA)}));
  bench.send(2, encoded(grid_Verify{1, false}));
  const std::vector<Frame> frames = bench.all(2);
  assert_int_equal(frames.size(), 2);
  assert_string_equal(rows(frames[0]).c_str(), "new=1@0");
  assert_int_equal(decoded<grid_Current>(frames[1]).count, 3);
}

void an_ended_subscription_is_silent(void** state) {
  Bench& bench = bench_of(state);
  prepare(bench);
  bench.send(2, subscribe(1));
  bench.all(2);
  bench.send(2, encoded(grid_Unsubscribe{1}));
  bench.send(1, push({put(4, "new", kWallMs, kA)}));
  assert_true(bench.all(2).empty());
}

// BND-1
void a_link_has_a_bounded_number_of_subscriptions_each_with_its_own_id(void** state) {
  Bench& bench = bench_of(state);
  bench.options.subscriptions_max = 2;
  bench.restart();
  bench.open(1, kA);
  bench.send(1, subscribe(1));
  bench.send(1, subscribe(1));
  bench.send(1, subscribe(2));
  const grid_Subscribed first = decoded<grid_Subscribed>(bench.next(1));
  const grid_Subscribed again = decoded<grid_Subscribed>(bench.next(1));
  bench.all(1);
  bench.send(1, subscribe(3));
  const grid_Subscribed third = decoded<grid_Subscribed>(bench.next(1));
  assert_int_equal(first.mode, PullMode::resume);
  assert_int_equal(again.mode, PullMode::refused);
  assert_int_equal(again.status, Status::invalid);
  assert_int_equal(third.mode, PullMode::refused);
  assert_int_equal(third.status, Status::full);
}

// PROTOCOL P20
void an_expired_row_leaves_the_digest_when_its_time_comes(void** state) {
  Bench& bench = bench_of(state);
  bench.open(1, kA);
  crdt::Op op = put(1, "brief", kWallMs, kA);
  op.cell.expires_ms = kWallMs + 1'000;
  bench.send(1, push({op, put(2, "long", kWallMs, kA)}));
  bench.flush();
  assert_int_equal(bench.coordinator->digest({}).count, 2);
  assert_int_equal(bench.coordinator->wake_at_ms(), bench.now_ms + 1'000);

  bench.after(999);
  assert_int_equal(bench.coordinator->digest({}).count, 2);
  bench.after(1);
  const crdt::Digest after = bench.coordinator->digest({});
  assert_int_equal(after.count, 1);

  bench.send(1, push({put(3, "brief", kWallMs + 1, kA)}));  // Over an expired one.
  assert_int_equal(bench.coordinator->digest({}).count, 2);
  bench.send(1, push({removal(4, "brief", kWallMs + 2, kA)}));
  assert_true(bench.coordinator->digest({}) == after);
}

// MRK-1: kept and scanned digests agree, whatever happened, and across a restart.
void the_digests_of_maps_without_a_tree_are_the_same(void** state) {
  Bench& bench = bench_of(state);
  bench.options.maps_max = 1;
  bench.restart();
  bench.open(1, kA);
  std::vector<crdt::Op> ops;
  std::vector<std::string> keys;
  for (int i = 0; i <= 15; ++i) keys.push_back("k" + std::to_string(i));
  for (crdt::Seq seq = 1; seq <= 30; ++seq) {
    ops.push_back(seq % 3 == 0 ? removal(seq, "k", kWallMs + seq, kA) : put(seq, "k", kWallMs + seq, kA));
    ops.back().cell.name = {seq % 2 == 0 ? "even" : "odd", keys[seq / 2], {}};
  }
  bench.send(1, push(ops));
  bench.flush();
  const crdt::Digest scanned = bench.coordinator->digest({});
  bench.options.maps_max = 64;
  bench.restart();
  assert_true(bench.coordinator->digest({}) == scanned);
  assert_int_equal(scanned.count, 20);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      server_test(who_holds_nothing_gets_the_live_rows_and_then_current),
      server_test(a_row_that_the_stream_leaves_out_is_told_to_whoever_loses_to_it),
      server_test(a_subscription_gets_only_what_matches_its_scope),
      server_test(an_unchanged_reconnect_is_answered_by_current_alone),
      server_test(a_cursor_resumes_behind_it_with_tombstones_across_restarts),
      server_test(a_cursor_past_the_end_of_its_epoch_is_compared_and_may_heal),
      server_test(a_node_that_has_seen_more_than_is_here_is_told_so_and_may_heal),
      server_test(a_cursor_does_not_cover_what_a_power_cut_brings_back),
      server_test(a_cursor_of_another_scope_is_compared_and_heals_nothing),
      server_test(the_chain_of_epochs_is_bounded),
      server_test(own_ops_do_not_come_back_but_the_cursor_moves_over_them),
      server_test(a_change_overtaken_before_it_was_sent_is_sent_once_in_its_newest_form),
      server_test(verify_is_answered_by_current_in_its_place_in_the_stream),
      server_test(an_ended_subscription_is_silent),
      server_test(a_link_has_a_bounded_number_of_subscriptions_each_with_its_own_id),
      server_test(an_expired_row_leaves_the_digest_when_its_time_comes),
      server_test(the_digests_of_maps_without_a_tree_are_the_same),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
