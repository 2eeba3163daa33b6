// SPDX-License-Identifier: Apache-2.0
//
// One link: hello, pushes and their acks, what is refused, the window.

#include <algorithm>

#include "server/floor.h"
#include "tests/unit/server/bench.h"

namespace {

using namespace grid;
using namespace grid::server::test;

void a_new_node_is_welcomed_once_its_token_is_on_disk(void** state) {
  Bench& bench = bench_of(state);
  bench.step({.kind = Event::Kind::link_up, .link = 1});
  bench.send(1, hello(kA));
  assert_true(bench.next(1).empty());

  bench.flush();
  const auto welcome = decoded<grid_Welcome>(bench.next(1));

  assert_int_equal(welcome.protocol, 1);
  assert_int_equal(welcome.wall_ms, kWallMs);
  assert_int_equal(welcome.window_ops, bench.options.window_ops);
  assert_int_equal(welcome.epoch, bench.coordinator->status().epoch);
  assert_true(welcome.fork_token != 0 && !welcome.forked);
}

void a_welcome_does_not_take_an_older_commit_for_its_own(void** state) {
  Bench& bench = bench_of(state);
  bench.open(1, kA);
  bench.send(1, push({put(1, "a", kWallMs, kA)}));  // Its commit is under way when the hello comes.
  bench.step({.kind = Event::Kind::link_up, .link = 2});
  bench.send(2, hello(kB));

  const std::uint64_t batch = bench.commits.front();
  bench.commits.clear();
  assert_ok(bench.store.flush());
  bench.store.flushed();
  bench.step({.kind = Event::Kind::durable, .batch = batch});

  assert_true(bench.next(2).empty());
  bench.flush();
  assert_true(decoded<grid_Welcome>(bench.next(2)).fork_token != 0);
}

void a_device_of_another_protocol_is_told_which_is_spoken_here(void** state) {
  Bench& bench = bench_of(state);
  bench.step({.kind = Event::Kind::link_up, .link = 1});
  auto message = decoded<grid_Hello>(hello(kA));
  message.protocol_min = 2;
  message.protocol_max = 5;
  bench.send(1, encoded(message));

  const grid_Bye bye = bench.farewell(1);

  assert_int_equal(bye.status, Status::newer);
  assert_string_equal(bye.reason, "this gateway speaks protocol 1 to 1, the device 2 to 5");
}

void a_device_that_also_speaks_newer_protocols_is_welcome(void** state) {
  Bench& bench = bench_of(state);
  bench.step({.kind = Event::Kind::link_up, .link = 1});
  auto message = decoded<grid_Hello>(hello(kA));
  message.protocol_max = 5;
  bench.send(1, encoded(message));
  bench.flush();
  assert_int_equal(decoded<grid_Welcome>(bench.next(1)).protocol, 1);
}

void a_hello_for_another_app_is_refused(void** state) {
  Bench& bench = bench_of(state);
  bench.step({.kind = Event::Kind::link_up, .link = 1});
  auto message = decoded<grid_Hello>(hello(kA));
  set(message.app, "bank");
  bench.send(1, encoded(message));
  assert_int_equal(bench.farewell(1).status, Status::denied);
}

void the_link_beyond_the_last_is_told_to_come_back(void** state) {
  Bench& bench = bench_of(state);
  bench.options.links_max = 1;
  bench.restart();
  bench.open(1, kA);
  bench.step({.kind = Event::Kind::link_up, .link = 2});
  const grid_Bye bye = bench.farewell(2);
  assert_int_equal(bye.status, Status::full);
  assert_true(bye.retry_after_ms > 0);
}

// ACK-1
void durable_is_acknowledged_only_after_the_commit_that_covers_it(void** state) {
  Bench& bench = bench_of(state);
  bench.open(1, kA);
  bench.send(1, push({put(1, "a", kWallMs, kA), put(4, "b", kWallMs, kA)}));

  auto ack = decoded<grid_Ack>(bench.next(1));
  assert_int_equal(ack.applied, 4);
  assert_int_equal(ack.durable, 0);
  assert_int_equal(ack.fork_token, 0);

  bench.send(1, push({put(5, "c", kWallMs, kA)}));  // Behind the commit that is under way.
  assert_int_equal(bench.commits.size(), 1);
  const std::uint64_t batch = bench.commits.front();
  bench.commits.clear();
  assert_ok(bench.store.flush());
  bench.store.flushed();
  bench.step({.kind = Event::Kind::durable, .batch = batch});

  ack = decoded<grid_Ack>(bench.next(1));
  assert_int_equal(ack.applied, 5);
  assert_int_equal(ack.durable, 4);

  bench.flush();
  ack = decoded<grid_Ack>(bench.next(1));
  assert_int_equal(ack.durable, 5);
  assert_true(ack.fork_token != 0);
}

// ACK-1
void an_op_that_loses_to_one_not_yet_on_disk_is_not_durable_either(void** state) {
  Bench& bench = bench_of(state);
  bench.open(1, kA);
  bench.open(2, kB);
  bench.send(1, push({put(1, "a", kWallMs + 5, kA)}));
  bench.send(2, push({put(1, "a", kWallMs, kB)}));

  auto ack = decoded<grid_Ack>(bench.next(2));
  assert_int_equal(ack.applied, 1);
  assert_int_equal(ack.durable, 0);
  bench.flush();
  assert_int_equal(decoded<grid_Ack>(bench.next(2)).durable, 1);
}

// ACK-1
void what_was_acknowledged_durable_stands_after_a_power_cut(void** state) {
  Bench& bench = bench_of(state);
  bench.open(1, kA);
  bench.send(1, push({put(1, "a", kWallMs, kA)}));
  bench.flush();
  bench.send(1, push({put(2, "b", kWallMs, kA)}));
  bench.restart();
  assert_true(bench.store.find({"climate", "a", {}}).ok());
  assert_status(bench.store.find({"climate", "b", {}}).status(), Status::not_found);
}

void a_full_medium_takes_back_no_ack_and_gives_none(void** state) {
  Bench& bench = bench_of(state);
  bench.open(1, kA);
  bench.send(1, push({put(1, "a", kWallMs, kA)}));
  bench.store.fail_next_flush(Status::full);
  assert_status(bench.store.flush(), Status::full);

  const std::vector<Frame> frames = bench.all(1);
  assert_int_equal(frames.size(), 1);
  assert_int_equal(decoded<grid_Ack>(frames[0]).durable, 0);
  bench.flush();
  assert_int_equal(decoded<grid_Ack>(bench.next(1)).durable, 1);
}

// PROTOCOL P5
void a_reject_precedes_the_ack_that_covers_it_and_says_what_stands(void** state) {
  Bench& bench = bench_of(state);
  bench.open(1, kB);
  bench.send(1, push({put(1, "a", kWallMs, kB, kTwo)}));
  bench.flush();
  bench.open(2, kA);
  bench.send(2, push({put(7, "a", kWallMs + 1, kB), put(8, "b", kWallMs, kA)}));  // The first is signed by another.
  bench.flush();

  const std::vector<Frame> frames = bench.all(2);

  assert_int_equal(frames.size(), 2);
  wire::OpsReader reject;
  assert_ok(reject.open(frames[0]));
  assert_int_equal(kind_of(frames[0]), Kind::reject);
  assert_status(reject.head().status, Status::denied);
  assert_int_equal(reject.head().wall_ms, kWallMs);
  crdt::Op op;
  assert_true(reject.next(op));
  assert_int_equal(op.seq, 7);
  assert_string_equal(rows(frames[0]).c_str(), "a=2@0");
  assert_int_equal(decoded<grid_Ack>(frames[1]).durable, 8);
  assert_int_equal(bench.coordinator->status().ops_rejected, 1);
}

void an_op_whose_name_is_not_legal_is_rejected_by_its_sequence(void** state) {
  Bench& bench = bench_of(state);
  bench.open(1, kA);
  crdt::Op nameless = put(3, "a", kWallMs, kA);
  nameless.cell.name.key = "\x01";
  bench.send(1, push({nameless, put(4, "b", kWallMs, kA)}));

  const Frame frame = bench.next(1);

  assert_int_equal(kind_of(frame), Kind::reject);
  wire::OpsReader reject;
  assert_ok(reject.open(frame));
  crdt::Op op;
  assert_true(reject.next(op));
  assert_ok(reject.status());
  assert_int_equal(op.seq, 3);
  assert_true(bench.store.find({"climate", "b", {}}).ok());
}

// PROTOCOL P3
void a_stamp_too_far_ahead_is_refused_and_one_op_stalls_no_other(void** state) {
  Bench& bench = bench_of(state);
  bench.open(1, kA);
  assert_ok(verdict_on(bench, 1, put(1, "a", kWallMs + 60'000, kA)));
  assert_status(verdict_on(bench, 1, put(2, "b", kWallMs + 60'001, kA)), Status::clock_ahead);
  assert_ok(verdict_on(bench, 1, put(3, "b", kWallMs - 40'000'000, kA)));
  // What was merged does not raise the judge.
  assert_status(verdict_on(bench, 1, put(4, "c", kWallMs + 120'000, kA)), Status::clock_ahead);
}

// PROTOCOL P3, P9, P17: what is told to be late counts as taken, and a device never gets below a stamp that was taken.
void a_unit_that_is_late_and_ahead_of_time_is_told_that_it_is_ahead(void** state) {
  Bench& bench = bench_of(state);
  assert_ok(server::save_floor(bench.store, {.position = 1, .gone = 1, .greatest = {kWallMs << 16, kB}, .count = 1}));
  bench.store.seal();
  assert_ok(bench.store.flush());
  bench.restart();
  bench.open(1, kA);
  crdt::Op late = put(1, "a", kWallMs - 1'000, kA), ahead = put(2, "b", kWallMs + 60'001, kA);
  late.unit.left = 1;
  bench.send(1, push({late, ahead}));
  for (int i = 0; i < 2; ++i) {
    const Frame frame = bench.next(1);
    wire::OpsReader reject;
    assert_ok(reject.open(frame));
    assert_status(reject.head().status, Status::clock_ahead);
  }
}

// PROTOCOL P3: S boots without time, C (2099) pushes, NTP arrives.
void a_gateway_that_learns_the_time_late_refuses_nobody_for_ever(void** state) {
  constexpr std::uint64_t k2099Ms = 4'070'908'800'000;
  Bench& bench = bench_of(state);
  bench.restart(0);
  bench.open(1, kA);
  assert_ok(verdict_on(bench, 1, put(1, "a", k2099Ms, kA)));
  assert_false(bench.coordinator->status().judging);

  bench.restart(kWallMs);

  assert_true(bench.coordinator->status().judging);
  bench.open(1, kA);
  assert_ok(verdict_on(bench, 1, put(2, "b", k2099Ms + 1, kA)));
  assert_status(verdict_on(bench, 1, put(3, "c", k2099Ms + 70'000, kA)), Status::clock_ahead);
}

void a_stamp_that_no_clock_can_follow_is_refused_without_knowing_the_time(void** state) {
  Bench& bench = bench_of(state);
  bench.restart(0);
  bench.open(1, kA);
  assert_ok(verdict_on(bench, 1, put(1, "a", crdt::Clock::kMergeMsMax, kA)));
  assert_status(verdict_on(bench, 1, put(2, "b", crdt::Clock::kMergeMsMax + 1, kA)), Status::clock_ahead);
}

std::vector<crdt::Op> many(crdt::Seq from, std::size_t count, crdt::NodeId node) {
  std::vector<crdt::Op> ops;
  for (std::size_t i = 0; i < count; ++i) ops.push_back(put(from + i, "k", kWallMs + from + i, node));
  return ops;
}

// BND-1
void a_device_that_ignores_the_window_is_sent_away(void** state) {
  Bench& bench = bench_of(state);
  bench.options.window_ops = 8;
  bench.restart();
  bench.open(1, kA);
  bench.send(1, push(many(1, 8, kA)));
  assert_int_equal(kind_of(bench.next(1)), Kind::ack);
  bench.flush();
  bench.send(1, push(many(9, 8, kA)));
  bench.send(1, push(many(17, 1, kA)));
  assert_int_equal(bench.farewell(1).status, Status::invalid);
}

// BND-1
void rejects_that_a_device_does_not_read_are_bounded_by_the_window(void** state) {
  Bench& bench = bench_of(state);
  bench.options.window_ops = 8;
  bench.restart();
  bench.open(1, kA);
  // Nothing is to be committed, so each of them is settled at once.
  bench.send(1, push(many(1, 8, kB)));
  bench.send(1, push(many(9, 1, kB)));
  assert_int_equal(bench.farewell(1).status, Status::invalid);
}

void sequences_that_do_not_rise_end_the_link(void** state) {
  Bench& bench = bench_of(state);
  bench.open(1, kA);
  bench.send(1, push({put(2, "a", kWallMs, kA), put(2, "b", kWallMs, kA)}));
  assert_int_equal(bench.farewell(1).status, Status::corrupt);
}

void a_resend_changes_nothing_and_is_acknowledged(void** state) {
  Bench& bench = bench_of(state);
  const auto welcome = bench.open(1, kA);
  bench.send(1, push({put(1, "a", kWallMs, kA)}, welcome.fork_token));
  bench.flush();
  bench.close(1);
  const crdt::Seq head = bench.coordinator->status().head;

  bench.open(2, kA, welcome.fork_token);
  bench.send(2, push({put(1, "a", kWallMs, kA)}, welcome.fork_token));

  assert_int_equal(bench.coordinator->status().head, head);
  assert_int_equal(decoded<grid_Ack>(bench.next(2)).durable, 1);
}

// BND-1: in pages, each of one frame.
void inspection_tells_what_every_link_is_subscribed_to(void** state) {
  Bench& bench = bench_of(state);
  bench.open(1, kA);
  bench.open(2, kB);
  constexpr std::uint32_t kSubscriptions = 150;
  for (std::uint32_t id = kSubscriptions; id > 0; --id) {
    bench.send(2, subscribe(id, {}, false, {wire::ScopeKind::prefix, "climate", "p" + std::to_string(id)}));
    bench.all(2);
  }
  bench.send(1, subscribe(7, {}, false, {wire::ScopeKind::where, "climate", "$value = 1"}));
  bench.all(1);
  bench.send(2, push({put(1, "a", kWallMs, kB), put(2, "b", kWallMs, kB)}));
  bench.all(1);
  for (std::uint64_t i = 1; i <= 4; ++i) bench.send(2, push({put(2 + i, "a", kWallMs + i, kB)}));
  bench.open(3, 0xc, 0, {}, 2'000);
  grid_InspectAsk ask = grid_InspectAsk_init_zero;
  set(ask.topic, "subs");
  std::vector<std::string> names;
  std::size_t pages = 0;
  for (bool is_last = false; !is_last; ++pages) {
    bench.send(3, encoded(ask));
    const Frame frame = bench.next(3);
    assert_true(frame.size() <= 2'000);
    wire::OpsReader reader;
    assert_ok(reader.open(frame));
    assert_ok(reader.head().status);
    for (crdt::Op op; reader.next(op);) {
      assert_ok(reader.status());
      const crdt::Value value(op.cell.value);
      if (names.empty()) {
        assert_string_equal(std::string(value["node"].text_or("")).c_str(), "000000000000000a");
        assert_string_equal(std::string(value["text"].text_or("")).c_str(), "$value = 1");
        assert_int_equal(value["held"].integer_or(-1), 2);
        assert_int_equal(value["sent"].integer_or(-1), 2);
        assert_int_equal(value["behind"].integer_or(-1), 4);
        assert_int_equal(value["coalesced"].integer_or(-1), 3);
      }
      names.emplace_back(op.cell.name.key);
      set(ask.argument, names.back());
      ask.after = true;
    }
    is_last = reader.head().last;
  }
  assert_int_equal(names.size(), kSubscriptions + 1);
  assert_true(pages > 5);
  assert_true(std::is_sorted(names.begin(), names.end()));
  assert_true(std::adjacent_find(names.begin(), names.end()) == names.end());
  for (const char* wrong : {"x", "0000000000000001", "000000000000000g/00000001", "0000000000000001/0000000g"}) {
    set(ask.argument, wrong);
    bench.send(3, encoded(ask));
    wire::OpsReader reader;
    const Frame refused = bench.next(3);
    assert_ok(reader.open(refused));
    assert_status(reader.head().status, Status::invalid);
  }
}

void inspection_tells_the_state_of_the_gateway(void** state) {
  Bench& bench = bench_of(state);
  bench.open(1, kA);
  bench.send(1, subscribe(1));
  bench.send(1, push({put(1, "a", kWallMs, kA)}));
  bench.flush();
  grid_InspectAsk ask = grid_InspectAsk_init_zero;
  ask.id = 9;
  set(ask.topic, "status");
  bench.send(1, encoded(ask));
  Frame reply;
  for (const Frame& frame : bench.all(1)) {
    if (kind_of(frame) == Kind::inspect_reply) reply = frame;
  }

  wire::OpsReader reader;
  assert_ok(reader.open(reply));
  assert_int_equal(reader.head().id, 9);
  crdt::Op op;
  assert_true(reader.next(op));
  assert_ok(reader.status());
  const crdt::Value value(op.cell.value);
  assert_int_equal(value["links"].integer_or(-1), 1);
  assert_int_equal(value["subscriptions"].integer_or(-1), 1);
  assert_int_equal(value["head"].integer_or(-1), 1);
  assert_int_equal(value["durable"].integer_or(-1), 1);
  assert_true(value["epoch"].integer_or(0) == static_cast<std::int64_t>(bench.coordinator->status().epoch));
  assert_true(value["judging"].truth_or(false));

  set(ask.topic, "weather");
  bench.send(1, encoded(ask));
  const Frame refused = bench.next(1);
  assert_ok(reader.open(refused));
  assert_status(reader.head().status, Status::not_found);
  assert_true(reader.head().last && !reader.next(op));
  assert_true(value["app"].text_or("") == "farm");
}

// BND-1: a step asks for at most 64 things, and for the rest in the next.
void a_change_reaches_more_links_than_one_step_can_name(void** state) {
  constexpr LinkId kLinks = 200;
  Bench& bench = bench_of(state);
  for (LinkId link = 1; link <= kLinks; ++link) {
    bench.open(link, link);
    bench.send(link, subscribe(1));
    bench.all(link);
  }
  bench.send(1, push({put(1, "a", kWallMs, 1)}));
  for (LinkId link = 2; link <= kLinks; ++link) assert_string_equal(rows(bench.next(link)).c_str(), "a=1@0");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      server_test(a_new_node_is_welcomed_once_its_token_is_on_disk),
      server_test(a_welcome_does_not_take_an_older_commit_for_its_own),
      server_test(a_device_of_another_protocol_is_told_which_is_spoken_here),
      server_test(a_device_that_also_speaks_newer_protocols_is_welcome),
      server_test(a_hello_for_another_app_is_refused),
      server_test(the_link_beyond_the_last_is_told_to_come_back),
      server_test(durable_is_acknowledged_only_after_the_commit_that_covers_it),
      server_test(an_op_that_loses_to_one_not_yet_on_disk_is_not_durable_either),
      server_test(what_was_acknowledged_durable_stands_after_a_power_cut),
      server_test(a_full_medium_takes_back_no_ack_and_gives_none),
      server_test(a_reject_precedes_the_ack_that_covers_it_and_says_what_stands),
      server_test(an_op_whose_name_is_not_legal_is_rejected_by_its_sequence),
      server_test(a_stamp_too_far_ahead_is_refused_and_one_op_stalls_no_other),
      server_test(a_unit_that_is_late_and_ahead_of_time_is_told_that_it_is_ahead),
      server_test(a_gateway_that_learns_the_time_late_refuses_nobody_for_ever),
      server_test(a_stamp_that_no_clock_can_follow_is_refused_without_knowing_the_time),
      server_test(a_device_that_ignores_the_window_is_sent_away),
      server_test(rejects_that_a_device_does_not_read_are_bounded_by_the_window),
      server_test(sequences_that_do_not_rise_end_the_link),
      server_test(a_resend_changes_nothing_and_is_acknowledged),
      server_test(inspection_tells_the_state_of_the_gateway),
      server_test(inspection_tells_what_every_link_is_subscribed_to),
      server_test(a_change_reaches_more_links_than_one_step_can_name),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
