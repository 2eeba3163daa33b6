// SPDX-License-Identifier: Apache-2.0
//
// Partial replicas of facts, told: a device holds the facts of the attributes, or the entities, that it asks about, and
// lets go of the rest. And seeds whose worlds write facts: whoever holds the facts of a question answers it as the
// gateway would.

#include "tests/sim/fact_story.h"
#include "tests/sim/run.h"
#include "transport/wire.h"

namespace grid::sim {

namespace {

World::Options three_devices(std::uint64_t seed) { return {.seed = seed, .devices = 3}; }

void subscribe(World& world, Site& site, std::string_view attributes) {
  world.subscribe(site, {ScopeKind::facts, "f", attributes});
}

void hold(World& world, Site& site, std::string_view entity) {
  world.subscribe(site, {ScopeKind::entity, "f", entity});
}

// Counts the scopes that devices are told to compare.
class Comparisons final : public Witness {
 public:
  explicit Comparisons(World& world) { world.watch_by(*this); }

  void stepped(Site&, const Event&, storage::Seq, std::span<const Action>) override {}
  void called(Site&, const Call&) override {}
  void forgot(Site&, Fault) override {}
  void sent(Site&, Site&, Bytes frame) override {
    grid_Subscribed answer = grid_Subscribed_init_zero;
    const Result<wire::Kind> kind = wire::kind_of(frame);
    if (!kind.ok() || *kind != wire::Kind::subscribed) return;
    assert_ok(wire::decode(frame, answer));
    count_ += static_cast<wire::PullMode>(answer.mode) == wire::PullMode::compare;
  }
  std::uint32_t count() const { return count_; }

