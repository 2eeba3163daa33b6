// SPDX-License-Identifier: Apache-2.0
//
// Policies of the gateway: what it refuses is taken back where it was written, and what it decides against the order of
// stamps stands everywhere (PROTOCOL P5, P6, P7, P9, P10).

#include "tests/sim/policy_story.h"

namespace grid::sim {

// REJ-1
static void what_breaks_a_rule_is_taken_back_where_it_was_written(void**) {
  RowRules rules = rules_of(between());
  World world(under(rules, 600));
  join(world);
  assert_ok(world.put(world.device(0), "m", "x", 20));
  assert_converged(world);
  crdt::Seq seq = 0;
  assert_ok(world.put(world.device(0), "m", "x", 400, 0, &seq));
  assert_ok(world.put(world.device(0), "other", "x", 400));
  assert_converged(world);
  assert_true(outcome_at(world.device(0), seq) == Outcome::rejected);
  assert_everywhere(world, "x", 20);
  assert_int_equal(world.get(world.gateway(), "other", "x", 0), 400);
  const std::string_view sentence = world.device(0).replica->problem();
  assert_true(sentence.find("m/x: not $value between -60 and 125") != std::string_view::npos);
}

// The schedule of P6: the roll-back must not hide what was written behind the refused op.
static void a_later_write_stands_when_an_earlier_one_is_refused(void**) {
  RowRules rules = rules_of(between());
  World world(under(rules, 601));
  join(world);
  Site& a = world.device(0);
  assert_ok(world.put(a, "m", "x", 1));
  assert_converged(world);
  crdt::Seq refused = 0;
  assert_ok(world.put(a, "m", "x", 400, 0, &refused));
  world.run_ms(6);  // It is on its way.
  assert_ok(world.put(a, "m", "x", 2));
  assert_converged(world);
  assert_true(outcome_at(a, refused) == Outcome::rejected);
  assert_everywhere(world, "x", 2);
}

// P10: first is who arrives first, not who wrote first.
static void the_first_write_to_arrive_stands(void**) {
  RowRules rules = rules_of(first());
  World world(under(rules, 602, 3));
  join(world);
  world.run_ms(100);
  Site& early = world.device(0);
  Site& late = world.device(1);
  world.cut(early);
  assert_ok(world.put(early, "m", "x", 1));
  world.run_ms(50);
  assert_ok(world.put(late, "m", "x", 2));
  world.run_ms(50);
  world.heal(early);
  assert_converged(world);
  assert_everywhere(world, "x", 2);
  assert_int_equal(rejected_by(world), 1);
  // Nor may it be changed or removed, by its own writer neither.
  assert_ok(world.put(late, "m", "x", 3));
  assert_ok(world.remove(world.device(2), "m", "x"));
  assert_converged(world);
  assert_everywhere(world, "x", 2);
}

static void of_writes_at_the_same_time_one_is_first_everywhere(void**) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    RowRules rules = rules_of(first());
    World::Options options = under(rules, 610 + seed, 4);
    options.weather.jitter_ms = 20;
    World world(options);
    join(world);
    world.run_ms(50);
    for (std::size_t i = 0; i < 4; ++i) assert_ok(world.put(world.device(i), "m", "x", std::int64_t(i)));
    assert_converged(world);
    assert_int_equal(rejected_by(world), 3);
  }
}

// P10: with a lesser stamp than what stands, and with a greater one.
static void the_greatest_stands_everywhere_whatever_the_stamps(void**) {
  RowRules rules = rules_of(greatest());
  World world(under(rules, 620, 3));
  join(world);
  world.run_ms(100);
  world.cut(world.device(0));
  assert_ok(world.put(world.device(0), "m", "x", 9));
  world.run_ms(50);
  assert_ok(world.put(world.device(1), "m", "x", 5));
  world.run_ms(50);
  assert_everywhere(world, "y", -999);
  world.heal(world.device(0));
  assert_converged(world);
  assert_everywhere(world, "x", 9);
  assert_ok(world.put(world.device(2), "m", "x", 7));
  assert_converged(world);
  assert_everywhere(world, "x", 9);
  assert_int_equal(rejected_by(world), 0);
  verify_all(world);
}

