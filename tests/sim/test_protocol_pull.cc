// SPDX-License-Identifier: Apache-2.0
//
// The schedules of the protocol's rules, told: streams, comparisons and healing. test_protocol.cc begins with the table
// of all rules.

#include <set>

#include "tests/sim/story.h"

using grid::runtime::Scope;
using grid::runtime::ScopeKind;
using grid::storage::MemoryStore;

namespace grid::sim {

namespace {

void put_rows(World& world, Site& device, std::uint64_t count, std::int64_t value) {
  for (std::uint64_t i = 0; i < count; ++i) assert_ok(world.put(device, "load", key_of(i), value));
}

// The name under which a device keeps its cursor for the scope.
std::string cursor_fact(const Scope& scope) {
  char name[32];
  std::snprintf(name, sizeof(name), "cursor/%016llx", static_cast<unsigned long long>(scope.hash()));
  return name;
}

}  // namespace

// ---- streams

// SYN-1
static void a_change_reaches_every_link_in_realtime(void**) {
  World world({.seed = 201, .devices = 5});
  join(world);
  assert_converged(world);
  for (std::size_t i = 0; i < 5; ++i) {
    const std::int64_t value = static_cast<std::int64_t>(i) + 1;
    assert_ok(world.put(world.device(i), "m", "x", value));
    for (std::size_t j = 0; j < 5; ++j) {
      assert_true(world.run_until([&] { return world.get(world.device(j), "m", "x", 0) == value; }, 100));
    }
  }
}

// SYN-2
static void a_removal_reaches_who_was_away(void**) {
  World world({.seed = 202});
  join(world);
  assert_ok(world.put(world.device(0), "m", "x", 1));
  assert_converged(world);
  world.cut(world.device(1));
  assert_ok(world.remove(world.device(0), "m", "x"));
  world.run_ms(1'000);
  world.heal(world.device(1));
  assert_converged(world);
  assert_int_equal(world.get(world.device(1), "m", "x", 0), 0);
}

// PROTOCOL P11, SYN-2: a cursor covers what was sent.
static void a_backlog_of_many_frames_arrives_whole(void**) {
  Limits limits = kLinux;
  limits.value_bytes_max = 1'000;
  limits.frame_bytes_max = 2'048;
  World world({.seed = 203, .limits = limits});
  world.subscribe(world.device(0));
  world.online(world.device(0));
  put_rows(world, world.device(0), 500, 1);
  assert_true(world.run_until([&] { return world.device(0).replica->status(0).quiet; }, 60'000));
  world.subscribe(world.device(1));
  world.online(world.device(1));
  assert_converged(world);
}

// SYN-2: device and gateway are set back to a backup, and the other device gives back what the first had written since.
static void a_device_that_was_set_back_gets_back_what_it_wrote_itself(void**) {
  World world({.seed = 204});
  Site& a = world.device(0);
  join(world);
  assert_ok(world.put(a, "m", "y", 1));
  assert_converged(world);
  const MemoryStore image(*a.store), gateway_image(*world.gateway().store);
  const std::uint64_t node = node_of(a);
  assert_ok(world.put(a, "m", "x", 1));
  assert_converged(world);
  world.restore(a, image);
  set_back(world, world.gateway(), gateway_image);
  assert_true(world.run_until([&] { return world.get(world.gateway(), "m", "x", 0) == 1; }, 60'000));
  world.restart(a);
  assert_converged(world);
  assert_true(node_of(a) == node);
  assert_int_equal(world.get(a, "m", "x", 0), 1);
}

// PROTOCOL P12: the database fills a journal that was set back, in the order of names. What a cursor of before covers
// are other positions.
static void a_cursor_does_not_stand_for_what_the_database_gave_back(void**) {
  World world({.seed = 216, .server = {.has_sink = true}});
  Site& a = world.device(0);
  Site& b = world.device(1);
  join(world);
  assert_ok(world.put(a, "m", "y", 1));
  assert_converged(world);
  const MemoryStore image(*world.gateway().store);
  assert_ok(world.put(a, "m", "z", 1));
  assert_converged(world);
  world.cut(b);
  assert_ok(world.put(a, "m", "a", 1));
  world.run_ms(2'000);
  set_back(world, world.gateway(), image);
  world.heal(b);
  assert_converged(world);
  assert_int_equal(world.get(b, "m", "a", 0), 1);
}

// SNK-1: a row that was not drained yet is hidden by a newer one, which a power cut takes back.
static void a_row_that_comes_back_reaches_the_database(void**) {
  World world({.seed = 219, .server = {.drain_ms_max = 1'000, .has_sink = true}});
  Site& a = world.device(0);
  join(world);
  assert_ok(world.put(a, "m", "y", 1));
  assert_true(world.run_until([&] { return world.gateway().coordinator->status().drained > 0; }, 60'000));
  assert_ok(world.put(a, "m", "x", 1));
  assert_true(world.run_until([&] { return a.replica->status(0).ops_pending == 0; }, 60'000));
  world.fill_disk(world.gateway(), 60'000);
  assert_ok(world.put(world.device(1), "m", "x", 2));
  world.run_ms(5'000);
  world.crash(world.gateway());
  world.restore(world.device(1), MemoryStore());
  world.cut(a);
  world.restart(world.gateway());
  world.run_ms(5'000);
  assert_int_equal(world.get(world.gateway(), "m", "x", 0), 1);
  assert_true(world.gateway().database.rows.contains({"m", "x", ""}));
}

// PROTOCOL P13: a release that wants more than the one before it, and finds the cursor of that.
static void a_cursor_of_a_narrower_scope_is_not_believed(void**) {
  World world({.seed = 205});
  Site& b = world.device(1);
  const Scope narrow{ScopeKind::prefix, "m", "a/"};
  world.subscribe(world.device(0));
  world.online(world.device(0));
  world.subscribe(b, narrow);
  world.online(b);
  assert_ok(world.put(world.device(0), "m", "a/1", 1));
  assert_ok(world.put(world.device(0), "m", "b/1", 1));
  assert_true(world.settle());
  world.crash(b);
  const auto cursor = b.store->fact(cursor_fact(narrow));
  assert_ok(cursor.status());
  const std::vector<std::uint8_t> bytes(cursor->begin(), cursor->end());
  assert_ok(b.store->set_fact(cursor_fact({}), bytes));
  assert_ok(b.store->commit());
  b.scopes.clear();
  world.restart(b);
  world.subscribe(b);
  assert_converged(world);
  assert_int_equal(world.get(b, "m", "b/1", 0), 1);
}

// SYN-1, BND-1
static void an_ended_subscription_costs_nothing_more(void**) {
  World world({.seed = 206});
  Site& b = world.device(1);
  world.subscribe(world.device(0));
  world.online(world.device(0));
  world.subscribe(b, {ScopeKind::map, "m", {}});
  world.subscribe(b, {ScopeKind::map, "n", {}});
  world.online(b);
  assert_true(world.settle());
  world.unsubscribe(b, 1);
  assert_true(world.settle());
  const std::uint64_t bytes = b.frame_bytes_in;
  assert_ok(world.put(world.device(0), "n", "x", 1));
  assert_true(world.settle());
  assert_int_equal(world.get(world.gateway(), "n", "x", 0), 1);
  assert_int_equal(world.get(b, "n", "x", 0), 0);
  assert_int_equal(b.frame_bytes_in, bytes);
}

// SYN-1
static void a_device_comes_back_by_itself(void**) {
  World world({.seed = 207});
  join(world);
  assert_converged(world);
  world.crash(world.gateway());
  world.run_ms(10'000);
  world.restart(world.gateway());
  assert_converged(world);
}

// SYN-1: it took the link, and stands still.
static void a_gateway_that_says_nothing_is_not_awaited_for_ever(void**) {
  World world({.seed = 215});
  world.sleep(world.gateway(), 120'000);
  join(world);
  world.run_ms(40'000);
  assert_true(!world.device(0).said.empty());
  assert_converged(world);
}

// SYN-2
static void a_watch_is_told_of_every_cell_of_a_frame(void**) {
  World world({.seed = 208});
  Site& b = world.device(1);
  world.subscribe(world.device(0));
  world.subscribe(b, {}, true);
  put_rows(world, world.device(0), 20, 1);
  for (std::size_t i = 0; i < 2; ++i) world.online(world.device(i));
  assert_converged(world);
  std::set<std::string> told;
  for (const auto& [watch, seq] : b.changes) {
    const auto op = b.replica->op_at(seq);
    if (op.ok()) told.insert(std::string(op->cell.name.key));
  }
  assert_int_equal(told.size(), 20);
}

// SNK-1: at whatever moment the gateway loses power, its database is not ahead of it.
static void the_database_holds_only_what_survives_a_power_cut(void**) {
  for (std::uint64_t puts = 10; puts < 100; puts += 7) {
    World world({.seed = 500 + puts, .devices = 1, .commit_ms = 80, .server = {.has_sink = true}});
    Site& gateway = world.gateway();
    join(world);
    assert_converged(world);
    for (std::uint64_t i = 0; i < puts; ++i) assert_ok(world.put(world.device(0), "m", key_of(i), 1)), world.run_ms(10);
    world.crash(gateway);
    for (const auto& [name, row] : gateway.database.rows) {
      assert_ok(gateway.store->find(Database::cell(name, row).name).status());
    }
  }
}

// ---- comparisons

// PROTOCOL P16: a late key is relayed while the lists of a comparison are under way, at every moment of it. And SYN-2:
// what is compared is cut off, and the cursor of what was relayed meanwhile must not stand for what was not found yet.
static void a_key_that_arrives_during_a_comparison_is_not_taken_for_lost(void**) {
  for (std::uint64_t ms = 1; ms < 60; ms += 3) {
    World world({.seed = 300 + ms, .devices = 3});
    Site& a = world.device(0);
    Site& b = world.device(1);
    put_rows(world, a, 3'000, 1);
    join(world);
    assert_converged(world);
    world.cut(b);
    for (std::uint64_t i = 0; i < 300; ++i) assert_ok(world.put(a, "load", key_of(i * 7), 2));
    assert_true(world.run_until([&] { return a.replica->status(0).quiet; }, 60'000));
    world.crash(b);
    lose_cursors(b);
    world.restart(b);
    world.heal(b);
    std::uint64_t late = 0;
    const auto put_late = [&] {
      assert_ok(world.put(world.device(2), "load", "late/" + std::to_string(late++), 3));
      world.run_ms(1);
    };
    while (b.replica->status(0).state != SyncState::syncing_down) put_late();
    for (std::uint64_t i = 0; i < ms; ++i) put_late();
    start_again(world, b);
    assert_converged(world);
    assert_int_equal(world.get(b, "load", "late/0", 0), 3);
  }
}

// PROTOCOL P16, MRK-1: one has seen the removals, the other came when they were long over.
static void equal_replicas_with_other_removals_have_equal_digests(void**) {
  World world({.seed = 210});
  Site& a = world.device(0);
  world.subscribe(a);
  world.online(a);
  put_rows(world, a, 40, 1);
  world.run_ms(1'000);
  for (std::uint64_t i = 0; i < 20; ++i) assert_ok(world.remove(a, "load", key_of(i)));
  world.run_ms(1'000);
  world.subscribe(world.device(1));
  world.online(world.device(1));
  assert_converged(world);
  verify_all(world);
}

// ---- healing

// PROTOCOL P19: neither a cursor nor an op of its own tells that something was lost: it may have been removed.
static void a_device_without_evidence_keeps_what_the_gateway_lacks_and_says_so(void**) {
  World world({.seed = 211});
  Site& b = world.device(1);
  join(world);
  assert_ok(world.put(world.device(0), "m", "x", 1));
  assert_converged(world);
  world.cut(world.device(0));
  world.crash(b);
  lose_cursors(b);
  set_back(world, world.gateway(), MemoryStore());
  world.restart(b);
  const auto says_so = [&b] {
    return std::string(b.replica->problem()).find("may not give back") != std::string::npos;
  };
  assert_true(world.run_until(says_so, 60'000));
  world.run_ms(1'000);
  assert_int_equal(world.get(world.gateway(), "m", "x", 0), 0);
  assert_int_equal(world.get(b, "m", "x", 0), 1);
}

// PROTOCOL P12, P19: its cursor is of an epoch that the gateway knows nothing of.
static void a_gateway_that_lost_everything_is_healed_by_who_only_listened(void**) {
  World world({.seed = 213});
  join(world);
  assert_ok(world.put(world.device(0), "m", "x", 1));
  assert_converged(world);
  world.cut(world.device(0));
  set_back(world, world.gateway(), MemoryStore());
  assert_true(world.run_until([&] { return world.get(world.gateway(), "m", "x", 0) == 1; }, 60'000));
}

// PROTOCOL P19: the removal comes back before who never saw it brings the row.
static void a_removal_outlives_a_gateway_that_lost_everything(void**) {
  World world({.seed = 214, .devices = 3});
  join(world);
  assert_ok(world.put(world.device(0), "m", "x", 1));
  assert_ok(world.put(world.device(0), "m", "y", 1));
  assert_converged(world);
  world.cut(world.device(2));
  assert_ok(world.remove(world.device(0), "m", "x"));
  world.run_ms(1'000);
  set_back(world, world.gateway(), MemoryStore());
  world.run_ms(60'000);
  world.heal(world.device(2));
  assert_converged(world);
  assert_int_equal(world.get(world.gateway(), "m", "x", 0), 0);
  assert_int_equal(world.get(world.gateway(), "m", "y", 0), 1);
}

// PROTOCOL P19, ACK-1: no cursor covers a device's own ops.
static void a_gateway_that_lost_what_one_device_wrote_gets_it_back(void**) {
  World world({.seed = 212, .devices = 1});
  Site& a = world.device(0);
  join(world);
  assert_ok(world.put(a, "m", "w", 1));
  assert_converged(world);
  const MemoryStore image(*world.gateway().store);
  assert_ok(world.put(a, "m", "x", 1));
  assert_converged(world);
  set_back(world, world.gateway(), image);
  assert_converged(world);
  assert_int_equal(world.get(world.gateway(), "m", "x", 0), 1);
}

// PROTOCOL P19: the gateway no longer knows the device's fork token, and the power goes between the new name, under
// which nothing was ever acknowledged, and the first heal.
static void a_change_of_name_takes_no_evidence_with_it(void**) {
  for (std::uint64_t ms = 0; ms < 200; ms += 3) {
    World world({.seed = 700 + ms, .devices = 1, .latency_ms = 20, .commit_ms = 15});
    Site& a = world.device(0);
    join(world);
    assert_ok(world.put(a, "m", "w", 1));
    assert_converged(world);
    const MemoryStore image(*world.gateway().store);
    for (std::int64_t i = 0; i < 3; ++i) {
      assert_ok(world.put(a, "m", "x", i));
      assert_true(world.settle());
    }
    world.cut(a);
    set_back(world, world.gateway(), image);
    world.heal(a);
    world.run_ms(ms);
    start_again(world, a);
    assert_converged(world);
    assert_int_equal(world.get(world.gateway(), "m", "x", 0), 2);
  }
}

// PROTOCOL P19: what a scope brought stays when the scope is left, and so does the cursor that tells of a loss.
static void a_scope_that_was_left_tells_what_another_one_may_give_back(void**) {
  World world({.seed = 217});
  Site& b = world.device(1);
  join(world);
  assert_ok(world.put(world.device(0), "m", "w", 1));
  assert_converged(world);
  const MemoryStore image(*world.gateway().store);
  assert_ok(world.put(world.device(0), "m", "x", 1));
  assert_converged(world);
  world.cut(world.device(0));
  world.cut(b);
  world.unsubscribe(b, 0);
  world.subscribe(b, {ScopeKind::map, "m", {}});
  world.run_ms(100);
  start_again(world, b);
  set_back(world, world.gateway(), image);
  world.heal(b);
  assert_true(world.run_until([&] { return world.get(world.gateway(), "m", "x", 0) == 1; }, 60'000));
}

// PROTOCOL P19, ACK-1: a device notes a loss for what it holds outside its scopes, too.
static void what_was_lost_outside_all_scopes_is_given_back_once_it_is_compared(void**) {
  World world({.seed = 218, .devices = 1});
  Site& a = world.device(0);
  world.subscribe(a, {ScopeKind::map, "n", {}});
  world.online(a);
  assert_ok(world.put(a, "m", "w", 1));
  assert_ok(world.put(a, "n", "w", 1));
  assert_true(world.settle());
  const MemoryStore image(*world.gateway().store);
  assert_ok(world.put(a, "m", "x", 1));
  assert_true(world.settle());
  set_back(world, world.gateway(), image);
  assert_true(world.settle());
  assert_ok(world.put(a, "n", "w", 2));
  assert_true(world.settle());
  assert_int_equal(world.get(world.gateway(), "m", "x", 0), 0);
  start_again(world, a);
  world.subscribe(a);
  assert_converged(world);
  assert_int_equal(world.get(world.gateway(), "m", "x", 0), 1);
}

// PROTOCOL P19: the gateway takes a new op of the device before it has its old ones back, and the link drops: nothing
// but the device's own note tells of the loss any more.
static void a_healing_that_was_cut_off_goes_on(void**) {
  for (std::uint64_t ms = 0; ms < 200; ms += 10) {
    World world({.seed = 400 + ms, .devices = 1, .latency_ms = 20});
    Site& a = world.device(0);
    join(world);
    assert_ok(world.put(a, "m", "w", 1));
    assert_converged(world);
    const MemoryStore image(*world.gateway().store);
    put_rows(world, a, 200, 1);
    assert_converged(world);
    world.cut(a);
    assert_ok(world.put(a, "m", "z", 9));
    world.run_ms(100);
    set_back(world, world.gateway(), image);
    world.heal(a);
    assert_true(world.run_until([&] { return world.get(world.gateway(), "m", "z", 0) == 9; }, 60'000));
    world.run_ms(ms);
    start_again(world, a);
    assert_converged(world);
    assert_int_equal(world.get(world.gateway(), "load", key_of(199), 0), 1);
  }
}

}  // namespace grid::sim

int main() {
  using namespace grid::sim;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_change_reaches_every_link_in_realtime),
      cmocka_unit_test(a_removal_reaches_who_was_away),
      cmocka_unit_test(a_backlog_of_many_frames_arrives_whole),
      cmocka_unit_test(a_device_that_was_set_back_gets_back_what_it_wrote_itself),
      cmocka_unit_test(a_cursor_does_not_stand_for_what_the_database_gave_back),
      cmocka_unit_test(a_row_that_comes_back_reaches_the_database),
      cmocka_unit_test(a_cursor_of_a_narrower_scope_is_not_believed),
      cmocka_unit_test(an_ended_subscription_costs_nothing_more),
      cmocka_unit_test(a_device_comes_back_by_itself),
      cmocka_unit_test(a_gateway_that_says_nothing_is_not_awaited_for_ever),
      cmocka_unit_test(a_watch_is_told_of_every_cell_of_a_frame),
      cmocka_unit_test(the_database_holds_only_what_survives_a_power_cut),
      cmocka_unit_test(a_key_that_arrives_during_a_comparison_is_not_taken_for_lost),
      cmocka_unit_test(equal_replicas_with_other_removals_have_equal_digests),
      cmocka_unit_test(a_device_without_evidence_keeps_what_the_gateway_lacks_and_says_so),
      cmocka_unit_test(a_gateway_that_lost_everything_is_healed_by_who_only_listened),
      cmocka_unit_test(a_removal_outlives_a_gateway_that_lost_everything),
      cmocka_unit_test(a_gateway_that_lost_what_one_device_wrote_gets_it_back),
      cmocka_unit_test(a_change_of_name_takes_no_evidence_with_it),
      cmocka_unit_test(a_scope_that_was_left_tells_what_another_one_may_give_back),
      cmocka_unit_test(what_was_lost_outside_all_scopes_is_given_back_once_it_is_compared),
      cmocka_unit_test(a_healing_that_was_cut_off_goes_on),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
