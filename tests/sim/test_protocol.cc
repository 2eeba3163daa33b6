// SPDX-License-Identifier: Apache-2.0
//
// The schedules of the protocol's rules, told: what breaks a system that lacks the rule. This file has those of cells
// and time; test_protocol_ops.cc those of identity, ops and acks; test_protocol_pull.cc those of streams;
// test_protocol_heal.cc those of comparisons and healing.
//
// Place     Beside test_scenarios.cc. Each fails when its rule is taken away: tests/mutants says which fault is
//           told as which scenario.
//
//   rule  scenario (of one of these four files, where none is named)
//   P1    an_image_that_is_one_push_old_goes_on_under_a_new_name,
//         a_restored_image_signs_what_it_had_pending_under_its_new_name,
//         a_power_cut_of_the_gateway_makes_no_device_a_clone, an_older_token_is_never_given_again,
//         the_first_token_of_a_node_waits_for_the_disk_too;
//         test_scenarios.cc: a_restored_device_image_goes_on_under_a_new_node_id
//   P2    test_access.cc
//   P3    accepted_stamps_do_not_push_the_judge, what_a_gateway_took_without_time_shuts_nobody_out,
//         a_gateway_that_starts_in_the_past_judges_by_what_it_knew, a_gateway_without_time_does_not_judge,
//         who_follows_a_healed_stamp_may_write, who_overwrote_a_stamp_that_nobody_holds_any_more_may_write,
//         what_was_refused_is_not_taken_because_something_was_lost, what_was_taken_before_a_loss_keeps_its_stamp;
//         test_scenarios.cc: a_device_in_2099_is_corrected_and_pushes_nobody_else
//   P4    a_correction_moves_the_expiry_along, a_correction_stays_above_what_was_accepted,
//         a_correction_waits_for_what_is_in_flight, what_an_image_pushed_in_another_life_is_not_restamped,
//         what_was_sent_is_known_as_shared_after_a_power_cut;
//         test_scenarios.cc: an_op_that_was_handed_to_a_link_is_never_restamped
//   P5    test_scenarios.cc: a_rejected_op_is_reported_and_leaves_no_trace,
//         thirty_days_offline_on_200_keys_leave_200_ops
//   P6    test_scenarios.cc: a_rejection_does_not_touch_a_later_write_of_its_cell; the dead-letter list is pending
//   P7    test_access.cc: a_write_that_was_relayed_before_its_right_went_is_written_over;
//         test_policy.cc: what_was_relayed_and_is_refused_when_it_comes_again_is_written_over
//   P8    what_is_not_durable_at_the_gateway_stays_in_the_log, a_full_log_of_shared_ops_refuses,
//         what_a_full_log_drops_is_told_and_comes_back_from_the_gateway, a_row_that_is_under_way_is_not_dropped
//   P9    pending: batches
//   P10   pending: policies
//   P11   a_backlog_of_many_frames_arrives_whole
//   P12   a_gateway_that_lost_everything_is_healed_by_who_only_listened,
//         a_cursor_does_not_stand_for_what_the_database_gave_back;
//         test_scenarios.cc: a_cursor_past_what_the_gateway_kept_does_not_miss_what_comes_next
//   P13   a_cursor_of_a_narrower_scope_is_not_believed; rows and Datalog scopes are pending
//   P14   pending: collection, which alone asks what a device has acknowledged
//   P15   a_value_that_is_too_large_stalls_nobody
//   P16   a_key_that_arrives_during_a_comparison_is_not_taken_for_lost,
//         equal_replicas_with_other_removals_have_equal_digests
//   P17   pending: collection
//   P18   pending: collection
//   P19   test_protocol_heal.cc: the part `healing`; test_scenarios.cc: a_lost_removal_is_given_back_too,
//         a_gateway_that_lost_everything_is_healed_by_its_devices; an operator's window is pending
//   P20   a_device_that_does_not_know_the_time_expires_nothing, a_welcome_that_was_slept_on_tells_no_time;
//         test_scenarios.cc: an_expired_row_is_gone_everywhere
//   P21   test_access.cc
//   P22   pending: eviction
//   P23   pending: facts
//   P24   pending: facts
//   P25   pending: counters
//   P26   pending: the OR-Map
//   P27   pending: collection and the dead-letter list; tests/contract has the guard

