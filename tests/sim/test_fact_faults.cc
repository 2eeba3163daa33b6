// SPDX-License-Identifier: Apache-2.0
//
// Deletions of entities that power, an old backup or a long absence come between, told: none of them brings anything of
// the entity back, nor shows it.

#include "runtime/query/fact_engine.h"
#include "tests/sim/fact_story.h"
#include "tests/sim/questions.h"

namespace grid::sim {

namespace {

// What a question of all that is tagged answers there.
std::size_t found_by_question(Site& site) {
  runtime::FactEngine engine(*site.store);
  const auto question = read({"[:find ?e ?v :where [?e :tag ?v]]"});
  std::size_t rows = 0;
  const auto count = [](void* at, std::span<const crdt::Value>) { ++*static_cast<std::size_t*>(at); };
  assert_ok(engine.ask("f", *question, {count, &rows}));
  return rows;
}

constexpr std::int64_t kMany = 150;

// An entity that no batch of `small` holds, on the gateway and so many devices.
void fill(World& world, Site& small, std::size_t devices) {
  set_back(world, small, MemoryStore({.batch_bytes_max = 8'192}));
  for (std::size_t i = 0; i < world.device_count(); ++i) {
    if (i < devices) world.subscribe(world.device(i));
    world.online(world.device(i));
  }
  for (std::int64_t i = 0; i < kMany; ++i) {
    assert_ok(add(world, world.device(0), "e", "tag", i));
    if (i % 10 == 0) world.run_ms(1'000);
  }
  assert_true(world.settle());
  assert_int_equal(cells_of(small, "e"), kMany);
}

// Cuts the power of the site where a commit takes part of the entity with it.
void cut_in_the_middle(World& world, Site& site) {
  const auto is_in_the_middle = [&] { return is_buried(site, "e") && cells_of(site, "e") < kMany; };
  assert_true(world.run_until(is_in_the_middle, 10'000));
  world.crash(site, 1);
  assert_true(is_buried(site, "e"));
  assert_in_range(cells_of(site, "e"), 1, kMany - 1);
}

}  // namespace

// TRI-1: a gateway finishes it by itself.
static void what_a_power_cut_of_the_gateway_leaves_of_a_deletion_goes_when_it_starts(void**) {
  World world({.seed = 840, .commit_ms = 50});
  Site& gateway = world.gateway();
  fill(world, gateway, 2);
  assert_ok(bury(world, world.device(0), "e"));
  cut_in_the_middle(world, gateway);
  for (std::size_t i = 0; i < world.device_count(); ++i) world.cut(world.device(i));
  world.restart(gateway);
  world.run_ms(10'000);
  assert_int_equal(cells_of(gateway, "e"), 0);
  heal_all(world);
  assert_buried_everywhere(world, "e");
  verify_all(world);
}

// TRI-1: a device does so when it is told again; until then it shows nothing.
static void what_a_power_cut_of_a_device_leaves_of_a_deletion_is_not_shown(void**) {
  World world({.seed = 841, .commit_ms = 50});
  Site& b = world.device(1);
  fill(world, b, 2);
  assert_int_equal(found_by_question(b), kMany);
  assert_ok(bury(world, world.device(0), "e"));
  cut_in_the_middle(world, b);
  world.cut(b);
  world.restart(b);
  world.run_ms(10'000);
  assert_int_equal(found_by_question(b), 0);
  heal_all(world);
  assert_buried_everywhere(world, "e");
  verify_all(world);
}

// TRI-1: who comes while a gateway is at it, and holds nothing, is told of no removals.
static void who_begins_in_the_middle_of_a_deletion_gets_nothing_of_it(void**) {
  World world({.seed = 842, .devices = 3, .commit_ms = 200});
  Site &gateway = world.gateway(), &c = world.device(2);
  world.subscribe(c, {ScopeKind::map, "other", {}});
  fill(world, gateway, 2);
  assert_ok(bury(world, world.device(0), "e"));
  assert_true(world.run_until([&] { return is_buried(gateway, "e"); }, 10'000));
  world.subscribe(c, {ScopeKind::map, "f", {}});
  world.run_ms(6);  // It has arrived.
  assert_in_range(cells_of(gateway, "e"), 1, kMany - 1);
  assert_true(world.settle());
  for (std::size_t i = 0; i <= world.device_count(); ++i) assert_int_equal(cells_of(world.site(i), "e"), 0);
  verify_all(world);
}

// TRI-1: a comparison is told of no removals either.
static void who_compares_in_the_middle_of_a_deletion_gets_nothing_of_it(void**) {
  World world({.seed = 845, .devices = 3, .commit_ms = 2'000});
  Site &a = world.device(0), &c = world.device(2), &gateway = world.gateway();
  fill(world, gateway, 3);
  assert_ok(bury(world, a, "e"));
  assert_ok(set(world, a, "other", "name", 1));
  assert_true(world.settle());
  world.cut(c);
  for (std::int64_t i = 0; i < kMany; ++i) assert_ok(add(world, a, "late", "tag", i));
  assert_true(world.run_until([&] { return a.replica->status(0).quiet; }, 60'000));
  world.crash(c);
  lose_cursors(c);
  assert_ok(bury(world, a, "late"));
  assert_true(world.run_until([&] { return is_buried(gateway, "late"); }, 10'000));
  world.restart(c);
  world.heal(c);
  std::size_t shown = 0;
  const auto has_compared = [&] {
    shown = std::max(shown, cells_of(c, "late"));
    return c.replica->status(world.now_ms()).current;
  };
  assert_true(world.run_until(has_compared, 10'000));
  assert_in_range(cells_of(gateway, "late"), 1, kMany - 1);
  assert_true(world.settle());
  assert_int_equal(shown + cells_of(c, "late"), 0);
  verify_all(world);
}

// TRI-1, PROTOCOL P19: a gateway that was set back has the entity, and newer facts of it than the deletion.
static void who_knows_of_a_deletion_shows_nothing_that_is_newer(void**) {
  World world({.seed = 843});
  Site &a = world.device(0), &b = world.device(1), &gateway = world.gateway();
  join(world);
  assert_ok(set(world, a, "e", "name", 1));
  assert_converged(world);
  const MemoryStore image = *gateway.store;
  world.cut(b);
  assert_ok(bury(world, a, "e"));
  world.run_ms(1'000);
  world.cut(a);
  set_back(world, gateway, image);
  world.heal(b);
  assert_ok(set(world, b, "e", "name", 2));
  assert_ok(set(world, b, "e", "fresh", 2));
  world.run_ms(5'000);
  assert_int_equal(get(gateway, "e", "name"), 2);
  world.heal(a);
  std::size_t shown = 0;
  const auto looks = [&] {
    shown = std::max(shown, cells_of(a, "e"));
    return world.quiet();
  };
  assert_true(world.run_until(looks, 60'000));
  assert_int_equal(shown, 0);
  assert_converged(world);
  assert_buried_everywhere(world, "e");
  verify_all(world);
}

// TRI-1: facts that it writes are in no scope of its own, but the marker is.
static void who_holds_other_attributes_hears_of_a_deletion_when_it_writes(void**) {
  World world({.seed = 844});
  Site &a = world.device(0), &b = world.device(1);
  world.subscribe(a);
  world.online(a);
  assert_ok(set(world, a, "e", "name", 1));
  world.run_ms(1'000);
  assert_ok(bury(world, a, "e"));
  world.run_ms(1'000);
  world.subscribe(b, {ScopeKind::facts, "f", "tag"});
  world.online(b);
  assert_true(world.settle());
  assert_ok(set(world, b, "e", "name", 2));
  assert_true(world.settle());
  assert_buried_everywhere(world, "e");
}

// ---- what is collected

// TRI-1, PROTOCOL P17, P19: a device that comes from behind the floor shows no loss by that alone.
static void what_is_newer_than_its_deletion_does_not_come_back_when_that_is_collected(void**) {
  World world(ten_days(850));
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_ok(set(world, a, "e", "name", 1));
  assert_converged(world);
  world.cut(b);
  assert_ok(bury(world, b, "e"));
  world.run_ms(kHourMs);
  assert_ok(set(world, a, "e", "name", 2));
  assert_ok(add(world, a, "e", "tag", 3));
  world.run_ms(1'000);
  world.cut(a);
  world.heal(b);
  world.run_ms(12 * kDay);
  assert_false(is_buried(world.gateway(), "e"));
  world.heal(a);
  assert_converged(world);
  for (std::size_t i = 0; i <= 2; ++i) assert_int_equal(facts_of(world.site(i), "e"), 0);
  verify_all(world);
}

// TRI-1, PROTOCOL P17: of who has written over all that it held, the server believes that it holds nothing, and tells
// it of no deletion. It knows of none.
static void who_wrote_over_all_that_it_held_knows_of_no_deletion(void**) {
  World::Options options = ten_days(851);
  options.server.window_ops = 4;
  World world(options);
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_ok(set(world, a, "e", "name", 1));
  assert_ok(world.put(a, "rows", "k", 1));
  assert_converged(world);
  world.cut(a);
  world.run_ms(100);
  put_rows(world, a, 40, 1);  // That it acknowledges a cursor before the last are sent.
  crdt::Seq of_fact = 0, of_row = 0;
  assert_ok(set(world, a, "e", "name", 2, &of_fact));
  assert_ok(world.put(a, "rows", "k", 2, 0, &of_row));
  world.run_ms(kHourMs);
  assert_ok(bury(world, b, "e"));
  assert_ok(world.remove(b, "rows", "k"));
  world.run_ms(12 * kDay);
  assert_false(is_buried(world.gateway(), "e"));
  world.heal(a);
  assert_converged(world);
  for (const crdt::Seq seq : {of_fact, of_row}) assert_true(a.outcomes[seq] == Outcome::rejected);
  for (std::size_t i = 0; i <= 2; ++i) {
    assert_int_equal(facts_of(world.site(i), "e"), 0);
    assert_int_equal(world.get(world.site(i), "rows", "k", 0), 0);
  }
  verify_all(world);
}

// TRI-1, PROTOCOL P17: a removal that comes late does not stand for an entity that lives.
static void a_late_removal_of_one_fact_does_not_let_others_in(void**) {
  World world(ten_days(852));
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_ok(add(world, a, "e", "tag", 1));
  assert_ok(set(world, a, "e", "name", 1));
  assert_converged(world);
  world.cut(a);
  world.run_ms(kHourMs);
  assert_ok(bury(world, b, "e"));
  world.run_ms(12 * kDay);
  assert_ok(write(world, a, Verb::remove, "e", "tag", 1));
  assert_ok(set(world, a, "e", "name", 2));
  world.heal(a);
  assert_converged(world);
  for (std::size_t i = 0; i <= 2; ++i) assert_int_equal(facts_of(world.site(i), "e"), 0);
  assert_int_equal(cells_of(world.gateway(), "e"), 0);
  verify_all(world);
}

// ---- what was on its way

// What is pushed of it now arrives, but no acknowledgement does; then the device is away.
static void lose_acknowledgements(World& world, Site& device) {
  world.block(device, false, true);
  world.run_ms(1'000);
  world.cut(device);
  world.run_ms(kHourMs);
}

static void delete_and_collect(World& world, Site& by, std::string_view entity) {
  assert_ok(bury(world, by, entity));
  world.run_ms(12 * kDay);
  assert_false(is_buried(world.gateway(), entity));
}

// TRI-1, PROTOCOL P17: nothing had been vouched for to build on when they were written.
static void what_is_written_upon_a_fact_that_was_on_its_way_comes_too_late_with_it(void**) {
  World world(ten_days(853));
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_converged(world);
  world.block(a, false, true);
  assert_ok(set(world, a, "e", "name", 1));
  lose_acknowledgements(world, a);
  assert_int_equal(get(b, "e", "name"), 1);
  crdt::Seq other = 0, over = 0;
  assert_ok(set(world, a, "e", "fresh", 2, &other));
  assert_ok(set(world, a, "e", "name", 2, &over));
  delete_and_collect(world, b, "e");
  world.heal(a);
  assert_converged(world);
  for (const crdt::Seq seq : {other, over}) assert_true(a.outcomes[seq] == Outcome::rejected);
  for (std::size_t i = 0; i <= 2; ++i) assert_int_equal(facts_of(world.site(i), "e"), 0);
  verify_all(world);
}

// TRI-1, PROTOCOL P17: written before any fact of the entity had been sent, and sent when the others are refused.
static void what_was_written_beside_a_fact_that_comes_too_late_comes_too_late(void**) {
  World::Options options = ten_days(854);
  options.server.window_ops = 2;
  World world(options);
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_converged(world);
  world.cut(a);
  world.run_ms(100);
  for (const char* predicate : {"a", "b", "c", "d", "e"}) assert_ok(set(world, a, "e", predicate, 1));
  world.heal(a);
  assert_true(world.run_until([&] { return facts_of(b, "e") > 0; }, 10'000));
  lose_acknowledgements(world, a);
  assert_in_range(facts_of(b, "e"), 1, 4);
  delete_and_collect(world, b, "e");
  world.heal(a);
  assert_converged(world);
  for (std::size_t i = 0; i <= 2; ++i) assert_int_equal(facts_of(world.site(i), "e"), 0);
  verify_all(world);
}

// PROTOCOL P17: what never arrived was deleted by nobody.
static void an_entity_whose_first_fact_was_lost_on_the_way_lives(void**) {
  World world(ten_days(855));
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_ok(set(world, b, "gone", "name", 1));
  assert_converged(world);
  world.block(a, true, false);
  assert_ok(set(world, a, "e", "name", 1));
  world.run_ms(100);
  world.cut(a);
  assert_ok(set(world, a, "e", "name", 2));
  assert_ok(set(world, a, "e", "fresh", 3));
  world.run_ms(kHourMs);
  delete_and_collect(world, b, "gone");
  world.heal(a);
  assert_converged(world);
  for (std::size_t i = 0; i <= 2; ++i) {
    assert_int_equal(get(world.site(i), "e", "name"), 2);
    assert_int_equal(get(world.site(i), "e", "fresh"), 3);
  }
  verify_all(world);
}

// TRI-1, PROTOCOL P17, P19: of what may have been deleted nothing is given back, so nothing goes on from it.
static void who_shows_a_loss_brings_no_deleted_entity_back(void**) {
  World world(ten_days(856));
  Site &a = world.device(0), &b = world.device(1), &gateway = world.gateway();
  join(world);
  assert_ok(set(world, a, "e", "name", 1));
  assert_converged(world);
  const MemoryStore image = *gateway.store;
  assert_ok(world.put(a, "rows", "lost", 1));
  assert_converged(world);
  cut_all(world);
  set_back(world, gateway, image);
  world.heal(b);
  world.run_ms(1'000);
  delete_and_collect(world, b, "e");
  assert_ok(set(world, a, "e", "fresh", 2));
  world.heal(a);
  assert_converged(world);
  for (std::size_t i = 0; i <= 2; ++i) assert_int_equal(facts_of(world.site(i), "e"), 0);
  verify_all(world);
}

}  // namespace grid::sim

int main() {
  using namespace grid::sim;
  const CMUnitTest tests[] = {
      cmocka_unit_test(what_a_power_cut_of_the_gateway_leaves_of_a_deletion_goes_when_it_starts),
      cmocka_unit_test(what_a_power_cut_of_a_device_leaves_of_a_deletion_is_not_shown),
      cmocka_unit_test(who_begins_in_the_middle_of_a_deletion_gets_nothing_of_it),
      cmocka_unit_test(who_compares_in_the_middle_of_a_deletion_gets_nothing_of_it),
      cmocka_unit_test(who_knows_of_a_deletion_shows_nothing_that_is_newer),
      cmocka_unit_test(who_holds_other_attributes_hears_of_a_deletion_when_it_writes),
      cmocka_unit_test(what_is_newer_than_its_deletion_does_not_come_back_when_that_is_collected),
      cmocka_unit_test(who_wrote_over_all_that_it_held_knows_of_no_deletion),
      cmocka_unit_test(a_late_removal_of_one_fact_does_not_let_others_in),
      cmocka_unit_test(what_is_written_upon_a_fact_that_was_on_its_way_comes_too_late_with_it),
      cmocka_unit_test(what_was_written_beside_a_fact_that_comes_too_late_comes_too_late),
      cmocka_unit_test(an_entity_whose_first_fact_was_lost_on_the_way_lives),
      cmocka_unit_test(who_shows_a_loss_brings_no_deleted_entity_back),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
