// SPDX-License-Identifier: Apache-2.0
//
// Named stories of a gateway and its devices, on virtual time.

#include "crdt/value.h"
#include "tests/check.h"
#include "tests/sim/chatter.h"
#include "tests/sim/world.h"

using grid::Outcome;
using grid::Status;
using grid::SyncState;
using grid::runtime::Scope;
using grid::runtime::ScopeKind;
using grid::sim::Site;
using grid::sim::World;

namespace {

std::string key_of(std::uint64_t number) { return "key/" + std::to_string(number); }

void join(World& world) {
  for (std::size_t i = 0; i < world.device_count(); ++i) {
    world.subscribe(world.device(i));
    world.online(world.device(i));
  }
}

void assert_converged(World& world) {
  assert_true(world.settle());
  if (!world.converged()) {
    print_error("gateway:\n%s", world.live_cells(world.gateway()).substr(0, 2'000).c_str());
    for (std::size_t i = 0; i < world.device_count(); ++i) {
      print_error("%s:\n%s", world.device(i).name.c_str(), world.live_cells(world.device(i)).substr(0, 2'000).c_str());
    }
  }
  assert_true(world.converged());
}

// Takes all cursors from a device, as a fresh release with another cursor format would.
void lose_cursors(Site& device) {
  for (;;) {
    const auto fact = device.store->next_fact("cursor/", "");
    if (!fact.ok()) break;
    const std::string name(fact->name);
    assert_ok(device.store->set_fact(name, {}));
  }
  assert_ok(device.store->commit());
}

// A value larger than the gateway of the story takes.
grid::crdt::Seq put_large(World& world, Site& device, std::string_view key) {
  std::uint8_t room[512];
  grid::crdt::ValueWriter writer(room);
  writer.text(std::string(300, 'x'));
  grid::runtime::Call put{
      .verb = grid::runtime::Call::Verb::put, .scope = {ScopeKind::key, "m", key}, .value = *writer.finish()};
  assert_ok(world.call(device, put));
  return put.seq;
}

void put_many(World& world, Site& device, std::uint64_t first, std::uint64_t count, std::int64_t value) {
  for (std::uint64_t i = first; i < first + count; ++i) {
    Status status = world.put(device, "load", key_of(i), value + static_cast<std::int64_t>(i));
    if (i % 1'000 == 0) world.run_ms(10);
    assert_ok(status);
  }
  world.run_ms(50);
}

}  // namespace

// SYN-1
static void two_devices_that_wrote_apart_converge(void**) {
  World world({.seed = 1});
  for (int i = 0; i < 100; ++i) {
    assert_ok(world.put(world.device(0), "climate", key_of(static_cast<std::uint64_t>(i)), i));
    world.run_ms(1);
    assert_ok(world.put(world.device(1), "climate", key_of(static_cast<std::uint64_t>(i + 50)), 1'000 + i));
    world.run_ms(1);
  }
  assert_ok(world.remove(world.device(1), "climate", key_of(7)));
  join(world);
  assert_converged(world);
  assert_int_equal(world.get(world.gateway(), "climate", key_of(60), -1), 60);  // A wrote it later than B.
  assert_int_equal(world.get(world.device(0), "climate", key_of(149), -1), 1'099);
  assert_int_equal(world.get(world.device(1), "climate", key_of(0), -1), 0);
  // B's removal is the later write, though B did not know what it removed.
  assert_int_equal(world.get(world.device(0), "climate", key_of(7), -1), -1);
}

static void a_change_reaches_the_other_device_in_realtime(void**) {
  World world({.seed = 2});
  join(world);
  assert_converged(world);
  assert_ok(world.put(world.device(0), "light", "kitchen", 1));
  assert_true(world.run_until([&] { return world.get(world.device(1), "light", "kitchen", 0) == 1; }, 100));
  assert_ok(world.remove(world.device(1), "light", "kitchen"));
  assert_true(world.run_until([&] { return world.get(world.device(0), "light", "kitchen", 0) == 0; }, 100));
  assert_converged(world);
}

static void an_unchanged_reconnect_takes_one_round_trip_and_200_bytes(void**) {
  World world({.seed = 3});
  put_many(world, world.device(0), 0, 1'000, 0);
  join(world);
  assert_converged(world);
  const auto before = world.device(1).replica->status(world.now_ms()).figures;
  world.cut(world.device(1));
  world.run_ms(1'000);
  world.heal(world.device(1));
  world.verify(world.device(1));
  assert_true(world.run_until([&] { return world.quiet() && world.device(1).replica->status(0).verified; }, 60'000));
  const auto after = world.device(1).replica->status(world.now_ms()).figures;
  const std::uint64_t bytes = after.bytes_sent - before.bytes_sent + after.bytes_received - before.bytes_received;
  print_message("unchanged reconnect: %llu round trips, %llu bytes\n",
                static_cast<unsigned long long>(after.round_trips - before.round_trips),
                static_cast<unsigned long long>(bytes));
  assert_true(after.round_trips - before.round_trips <= 1);
  assert_true(bytes <= 200);
}

static void ten_of_a_hundred_thousand_are_found_in_five_round_trips(void**) {
  World world({.seed = 4});
  put_many(world, world.device(0), 0, 100'000, 0);
  join(world);
  assert_converged(world);
  world.cut(world.device(1));
  for (std::uint64_t i = 0; i < 10; ++i) assert_ok(world.put(world.device(0), "load", key_of(i * 9'973), -1));
  assert_true(world.run_until([&] { return world.device(0).replica->status(0).quiet; }, 60'000));
  lose_cursors(world.device(1));
  world.crash(world.device(1));
  world.restart(world.device(1));
  world.heal(world.device(1));
  assert_converged(world);
  const auto figures = world.device(1).replica->status(world.now_ms()).figures;
  const std::uint64_t bytes = figures.bytes_sent + figures.bytes_received;
  print_message("10 of 100,000 differ, cursor lost: %llu round trips, %llu bytes, %llu cells\n",
                static_cast<unsigned long long>(figures.round_trips), static_cast<unsigned long long>(bytes),
                static_cast<unsigned long long>(figures.cells_pulled));
  assert_int_equal(figures.cells_pulled, 10);
  assert_true(figures.round_trips <= 5);
  assert_true(bytes <= 16 * 1'024 + 10 * 40);
}

static void a_gateway_that_vanishes_in_the_middle_of_a_comparison_costs_nothing(void**) {
  // Every moment of the comparison: its rounds take 10 ms each.
  for (std::uint64_t vanish_ms = 1; vanish_ms < 80; vanish_ms += 3) {
    World world({.seed = 20 + vanish_ms});
    put_many(world, world.device(0), 0, 3'000, 0);
    join(world);
    assert_converged(world);
    world.cut(world.device(1));
    for (std::uint64_t i = 0; i < 300; ++i) assert_ok(world.put(world.device(0), "load", key_of(i * 7), -1));
    assert_ok(world.put(world.device(1), "load", key_of(1), -2));
    assert_true(world.run_until([&] { return world.device(0).replica->status(0).quiet; }, 60'000));
    lose_cursors(world.device(1));
    world.crash(world.device(1));
    world.restart(world.device(1));
    world.heal(world.device(1));
    world.run_ms(vanish_ms);
    world.crash(world.gateway());
    world.run_ms(2'000);
    world.restart(world.gateway());
    assert_converged(world);
  }
}

// LOG-1
static void thirty_days_offline_on_200_keys_leave_200_ops(void**) {
  World world({.seed = 5, .devices = 1});
  Site& device = world.device(0);
  for (std::uint64_t second = 0; second < 30 * 24 * 3'600; ++second) {
    assert_ok(world.put(device, "sensor", key_of(second % 200), static_cast<std::int64_t>(second)));
    world.run_ms(1'000);
  }
  assert_int_equal(device.replica->status(world.now_ms()).ops_pending, 200);
  join(world);
  assert_converged(world);
  assert_int_equal(device.replica->status(world.now_ms()).figures.cells_pushed, 200);
}

// ACK-1
static void what_was_acknowledged_durable_survives_a_power_cut_of_the_gateway(void**) {
  World world({.seed = 6, .devices = 3});
  join(world);
  for (std::uint64_t round = 0; round < 50; ++round) {
    for (std::uint64_t i = 0; i < 20; ++i) {
      Site& device = world.device(i % 3);
      assert_ok(world.put(device, "m", key_of((round * 7 + i) % 40), static_cast<std::int64_t>(round * 100 + i)));
      world.run_ms(1);
    }
    world.run_ms(round % 23);
    world.crash(world.gateway());
    world.run_ms(50);
    world.restart(world.gateway());
    world.run_ms(20 * (round % 5));
  }
  assert_converged(world);
}

// PROTOCOL P12: positions that were relayed and then lost by the gateway.
static void a_cursor_past_what_the_gateway_kept_does_not_miss_what_comes_next(void**) {
  World world({.seed = 7, .devices = 3, .commit_ms = 40});
  join(world);
  assert_converged(world);
  assert_ok(world.put(world.device(0), "m", "relayed", 1));
  assert_true(world.run_until([&] { return world.get(world.device(1), "m", "relayed", 0) == 1; }, 100));
  world.run_ms(30);
  world.crash(world.gateway());
  world.cut(world.device(0));
  world.cut(world.device(1));
  world.restart(world.gateway());
  for (std::uint64_t i = 0; i < 5; ++i) assert_ok(world.put(world.device(2), "m", key_of(i), 5));
  world.run_ms(10'000);
  world.heal(world.device(1));
  world.run_ms(60'000);
  world.heal(world.device(0));
  assert_converged(world);
  assert_int_equal(world.get(world.gateway(), "m", "relayed", 0), 1);
}

// PROTOCOL P12, P19: a wiped gateway gets back what its devices saw.
static void a_gateway_that_lost_everything_is_healed_by_its_devices(void**) {
  World world({.seed = 8});
  put_many(world, world.device(0), 0, 2'000, 0);
  join(world);
  assert_converged(world);
  const std::string before = world.live_cells(world.device(1));
  world.restore(world.gateway(), grid::storage::MemoryStore());
  world.restart(world.gateway());
  assert_converged(world);
  assert_true(world.live_cells(world.gateway()) == before);
}

// PROTOCOL P19: a removal that was relayed, and then lost by the gateway and by the device that made it.
static void a_lost_removal_is_given_back_too(void**) {
  World world({.seed = 18, .commit_ms = 40});
  join(world);
  assert_ok(world.put(world.device(0), "m", "x", 1));
  assert_ok(world.put(world.device(0), "m", "y", 1));
  assert_converged(world);
  const grid::storage::MemoryStore image(*world.device(0).store);
  assert_ok(world.remove(world.device(0), "m", "x"));
  assert_true(world.run_until([&] { return world.get(world.device(1), "m", "x", 0) == 0; }, 1'000));
  world.crash(world.gateway());
  world.run_ms(100);
  world.restore(world.device(0), image);
  world.restart(world.gateway());
  world.restart(world.device(0));
  assert_converged(world);
  assert_int_equal(world.get(world.gateway(), "m", "x", 0), 0);
  assert_int_equal(world.get(world.gateway(), "m", "y", 0), 1);
}

// PROTOCOL P1: an image of a device, restored after more had been pushed.
static void a_restored_device_image_goes_on_under_a_new_node_id(void**) {
  World world({.seed = 9});
  join(world);
  for (int i = 0; i < 5; ++i) assert_ok(world.put(world.device(0), "m", "a", i));
  assert_converged(world);
  const grid::storage::MemoryStore image(*world.device(0).store);
  const std::uint64_t node = world.device(0).replica->status(0).node;
  for (int i = 0; i < 5; ++i) {
    assert_ok(world.put(world.device(0), "m", "b", 10 + i));
    world.run_ms(200);
  }
  assert_converged(world);
  world.restore(world.device(0), image);
  world.restart(world.device(0));
  assert_ok(world.put(world.device(0), "m", "c", 100));
  assert_converged(world);
  assert_true(world.device(0).replica->status(0).node != node);
  assert_int_equal(world.get(world.gateway(), "m", "b", 0), 14);
  assert_int_equal(world.get(world.device(1), "m", "c", 0), 100);
}

// PROTOCOL P4: applied and relayed, the ack lost, overwritten elsewhere: a corrected clock must not win back.
static void an_op_that_was_handed_to_a_link_is_never_restamped(void**) {
  World world({.seed = 10});
  Site& a = world.device(0);
  Site& b = world.device(1);
  join(world);
  assert_converged(world);
  a.knows_time = false;
  a.wall_skew_ms = 0;
  world.crash(a);
  world.restart(a);
  assert_converged(world);
  assert_ok(world.put(a, "m", "x", 1));
  assert_true(world.run_until([&] { return world.get(b, "m", "x", 0) == 1; }, 1'000));
  world.cut(a);
  assert_ok(world.put(b, "m", "x", 2));
  world.run_ms(1'000);
  world.heal(a);
  assert_converged(world);
  assert_int_equal(world.get(a, "m", "x", 0), 2);
}

static void a_device_in_1970_gets_its_time_and_loses_nothing(void**) {
  World world({.seed = 11});
  Site& a = world.device(0);
  a.knows_time = false;
  world.crash(a);
  world.restart(a);
  world.cut(a);
  for (int i = 0; i < 20; ++i) {
    assert_ok(world.put(a, "m", key_of(static_cast<std::uint64_t>(i)), i));
    world.run_ms(500);
  }
  assert_ok(world.put(a, "m", key_of(3), 33));
  world.heal(a);
  join(world);
  assert_converged(world);
  assert_int_equal(world.get(world.device(1), "m", key_of(19), -1), 19);
  assert_int_equal(world.get(world.device(1), "m", key_of(3), -1), 33);
  const auto op = world.gateway().store->find({"m", key_of(19)});
  assert_true(op.ok());
  assert_true(op->cell.stamp.wall_ms() >= grid::sim::kEpochMs);
  assert_true(op->cell.stamp.wall_ms() <= grid::sim::kEpochMs + world.now_ms());
}

// PROTOCOL P3
static void a_device_in_2099_is_corrected_and_pushes_nobody_else(void**) {
  World world({.seed = 12});
  Site& a = world.device(0);
  a.wall_skew_ms = std::int64_t{73} * 365 * 86'400'000;
  for (int i = 0; i < 20; ++i) assert_ok(world.put(a, "m", key_of(static_cast<std::uint64_t>(i)), i));
  join(world);
  assert_converged(world);
  assert_int_equal(world.get(world.device(1), "m", key_of(19), -1), 19);
  assert_ok(world.put(world.device(1), "m", key_of(19), 190));
  assert_converged(world);
  assert_int_equal(world.get(a, "m", key_of(19), -1), 190);
  assert_ok(world.put(a, "m", key_of(19), 1'900));
  assert_converged(world);
  assert_int_equal(world.get(world.device(1), "m", key_of(19), -1), 1'900);
}

// A clock that is set wrong in the middle of a session: the op is refused, corrected and accepted.
static void a_clock_that_jumps_ahead_in_session_costs_no_write(void**) {
  World world({.seed = 13});
  join(world);
  assert_converged(world);
  Site& a = world.device(0);
  a.wall_skew_ms = std::int64_t{3} * 86'400'000;
  assert_ok(world.put(a, "m", "x", 1));
  assert_ok(world.put(a, "m", "y", 2));
  assert_converged(world);
  assert_int_equal(world.get(world.device(1), "m", "x", 0), 1);
  assert_int_equal(world.get(world.device(1), "m", "y", 0), 2);
  assert_ok(world.put(a, "m", "x", 3));
  assert_converged(world);
  assert_int_equal(world.get(world.device(1), "m", "x", 0), 3);
}

static void a_prefix_subscription_holds_exactly_its_rows(void**) {
  World world({.seed = 14});
  world.subscribe(world.device(0));
  world.online(world.device(0));
  world.subscribe(world.device(1), {ScopeKind::prefix, "m", "bench/"});
  world.subscribe(world.device(1), {ScopeKind::key, "m", "fan"});
  world.online(world.device(1));
  for (const char* key : {"bench/1", "bench/2", "bench", "benchmark", "fan", "fan2", "a"}) {
    assert_ok(world.put(world.device(0), "m", key, 1));
  }
  assert_ok(world.put(world.device(0), "other", "bench/1", 1));
  assert_true(world.settle());
  assert_true(world.live_cells(world.device(1)) ==
              world.live_cells(world.gateway(), {ScopeKind::prefix, "m", "bench/"}) +
                  world.live_cells(world.gateway(), {ScopeKind::key, "m", "fan"}));
}

static void an_expired_row_is_gone_everywhere(void**) {
  World world({.seed = 15});
  join(world);
  assert_ok(world.put(world.device(0), "m", "x", 1, 60'000));
  assert_ok(world.put(world.device(0), "m", "y", 1));
  assert_converged(world);
  assert_int_equal(world.get(world.device(1), "m", "x", 0), 1);
  world.run_ms(61'000);
  assert_int_equal(world.get(world.device(1), "m", "x", 0), 0);
  for (std::size_t i = 0; i < 2; ++i) world.verify(world.device(i));
  assert_true(world.run_until(
      [&] { return world.device(0).replica->status(0).verified && world.device(1).replica->status(0).verified; },
      60'000));
}

// REJ-1, PROTOCOL P6
static void a_rejected_op_is_reported_and_leaves_no_trace(void**) {
  World world({.seed = 16, .server = {.value_bytes_max = 100}});
  join(world);
  assert_ok(world.put(world.device(0), "m", "stands", 1));
  assert_converged(world);
  Site& a = world.device(0);
  const grid::crdt::Seq fresh = put_large(world, a, "new");
  const grid::crdt::Seq over = put_large(world, a, "stands");
  assert_true(world.settle());
  assert_true(a.outcomes[fresh] == Outcome::rejected && a.replica->outcome_of(fresh) == Outcome::rejected);
  assert_true(a.outcomes[over] == Outcome::rejected);
  assert_int_equal(world.get(a, "m", "stands", 0), 1);
  assert_true(a.store->find({"m", "new", {}}).status() == Status::not_found);
  assert_converged(world);
}

// PROTOCOL P6: rolling back would hide what was written since.
static void a_rejection_does_not_touch_a_later_write_of_its_cell(void**) {
  World world({.seed = 17, .latency_ms = 50, .server = {.value_bytes_max = 100}});
  join(world);
  assert_ok(world.put(world.device(0), "m", "x", 1));
  assert_converged(world);
  const grid::crdt::Seq refused = put_large(world, world.device(0), "x");
  world.run_ms(20);  // It is on its way.
  assert_ok(world.put(world.device(0), "m", "x", 3));
  assert_converged(world);
  assert_true(world.device(0).outcomes[refused] == Outcome::rejected);
  assert_int_equal(world.get(world.device(0), "m", "x", 0), 3);
  assert_int_equal(world.get(world.device(1), "m", "x", 0), 3);
}

// SIM-1
// CHN-2
static void a_member_whose_lease_lapses_is_seen_to_leave_and_comes_back(void**) {
  World world({.devices = 2, .channels = true});
  grid::sim::Chatter chatter(world);
  join(world);
  assert_true(world.settle());
  world.run_ms(1'000);
  assert_int_equal(chatter.member_count(world.device(0)), 2);
  world.sleep(world.device(1), 60'000);
  world.run_ms(20'000);
  assert_int_equal(chatter.member_count(world.device(0)), 1);
  world.run_ms(60'000);
  chatter.judge_rest();
  assert_string_equal(chatter.problem().c_str(), "");
}

static void the_same_seed_gives_the_same_trace(void**) {
  const auto run = [](std::uint64_t seed) {
    World world({.seed = seed, .devices = 3});
    join(world);
    for (std::uint64_t i = 0; i < 200; ++i) {
      assert_ok(world.put(world.device(i % 3), "m", key_of(i % 17), static_cast<std::int64_t>(i)));
      if (i % 31 == 0) world.cut(world.device(i % 3));
      if (i % 37 == 0) world.heal(world.device(0));
      world.run_ms(i % 11);
    }
    return world.trace();
  };
  assert_true(run(77) == run(77));
  assert_true(run(77) != run(78));
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(two_devices_that_wrote_apart_converge),
      cmocka_unit_test(a_change_reaches_the_other_device_in_realtime),
      cmocka_unit_test(an_unchanged_reconnect_takes_one_round_trip_and_200_bytes),
      cmocka_unit_test(ten_of_a_hundred_thousand_are_found_in_five_round_trips),
      cmocka_unit_test(a_gateway_that_vanishes_in_the_middle_of_a_comparison_costs_nothing),
      cmocka_unit_test(thirty_days_offline_on_200_keys_leave_200_ops),
      cmocka_unit_test(what_was_acknowledged_durable_survives_a_power_cut_of_the_gateway),
      cmocka_unit_test(a_cursor_past_what_the_gateway_kept_does_not_miss_what_comes_next),
      cmocka_unit_test(a_gateway_that_lost_everything_is_healed_by_its_devices),
      cmocka_unit_test(a_lost_removal_is_given_back_too),
      cmocka_unit_test(a_restored_device_image_goes_on_under_a_new_node_id),
      cmocka_unit_test(an_op_that_was_handed_to_a_link_is_never_restamped),
      cmocka_unit_test(a_device_in_1970_gets_its_time_and_loses_nothing),
      cmocka_unit_test(a_device_in_2099_is_corrected_and_pushes_nobody_else),
      cmocka_unit_test(a_clock_that_jumps_ahead_in_session_costs_no_write),
      cmocka_unit_test(a_prefix_subscription_holds_exactly_its_rows),
      cmocka_unit_test(an_expired_row_is_gone_everywhere),
      cmocka_unit_test(a_rejected_op_is_reported_and_leaves_no_trace),
      cmocka_unit_test(a_rejection_does_not_touch_a_later_write_of_its_cell),
      cmocka_unit_test(a_member_whose_lease_lapses_is_seen_to_leave_and_comes_back),
      cmocka_unit_test(the_same_seed_gives_the_same_trace),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