static void the_greatest_stands_in_any_weather(void**) {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    RowRules rules = rules_of(greatest());
    World::Options options = under(rules, 630 + seed, 4);
    options.weather.jitter_ms = 30;
    options.weather.drop = 20'000;
    World world(options);
    join(world);
    for (std::int64_t i = 0; i < 40; ++i) {
      Site& device = world.device(static_cast<std::size_t>(i) % 4);
      assert_ok(world.put(device, "m", "x", (i * 37) % 101));
      world.run_ms(9);
      if (i == 20) start_again(world, world.gateway());
    }
    options.weather.drop = 0;
    world.weather().drop = 0;
    assert_converged(world);
    const std::int64_t stands = world.get(world.gateway(), "m", "x", -1);
    // A device's own writes may supersede one another before they arrive; the last of each always does.
    for (std::int64_t i = 36; i < 40; ++i) assert_true(stands >= (i * 37) % 101);
  }
}

// P9: one of a batch breaks a rule, and none is taken.
static void a_batch_is_refused_for_one_of_its_rows(void**) {
  for (std::size_t bad = 0; bad < 3; ++bad) {
    RowRules rules = rules_of(between());
    World world(under(rules, 640 + bad));
    join(world);
    const auto keys = keys_together(3);
    std::vector<std::int64_t> values{1, 2, 3};
    values[bad] = 400;
    assert_ok(write_batch(world, world.device(0), keys, values));
    assert_converged(world);
    assert_int_equal(rejected_by(world), 3);
    for (const std::string& key : keys) assert_everywhere(world, key, -999);
    assert_ok(write_batch(world, world.device(0), keys, {1, 2, 3}));
    assert_converged(world);
    assert_everywhere(world, keys[2], 3);
  }
}

