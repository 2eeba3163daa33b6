// SPDX-License-Identifier: Apache-2.0
//
// What a node on Linux tells of its writes and of its log, without a server: late, superseded, dropped, full.

#include <grid/linux.h>
#include <grid/outbox.h>

#include <cstring>
#include <string>
#include <vector>

#include "tests/check.h"

namespace {

using namespace grid;

struct Told {
  std::vector<std::string> lines;

  FateCallback fate() {
    return [this](const Fate& fate) {
      lines.push_back(std::to_string(fate.seq) + " " + name_of(fate.outcome) + (fate.is_late ? " late" : ""));
    };
  }
  LevelCallback level() {
    return [this](const LogLevel& level) {
      lines.push_back((level.is_high ? "high " : "low ") + std::to_string(level.pending));
    };
  }
};

void a_write_that_reaches_no_server_is_told_late_and_stands(void**) {
  LinuxHost host;
  Node* node = host.open({.app = "farm"});
  Map map = node->map("m");
  Told told;
  OutboxOf<2> outbox(*node);
  assert_ok(outbox.expect(map.put("a", {{"n", 1}}), Concern::durable, 20, told.fate()));
  assert_ok(outbox.expect(map.put("b", {{"n", 1}}), Concern::applied, 0, told.fate()));
  assert_true(told.lines.empty());
  assert_true(host.wait_until([&](const runtime::ReplicaStatus&) { return !told.lines.empty(); }, 60'000));
  assert_true(told.lines == std::vector<std::string>{"1 pending late"});
  assert_int_equal(outbox.waiting_count(), 1);
  assert_true(map.get("a").exists());
}

void what_another_write_took_the_place_of_is_told_so_in_order(void**) {
  LinuxHost host;
  Node* node = host.open({.app = "farm"});
  Map map = node->map("m");
  Told told;
  OutboxOf<4> outbox(*node);
  for (int n = 0; n < 3; ++n) {
    assert_ok(outbox.expect(map.put("k", {{"n", n}}), Concern::durable, 0, told.fate()));
  }
  host.run_for(1);
  const std::vector<std::string> expected = {"1 superseded", "2 superseded"};
  assert_true(told.lines == expected);
  assert_int_equal(outbox.waiting_count(), 1);
}

void an_outbox_waits_for_no_write_that_was_refused_and_for_no_more_than_it_has_room_for(void**) {
  LinuxHost host;
  Node* node = host.open({.app = "farm"});
  Map map = node->map("m");
  Told told;
  OutboxOf<1> outbox(*node);
  assert_status(outbox.expect(map.put("", {{"n", 1}}), Concern::durable, 0, told.fate()), Status::invalid);
  assert_ok(outbox.expect(map.put("a", {{"n", 1}}), Concern::durable, 0, told.fate()));
  assert_status(outbox.expect(map.put("b", {{"n", 1}}), Concern::durable, 0, told.fate()), Status::full);
  assert_non_null(std::strstr(host.problem(), "the outbox waits for as many writes as it has room for"));
}

void a_callback_may_expect_more(void**) {
  LinuxHost host;
  Node* node = host.open({.app = "farm"});
  struct Chain {
    OutboxOf<2> outbox;
    Map map;
    int told = 0;

    void go_on() {
      const Write write = map.put("k", {{"n", told}});
      assert_ok(outbox.expect(write, Concern::durable, 1, [this](const Fate&) {
        if (++told < 5) go_on();
      }));
    }
  } chain{OutboxOf<2>(*node), node->map("m")};
  chain.go_on();
  assert_true(host.wait_until([&](const runtime::ReplicaStatus&) { return chain.told == 5; }, 60'000));
}

void an_outbox_that_ended_is_silent(void**) {
  LinuxHost host;
  Node* node = host.open({.app = "farm"});
  Told told;
  OutboxOf<1> stays(*node);
  {
    OutboxOf<1> outbox(*node);
    assert_ok(outbox.expect(node->map("m").put("a", {{"n", 1}}), Concern::durable, 1, told.fate()));
  }
  assert_ok(stays.expect(node->map("m").put("b", {{"n", 1}}), Concern::durable, 1, told.fate()));
  assert_true(host.wait_until([&](const runtime::ReplicaStatus&) { return !told.lines.empty(); }, 60'000));
  assert_true(told.lines == std::vector<std::string>{"2 pending late"});
}

void the_log_is_told_high_once_and_a_dropped_write_too(void**) {
  LinuxHost host;
  Node* node = host.open({.app = "farm", .on_full = OnFull::drop_oldest, .pending_ops_max = 4});
  Map map = node->map("m");
  Told told;
  OutboxOf<8> outbox(*node);
  assert_status(outbox.watch_level(2, 2, told.level()), Status::invalid);
  assert_ok(outbox.watch_level(3, 1, told.level()));
  for (int n = 0; n < 5; ++n) {
    const std::string key = "k" + std::to_string(n);
    assert_ok(outbox.expect(map.put(key, {{"n", n}}), Concern::durable, 0, told.fate()));
  }
  host.run_for(1);
  host.run_for(1);
  const std::vector<std::string> expected = {"high 4", "1 dropped"};
  assert_true(told.lines == expected);
  assert_int_equal(node->status().ops_pending, 4);
  assert_int_equal(node->status().ops_pending_max, 4);
}

void a_full_log_refuses_and_a_pause_ends_at_its_time(void**) {
  for (const OnFull on_full : {OnFull::refuse, OnFull::pause}) {
    LinuxHost host;
    // Nobody listens at port 1 of this machine.
    Node* node = host.open(
        {.app = "farm", .server = "ws://127.0.0.1:1", .on_full = on_full, .pending_ops_max = 2, .pause_ms_max = 30});
    assert_non_null(node);
    Map map = node->map("m");
    assert_ok(map.put("a", {{"n", 1}}).status());
    assert_ok(map.put("b", {{"n", 1}}).status());
    assert_status(map.put("c", {{"n", 1}}).status(), Status::full);
    assert_string_equal(host.problem(), "the log of unsent ops is full: 2 ops wait for the server");
    assert_ok(map.put("a", {{"n", 2}}).status());  // It takes the place of another.
    if (on_full == OnFull::pause) assert_true(node->status().reason == StateReason::unreachable);
  }
}

void states_have_reasons_and_reasons_have_sentences(void**) {
  LinuxHost host;
  Node* node = host.open({.app = "farm"});
  assert_true(node->status().reason == StateReason::offline);
  assert_string_equal(name_of(StateReason::other_app), "other_app");
  assert_null(sentence_of(StateReason::none));
  assert_non_null(std::strstr(sentence_of(StateReason::newer), "bring the older of the two up to date"));
  assert_true(host.settle(0));  // Nothing was written.
  assert_ok(node->map("m").put("a", {{"n", 1}}).status());
  assert_false(host.settle(1));

  LinuxHost other;
  assert_null(other.open({.app = "farm", .pending_ops_max = 0}));
  assert_string_equal(other.problem(), "pending_ops_max must be 1 to 4000000");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_write_that_reaches_no_server_is_told_late_and_stands),
      cmocka_unit_test(what_another_write_took_the_place_of_is_told_so_in_order),
      cmocka_unit_test(an_outbox_waits_for_no_write_that_was_refused_and_for_no_more_than_it_has_room_for),
      cmocka_unit_test(a_callback_may_expect_more),
      cmocka_unit_test(an_outbox_that_ended_is_silent),
      cmocka_unit_test(the_log_is_told_high_once_and_a_dropped_write_too),
      cmocka_unit_test(a_full_log_refuses_and_a_pause_ends_at_its_time),
      cmocka_unit_test(states_have_reasons_and_reasons_have_sentences),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