#include "crdt/value.h"
#include "tests/sim/story.h"

using grid::Outcome;
using grid::runtime::ScopeKind;
using grid::storage::MemoryStore;

namespace grid::sim {

namespace {

constexpr std::int64_t kHourMs = 3'600'000;

}  // namespace

// CEL-1
static void two_writes_of_one_moment_end_alike_everywhere(void**) {
  World world({.seed = 101, .devices = 3});
  join(world);
  assert_converged(world);
  for (std::uint64_t i = 0; i < 8; ++i) {
    for (std::size_t d = 0; d < 3; ++d) {
      assert_ok(world.put(world.device(d), "m", key_of(i), static_cast<std::int64_t>(10 * i + d)));
    }
    world.run_ms(1'000);
  }
  assert_converged(world);
}

// A whole site is set back to its backup, but for one device: the clock goes on from the same ceiling as before, and
// nobody who could know that is left. CEL-1
static void write_twice_under_one_stamp(std::int64_t first, std::int64_t second, std::uint64_t ttl_ms,
                                        std::uint64_t second_ttl_ms) {
  World world({.seed = 102});
  Site& a = world.device(0);
  Site& gateway = world.gateway();
  join(world);
  assert_ok(world.put(a, "m", "y", 1));
  assert_converged(world);
  const MemoryStore image(*a.store), gateway_image(*gateway.store);
  set_back(world, a, image);
  assert_ok(world.put(a, "m", "x", first, ttl_ms));
  assert_converged(world);
  const crdt::Stamp stamp = cell_of(gateway, "m", "x").stamp;
  set_back(world, gateway, gateway_image);
  set_back(world, a, image);
  assert_ok(world.put(a, "m", "x", second, second_ttl_ms));
  assert_true(cell_of(a, "m", "x").stamp == stamp);
  assert_converged(world);
  const crdt::Cell cell = cell_of(gateway, "m", "x");
  for (std::size_t i = 0; i < 2; ++i) {
    assert_int_equal(cell_of(world.device(i), "m", "x").expires_ms, cell.expires_ms);
  }
}

static void two_values_under_one_stamp_end_alike_everywhere(void**) {
  write_twice_under_one_stamp(1, 2, 0, 0);
  write_twice_under_one_stamp(2, 1, 0, 0);
}

static void two_expiries_under_one_stamp_end_alike_everywhere(void**) {
  write_twice_under_one_stamp(1, 1, 1'000'000, 2'000'000);
  write_twice_under_one_stamp(1, 1, 2'000'000, 1'000'000);
}

// ---- time

// CLK-1
static void a_device_without_time_issues_no_stamp_twice(void**) {
  World world({.seed = 104});
  Site& a = world.device(0);
  lose_time(world, a);
  world.run_ms(5'000);
  assert_ok(world.put(a, "m", "x", 1));
  world.run_ms(100);
  start_again(world, a);
  assert_ok(world.put(a, "m", "y", 2));
  assert_true(cell_of(a, "m", "y").stamp > cell_of(a, "m", "x").stamp);
}

// CLK-1
static void a_slow_clock_still_writes_later_than_what_it_has_seen(void**) {
  World world({.seed = 105});
  world.device(1).wall_skew_ms = -3'000;
  join(world);
  assert_ok(world.put(world.device(0), "m", "x", 1));
  assert_converged(world);
  assert_ok(world.put(world.device(1), "m", "x", 2));
  assert_converged(world);
  assert_int_equal(world.get(world.gateway(), "m", "x", 0), 2);
}

// PROTOCOL P4: written in 1970 to live for an hour, the row lives for an hour of the year in which it is shared.
static void a_correction_moves_the_expiry_along(void**) {
  World world({.seed = 106});
  Site& a = world.device(0);
  lose_time(world, a);
  assert_ok(world.put(a, "m", "x", 1, kHourMs));
  join(world);
  assert_converged(world);
  assert_int_equal(world.get(world.device(1), "m", "x", 0), 1);
}

// PROTOCOL P4: what was accepted from a clock that was ahead stays below what is written once it is right.
static void a_correction_stays_above_what_was_accepted(void**) {
  World world({.seed = 107});
  Site& a = world.device(0);
  join(world);
  assert_converged(world);
  a.wall_skew_ms = 50'000;
  assert_ok(world.put(a, "m", "x", 1));
  assert_converged(world);
  world.cut(a);
  world.run_ms(1'000);
  assert_ok(world.put(a, "m", "y", 2));
  world.run_ms(100);
  a.wall_skew_ms = 0;
  assert_ok(world.put(a, "m", "z", 3));  // The clock is seen to be right again, and y and z move.
  assert_ok(world.put(a, "m", "x", 3));
  world.heal(a);
  assert_converged(world);
  assert_int_equal(world.get(world.gateway(), "m", "x", 0), 3);
}

// PROTOCOL P4: a correction while an op is under way would go below its stamp, and what is written next would lose to
// it.
static void a_correction_waits_for_what_is_in_flight(void**) {
  World world({.seed = 108});
  Site& a = world.device(0);
  join(world);
  assert_converged(world);
  a.wall_skew_ms = 50'000;
  world.block(a, true, false);
  assert_ok(world.put(a, "m", "x", 1));
  world.run_ms(50);
  assert_ok(world.put(a, "m", "y", 2));
  a.wall_skew_ms = 0;
  assert_ok(world.put(a, "m", "x", 3));
  world.heal(a);
  assert_converged(world);
  assert_int_equal(world.get(world.gateway(), "m", "x", 0), 3);
}

// PROTOCOL P3: otherwise clocks that are ahead could lead the gateway on, a minute at a time.
static void accepted_stamps_do_not_push_the_judge(void**) {
  World world({.seed = 109});
  Site& a = world.device(0);
  join(world);
  assert_converged(world);
  for (std::int64_t i = 1; i < 10; ++i) {
    a.wall_skew_ms = i * 50'000;
    assert_ok(world.put(a, "m", "x", i));
    assert_converged(world);
  }
  assert_true(cell_of(world.gateway(), "m", "x").stamp.wall_ms() <= world.true_ms() + kDriftMsMax);
}

// PROTOCOL P3: a gateway that boots without time takes what comes; when it learns the time, that is its own past.
static void what_a_gateway_took_without_time_shuts_nobody_out(void**) {
  World world({.seed = 110});
  Site& a = world.device(0);
  a.wall_skew_ms = kHourMs;
  lose_time(world, world.gateway());
  join(world);
  assert_ok(world.put(a, "m", "x", 1));
  assert_converged(world);
  world.gateway().knows_time = true;
  assert_ok(world.put(world.device(1), "m", "x", 2));
  assert_converged(world);
  assert_int_equal(world.get(world.gateway(), "m", "x", 0), 2);
  assert_int_equal(rejected_by(world), 0);
}

// PROTOCOL P3: its own memory of the time is better than a clock that was set back while it was off.
static void a_gateway_that_starts_in_the_past_judges_by_what_it_knew(void**) {
  World world({.seed = 111, .devices = 4, .commit_ms = 50});
  Site& a = world.device(0);
  for (std::size_t i = 0; i < 2; ++i) world.subscribe(world.device(i)), world.online(world.device(i));
  assert_ok(world.put(a, "m", "x", 1));
  world.run_ms(24 * kHourMs);
  // Two that were never here let it write down the time.
  for (std::size_t i = 2; i < 4; ++i) world.subscribe(world.device(i)), world.online(world.device(i)), world.run_ms(20);
  assert_true(world.settle());
  world.block(a, true, false);
  assert_ok(world.put(a, "m", "x", 2));
  world.run_ms(500);
  const crdt::Stamp stamp = cell_of(a, "m", "x").stamp;
  world.gateway().wall_skew_ms = -12 * kHourMs;
  start_again(world, world.gateway());
  world.heal(a);
  assert_converged(world);
  assert_true(cell_of(world.gateway(), "m", "x").stamp == stamp);
}

// PROTOCOL P3: what it remembers of the time is an hour old.
static void a_gateway_without_time_does_not_judge(void**) {
  World world({.seed = 112});
  world.crash(world.gateway());
  world.run_ms(kHourMs);
  lose_time(world, world.gateway());
  join(world);
  assert_ok(world.put(world.device(0), "m", "x", 1));
  assert_converged(world);
  assert_int_equal(rejected_by(world), 0);
}

// PROTOCOL P3
static void a_clock_that_jumps_ahead_in_session_moves_nobody_else(void**) {
  World world({.seed = 113});
  join(world);
  assert_converged(world);
  world.device(0).wall_skew_ms = 72 * kHourMs;
  assert_ok(world.put(world.device(0), "m", "x", 1));
  assert_converged(world);
  assert_ok(world.put(world.device(1), "m", "x", 2));
  assert_converged(world);
  assert_true(cell_of(world.gateway(), "m", "x").stamp.wall_ms() <= world.true_ms() + kDriftMsMax);
}

// PROTOCOL P3: what comes back by healing was accepted once, and clocks have followed it.
static void who_follows_a_healed_stamp_may_write(void**) {
  World world({.seed = 114});
  world.device(0).wall_skew_ms = kHourMs;
  lose_time(world, world.gateway());
  join(world);
  assert_ok(world.put(world.device(0), "m", "x", 1));
  assert_converged(world);
  world.gateway().knows_time = true;
  set_back(world, world.gateway(), MemoryStore());
  assert_converged(world);
  assert_ok(world.put(world.device(1), "m", "y", 2));
  assert_converged(world);
  assert_int_equal(world.get(world.gateway(), "m", "y", 0), 2);
  assert_int_equal(rejected_by(world), 0);
}

// PROTOCOL P3, P19: a stamp that the gateway took without time is lost there, and everybody has written over it.
static void who_overwrote_a_stamp_that_nobody_holds_any_more_may_write(void**) {
  World world({.seed = 115});
  Site &a = world.device(0), &b = world.device(1);
  a.wall_skew_ms = kHourMs;
  lose_time(world, world.gateway());
  join(world);
  assert_ok(world.put(a, "m", "x", 1));
  assert_converged(world);
  world.gateway().knows_time = true;
  world.cut(b);
  a.wall_skew_ms = 0;
  set_back(world, a, MemoryStore());
  set_back(world, world.gateway(), MemoryStore());
  assert_ok(world.put(b, "m", "x", 2));
  world.heal(b);
  assert_converged(world);
  assert_int_equal(world.get(world.gateway(), "m", "x", 0), 2);
}

// PROTOCOL P7, P19: the gateway took an op without time and lost it, and others have seen it under its stamp.
static void what_was_taken_before_a_loss_keeps_its_stamp(void**) {
  World world({.seed = 117});
  Site &a = world.device(0), &gateway = world.gateway();
  join(world);
  const MemoryStore image(*gateway.store);
  assert_ok(world.put(a, "m", "w", 1));
  assert_converged(world);
  a.wall_skew_ms = kHourMs;
  lose_time(world, gateway);
  world.run_ms(5'000);
  world.fill_disk(gateway, 3'000);
  assert_ok(world.put(a, "m", "x", 1));
  const crdt::Stamp stamp = cell_of(a, "m", "x").stamp;
  assert_true(world.run_until([&] { return world.get(world.device(1), "m", "x", 0) == 1; }, 60'000));
  world.run_ms(100);
  gateway.knows_time = true;
  world.cut(world.device(1));
  set_back(world, gateway, image);
  assert_true(world.run_until([&] { return world.get(gateway, "m", "x", 0) == 1; }, 60'000));
  assert_true(cell_of(gateway, "m", "x").stamp == stamp);
}

// PROTOCOL P3, P7: an ack covers what was refused, too, and that is no evidence that it was ever taken.
static void what_was_refused_is_not_taken_because_something_was_lost(void**) {
  World world({.seed = 116});
  Site &a = world.device(0), &gateway = world.gateway();
  join(world);
  const MemoryStore image(*gateway.store);
  assert_ok(world.put(a, "m", "w", 1));
  assert_converged(world);
  world.fill_disk(gateway, 10'000);
  assert_ok(world.put(world.device(1), "m", "y", 1));
  world.run_ms(100);
  a.wall_skew_ms = 72 * kHourMs;
  assert_ok(world.put(a, "m", "x", 1));
  assert_true(world.run_until([&] { return rejected_by(world) > 0; }, 60'000));
  world.run_ms(100);
  set_back(world, gateway, image);
  assert_converged(world);
  assert_int_equal(world.get(gateway, "m", "x", 0), 1);
  assert_true(cell_of(gateway, "m", "x").stamp.wall_ms() <= world.true_ms() + kDriftMsMax);
}

// PROTOCOL P20: it resumes from its last stamp, which says nothing of what has expired.
static void a_device_that_does_not_know_the_time_expires_nothing(void**) {
  World world({.seed = 115});
  Site& b = world.device(1);
  join(world);
  assert_ok(world.put(world.device(0), "m", "x", 1, 600'000));
  assert_converged(world);
  world.cut(b);
  b.wall_skew_ms = kHourMs;
  assert_ok(world.put(b, "m", "y", 2));
  world.run_ms(100);
  b.wall_skew_ms = 0;
  lose_time(world, b);
  assert_ok(b.replica->find("m", "x", 0).status());
}

// P20: half of the way there and back counts as the way back, and the device slept on it.
static void a_welcome_that_was_slept_on_tells_no_time(void**) {
  World world({.seed = 132});
  Site& a = world.device(0);
  join(world);
  assert_true(world.run_until([&] { return a.replica->status(0).state == SyncState::authenticating; }, 10'000));
  world.run_ms(2);  // Hello is on its way.
  world.sleep(a, 26'000);
  assert_converged(world);
  assert_int_equal(a.replica->status(0).clock_offset_ms, 0);
}

}  // namespace grid::sim

int main() {
  using namespace grid::sim;
  const CMUnitTest tests[] = {
      cmocka_unit_test(two_writes_of_one_moment_end_alike_everywhere),
      cmocka_unit_test(two_values_under_one_stamp_end_alike_everywhere),
      cmocka_unit_test(two_expiries_under_one_stamp_end_alike_everywhere),
      cmocka_unit_test(a_device_without_time_issues_no_stamp_twice),
      cmocka_unit_test(a_slow_clock_still_writes_later_than_what_it_has_seen),
      cmocka_unit_test(a_correction_moves_the_expiry_along),
      cmocka_unit_test(a_correction_stays_above_what_was_accepted),
      cmocka_unit_test(a_correction_waits_for_what_is_in_flight),
      cmocka_unit_test(accepted_stamps_do_not_push_the_judge),
      cmocka_unit_test(what_a_gateway_took_without_time_shuts_nobody_out),
      cmocka_unit_test(a_gateway_that_starts_in_the_past_judges_by_what_it_knew),
      cmocka_unit_test(a_gateway_without_time_does_not_judge),
      cmocka_unit_test(a_clock_that_jumps_ahead_in_session_moves_nobody_else),
      cmocka_unit_test(who_follows_a_healed_stamp_may_write),
      cmocka_unit_test(who_overwrote_a_stamp_that_nobody_holds_any_more_may_write),
      cmocka_unit_test(what_was_taken_before_a_loss_keeps_its_stamp),
      cmocka_unit_test(what_was_refused_is_not_taken_because_something_was_lost),
      cmocka_unit_test(a_device_that_does_not_know_the_time_expires_nothing),
      cmocka_unit_test(a_welcome_that_was_slept_on_tells_no_time),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
