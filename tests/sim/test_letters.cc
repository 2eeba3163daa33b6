// SPDX-License-Identifier: Apache-2.0
//
// Dead letters: what did not get through lies in a bounded list where it was written (PROTOCOL P6, P9).

#include "tests/sim/policy_story.h"

namespace grid::sim {

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

}  // namespace grid::sim

int main() {
  using namespace grid::sim;
  const CMUnitTest tests[] = {
      cmocka_unit_test(what_was_refused_lies_in_the_list_until_it_is_discarded),
      cmocka_unit_test(what_was_superseded_by_a_refused_write_is_lost_with_it),
      cmocka_unit_test(a_power_cut_between_refusal_and_commit_leaves_one_letter),
      cmocka_unit_test(each_row_of_a_refused_batch_has_a_letter),
      cmocka_unit_test(a_full_list_keeps_what_it_has_and_counts_the_rest),
      cmocka_unit_test(what_a_full_log_drops_lies_in_the_list),
      cmocka_unit_test(a_letter_of_any_size_comes_back_whole),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
