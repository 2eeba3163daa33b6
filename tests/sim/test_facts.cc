// SPDX-License-Identifier: Apache-2.0
//
// Facts on replicas that write at the same time and fail, told: that the deletion of an entity wins, and goes on
// winning, and what becomes of everything else.

#include "server/policy.h"
#include "tests/sim/fact_story.h"

namespace grid::sim {

namespace {

// Refuses what deletes entities.
class KeepsEntities final : public server::Policy {
 public:
  bool governs(std::string_view) const override { return true; }
  server::Ruling judge(std::span<const server::Proposal> batch) override {
    for (const server::Proposal& one : batch) {
      if (crdt::is_marker(one.name.sub)) return {Status::denied, "entities stay"};
    }
    return {};
  }
};

// Refuses one object.
class RefusesSeven final : public server::Policy {
 public:
  bool governs(std::string_view) const override { return true; }
  server::Ruling judge(std::span<const server::Proposal> batch) override {
    for (const server::Proposal& one : batch) {
      if (one.next.integer_or(0) == 7) return {Status::invalid, "not seven"};
    }
    return {};
  }
};

}  // namespace

// ---- a deletion wins

// TRI-1
static void a_deletion_wins_over_facts_that_are_newer_than_it(void**) {
  for (const bool deleter_is_first : {true, false}) {
    World world({.seed = 800});
    Site &a = world.device(0), &b = world.device(1);
    join(world);
    assert_ok(set(world, a, "e", "name", 1));
    assert_ok(add(world, b, "e", "tag", 2));
    assert_converged(world);
    cut_all(world);
    assert_ok(bury(world, a, "e"));
    assert_int_equal(cells_of(a, "e"), 0);
    world.run_ms(kHourMs);
    assert_ok(set(world, b, "e", "name", 3));
    assert_ok(set(world, b, "e", "fresh", 4));
    assert_ok(add(world, b, "e", "tag", 5));
    world.heal(deleter_is_first ? a : b);
    world.run_ms(2'000);
    heal_all(world);
    assert_buried_everywhere(world, "e");
    verify_all(world);
    for (Site* site : {&a, &b}) assert_int_equal(site->replica->status(0).figures.reconnects, 1);
  }
}

// TRI-1: who begins with nothing is told of no removals, until it writes.
static void who_never_heard_of_a_deletion_hears_of_it_when_it_writes(void**) {
  World world({.seed = 801});
  Site &a = world.device(0), &b = world.device(1);
  world.subscribe(a);
  world.online(a);
  assert_ok(set(world, a, "e", "name", 1));
  world.run_ms(1'000);
  assert_ok(bury(world, a, "e"));
  world.run_ms(1'000);
  world.subscribe(b);
  world.online(b);
  assert_converged(world);
  assert_false(is_buried(b, "e"));
  assert_ok(set(world, b, "e", "name", 2));
  assert_converged(world);
  assert_buried_everywhere(world, "e");
  verify_all(world);
}

// TRI-1
static void what_was_written_before_a_deletion_was_heard_of_is_superseded(void**) {
  World world({.seed = 802});
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_ok(set(world, a, "e", "name", 1));
  assert_converged(world);
  world.block(b, true, false);
  world.run_ms(10);
  crdt::Seq seq = 0;
  assert_ok(bury(world, a, "e"));
  world.sleep(b, 500);
  assert_ok(set(world, b, "e", "name", 2, &seq));
  world.run_ms(1'000);
  world.heal(b);
  assert_converged(world);
  assert_buried_everywhere(world, "e");
  assert_true(b.replica->outcome_of(seq) != Outcome::rejected);
  assert_int_equal(b.replica->status(0).ops_pending, 0);
  assert_status(set(world, b, "e", "name", 3), Status::invalid);
  assert_true(std::string_view(b.replica->problem()).find("a deleted entity stays deleted") != std::string_view::npos);
  assert_ok(bury(world, b, "e"));  // Again is nothing.
  assert_int_equal(b.replica->status(0).ops_pending, 0);
}

// TRI-1, PROTOCOL P9
static void a_deletion_takes_its_entity_out_of_a_unit_and_leaves_the_rest(void**) {
  World world({.seed = 803});
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_ok(set(world, a, "e", "name", 1));
  assert_converged(world);
  cut_all(world);
  const std::string one = canonical(1), two = canonical(2);
  assert_ok(transact(world, b,
                     {{"e", Verb::set, "name", as_bytes(two)},
                      {"e", Verb::add, "tag", as_bytes(one)},
                      {"g", Verb::set, "name", as_bytes(two)},
                      {"g", Verb::add, "tag", as_bytes(one)}}));
  assert_ok(bury(world, a, "e"));
  heal_all(world);
  assert_buried_everywhere(world, "e");
  for (std::size_t i = 0; i <= 2; ++i) {
    assert_int_equal(get(world.site(i), "g", "name"), 2);
    assert_true(has(world.site(i), "g", "tag", 1));
  }
}

// TRI-1: what it was a comparison that found.
static void a_comparison_tells_of_a_deletion(void**) {
  World world({.seed = 804});
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  for (std::int64_t i = 0; i < 20; ++i) assert_ok(add(world, a, "e", "tag", i));
  assert_ok(set(world, a, "other", "name", 1));
  assert_converged(world);
  world.cut(b);
  assert_ok(bury(world, a, "e"));
  world.run_ms(1'000);
  world.crash(b);
  lose_cursors(b);
  world.restart(b);
  world.heal(b);
  assert_converged(world);
  assert_buried_everywhere(world, "e");
  assert_int_equal(get(b, "other", "name"), 1);
  verify_all(world);
}

// TRI-1, PROTOCOL P19: and a gateway that lost it is given it back.
static void a_gateway_that_lost_a_deletion_gets_it_back(void**) {
  World world({.seed = 805});
  Site &a = world.device(0), &b = world.device(1), &gateway = world.gateway();
  join(world);
  assert_ok(set(world, a, "e", "name", 1));
  assert_ok(set(world, a, "other", "name", 1));
  assert_converged(world);
  const MemoryStore image = *gateway.store;
  assert_ok(bury(world, a, "e"));
  assert_converged(world);
  set_back(world, gateway, image);
  assert_converged(world);
  assert_buried_everywhere(world, "e");
  assert_int_equal(get(b, "other", "name"), 1);
  verify_all(world);
}

// TRI-1, PROTOCOL P19: nor does a heal bring facts under a marker.
static void what_heals_brings_no_facts_of_a_deleted_entity(void**) {
  World world({.seed = 806});
  Site &a = world.device(0), &b = world.device(1), &gateway = world.gateway();
  join(world);
  assert_converged(world);
  const MemoryStore image = *gateway.store;
  assert_ok(set(world, b, "e", "name", 1));
  assert_converged(world);
  world.cut(b);
  world.run_ms(100);
  assert_ok(bury(world, a, "e"));
  world.run_ms(1'000);
  set_back(world, gateway, image);
  world.run_ms(5'000);
  world.heal(b);
  assert_converged(world);
  assert_buried_everywhere(world, "e");
  verify_all(world);
}

// TRI-1: a batch that is full in the middle, or a power cut there, leaves nothing behind.
static void a_deletion_of_more_than_a_batch_holds_is_finished(void**) {
  for (const bool power_is_cut : {false, true}) {
    World world({.seed = 807});
    Site &a = world.device(0), &b = world.device(1), &gateway = world.gateway();
    set_back(world, gateway, MemoryStore({.batch_bytes_max = 4'096}));
    set_back(world, b, MemoryStore({.batch_bytes_max = 4'096}));
    join(world);
    for (std::int64_t i = 0; i < 150; ++i) {
      assert_ok(add(world, a, "e", "a predicate that takes some room in a batch", i));
      if (i % 10 == 0) world.run_ms(200);
    }
    assert_converged(world);
    assert_status(bury(world, b, "e"), Status::full);
    assert_int_equal(facts_of(b, "e"), 150);
    assert_ok(bury(world, a, "e"));
    std::size_t least = 150;
    world.run_until([&] { return (least = cells_of(gateway, "e")) < 150; }, 1'000);
    assert_in_range(least, 1, 149);
    if (power_is_cut) start_again(world, gateway);
    assert_converged(world);
    assert_buried_everywhere(world, "e");
    verify_all(world);
  }
}

// TRI-1: a deletion that the gateway refuses has taken away what is true.
static void a_refused_deletion_gives_the_facts_back(void**) {
  KeepsEntities policy;
  World::Options options{.seed = 808};
  options.server.policy = &policy;
  World world(options);
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_ok(set(world, a, "e", "name", 1));
  assert_ok(add(world, b, "e", "tag", 2));
  assert_converged(world);
  crdt::Seq seq = 0;
  assert_ok(bury(world, a, "e", &seq));
  assert_int_equal(facts_of(a, "e"), 0);
  assert_converged(world);
  assert_true(a.replica->outcome_of(seq) == Outcome::rejected);
  for (std::size_t i = 0; i <= 2; ++i) {
    assert_false(is_buried(world.site(i), "e"));
    assert_int_equal(get(world.site(i), "e", "name"), 1);
    assert_true(has(world.site(i), "e", "tag", 2));
  }
  assert_int_equal(a.replica->status(0).figures.reconnects, 1);
  verify_all(world);
}

// ---- what is collected

// TRI-1, PROTOCOL P17, P24
static void a_deleted_entity_stays_deleted_when_its_deletion_is_collected(void**) {
  World world(ten_days(810));
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_ok(set(world, a, "e", "name", 1));
  assert_ok(set(world, a, "alive", "name", 1));
  assert_converged(world);
  world.cut(a);
  assert_ok(bury(world, b, "e"));
  world.run_ms(12 * kDay);
  assert_false(is_buried(world.gateway(), "e"));
  // Newer than all that is collected, of names that were never there, too.
  crdt::Seq seq = 0;
  assert_ok(set(world, a, "e", "name", 2));
  assert_ok(set(world, a, "e", "fresh", 2, &seq));
  assert_ok(set(world, a, "alive", "name", 2));
  assert_ok(set(world, a, "alive", "fresh", 2));
  assert_ok(set(world, a, "new", "name", 2));
  world.heal(a);
  assert_converged(world);
  for (std::size_t i = 0; i <= 2; ++i) {
    assert_int_equal(facts_of(world.site(i), "e"), 0);
    assert_int_equal(get(world.site(i), "alive", "name"), 2);
    assert_int_equal(get(world.site(i), "alive", "fresh"), 2);
    assert_int_equal(get(world.site(i), "new", "name"), 2);
  }
  assert_true(a.outcomes[seq] == Outcome::rejected);
  verify_all(world);
}

// PROTOCOL P17: facts from before the floor of an entity that lives.
static void late_facts_of_an_entity_that_lives_are_taken(void**) {
  World world(ten_days(811));
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_ok(set(world, a, "alive", "name", 1));
  assert_ok(set(world, a, "gone", "name", 1));
  assert_converged(world);
  world.cut(a);
  assert_ok(set(world, a, "alive", "fresh", 2));
  assert_ok(set(world, a, "new", "name", 2));
  world.run_ms(kDay);
  assert_ok(bury(world, b, "gone"));
  assert_ok(set(world, b, "alive", "name", 3));
  world.run_ms(12 * kDay);
  assert_false(is_buried(world.gateway(), "gone"));
  world.heal(a);
  assert_converged(world);
  for (std::size_t i = 0; i <= 2; ++i) {
    assert_int_equal(get(world.site(i), "alive", "fresh"), 2);
    assert_int_equal(get(world.site(i), "alive", "name"), 3);
    assert_int_equal(get(world.site(i), "new", "name"), 2);
    assert_int_equal(facts_of(world.site(i), "gone"), 0);
  }
  verify_all(world);
}

// TRI-1, PROTOCOL P17: a deletion from before the floor.
static void a_late_deletion_of_an_entity_that_lives_is_taken(void**) {
  World world(ten_days(812));
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_ok(set(world, a, "e", "older", 1));
  assert_ok(set(world, a, "e", "name", 1));
  assert_ok(set(world, a, "gone", "name", 1));
  assert_converged(world);
  world.cut(a);
  assert_ok(bury(world, a, "e"));
  world.run_ms(kDay);
  assert_ok(bury(world, b, "gone"));
  assert_ok(write(world, b, Verb::remove, "e", "name", 1));  // What the deletion builds on is collected, too.
  world.run_ms(12 * kDay);
  world.heal(a);
  assert_converged(world);
  assert_buried_everywhere(world, "e");
  verify_all(world);
}

// ---- what is not deleted

// One object is one cell, whoever adds it, and of an add and a removal the later one stands.
static void of_what_is_said_of_one_object_the_last_stands(void**) {
  World world({.seed = 820});
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_ok(add(world, a, "e", "tag", 1));
  assert_ok(add(world, a, "e", "tag", 2));
  assert_converged(world);
  cut_all(world);
  assert_ok(write(world, a, Verb::remove, "e", "tag", 1));
  assert_ok(add(world, b, "e", "tag", 2));
  world.run_ms(100);
  assert_ok(add(world, b, "e", "tag", 1));
  assert_ok(write(world, a, Verb::remove, "e", "tag", 2));
  assert_ok(add(world, a, "e", "tag", 3));
  assert_ok(add(world, b, "e", "tag", 4));
  heal_all(world);
  for (std::size_t i = 0; i <= 2; ++i) {
    Site& site = world.site(i);
    assert_true(has(site, "e", "tag", 1) && !has(site, "e", "tag", 2) && has(site, "e", "tag", 3));
    assert_int_equal(facts_of(site, "e"), 3);
  }
}

// PROTOCOL P9
static void what_is_written_of_one_entity_at_once_is_refused_at_once(void**) {
  RefusesSeven policy;
  World::Options options{.seed = 821};
  options.server.policy = &policy;
  World world(options);
  Site& a = world.device(0);
  join(world);
  const std::string six = canonical(6), seven = canonical(7);
  assert_ok(transact(world, a,
                     {{"e", Verb::set, "a", as_bytes(six)},
                      {"e", Verb::add, "b", as_bytes(seven)},
                      {"g", Verb::set, "a", as_bytes(six)}}));
  assert_int_equal(facts_of(a, "e"), 2);
  assert_converged(world);
  for (std::size_t i = 0; i <= 2; ++i) {
    assert_int_equal(facts_of(world.site(i), "e"), 0);
    assert_int_equal(get(world.site(i), "g", "a"), 6);
  }
}

// A part of the entities, by key and by prefix.
static void who_holds_a_part_of_the_entities_holds_all_of_each(void**) {
  World world({.seed = 822, .devices = 3});
  Site &a = world.device(0), &b = world.device(1), &c = world.device(2);
  world.subscribe(a);
  world.subscribe(b, {ScopeKind::key, "f", "x/1"});
  world.subscribe(c, {ScopeKind::prefix, "f", "x/"});
  for (Site* site : {&a, &b, &c}) world.online(*site);
  for (const char* entity : {"x/1", "x/2", "y"}) {
    assert_ok(set(world, a, entity, "name", 1));
    assert_ok(add(world, a, entity, "tag", 2));
  }
  assert_true(world.settle());
  assert_int_equal(facts_of(b, "x/1"), 2);
  assert_int_equal(facts_of(b, "x/2"), 0);
  assert_int_equal(facts_of(c, "x/2"), 2);
  assert_ok(bury(world, a, "x/1"));
  assert_ok(bury(world, a, "y"));
  assert_true(world.settle());
  for (Site* site : {&b, &c}) assert_true(is_buried(*site, "x/1") && cells_of(*site, "x/1") == 0);
  assert_false(is_buried(c, "y"));
  verify_all(world);
}

// Nobody gets in what is no fact.
static void a_fact_that_no_device_writes_is_refused(void**) {
  World world({.seed = 823});
  Site& a = world.device(0);
  join(world);
  assert_converged(world);
  const std::string wrong[] = {sub_of("p", true, 1), std::string("\x03\x01p", 3), std::string(crdt::kMarker)};
  for (const std::string& sub : wrong) {
    Call call{.verb = Call::Verb::edit, .scope = {ScopeKind::key, "f", "e"}};
    static std::string name, value;
    name = sub;
    value = canonical(2);
    call.edit = [](runtime::Editor& editor, const Call& one) {
      return editor.put_cell({one.scope.map, one.scope.text, name}, as_bytes(value), 0);
    };
    assert_ok(world.call(a, call));
  }
  assert_converged(world);
  assert_true(rejected_by(world) >= 3);
  assert_int_equal(cells_of(world.gateway(), "e") + is_buried(world.gateway(), "e"), 0);
}

}  // namespace grid::sim

int main() {
  using namespace grid::sim;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_deletion_wins_over_facts_that_are_newer_than_it),
      cmocka_unit_test(who_never_heard_of_a_deletion_hears_of_it_when_it_writes),
      cmocka_unit_test(what_was_written_before_a_deletion_was_heard_of_is_superseded),
      cmocka_unit_test(a_deletion_takes_its_entity_out_of_a_unit_and_leaves_the_rest),
      cmocka_unit_test(a_comparison_tells_of_a_deletion),
      cmocka_unit_test(a_gateway_that_lost_a_deletion_gets_it_back),
      cmocka_unit_test(what_heals_brings_no_facts_of_a_deleted_entity),
      cmocka_unit_test(a_deletion_of_more_than_a_batch_holds_is_finished),
      cmocka_unit_test(a_refused_deletion_gives_the_facts_back),
      cmocka_unit_test(a_deleted_entity_stays_deleted_when_its_deletion_is_collected),
      cmocka_unit_test(late_facts_of_an_entity_that_lives_are_taken),
      cmocka_unit_test(a_late_deletion_of_an_entity_that_lives_is_taken),
      cmocka_unit_test(of_what_is_said_of_one_object_the_last_stands),
      cmocka_unit_test(what_is_written_of_one_entity_at_once_is_refused_at_once),
      cmocka_unit_test(who_holds_a_part_of_the_entities_holds_all_of_each),
      cmocka_unit_test(a_fact_that_no_device_writes_is_refused),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
