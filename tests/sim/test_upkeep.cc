// SPDX-License-Identifier: Apache-2.0
//
// What a device does by itself as time passes, told: its watches hear of rows that expire, and of maps that it only
// writes it keeps what it was told to keep.

#include "crdt/pn_counter.h"
#include "runtime/edits.h"
#include "tests/sim/story.h"

using grid::crdt::Seq;
using grid::runtime::Call;
using grid::runtime::Scope;
using grid::runtime::ScopeKind;
using grid::storage::MemoryStore;

namespace grid::sim {

namespace {

constexpr std::uint64_t kHourMs = 3'600'000;

// So often the device's watches were told of the row as it stands.
std::size_t told_of(Site& device, std::string_view map, std::string_view key) {
  const auto op = device.store->find({map, key, {}});
  std::size_t count = 0;
  for (const auto& [watch, seq] : device.changes) count += op.ok() && op->seq == seq ? 1u : 0u;
  return count;
}

// Rows of a map that the site holds, removed ones too.
std::size_t rows_of(Site& site, std::string_view map) {
  std::size_t count = 0;
  for (runtime::Scan scan({ScopeKind::map, map, {}});;) {
    const auto op = scan.next(*site.store);
    if (!op.ok()) return count;
    count += op->cell.name.sub.empty() ? 1u : 0u;
  }
}

World::Options keeping(std::uint64_t seed, const Keep& rule) {
  World::Options options{.seed = seed, .devices = 1};
  options.keep = {rule};
  return options;
}

void write_online(World& world, std::uint64_t first, std::uint64_t count) {
  for (std::uint64_t i = first; i < first + count; ++i) {
    assert_ok(world.put(world.device(0), "load", key_of(i), 1));
    world.run_ms(50);
  }
}

}  // namespace

// ---- expiry

// PROTOCOL P20
static void a_watch_hears_of_a_row_when_it_expires(void**) {
  World world({.seed = 800, .devices = 1});
  Site& a = world.device(0);
  world.subscribe(a, {}, true);
  assert_ok(world.put(a, "m", "short", 1, 5'000));
  assert_ok(world.put(a, "m", "long", 1, kHourMs));
  world.run_ms(4'990);
  assert_int_equal(told_of(a, "m", "short"), 1);
  world.run_ms(20);
  assert_int_equal(told_of(a, "m", "short"), 2);
  assert_int_equal(told_of(a, "m", "long"), 1);
  world.run_ms(kHourMs);
  assert_int_equal(told_of(a, "m", "short"), 2);
  assert_int_equal(told_of(a, "m", "long"), 2);
}

// The same moment on every replica.
static void watches_of_other_devices_hear_of_it_too(void**) {
  World world({.seed = 801, .devices = 3});
  for (std::size_t i = 0; i < 3; ++i) world.subscribe(world.device(i), {}, true), world.online(world.device(i));
  assert_ok(world.put(world.device(0), "m", "x", 1, 5'000));
  assert_true(world.settle());
  for (std::size_t i = 0; i < 3; ++i) assert_int_equal(told_of(world.device(i), "m", "x"), 1);
  world.run_ms(5'000);
  for (std::size_t i = 0; i < 3; ++i) assert_int_equal(told_of(world.device(i), "m", "x"), 2);
}

// More than a device remembers, some of them at one moment; a second watch hears of each as well.
static void each_of_many_rows_is_told_once_to_each_watch(void**) {
  World world({.seed = 802, .devices = 1});
  Site& a = world.device(0);
  world.subscribe(a, {}, true);
  world.subscribe(a, {ScopeKind::map, "m"}, true);
  for (std::uint64_t i = 0; i < 100; ++i) assert_ok(world.put(a, "m", key_of(i), 1, 10'000 + i / 30 * 1'000));
  world.run_ms(5'000);
  for (std::uint64_t i = 0; i < 100; ++i) assert_int_equal(told_of(a, "m", key_of(i)), 2);
  world.run_ms(10'000);
  for (std::uint64_t i = 0; i < 100; ++i) assert_int_equal(told_of(a, "m", key_of(i)), 4);
}

// More records than a step reads, and the one that expires first is the last of them.
static void what_a_leap_of_the_clock_passes_over_is_told_whatever_is_read_first(void**) {
  World world({.seed = 816, .devices = 1});
  Site& a = world.device(0);
  a.wall_skew_ms = -60'000;
  start_again(world, a);
  world.subscribe(a, {}, true);
  assert_ok(world.put(a, "m", "late", 1, 50'000));
  for (std::uint64_t i = 0; i < 600; ++i) assert_ok(world.put(a, "m", key_of(i), 1));
  assert_ok(world.put(a, "m", "early", 1, 40'000));
  world.run_ms(5'000);
  a.wall_skew_ms = 0;
  world.nudge(a);
  world.run_ms(5'000);
  assert_int_equal(told_of(a, "m", "late"), 2);
  assert_int_equal(told_of(a, "m", "early"), 2);
}

static void what_is_written_anew_does_not_expire_as_what_it_was(void**) {
  World world({.seed = 803, .devices = 1});
  Site& a = world.device(0);
  world.subscribe(a, {}, true);
  assert_ok(world.put(a, "m", "x", 1, 5'000));
  world.run_ms(1'000);
  assert_ok(world.put(a, "m", "x", 2, 9'000));
  world.run_ms(5'000);
  assert_int_equal(told_of(a, "m", "x"), 1);
  world.run_ms(5'000);
  assert_int_equal(told_of(a, "m", "x"), 2);
}

static void what_expired_while_a_device_was_off_is_not_told_and_the_rest_is(void**) {
  World world({.seed = 804, .devices = 1});
  Site& a = world.device(0);
  world.subscribe(a, {}, true);
  assert_ok(world.put(a, "m", "early", 1, 5'000));
  assert_ok(world.put(a, "m", "late", 1, 20'000));
  world.run_ms(1'000);
  world.crash(a);
  world.run_ms(10'000);
  a.changes.clear();
  world.restart(a);
  world.run_ms(20'000);
  assert_int_equal(told_of(a, "m", "early"), 0);
  assert_int_equal(told_of(a, "m", "late"), 2);
}

// PROTOCOL P20: who does not know the time expires nothing.
static void a_device_tells_what_has_expired_once_it_learns_the_time(void**) {
  World world({.seed = 805, .devices = 2});
  Site &a = world.device(0), &b = world.device(1);
  world.subscribe(a, {}, true);
  join(world);
  assert_ok(world.put(b, "m", "x", 1, 60'000));
  assert_true(world.settle());
  world.cut(a);
  lose_time(world, a);
  a.changes.clear();
  world.run_ms(120'000);
  assert_int_equal(told_of(a, "m", "x"), 1);
  world.heal(a);
  world.run_ms(60'000);
  assert_int_equal(told_of(a, "m", "x"), 2);
}

// PROTOCOL P4: the stamp stays behind the last one, and says nothing of when the row was written.
static void a_row_that_was_written_by_a_clock_set_back_lives_for_its_time(void**) {
  World world({.seed = 806, .devices = 1});
  Site& a = world.device(0);
  join(world);
  assert_ok(world.put(a, "m", "before", 1));
  assert_true(world.settle());
  world.cut(a);
  world.crash(a);
  a.wall_skew_ms = -3'650 * 86'400'000LL;
  world.restart(a);
  assert_ok(world.put(a, "m", "x", 1, 60'000));
  const std::uint64_t end_ms = world.true_ms() + 60'000;
  world.heal(a);
  assert_true(world.settle());
  assert_in_range(cell_of(world.gateway(), "m", "x").expires_ms, end_ms - 1'000, end_ms + 1'000);
}

// ---- retention

// Up to an eighth more, until it is worth a look.
static void the_newest_rows_of_a_map_that_is_only_written_stay(void**) {
  World world(keeping(810, {.map = "load", .rows_max = 80}));
  world.online(world.device(0));
  write_online(world, 0, 500);
  world.run_ms(2'000);
  const std::size_t kept = rows_of(world.device(0), "load");
  assert_in_range(kept, 80, 90);
  for (std::uint64_t i = 420; i < 500; ++i) assert_ok(world.device(0).store->find({"load", key_of(i), {}}).status());
  assert_int_equal(rows_of(world.gateway(), "load"), 500);
  assert_int_equal(world.device(0).housekeeping->get()->evicted_count(), 500 - kept);
}

// LOG-1
static void what_is_not_durable_at_the_gateway_stays(void**) {
  World world(keeping(811, {.map = "load", .rows_max = 0}));
  put_rows(world, world.device(0), 100, 1);
  world.run_ms(10'000);
  assert_int_equal(rows_of(world.device(0), "load"), 100);
  world.online(world.device(0));
  world.run_ms(10'000);
  assert_int_equal(rows_of(world.device(0), "load"), 0);
  assert_int_equal(rows_of(world.gateway(), "load"), 100);
}

static void rows_older_than_the_rule_go(void**) {
  World world(keeping(812, {.map = "load", .age_ms_max = kHourMs}));
  world.online(world.device(0));
  write_online(world, 0, 10);
  world.run_ms(kHourMs / 2);
  write_online(world, 10, 10);
  assert_int_equal(rows_of(world.device(0), "load"), 20);
  world.run_ms(kHourMs * 3 / 4);
  assert_int_equal(rows_of(world.device(0), "load"), 10);
  world.run_ms(kHourMs);
  assert_int_equal(rows_of(world.device(0), "load"), 0);
}

// A rule without a limit.
static void removed_and_expired_rows_of_a_map_with_a_rule_go(void**) {
  World world(keeping(813, {.map = "load"}));
  Site& a = world.device(0);
  world.online(a);
  write_online(world, 0, 10);
  assert_ok(world.remove(a, "load", key_of(3)));
  assert_ok(world.put(a, "load", "short", 1, 5'000));
  assert_ok(world.put(a, "other", "short", 1, 5'000));
  world.run_ms(2 * kHourMs);
  assert_int_equal(rows_of(a, "load"), 9);
  assert_int_equal(rows_of(a, "other"), 1);
}

static void what_a_subscription_has_stays(void**) {
  World world(keeping(814, {.map = "load", .rows_max = 0}));
  Site& a = world.device(0);
  world.subscribe(a, {ScopeKind::prefix, "load", key_of(0)});
  world.online(a);
  write_online(world, 0, 20);
  world.run_ms(5'000);
  assert_int_equal(rows_of(a, "load"), 1);
  verify_all(world);
  assert_int_equal(rows_of(a, "load"), 1);
}

// SYN-2: a cursor would cover what was let go of meanwhile.
static void whoever_subscribes_again_gets_what_it_let_go_of(void**) {
  World::Options options = keeping(815, {.map = "load", .rows_max = 0});
  options.devices = 2;
  World world(options);
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  put_rows(world, b, 50, 1);
  assert_converged(world);
  assert_int_equal(rows_of(a, "load"), 50);
  world.unsubscribe(a, 0);
  world.run_ms(2 * kHourMs);
  assert_int_equal(rows_of(a, "load"), 0);
  world.subscribe(a);
  assert_converged(world);
  assert_int_equal(rows_of(a, "load"), 50);
}

// A row that was let go of can be written again, and wins.
static void a_row_that_was_let_go_of_is_written_again(void**) {
  World world(keeping(816, {.map = "load", .rows_max = 0}));
  Site& a = world.device(0);
  world.online(a);
  write_online(world, 0, 1);
  world.run_ms(5'000);
  assert_int_equal(rows_of(a, "load"), 0);
  assert_ok(world.put(a, "load", key_of(0), 2));
  world.run_ms(5'000);
  assert_int_equal(world.get(world.gateway(), "load", key_of(0), 0), 2);
  assert_int_equal(rejected_by(world), 0);
}

// P7: the own part is all that knows what was counted here.
static void counters_and_sets_stay_whatever_the_rule(void**) {
  World world(keeping(817, {.map = "load", .rows_max = 0}));
  Site& a = world.device(0);
  world.online(a);
  const std::string seven = canonical(7);
  Call count{.verb = Call::Verb::edit, .scope = {ScopeKind::key, "load", "c"}, .value = as_bytes(seven)};
  count.edit = &runtime::add_to_counter;
  assert_ok(world.call(a, count));
  world.run_ms(2 * kHourMs);
  std::uint8_t room[crdt::CounterPart::kNameBytes];
  assert_ok(a.store->find({"load", "c", crdt::CounterPart::name(node_of(a), room)}).status());
}

// STO-1: an eviction is a write as any other.
static void a_power_cut_amid_evictions_loses_nothing_that_is_to_stay(void**) {
  for (std::uint64_t cut = 0; cut < 40; ++cut) {
    World world(keeping(818 + cut, {.map = "load", .rows_max = 20}));
    Site& a = world.device(0);
    world.online(a);
    write_online(world, 0, 22);
    put_rows(world, a, 60, 2);
    assert_true(world.run_until([&] { return rows_of(world.gateway(), "load") == 60; }, 60'000));
    world.run_ms(cut);
    world.crash(a, cut % 2);
    world.restart(a);
    world.run_ms(10'000);
    assert_in_range(rows_of(a, "load"), 20, 22);
    assert_int_equal(rows_of(world.gateway(), "load"), 60);
  }
}

}  // namespace grid::sim

int main() {
  using namespace grid::sim;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_watch_hears_of_a_row_when_it_expires),
      cmocka_unit_test(watches_of_other_devices_hear_of_it_too),
      cmocka_unit_test(each_of_many_rows_is_told_once_to_each_watch),
      cmocka_unit_test(what_a_leap_of_the_clock_passes_over_is_told_whatever_is_read_first),
      cmocka_unit_test(what_is_written_anew_does_not_expire_as_what_it_was),
      cmocka_unit_test(what_expired_while_a_device_was_off_is_not_told_and_the_rest_is),
      cmocka_unit_test(a_device_tells_what_has_expired_once_it_learns_the_time),
      cmocka_unit_test(a_row_that_was_written_by_a_clock_set_back_lives_for_its_time),
      cmocka_unit_test(the_newest_rows_of_a_map_that_is_only_written_stay),
      cmocka_unit_test(what_is_not_durable_at_the_gateway_stays),
      cmocka_unit_test(rows_older_than_the_rule_go),
      cmocka_unit_test(removed_and_expired_rows_of_a_map_with_a_rule_go),
      cmocka_unit_test(what_a_subscription_has_stays),
      cmocka_unit_test(whoever_subscribes_again_gets_what_it_let_go_of),
      cmocka_unit_test(a_row_that_was_let_go_of_is_written_again),
      cmocka_unit_test(counters_and_sets_stay_whatever_the_rule),
      cmocka_unit_test(a_power_cut_amid_evictions_loses_nothing_that_is_to_stay),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