// The schedule of P7: it was relayed, forgotten in a power cut, and is refused when it comes again.
static void what_was_relayed_and_is_refused_when_it_comes_again_is_written_over(void**) {
  RowRules rules = rules_of(between());
  World::Options options{.seed = 650, .devices = 2, .commit_ms = 200};
  World world(options);
  join(world);
  assert_true(world.settle());
  Site& a = world.device(0);
  Site& b = world.device(1);
  crdt::Seq seq = 0;
  assert_ok(world.put(a, "m", "x", 400, 0, &seq));
  // Applied, relayed and told so, but on no disk.
  assert_true(world.run_until([&] { return outcome_at(a, seq) == Outcome::applied; }, 5'000));
  assert_true(world.run_until([&] { return world.get(b, "m", "x", 0) == 400; }, 5'000));
  world.crash(world.gateway());
  World::Options& now = const_cast<World::Options&>(world.options());
  now.server.policy = &rules;
  world.restart(world.gateway());
  assert_converged(world);
  assert_true(outcome_at(a, seq) == Outcome::rejected);
  assert_everywhere(world, "x", -999);
  assert_ok(world.put(b, "m", "x", 3));
  assert_converged(world);
  assert_everywhere(world, "x", 3);
}

// Its acknowledgement is lost, and the rules change before it comes again: refused now, its writer would not know the
// newest op that was taken of it, and would seem to be an image of itself (P1).
static void what_was_taken_last_is_not_judged_when_it_comes_again(void**) {
  RowRules rules = rules_of(between());
  World world({.seed = 651, .devices = 2});
  join(world);
  assert_true(world.settle());
  Site& a = world.device(0);
  Site& b = world.device(1);
  const std::uint64_t node = node_of(a);
  world.cut(a);
  crdt::Seq seq = 0;
  assert_ok(world.put(a, "m", "x", 400, 0, &seq));
  world.run_ms(50);
  assert_ok(world.put(b, "m", "x", 5));
  world.run_ms(5'000);
  const std::uint64_t before = world.gateway().coordinator->status().ops_applied;
  world.heal(a);
  assert_true(world.run_until([&] { return world.gateway().coordinator->status().ops_applied == before + 1; }, 60'000));
  world.run_ms(1);
  world.cut(a);
  world.run_ms(50);
  assert_true(outcome_at(a, seq) == Outcome::pending);
  world.crash(world.gateway());
  const_cast<World::Options&>(world.options()).server.policy = &rules;
  world.restart(world.gateway());
  world.heal(a);
  assert_converged(world);
  start_again(world, a);
  assert_converged(world);
  assert_int_equal(node_of(a), node);
  assert_everywhere(world, "x", 5);
}

// A second start goes on above what the first one wrote, under another name: nobody knows what the first one relayed.
static void what_the_gateway_writes_itself_is_never_below_what_it_wrote(void**) {
  RowRules rules = rules_of(greatest());
  World world(under(rules, 660));
  join(world);
  assert_ok(world.put(world.device(0), "m", "x", 9));
  assert_converged(world);
  assert_ok(world.put(world.device(1), "m", "x", 5));
  assert_converged(world);
  const crdt::Stamp before = cell_of(world.gateway(), "m", "x").stamp;
  assert_true(before.node != node_of(world.device(0)) && before.node != node_of(world.device(1)));
  start_again(world, world.gateway());
  assert_ok(world.put(world.device(1), "m", "x", 6));
  assert_converged(world);
  const crdt::Stamp after = cell_of(world.gateway(), "m", "x").stamp;
  assert_true(after > before && after.node != before.node);
  assert_everywhere(world, "x", 9);
}

static void a_set_or_a_counter_does_not_go_round_the_rules_of_a_map(void**) {
  RowRules rules = rules_of(between());
  World world(under(rules, 661));
  join(world);
  const std::string one = canonical(1);
  Call call{.verb = Call::Verb::edit, .scope = {runtime::ScopeKind::key, "m", "x"}, .value = as_bytes(one)};
  call.edit = runtime::add_to_set;
  assert_ok(world.call(world.device(0), call));
  Call count = call;
  count.edit = runtime::add_to_counter;
  assert_ok(world.call(world.device(0), count));
  assert_converged(world);
  assert_int_equal(rejected_by(world), 2);
}

// P25: each refusal takes back what its op brought, and one that brought nothing more leaves the later op alone.
static void counts_that_are_refused_one_behind_the_other_come_to_rest(void**) {
  RowRules rules = rules_of(between());
  World world(under(rules, 662));
  join(world);
  assert_true(world.settle());
  const std::string one = canonical(std::int64_t{1});
  Call count{.verb = Call::Verb::edit, .scope = {runtime::ScopeKind::key, "m", "x"}, .value = as_bytes(one)};
  count.edit = runtime::add_to_counter;
  assert_ok(world.call(world.device(0), count));
  world.run_ms(6);  // It is on its way.
  assert_ok(world.call(world.device(0), count));
  assert_converged(world);
  assert_true(rejected_by(world) >= 2 && rejected_by(world) <= 4);
}

// A refused new key leaves no record in the log, and its watches hear of it all the same.
static void a_row_that_is_taken_back_without_a_trace_is_told_to_its_watches(void**) {
  RowRules rules = rules_of(between());
  World world(under(rules, 675));
  join(world);
  Site& a = world.device(0);
  assert_ok(world.put(a, "m", "known", 1));
  assert_converged(world);
  assert_ok(world.put(a, "m", "known", 400));
  assert_ok(world.put(a, "m", "new", 400));
  assert_converged(world);
  assert_true(a.vanished == std::vector<std::string>{"m/new"});
}

}  // namespace grid::sim

int main() {
  using namespace grid::sim;
  const CMUnitTest tests[] = {
      cmocka_unit_test(what_breaks_a_rule_is_taken_back_where_it_was_written),
      cmocka_unit_test(a_later_write_stands_when_an_earlier_one_is_refused),
      cmocka_unit_test(the_first_write_to_arrive_stands),
      cmocka_unit_test(of_writes_at_the_same_time_one_is_first_everywhere),
      cmocka_unit_test(the_greatest_stands_everywhere_whatever_the_stamps),
      cmocka_unit_test(the_greatest_stands_in_any_weather),
      cmocka_unit_test(a_batch_is_refused_for_one_of_its_rows),
      cmocka_unit_test(what_was_relayed_and_is_refused_when_it_comes_again_is_written_over),
      cmocka_unit_test(what_was_taken_last_is_not_judged_when_it_comes_again),
      cmocka_unit_test(what_the_gateway_writes_itself_is_never_below_what_it_wrote),
      cmocka_unit_test(a_set_or_a_counter_does_not_go_round_the_rules_of_a_map),
      cmocka_unit_test(counts_that_are_refused_one_behind_the_other_come_to_rest),
      cmocka_unit_test(a_row_that_is_taken_back_without_a_trace_is_told_to_its_watches),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
