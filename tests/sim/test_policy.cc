// SPDX-License-Identifier: Apache-2.0
//
// Policies of the gateway: what it refuses is taken back where it was written, and what it decides against the order of
// stamps stands everywhere (PROTOCOL P5, P6, P7, P9, P10).

#include "crdt/partition.h"
#include "runtime/edits.h"
#include "server/row_rules.h"
#include "tests/sim/story.h"

namespace grid::sim {

using runtime::Call;
using runtime::RowWrite;
using server::MapRules;
using server::RowRules;

namespace {

RowRules rules_of(const MapRules& of_map) {
  RowRules rules;
  RowRules::Fault fault;
  assert_ok(rules.add(of_map, fault));
  return rules;
}

World::Options under(RowRules& rules, std::uint64_t seed, std::size_t devices = 2) {
  World::Options options{.seed = seed, .devices = devices};
  options.server.policy = &rules;
  return options;
}

MapRules rules_for_m() {
  MapRules rules;
  rules.map = "m";
  return rules;
}

MapRules between() {
  MapRules rules = rules_for_m();
  rules.require = "$value between -60 and 125";
  return rules;
}

MapRules first() {
  MapRules rules = rules_for_m();
  rules.first_write_wins = true;
  return rules;
}

MapRules greatest() {
  MapRules rules = rules_for_m();
  rules.max_wins = "$value";
  return rules;
}

// Keys of map "m" in one partition.
std::vector<std::string> keys_together(std::size_t count) {
  std::vector<std::string> keys;
  for (std::uint64_t i = 0; keys.size() < count; ++i) {
    const std::string key = "together/" + std::to_string(i);
    if (crdt::position_of("farm", "m", key).partition == 7) keys.push_back(key);
  }
  return keys;
}

Status write_batch(World& world, Site& site, const std::vector<std::string>& keys,
                   const std::vector<std::int64_t>& values) {
  std::vector<std::string> bytes;
  for (const std::int64_t value : values) bytes.push_back(canonical(value));
  std::vector<RowWrite> rows;
  for (std::size_t i = 0; i < keys.size(); ++i) rows.push_back({"m", keys[i], as_bytes(bytes[i]), 0});
  Call call{.verb = Call::Verb::edit};
  call.edit = runtime::write_batch;
  call.rows = rows;
  return world.call(site, call);
}

void assert_everywhere(World& world, std::string_view key, std::int64_t value) {
  assert_int_equal(world.get(world.gateway(), "m", key, -999), value);
  for (std::size_t i = 0; i < world.device_count(); ++i) {
    assert_int_equal(world.get(world.device(i), "m", key, -999), value);
  }
}

Outcome outcome_at(Site& site, crdt::Seq seq) { return site.replica->outcome_of(seq); }

}  // namespace

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

// P6: in the list until somebody discards it, across a power cut.
static void what_was_refused_lies_in_the_list_until_it_is_discarded(void**) {
  RowRules rules = rules_of(between());
  World::Options options = under(rules, 670);
  options.letters = 8;
  World world(options);
  join(world);
  Site& a = world.device(0);
  crdt::Seq seq = 0;
  assert_ok(world.put(a, "m", "x", 400, 0, &seq));
  assert_converged(world);
  start_again(world, a);
  assert_int_equal(a.letters->count(), 1);
  const Result<runtime::Letter> letter = a.letters->next(0);
  assert_ok(letter.status());
  assert_true(letter->id == seq && letter->cell.name == (crdt::CellName{"m", "x", {}}));
  assert_int_equal(crdt::Value(letter->cell.value).integer_or(0), 400);
  assert_true(letter->outcome == Outcome::rejected && letter->reason == Status::invalid);
  assert_true(letter->sentence == "m/x: not $value between -60 and 125");
  assert_status(a.letters->next(seq).status(), Status::not_found);
  Call discard{.verb = Call::Verb::edit, .scope = {runtime::ScopeKind::key, "m", "x"}};
  discard.edit = runtime::discard_letter;
  discard.letter = seq;
  assert_ok(world.call(a, discard));
  assert_status(world.call(a, discard), Status::not_found);
  assert_converged(world);
  start_again(world, a);
  assert_int_equal(a.letters->count(), 0);
}

// P6: {1} is superseded by {400} before it was sent, and {400} is refused: both are in the list.
static void what_was_superseded_by_a_refused_write_is_lost_with_it(void**) {
  RowRules rules = rules_of(between());
  World::Options options = under(rules, 671);
  options.letters = 8;
  World world(options);
  Site& a = world.device(0);
  crdt::Seq first = 0, second = 0, kept = 0;
  assert_ok(world.put(a, "m", "x", 1, 0, &first));
  assert_ok(world.put(a, "m", "x", 400, 0, &second));
  assert_ok(world.put(a, "m", "y", 2));
  assert_ok(world.put(a, "m", "y", 3, 0, &kept));
  world.run_ms(20);
  start_again(world, a);
  join(world);
  assert_converged(world);
  assert_true(outcome_at(a, first) == Outcome::lost_with);
  assert_true(outcome_at(a, second) == Outcome::rejected);
  assert_true(outcome_at(a, kept) == Outcome::durable);
  assert_int_equal(a.letters->count(), 2);
  const Result<runtime::Letter> lost = a.letters->next(0);
  assert_true(lost->id == first && lost->outcome == Outcome::lost_with && lost->with == second);
  assert_int_equal(crdt::Value(lost->cell.value).integer_or(0), 1);
  assert_int_equal(a.letters->next(first)->id, second);
  // What was superseded by what got through is nobody's loss, and is kept no longer.
  assert_status(a.store->next_fact("was/", "").status(), Status::not_found);
}

// The letter goes with the commit that takes the op back: without that, the op is sent and refused once more.
static void a_power_cut_between_refusal_and_commit_leaves_one_letter(void**) {
  RowRules rules = rules_of(between());
  World::Options options = under(rules, 676);
  options.letters = 8;
  options.commit_ms = 100;
  World world(options);
  join(world);
  assert_true(world.settle());
  Site& a = world.device(0);
  crdt::Seq seq = 0;
  assert_ok(world.put(a, "m", "x", 400, 0, &seq));
  assert_true(world.run_until([&] { return a.letters->count() == 1; }, 5'000));
  start_again(world, a);
  assert_int_equal(a.letters->count(), 0);
  assert_true(outcome_at(a, seq) != Outcome::rejected);
  assert_converged(world);
  assert_true(outcome_at(a, seq) == Outcome::rejected);
  assert_int_equal(a.letters->count(), 1);
  assert_int_equal(a.letters->next(0)->id, seq);
  assert_everywhere(world, "x", -999);
}

// P9: what went as one lies in the list row by row.
static void each_row_of_a_refused_batch_has_a_letter(void**) {
  RowRules rules = rules_of(between());
  World::Options options = under(rules, 677);
  options.letters = 8;
  World world(options);
  join(world);
  Site& a = world.device(0);
  assert_ok(write_batch(world, a, keys_together(3), {1, 400, 3}));
  assert_converged(world);
  assert_int_equal(a.letters->count(), 3);
  crdt::Seq id = 0;
  for (const std::string& key : keys_together(3)) {
    const Result<runtime::Letter> letter = a.letters->next(id);
    assert_true(letter.ok() && letter->cell.name.key == key && letter->reason == Status::invalid);
    id = letter->id;
  }
}

static void a_full_list_keeps_what_it_has_and_counts_the_rest(void**) {
  RowRules rules = rules_of(between());
  World::Options options = under(rules, 672);
  options.letters = 3;
  World world(options);
  join(world);
  Site& a = world.device(0);
  for (std::uint64_t i = 0; i < 5; ++i) assert_ok(world.put(a, "m", key_of(i), 400));
  assert_converged(world);
  start_again(world, a);
  assert_int_equal(a.letters->count(), 3);
  assert_int_equal(a.letters->unkept_count(), 2);
  assert_true(a.letters->next(0)->cell.name.key == key_of(0));
}

static void what_a_full_log_drops_lies_in_the_list(void**) {
  World world({.seed = 673, .letters = 8, .short_logs = 4});
  Site& a = world.device(1).limits.pending_ops_max == 4 ? world.device(1) : world.device(0);
  for (std::uint64_t i = 0; i < 6; ++i) assert_ok(world.put(a, "m", key_of(i), 1));
  assert_int_equal(a.letters->count(), 2);
  assert_true(a.letters->next(0)->outcome == Outcome::dropped);
}

// A large value is kept in several facts.
static void a_letter_of_any_size_comes_back_whole(void**) {
  RowRules rules = rules_of(first());
  World::Options options = under(rules, 674);
  options.letters = 8;
  World world(options);
  join(world);
  assert_ok(world.put(world.device(1), "m", "x", 1));
  assert_converged(world);
  std::vector<std::uint8_t> room(9'000);
  crdt::ValueWriter writer(room);
  const std::string text(8'000, 't');
  writer.text(text);
  Call put{.verb = Call::Verb::put, .scope = {runtime::ScopeKind::key, "m", "x"}, .value = *writer.finish()};
  assert_ok(world.call(world.device(0), put));
  assert_converged(world);
  start_again(world, world.device(0));
  const Result<runtime::Letter> letter = world.device(0).letters->next(0);
  assert_ok(letter.status());
  assert_true(crdt::Value(letter->cell.value).text_or({}) == text);
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
      cmocka_unit_test(what_the_gateway_writes_itself_is_never_below_what_it_wrote),
      cmocka_unit_test(a_set_or_a_counter_does_not_go_round_the_rules_of_a_map),
      cmocka_unit_test(counts_that_are_refused_one_behind_the_other_come_to_rest),
      cmocka_unit_test(what_was_refused_lies_in_the_list_until_it_is_discarded),
      cmocka_unit_test(what_was_superseded_by_a_refused_write_is_lost_with_it),
      cmocka_unit_test(a_power_cut_between_refusal_and_commit_leaves_one_letter),
      cmocka_unit_test(each_row_of_a_refused_batch_has_a_letter),
      cmocka_unit_test(a_full_list_keeps_what_it_has_and_counts_the_rest),
      cmocka_unit_test(what_a_full_log_drops_lies_in_the_list),
      cmocka_unit_test(a_letter_of_any_size_comes_back_whole),
      cmocka_unit_test(a_row_that_is_taken_back_without_a_trace_is_told_to_its_watches),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