 private:
  std::uint32_t count_ = 0;
};

// Two entities with a name, an age and two tags each.
void write_people(World& world, Site& site) {
  for (const char* entity : {"ann", "bob"}) {
    assert_ok(set(world, site, entity, "name", 1));
    assert_ok(set(world, site, entity, "age", 2));
    assert_ok(add(world, site, entity, "tag", 3));
    assert_ok(add(world, site, entity, "tag", 4));
  }
}

}  // namespace

// PROTOCOL P22
static void a_device_holds_the_facts_of_its_attributes_and_no_others(void**) {
  World world(three_devices(860));
  Site &a = world.device(0), &b = world.device(1), &c = world.device(2);
  world.subscribe(a);
  subscribe(world, b, "age\nname");
  subscribe(world, c, "tag");
  for (Site* site : {&a, &b, &c}) world.online(*site);
  write_people(world, a);
  assert_true(world.settle());
  for (const char* entity : {"ann", "bob"}) {
    assert_int_equal(facts_of(b, entity), 2);
    assert_int_equal(facts_of(c, entity), 2);
    assert_true(has(c, entity, "tag", 3));
  }
  assert_ok(set(world, c, "ann", "age", 5));
  assert_true(world.settle());
  assert_ok(set(world, c, "ann", "name", 6));
  assert_ok(write(world, a, Verb::remove, "bob", "tag", 3));
  assert_true(world.settle());
  assert_int_equal(get(b, "ann", "age"), 5);
  assert_int_equal(get(b, "ann", "name"), 6);
  assert_int_equal(facts_of(c, "bob"), 1);
  verify_all(world);
}

// PROTOCOL P22: of two scopes that have a fact, the last that goes takes it along.
static void a_fact_goes_with_the_last_scope_that_has_it(void**) {
  World world({.seed = 861});
  Site &a = world.device(0), &b = world.device(1);
  world.subscribe(a);
  subscribe(world, b, "age\nname");
  subscribe(world, b, "name\ntag");
  subscribe(world, b, "tag");
  for (Site* site : {&a, &b}) world.online(*site);
  write_people(world, a);
  assert_true(world.settle());
  assert_int_equal(facts_of(b, "ann"), 4);
  world.unsubscribe(b, 1);
  assert_true(world.settle());
  assert_int_equal(facts_of(b, "ann"), 4);
  world.unsubscribe(b, 0);
  assert_true(world.settle());
  assert_int_equal(facts_of(b, "ann"), 2);
  assert_true(has(b, "ann", "tag", 3) && has(b, "ann", "tag", 4));
  world.unsubscribe(b, 0);
  assert_true(world.settle());
  assert_int_equal(facts_of(b, "ann"), 2);  // To go on with, without a link.
  verify_all(world);
}

static void whoever_asks_another_question_holds_what_that_looks_at(void**) {
  World world({.seed = 862});
  Site &a = world.device(0), &b = world.device(1);
  world.subscribe(a);
  subscribe(world, b, "age\nname");
  for (Site* site : {&a, &b}) world.online(*site);
  write_people(world, a);
  assert_true(world.settle());
  for (const char* attributes : {"name\ntag", "age", "age\nname\ntag", "tag"}) {
    subscribe(world, b, attributes);
    world.unsubscribe(b, 0);
    assert_true(world.settle());
    const std::string_view text(attributes);
    const bool has_name = text.find("name") != text.npos, has_age = text.find("age") != text.npos;
    for (const char* entity : {"ann", "bob"}) {
      assert_int_equal(get(b, entity, "name"), has_name ? 1 : -1);
      assert_int_equal(get(b, entity, "age"), has_age ? 2 : -1);
      assert_int_equal(has(b, entity, "tag", 3), text.find("tag") != text.npos);
    }
    verify_all(world);
  }
}

// PROTOCOL P22: who has left everything has left every map.
static void what_was_held_of_everything_goes_with_it(void**) {
  World world({.seed = 863});
  Site &a = world.device(0), &b = world.device(1);
  world.subscribe(b);
  subscribe(world, b, "age");
  world.subscribe(a);
  for (Site* site : {&a, &b}) world.online(*site);
  write_people(world, a);
  assert_ok(world.put(a, "f", "row", 1));
  assert_true(world.settle());
  assert_int_equal(facts_of(b, "ann"), 4);
  world.unsubscribe(b, 0);
  assert_true(world.settle());
  assert_int_equal(facts_of(b, "ann"), 1);
  assert_int_equal(get(b, "ann", "age"), 2);
  assert_int_equal(world.get(b, "f", "row", 0), 0);
  verify_all(world);
}

// TRI-1: an entity goes from whoever holds some of it.
static void a_deletion_reaches_whoever_holds_some_attribute(void**) {
  World world(three_devices(864));
  Site &a = world.device(0), &b = world.device(1), &c = world.device(2);
  world.subscribe(a);
  subscribe(world, b, "age");
  subscribe(world, c, "tag");
  for (Site* site : {&a, &b, &c}) world.online(*site);
  write_people(world, a);
  assert_true(world.settle());
  world.cut(c);
  assert_ok(bury(world, b, "ann"));
  assert_ok(set(world, c, "ann", "name", 7));
  world.run_ms(1'000);
  world.heal(c);
  assert_true(world.settle());
  assert_buried_everywhere(world, "ann");
  assert_int_equal(facts_of(b, "bob"), 1);
  assert_int_equal(facts_of(c, "bob"), 2);
  verify_all(world);
}

// PROTOCOL P22: what both need goes on behind its cursor. Left with nothing, it keeps what it has.
static void a_device_moves_from_some_entities_to_others_without_a_link(void**) {
  World world({.seed = 865});
  Comparisons comparisons(world);
  Site &a = world.device(0), &b = world.device(1);
  world.subscribe(a);
  hold(world, b, "ann");
  hold(world, b, "bob");
  for (Site* site : {&a, &b}) world.online(*site);
  write_people(world, a);
  assert_ok(set(world, a, "cid", "age", 1));
  assert_true(world.settle());
  assert_int_equal(facts_of(b, "ann"), 4);
  assert_int_equal(facts_of(b, "cid"), 0);
  world.online(b, false);
  hold(world, b, "cid");
  world.unsubscribe(b, 0);
  for (const char* entity : {"ann", "bob", "cid"}) assert_ok(set(world, a, entity, "age", 5));
  world.run_ms(1'000);
  assert_int_equal(facts_of(b, "ann"), 4);
  world.online(b);
  assert_true(world.settle());
  assert_int_equal(facts_of(b, "ann"), 0);
  assert_int_equal(facts_of(b, "bob"), 4);
  for (const char* entity : {"bob", "cid"}) assert_int_equal(get(b, entity, "age"), 5);
  assert_int_equal(comparisons.count(), 0);
  verify_all(world);
  world.unsubscribe(b, 1);
  world.unsubscribe(b, 0);
  assert_true(world.settle());
  assert_int_equal(facts_of(b, "bob"), 4);
  assert_int_equal(get(b, "cid", "age"), 5);
  verify_all(world);
}

// PROTOCOL P13, P22: the first that is left takes the facts of the other along, whose cursor covers nothing then.
static void an_entity_that_is_left_beside_another_comes_back_whole(void**) {
  World world({.seed = 866});
  Site &a = world.device(0), &b = world.device(1);
  world.subscribe(a);
  hold(world, b, "eve");
  for (const char* entity : {"ann", "bob"}) hold(world, b, entity);
  for (Site* site : {&a, &b}) world.online(*site);
  write_people(world, a);
  assert_true(world.settle());
  world.unsubscribe(b, 2);
  world.unsubscribe(b, 1);
  assert_true(world.settle());
  for (const char* entity : {"ann", "bob"}) assert_int_equal(facts_of(b, entity), 0);
  for (const char* entity : {"ann", "bob"}) hold(world, b, entity);
  assert_true(world.settle());
  for (const char* entity : {"ann", "bob"}) assert_int_equal(facts_of(b, entity), 4);
  verify_all(world);
}

// PROTOCOL P13, P22: its end waits behind other frames while another scope is answered, and a change still comes for
// it.
static void what_comes_for_an_entity_that_is_being_left_brings_no_cursor(void**) {
  World world({.seed = 868});
  Site &a = world.device(0), &b = world.device(1);
  world.subscribe(a);
  hold(world, b, "ann");
  for (Site* site : {&a, &b}) world.online(*site);
  write_people(world, a);
  assert_true(world.settle());
  world.gateway().slow = true;
  hold(world, b, "bob");
  put_rows(world, b, 200, 1);
  world.run_ms(10);
  world.unsubscribe(b, 0);
  assert_true(world.run_until([&b] { return facts_of(b, "ann") == 0; }, 60'000));
  assert_ok(write(world, a, Verb::remove, "ann", "tag", 3));
  const std::string tag = sub_of("tag", true, 3);
  assert_true(world.run_until([&] { return b.store->find({"f", "ann", tag}).ok(); }, 60'000));
  world.gateway().slow = false;
  assert_true(world.settle());
  hold(world, b, "ann");
  assert_true(world.settle());
  assert_int_equal(facts_of(b, "ann"), 3);
  verify_all(world);
}

// TRI-1
static void all_who_hold_an_entity_hear_of_it_from_its_first_fact_to_its_deletion(void**) {
  World world(three_devices(867));
  Site &a = world.device(0), &b = world.device(1), &c = world.device(2);
  world.subscribe(a);
  for (Site* site : {&b, &c}) hold(world, *site, "ann");
  hold(world, c, "ann");
  for (Site* site : {&a, &b, &c}) world.online(*site);
  assert_true(world.settle());
  write_people(world, a);
  assert_true(world.settle());
  world.unsubscribe(c, 0);
  assert_ok(set(world, b, "ann", "age", 5));
  assert_true(world.settle());
  for (Site* site : {&b, &c}) {
    assert_int_equal(facts_of(*site, "ann"), 4);
    assert_int_equal(get(*site, "ann", "age"), 5);
    assert_int_equal(facts_of(*site, "bob"), 0);
  }
  assert_ok(bury(world, b, "ann"));
  assert_true(world.settle());
  assert_buried_everywhere(world, "ann");
  verify_all(world);
}

// DLE-1, DLL-1, TRI-1, SYN-1: seeds of the worlds that write facts (plan.cc).
static void whoever_holds_the_facts_of_a_question_answers_as_the_gateway_would(void**) {
  constexpr std::uint64_t kEach = 12;
  for (const std::uint64_t part : {3u, 39u, 46u, 57u, 58u}) {
    for (std::uint64_t i = 0; i < kEach; ++i) {
      const std::uint64_t seed = 64 * i + part;
      const Verdict verdict = run_plan(draw_plan(seed));
      if (verdict.passed) continue;
      fail_msg("./dev sim --replay %llu --trace: %s", static_cast<unsigned long long>(seed), verdict.problem.c_str());
    }
  }
}

}  // namespace grid::sim

int main() {
  using namespace grid::sim;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_device_holds_the_facts_of_its_attributes_and_no_others),
      cmocka_unit_test(a_fact_goes_with_the_last_scope_that_has_it),
      cmocka_unit_test(whoever_asks_another_question_holds_what_that_looks_at),
      cmocka_unit_test(what_was_held_of_everything_goes_with_it),
      cmocka_unit_test(a_deletion_reaches_whoever_holds_some_attribute),
      cmocka_unit_test(a_device_moves_from_some_entities_to_others_without_a_link),
      cmocka_unit_test(an_entity_that_is_left_beside_another_comes_back_whole),
      cmocka_unit_test(what_comes_for_an_entity_that_is_being_left_brings_no_cursor),
      cmocka_unit_test(all_who_hold_an_entity_hear_of_it_from_its_first_fact_to_its_deletion),
      cmocka_unit_test(whoever_holds_the_facts_of_a_question_answers_as_the_gateway_would),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
