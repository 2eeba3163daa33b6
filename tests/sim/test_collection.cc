// SPDX-License-Identifier: Apache-2.0
//
// The schedules of collection, told: what is deleted, when the deletion itself may go, and who comes back too late
// (PROTOCOL P17 to P20).

#include <cstring>

#include "tests/sim/story.h"

using grid::runtime::Scope;
using grid::runtime::ScopeKind;
using grid::storage::MemoryStore;

namespace grid::sim {

namespace {

constexpr std::uint64_t kHourMs = 3'600'000;
constexpr std::uint64_t kDay = 24 * kHourMs;

// Deletions are kept ten days for who is silent, and one for backups; who is silent for twenty days does not count.
World::Options ten_days(std::uint64_t seed, std::size_t devices = 2) {
  World::Options options{.seed = seed, .devices = devices};
  options.server.keeping = {10 * kDay, 20 * kDay, kDay};
  return options;
}

server::CoordinatorStatus status_of(World& world) { return world.gateway().coordinator->status(); }

bool holds(Site& site, std::string_view key) { return site.store->find({"m", key, {}}).ok(); }

// Rows of both devices everywhere; then one is cut off, and the other removes `key`.
void remove_while_away(World& world, Site& away, Site& here, std::string_view key) {
  assert_converged(world);
  world.cut(away);
  assert_ok(world.remove(here, "m", key));
  world.run_ms(1'000);
}

}  // namespace

// ---- what goes, and when

// PROTOCOL P18: everybody has acknowledged it.
static void a_removal_that_every_device_has_acknowledged_is_collected_behind_the_horizon(void**) {
  World world(ten_days(700));
  join(world);
  assert_ok(world.put(world.device(0), "m", "x", 1));
  assert_converged(world);
  assert_ok(world.remove(world.device(1), "m", "x"));
  assert_converged(world);
  assert_int_equal(status_of(world).tombstones, 1);
  world.run_ms(kDay / 2);
  assert_true(holds(world.gateway(), "x"));  // A backup may lack it.
  world.run_ms(kDay);
  assert_false(holds(world.gateway(), "x"));
  assert_int_equal(status_of(world).tombstones, 0);
  assert_int_equal(status_of(world).cells_collected, 1);
  assert_int_equal(status_of(world).floor, 2);
  assert_int_equal(status_of(world).devices_enrolled, 2);
  assert_converged(world);
  verify_all(world);
}

// PROTOCOL P18: one is away, and the deletion waits for it as long as the retention says.
static void a_removal_waits_for_a_device_that_is_away_until_its_retention_ends(void**) {
  World world(ten_days(701));
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_ok(world.put(a, "m", "x", 1));
  remove_while_away(world, a, b, "x");
  world.run_ms(9 * kDay);
  assert_true(holds(world.gateway(), "x"));
  world.run_ms(2 * kDay);
  assert_false(holds(world.gateway(), "x"));
}

// PROTOCOL P18: whoever was silent for longer than enroll_lapse is not waited for.
static void a_device_that_was_silent_for_too_long_is_not_waited_for(void**) {
  World::Options options = ten_days(702);
  options.server.keeping.retention_ms = 100 * kDay;
  World world(options);
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_ok(world.put(a, "m", "x", 1));
  remove_while_away(world, a, b, "x");
  world.run_ms(19 * kDay);
  assert_true(holds(world.gateway(), "x"));
  world.run_ms(2 * kDay);
  assert_false(holds(world.gateway(), "x"));
  assert_int_equal(status_of(world).devices_lapsed, 1);
  world.heal(a);
  assert_converged(world);
  assert_int_equal(world.get(a, "m", "x", 0), 0);
}

// A device is asked for its own scopes only.
static void a_removal_does_not_wait_for_who_is_connected_and_wants_other_maps(void**) {
  World world(ten_days(703));
  Site &a = world.device(0), &b = world.device(1);
  world.subscribe(a, {ScopeKind::map, "other"});
  world.subscribe(b);
  world.online(a);
  world.online(b);
  assert_ok(world.put(a, "other", "y", 1));
  assert_ok(world.put(b, "m", "x", 1));
  assert_true(world.settle());
  assert_ok(world.remove(b, "m", "x"));
  world.run_ms(2 * kDay);
  assert_false(holds(world.gateway(), "x"));
  assert_int_equal(a.replica->status(0).figures.reconnects, 0);
}

// PROTOCOL P20: an expired cell is a removal that arrives when it expires.
static void an_expired_row_is_collected_like_a_removal(void**) {
  World world(ten_days(704));
  join(world);
  assert_ok(world.put(world.device(0), "m", "x", 1, 3 * kDay));
  assert_ok(world.put(world.device(0), "m", "y", 1));
  assert_converged(world);
  world.run_ms(3 * kDay + kHourMs);
  assert_true(holds(world.gateway(), "x"));
  assert_int_equal(status_of(world).tombstones, 1);
  world.run_ms(kDay + 4 * kHourMs);
  assert_false(holds(world.gateway(), "x"));
  assert_true(holds(world.gateway(), "y"));
  assert_converged(world);
  verify_all(world);
}

// PROTOCOL P18: devices collect by the server's floor.
static void devices_forget_a_removal_behind_the_gateway(void**) {
  World world(ten_days(705));
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_ok(world.put(a, "m", "kept", 1));
  for (int day = 0; day < 12; ++day) {
    const std::string key = "x" + std::to_string(day);
    assert_ok(world.put(a, "m", key, 1));
    assert_converged(world);
    assert_ok(world.remove(b, "m", key));
    world.run_ms(kDay);
    assert_converged(world);
  }
  for (Site* site : {&a, &b}) {
    std::size_t held = 0;
    for (int day = 0; day < 12; ++day) held += holds(*site, "x" + std::to_string(day));
    assert_in_range(held, 1, 5);
    assert_true(holds(*site, "kept"));
  }
  verify_all(world);
}

// PROTOCOL P20: no row is erased by a clock that no gateway has spoken for, or that has been set back since.
static void a_row_that_only_a_wrong_clock_takes_for_expired_is_not_forgotten(void**) {
  for (const bool is_put_right : {false, true}) {
    World world(ten_days(708));
    Site &a = world.device(0), &b = world.device(1), &gateway = world.gateway();
    join(world);
    assert_ok(world.put(a, "m", "x", 1, 30 * kDay));
    for (const char* key : {"u", "v", "w"}) assert_ok(world.put(b, "m", key, 1));
    assert_converged(world);
    assert_ok(world.remove(b, "m", "u"));
    world.run_ms(2 * kDay);
    gateway.knows_time = is_put_right;
    start_again(world, gateway);
    assert_true(world.settle());
    a.wall_skew_ms = 3'650 * static_cast<std::int64_t>(kDay);
    if (!is_put_right) start_again(world, a);
    assert_true(world.settle());
    gateway.knows_time = true;
    assert_ok(world.remove(b, "m", "v"));  // What is known of it is noted by the wrong clock,
    world.run_ms(3 * kDay);
    if (is_put_right) a.wall_skew_ms = 0;
    assert_ok(world.remove(b, "m", "w"));  // and what was noted is gone by.
    world.run_ms(3 * kDay);
    assert_false(holds(gateway, "w"));
    assert_false(holds(a, "v"));
    assert_true(holds(a, "x"));
    a.wall_skew_ms = 0;
    start_again(world, a);
    assert_converged(world);
    verify_all(world);
  }
}

// ---- who comes back too late

// SYN-3, PROTOCOL P17: a device that never saw the deletion does not bring the row back.
static void a_row_that_was_collected_while_its_device_was_away_does_not_return(void**) {
  World world(ten_days(710));
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_ok(world.put(a, "m", "x", 1));
  assert_ok(world.put(a, "m", "y", 2));
  remove_while_away(world, a, b, "x");
  world.run_ms(12 * kDay);
  assert_false(holds(world.gateway(), "x"));
  world.heal(a);
  assert_converged(world);
  assert_int_equal(world.get(a, "m", "x", 0), 0);
  assert_int_equal(world.get(a, "m", "y", 0), 2);
  verify_all(world);
}

// PROTOCOL P17: forty days offline with a new key from day 1 and a floor at day 10: nobody ever deleted it.
static void a_new_key_from_before_the_floor_is_accepted(void**) {
  World world(ten_days(711));
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_ok(world.put(a, "m", "x", 1));
  assert_converged(world);
  world.cut(a);
  world.run_ms(kDay);
  assert_ok(world.put(a, "m", "new", 7));
  world.run_ms(kDay);
  assert_ok(world.remove(b, "m", "x"));
  world.run_ms(38 * kDay);
  assert_true(status_of(world).floor > 0);
  world.heal(a);
  assert_converged(world);
  assert_int_equal(world.get(b, "m", "new", 0), 7);
  assert_int_equal(world.get(a, "m", "x", 0), 0);
}

// PROTOCOL P17: another device wrote the same new key, and deleted it, and holds that deletion still.
static void a_new_key_that_others_have_deleted_since_is_the_same_everywhere(void**) {
  World world(ten_days(714));
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_converged(world);
  assert_ok(world.put(b, "m", "other", 1));
  assert_converged(world);
  world.cut(a);
  assert_ok(world.put(a, "m", "x", 7));
  world.run_ms(kHourMs);
  assert_ok(world.put(b, "m", "x", 1));
  world.run_ms(kHourMs);
  assert_ok(world.remove(b, "m", "x"));
  world.run_ms(12 * kDay);
  assert_false(holds(world.gateway(), "x"));
  assert_true(holds(b, "x"));
  world.heal(a);
  assert_converged(world);
  assert_int_equal(world.get(b, "m", "x", 0), 7);
  assert_int_equal(world.get(a, "m", "x", 0), 7);
}

// PROTOCOL P17: a late change of a row that was deleted, and the deletion collected, is refused and reported.
static void a_late_change_of_a_collected_row_is_refused(void**) {
  World world(ten_days(712));
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_ok(world.put(a, "m", "x", 1));
  assert_converged(world);
  world.cut(a);
  crdt::Seq seq = 0;
  assert_ok(world.put(a, "m", "x", 2, 0, &seq));
  world.run_ms(kDay);
  assert_ok(world.remove(b, "m", "x"));
  world.run_ms(15 * kDay);
  assert_false(holds(world.gateway(), "x"));
  world.heal(a);
  assert_converged(world);
  assert_int_equal(a.outcomes.at(seq), Outcome::rejected);
  assert_non_null(std::strstr(a.replica->problem(), "collected"));
  assert_int_equal(world.get(a, "m", "x", 0), 0);
  assert_int_equal(world.get(b, "m", "x", 0), 0);
  assert_ok(world.put(a, "m", "x", 3));  // Now it knows.
  assert_converged(world);
  assert_int_equal(world.get(b, "m", "x", 0), 3);
}

// The same op, whose first link drops at every moment between its comparison and its push.
static void a_late_change_is_refused_on_whatever_link_it_comes(void**) {
  for (std::uint64_t ms = 1; ms < 120; ms += 9) {
    World world(ten_days(1'000 + ms));
    Site &a = world.device(0), &b = world.device(1);
    join(world);
    assert_ok(world.put(a, "m", "x", 1));
    assert_converged(world);
    world.cut(a);
    assert_ok(world.put(a, "m", "x", 2));
    world.run_ms(kDay);
    assert_ok(world.remove(b, "m", "x"));
    world.run_ms(15 * kDay);
    world.heal(a);
    assert_true(world.run_until([&] { return !a.links.empty(); }, 60'000));
    world.run_ms(ms);
    start_again(world, a);
    assert_converged(world);
    assert_int_equal(world.get(b, "m", "x", 0), 0);
  }
}

// A device that only writes has seen no deletion, and is silent for no time: what is newer than all that was collected
// is no late change.
static void a_device_that_only_writes_goes_on_writing(void**) {
  World world(ten_days(713));
  Site &a = world.device(0), &b = world.device(1);
  world.online(a);
  world.subscribe(b);
  world.online(b);
  assert_ok(world.put(a, "m", "x", 1));
  world.run_ms(1'000);
  assert_ok(world.remove(b, "m", "x"));
  world.run_ms(12 * kDay);
  assert_false(holds(world.gateway(), "x"));
  assert_ok(world.put(a, "m", "x", 2));
  world.run_ms(1'000);
  assert_int_equal(world.get(b, "m", "x", 0), 2);
}

// ---- a gateway that was set back

// PROTOCOL P12, P19: what a restored gateway lost comes back, from devices that are past its floor.
static void a_restored_gateway_gets_back_what_it_lost_and_not_what_was_deleted(void**) {
  World world(ten_days(720, 3));
  Site &a = world.device(0), &b = world.device(1), &stale = world.device(2);
  join(world);
  assert_ok(world.put(a, "m", "deleted", 1));
  assert_ok(world.put(a, "m", "kept", 1));
  assert_converged(world);
  world.cut(stale);
  assert_ok(world.remove(b, "m", "deleted"));
  world.run_ms(12 * kDay);
  assert_true(status_of(world).floor > 0);
  const MemoryStore backup(*world.gateway().store);
  assert_ok(world.put(a, "m", "lost", 5));
  world.run_ms(kHourMs);
  start_again(world, world.gateway());  // Its later epochs are unknown to the backup.
  world.run_ms(kHourMs);
  assert_ok(world.put(b, "m", "lost too", 6));
  world.run_ms(kHourMs);
  set_back(world, world.gateway(), backup);
  world.heal(stale);
  assert_converged(world);
  for (Site* site : {&a, &b, &stale}) {
    assert_int_equal(world.get(*site, "m", "lost", 0), 5);
    assert_int_equal(world.get(*site, "m", "lost too", 0), 6);
    assert_int_equal(world.get(*site, "m", "kept", 0), 1);
    assert_int_equal(world.get(*site, "m", "deleted", 0), 0);
  }
  verify_all(world);
}

// PROTOCOL P19: no window that somebody opens after a restore is long enough for the device that was away.
static void what_only_a_late_device_holds_comes_back_days_after_a_restore(void**) {
  World world(ten_days(722));
  Site &late = world.device(0), &other = world.device(1);
  join(world);
  assert_ok(world.put(late, "m", "kept", 1));
  assert_converged(world);
  const MemoryStore backup(*world.gateway().store);
  world.cut(other);
  assert_ok(world.put(late, "m", "lost", 5));
  world.run_ms(kHourMs);
  world.cut(late);
  set_back(world, world.gateway(), backup);
  world.heal(other);
  for (int i = 0; i < 50; ++i) assert_ok(world.put(other, "m", "later/" + std::to_string(i), i));
  world.run_ms(5 * kDay);
  assert_false(holds(world.gateway(), "lost"));
  world.heal(late);
  assert_converged(world);
  assert_int_equal(world.get(other, "m", "lost", 0), 5);
}

// PROTOCOL P18: a deletion that the backup lacks is kept at least until the backup has expired, on devices too.
static void a_deletion_that_the_backup_lacks_survives_its_restoration(void**) {
  World world(ten_days(721));
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_ok(world.put(a, "m", "x", 1));
  assert_ok(world.put(a, "m", "old", 1));
  assert_converged(world);
  assert_ok(world.remove(a, "m", "old"));
  world.run_ms(2 * kDay);
  assert_true(status_of(world).floor > 0);
  const MemoryStore backup(*world.gateway().store);
  assert_ok(world.remove(b, "m", "x"));
  world.run_ms(kDay - kHourMs);
  set_back(world, world.gateway(), backup);
  assert_converged(world);
  assert_int_equal(world.get(world.gateway(), "m", "x", 0), 0);
}

// SYN-3: the journal is gone, and the database that it is filled from remembers the floor.
static void a_journal_that_is_filled_from_the_database_keeps_its_floor(void**) {
  World::Options options = ten_days(722);
  options.server.has_sink = true;
  World world(options);
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_ok(world.put(a, "m", "x", 1));
  assert_ok(world.put(a, "m", "y", 1));
  remove_while_away(world, a, b, "x");
  world.run_ms(12 * kDay);
  assert_false(holds(world.gateway(), "x"));
  assert_int_equal(world.gateway().database.rows.size(), 1);
  set_back(world, world.gateway(), MemoryStore(MemoryStore::Options{}));
  world.heal(a);
  assert_converged(world);
  assert_int_equal(world.get(a, "m", "x", 0), 0);
  assert_int_equal(world.get(b, "m", "y", 0), 1);
}

// PROTOCOL P18: a power cut takes back a collection whole, floor and all, or leaves it whole.
static void a_power_cut_in_a_collection_takes_all_of_it(void**) {
  for (std::uint64_t ms = 0; ms < 3; ++ms) {
    World world(ten_days(730 + ms));
    Site &a = world.device(0), &b = world.device(1);
    join(world);
    for (std::uint64_t i = 0; i < 20; ++i) assert_ok(world.put(a, "m", key_of(i), 1));
    remove_while_away(world, a, b, key_of(0));
    for (std::uint64_t i = 1; i < 20; ++i) assert_ok(world.remove(b, "m", key_of(i)));
    world.run_ms(kDay);
    assert_true(world.run_until([&] { return !holds(world.gateway(), key_of(19)); }, 15 * kDay));
    world.run_ms(ms);
    start_again(world, world.gateway());
    assert_int_equal(status_of(world).tombstones == 0, status_of(world).floor > 0);
    world.heal(a);
    assert_converged(world);
    assert_int_equal(world.live_cells(a).size(), 0);
  }
}

}  // namespace grid::sim

int main() {
  using namespace grid::sim;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_removal_that_every_device_has_acknowledged_is_collected_behind_the_horizon),
      cmocka_unit_test(a_removal_waits_for_a_device_that_is_away_until_its_retention_ends),
      cmocka_unit_test(a_device_that_was_silent_for_too_long_is_not_waited_for),
      cmocka_unit_test(a_removal_does_not_wait_for_who_is_connected_and_wants_other_maps),
      cmocka_unit_test(an_expired_row_is_collected_like_a_removal),
      cmocka_unit_test(devices_forget_a_removal_behind_the_gateway),
      cmocka_unit_test(a_row_that_only_a_wrong_clock_takes_for_expired_is_not_forgotten),
      cmocka_unit_test(a_row_that_was_collected_while_its_device_was_away_does_not_return),
      cmocka_unit_test(a_new_key_from_before_the_floor_is_accepted),
      cmocka_unit_test(a_new_key_that_others_have_deleted_since_is_the_same_everywhere),
      cmocka_unit_test(a_late_change_of_a_collected_row_is_refused),
      cmocka_unit_test(a_late_change_is_refused_on_whatever_link_it_comes),
      cmocka_unit_test(a_device_that_only_writes_goes_on_writing),
      cmocka_unit_test(a_restored_gateway_gets_back_what_it_lost_and_not_what_was_deleted),
      cmocka_unit_test(what_only_a_late_device_holds_comes_back_days_after_a_restore),
      cmocka_unit_test(a_deletion_that_the_backup_lacks_survives_its_restoration),
      cmocka_unit_test(a_journal_that_is_filled_from_the_database_keeps_its_floor),
      cmocka_unit_test(a_power_cut_in_a_collection_takes_all_of_it),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
