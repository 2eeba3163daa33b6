// SPDX-License-Identifier: Apache-2.0
//
// The schedules of the protocol's rules, told: streams. test_protocol.cc begins with the table of all rules.

#include <set>

#include "crdt/value.h"
#include "tests/sim/story.h"

using grid::runtime::Scope;
using grid::runtime::ScopeKind;
using grid::storage::MemoryStore;

namespace grid::sim {

namespace {

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

static void put_text(World& world, Site& device, std::string_view key, std::size_t bytes) {
  std::vector<std::uint8_t> room(bytes + 16);
  crdt::ValueWriter writer(room);
  writer.text(std::string(bytes, 'x'));
  runtime::Call put{.verb = runtime::Call::Verb::put, .scope = {ScopeKind::key, "m", key}, .value = *writer.finish()};
  assert_ok(world.call(device, put));
}

static crdt::ValueKind kind_of(Site& site, std::string_view key) {
  return crdt::Value(cell_of(site, "m", key).value).kind();
}

// PROTOCOL P15: a value that a device has no room for is told by its size, and what comes behind it comes through. It
// counts as equal, is no evidence of what it stands for, and gives way to a later write.
static void a_value_that_is_too_large_stalls_nobody(void**) {
  World world({.seed = 133, .devices = 2});
  Site &a = world.device(0), &b = world.device(1);
  b.limits = kChip;
  start_again(world, b);
  join(world);
  const MemoryStore image(*world.gateway().store);
  put_text(world, a, "large", kChip.value_bytes_max);
  put_text(world, a, "larger_than_a_frame", 100'000);
  assert_ok(world.put(a, "m", "small", 1));
  assert_true(world.settle());
  assert_int_equal(world.get(b, "m", "small", 0), 1);
  assert_true(kind_of(b, "large") == crdt::ValueKind::stub);
  assert_int_equal(crdt::Value(cell_of(b, "m", "larger_than_a_frame").value).stub_bytes(), 100'004);
  verify_all(world);

  world.crash(b);
  lose_cursors(b);
  world.restart(b);
  assert_true(world.settle());
  verify_all(world);

  world.cut(a);
  set_back(world, world.gateway(), image);
  assert_true(world.run_until([&] { return world.get(world.gateway(), "m", "small", 0) == 1; }, 120'000));
  world.heal(a);
  assert_true(world.settle());
  assert_true(kind_of(world.gateway(), "large") == crdt::ValueKind::text);
  verify_all(world);

  assert_ok(world.put(b, "m", "large", 2));
  assert_true(world.settle());
  assert_int_equal(world.get(a, "m", "large", 0), 2);
}

// MRK-1: who has asked once is told of what it subscribes to later, too.
static void a_subscription_that_is_made_after_verify_is_verified(void**) {
  World world({.seed = 134, .devices = 2});
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  for (const char* map : {"m", "n"}) assert_ok(world.put(a, map, "k", 1));
  assert_converged(world);
  world.unsubscribe(b, 0);
  world.subscribe(b, {ScopeKind::map, "m", {}});
  assert_true(world.settle());
  verify_all(world);
  world.subscribe(b, {ScopeKind::map, "n", {}});
  const auto is_verified = [&] { return b.replica->status(world.now_ms()).verified; };
  assert_false(is_verified());
  assert_true(world.run_until(is_verified, 60'000));
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
      cmocka_unit_test(a_value_that_is_too_large_stalls_nobody),
      cmocka_unit_test(a_subscription_that_is_made_after_verify_is_verified),
      cmocka_unit_test(the_database_holds_only_what_survives_a_power_cut),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
