// SPDX-License-Identifier: Apache-2.0
//
// The schedules of the protocol's rules, told: comparisons and healing. test_protocol.cc begins with the table of all
// rules.

#include <cstring>
#include <string>

#include "tests/sim/story.h"
#include "transport/wire.h"

using grid::runtime::ScopeKind;
using grid::storage::MemoryStore;

namespace grid::sim {

namespace {

// Counts how often a device asks for a comparison that its subscription has not begun by itself.
class Comparisons final : public Witness {
 public:
  explicit Comparisons(const Site& device) : device_(device) {}
  std::size_t count() const { return count_; }

  void stepped(Site&, const Event&, storage::Seq, std::span<const Action>) override {}
  void called(Site&, const runtime::Call&) override {}
  void forgot(Site&, Fault) override {}
  void sent(Site& from, Site&, Bytes frame) override {
    if (&from != &device_ || *wire::kind_of(frame) != wire::Kind::verify) return;
    grid_Verify verify = grid_Verify_init_zero;
    assert_ok(wire::decode(frame, verify));
    if (verify.compare) ++count_;
  }

 private:
  const Site& device_;
  std::size_t count_ = 0;
};

}  // namespace

// ---- comparisons

// PROTOCOL P16: a late key is relayed while the lists of a comparison are under way, at every moment of it. And SYN-2:
// what is compared is cut off, and the cursor of what was relayed meanwhile must not stand for what was not found yet.
static void a_key_that_arrives_during_a_comparison_is_not_taken_for_lost(void**) {
  for (std::uint64_t ms = 1; ms < 60; ms += 3) {
    World world({.seed = 300 + ms, .devices = 3});
    Site& a = world.device(0);
    Site& b = world.device(1);
    put_rows(world, a, 3'000, 1);
    join(world);
    assert_converged(world);
    world.cut(b);
    for (std::uint64_t i = 0; i < 300; ++i) assert_ok(world.put(a, "load", key_of(i * 7), 2));
    assert_true(world.run_until([&] { return a.replica->status(0).quiet; }, 60'000));
    world.crash(b);
    lose_cursors(b);
    world.restart(b);
    world.heal(b);
    std::uint64_t late = 0;
    const auto put_late = [&] {
      assert_ok(world.put(world.device(2), "load", "late/" + std::to_string(late++), 3));
      world.run_ms(1);
    };
    while (b.replica->status(0).state != SyncState::syncing_down) put_late();
    for (std::uint64_t i = 0; i < ms; ++i) put_late();
    start_again(world, b);
    assert_converged(world);
    assert_int_equal(world.get(b, "load", "late/0", 0), 3);
  }
}

// PROTOCOL P16, MRK-1: one has seen the removals, the other came when they were long over.
static void equal_replicas_with_other_removals_have_equal_digests(void**) {
  World world({.seed = 210});
  Site& a = world.device(0);
  world.subscribe(a);
  world.online(a);
  put_rows(world, a, 40, 1);
  world.run_ms(1'000);
  for (std::uint64_t i = 0; i < 20; ++i) assert_ok(world.remove(a, "load", key_of(i)));
  world.run_ms(1'000);
  world.subscribe(world.device(1));
  world.online(world.device(1));
  assert_converged(world);
  verify_all(world);
}

// SYN-1: two comparisons of one greeting, and what answers the second arrives while the first is made.
static void an_answer_that_nobody_waits_for_is_not_taken_for_the_next(void**) {
  World world({.seed = 231, .weather = {.bytes_per_second = 40'000}});
  Site &a = world.device(0), &b = world.device(1);
  world.subscribe(a, {ScopeKind::map, "first"});
  join(world);
  put_rows(world, b, 40, 1);
  assert_ok(world.put(b, "first", "x", 1));
  assert_converged(world);
  world.crash(a);
  lose_cursors(a);
  assert_ok(world.put(b, "before", "x", 1));
  world.run_ms(5'000);
  Comparisons comparisons(a);
  world.watch_by(comparisons);
  world.restart(a);
  assert_converged(world);
  assert_int_equal(comparisons.count(), 1);  // Of the second: it was begun once, and was the last.
}

// SYN-1: a comparison that had no room for all that differs, of a scope that was found equal on an earlier link.
static void what_a_comparison_had_no_room_for_is_found_by_the_next(void**) {
  Limits few = kLinux;
  few.walk_ranges_max = 16;
  World world({.seed = 232, .limits = few});
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  put_rows(world, a, 1, 1);
  assert_converged(world);
  const MemoryStore image(*world.gateway().store);
  assert_ok(world.put(a, "m", "x", 1));
  assert_converged(world);
  verify_all(world);
  world.cut(a);
  set_back(world, world.gateway(), image);
  put_rows(world, b, 40, 2);
  world.run_ms(5'000);
  world.heal(a);
  assert_converged(world);
}

// SYN-1, SYN-2: a chip compares many rows, a few partitions at a time, and loses power again and again meanwhile.
static void what_a_comparison_left_out_outlives_a_power_cut(void**) {
  World world({.seed = 134});
  Site &a = world.device(0), &b = world.device(1);
  b.limits = kChip;
  start_again(world, b);
  world.subscribe(a);
  world.online(a);
  assert_ok(world.put(b, "load", "mine", 1));
  world.online(b);
  put_rows(world, a, 1'500, 1);
  assert_true(world.settle());
  world.subscribe(b, {ScopeKind::map, "load"});
  for (int i = 0; i < 5; ++i) {
    world.run_ms(60);
    start_again(world, b);
  }
  assert_converged(world);
  verify_all(world);
}

// A scope of more maps than a chip has room to compare is told, and no cursor covers what was not compared.
static void maps_that_nobody_compared_are_told(void**) {
  World world({.seed = 135});
  Site &a = world.device(0), &b = world.device(1);
  b.limits = kChip;
  start_again(world, b);
  join(world);
  for (const char* map : {"m1", "m2", "m3", "m4", "m5"}) assert_ok(world.put(a, map, "x", 1));
  assert_true(world.settle());
  world.crash(b);
  lose_cursors(b);
  assert_ok(world.put(a, "m5", "y", 1));
  world.run_ms(1'000);
  world.restart(b);
  world.run_ms(60'000);
  assert_false(b.replica->status(0).current);
  assert_non_null(std::strstr(b.replica->problem(), "3 fit"));
  Comparisons comparisons(b);
  world.watch_by(comparisons);
  world.verify(b);  // Whoever asks is answered by one more try, not by silence.
  world.run_ms(1'000);
  assert_true(comparisons.count() > 0);
}

// ---- healing

// PROTOCOL P19: neither a cursor nor an op of its own tells that something was lost: it may have been removed.
static void a_device_without_evidence_keeps_what_the_gateway_lacks_and_says_so(void**) {
  World world({.seed = 211});
  Site& b = world.device(1);
  join(world);
  assert_ok(world.put(world.device(0), "m", "x", 1));
  assert_converged(world);
  world.cut(world.device(0));
  world.crash(b);
  lose_cursors(b);
  set_back(world, world.gateway(), MemoryStore());
  world.restart(b);
  const auto says_so = [&b] {
    return std::string(b.replica->problem()).find("may not give back") != std::string::npos;
  };
  assert_true(world.run_until(says_so, 60'000));
  world.run_ms(1'000);
  assert_int_equal(world.get(world.gateway(), "m", "x", 0), 0);
  assert_int_equal(world.get(b, "m", "x", 0), 1);
}

// PROTOCOL P12, P19: its cursor is of an epoch that the gateway knows nothing of.
static void a_gateway_that_lost_everything_is_healed_by_who_only_listened(void**) {
  World world({.seed = 213});
  join(world);
  assert_ok(world.put(world.device(0), "m", "x", 1));
  assert_converged(world);
  world.cut(world.device(0));
  set_back(world, world.gateway(), MemoryStore());
  assert_true(world.run_until([&] { return world.get(world.gateway(), "m", "x", 0) == 1; }, 60'000));
}

// PROTOCOL P19: the removal comes back before who never saw it brings the row.
static void a_removal_outlives_a_gateway_that_lost_everything(void**) {
  World world({.seed = 214, .devices = 3});
  join(world);
  assert_ok(world.put(world.device(0), "m", "x", 1));
  assert_ok(world.put(world.device(0), "m", "y", 1));
  assert_converged(world);
  world.cut(world.device(2));
  assert_ok(world.remove(world.device(0), "m", "x"));
  world.run_ms(1'000);
  set_back(world, world.gateway(), MemoryStore());
  world.run_ms(60'000);
  world.heal(world.device(2));
  assert_converged(world);
  assert_int_equal(world.get(world.gateway(), "m", "x", 0), 0);
  assert_int_equal(world.get(world.gateway(), "m", "y", 0), 1);
}

// PROTOCOL P19: more removals than one frame of a small device takes, or one round of its comparison.
static void removals_that_fill_many_frames_outlive_a_gateway_that_lost_everything(void**) {
  constexpr int kRows = 60;
  World world({.seed = 236});
  Site &a = world.device(0), &b = world.device(1);
  a.limits = kNano;
  start_again(world, a);
  join(world);
  const auto key = [](int i) { return std::string(200, 'k') + std::to_string(i); };
  for (int i = 0; i < kRows; ++i) assert_ok(world.put(a, "m", key(i), 1));
  assert_ok(world.put(a, "m", "stays", 1));
  assert_converged(world);
  world.cut(b);
  for (int i = 0; i < kRows; ++i) assert_ok(world.remove(a, "m", key(i)));
  world.run_ms(5'000);
  set_back(world, world.gateway(), MemoryStore());
  world.run_ms(60'000);
  world.heal(b);
  assert_converged(world);
  for (int i = 0; i < kRows; ++i) assert_int_equal(world.get(world.gateway(), "m", key(i), 0), 0);
  assert_int_equal(world.get(world.gateway(), "m", "stays", 0), 1);
}

// PROTOCOL P19, ACK-1: no cursor covers a device's own ops.
static void a_gateway_that_lost_what_one_device_wrote_gets_it_back(void**) {
  World world({.seed = 212, .devices = 1});
  Site& a = world.device(0);
  join(world);
  assert_ok(world.put(a, "m", "w", 1));
  assert_converged(world);
  const MemoryStore image(*world.gateway().store);
  assert_ok(world.put(a, "m", "x", 1));
  assert_converged(world);
  set_back(world, world.gateway(), image);
  assert_converged(world);
  assert_int_equal(world.get(world.gateway(), "m", "x", 0), 1);
}

// PROTOCOL P19: the gateway no longer knows the device's fork token, and the power goes between the new name, under
// which nothing was ever acknowledged, and the first heal.
static void a_change_of_name_takes_no_evidence_with_it(void**) {
  for (std::uint64_t ms = 0; ms < 200; ms += 3) {
    World world({.seed = 700 + ms, .devices = 1, .latency_ms = 20, .commit_ms = 15});
    Site& a = world.device(0);
    join(world);
    assert_ok(world.put(a, "m", "w", 1));
    assert_converged(world);
    const MemoryStore image(*world.gateway().store);
    for (std::int64_t i = 0; i < 3; ++i) {
      assert_ok(world.put(a, "m", "x", i));
      assert_true(world.settle());
    }
    world.cut(a);
    set_back(world, world.gateway(), image);
    world.heal(a);
    world.run_ms(ms);
    start_again(world, a);
    assert_converged(world);
    assert_int_equal(world.get(world.gateway(), "m", "x", 0), 2);
  }
}

// PROTOCOL P19: what a scope brought stays when the scope is left, and so does the cursor that tells of a loss.
static void a_scope_that_was_left_tells_what_another_one_may_give_back(void**) {
  World world({.seed = 217});
  Site& b = world.device(1);
  join(world);
  assert_ok(world.put(world.device(0), "m", "w", 1));
  assert_converged(world);
  const MemoryStore image(*world.gateway().store);
  assert_ok(world.put(world.device(0), "m", "x", 1));
  assert_converged(world);
  world.cut(world.device(0));
  world.cut(b);
  world.unsubscribe(b, 0);
  world.subscribe(b, {ScopeKind::map, "m", {}});
  world.run_ms(100);
  start_again(world, b);
  set_back(world, world.gateway(), image);
  world.heal(b);
  assert_true(world.run_until([&] { return world.get(world.gateway(), "m", "x", 0) == 1; }, 60'000));
}

// PROTOCOL P19, ACK-1: a device notes a loss for what it holds outside its scopes, too.
static void what_was_lost_outside_all_scopes_is_given_back_once_it_is_compared(void**) {
  World world({.seed = 218, .devices = 1});
  Site& a = world.device(0);
  world.subscribe(a, {ScopeKind::map, "n", {}});
  world.online(a);
  assert_ok(world.put(a, "m", "w", 1));
  assert_ok(world.put(a, "n", "w", 1));
  assert_true(world.settle());
  const MemoryStore image(*world.gateway().store);
  assert_ok(world.put(a, "m", "x", 1));
  assert_true(world.settle());
  set_back(world, world.gateway(), image);
  assert_true(world.settle());
  assert_ok(world.put(a, "n", "w", 2));
  assert_true(world.settle());
  assert_int_equal(world.get(world.gateway(), "m", "x", 0), 0);
  start_again(world, a);
  world.subscribe(a);
  assert_converged(world);
  assert_int_equal(world.get(world.gateway(), "m", "x", 0), 1);
}

// PROTOCOL P19: the gateway takes a new op of the device, which is then set back to an image that holds older ones.
static void what_was_pushed_before_a_healing_hides_nothing_from_an_image(void**) {
  World world({.seed = 219, .devices = 1, .latency_ms = 20});
  Site& a = world.device(0);
  world.run_ms(100);
  const MemoryStore gateway_image(*world.gateway().store);
  join(world);
  assert_converged(world);
  assert_ok(world.put(a, "m", "x", 1));
  assert_converged(world);
  const MemoryStore image(*a.store);
  world.cut(a);
  assert_ok(world.put(a, "m", "y", 1));
  set_back(world, world.gateway(), gateway_image);
  world.heal(a);
  assert_true(world.run_until([&] { return world.get(world.gateway(), "m", "y", 0) == 1; }, 60'000));
  world.run_ms(5);
  set_back(world, a, image);
  assert_converged(world);
  assert_int_equal(world.get(world.gateway(), "m", "x", 0), 1);
}

// PROTOCOL P19: the gateway takes a new op of the device before it has its old ones back, and the link drops: nothing
// but the device's own note tells of the loss any more.
static void a_healing_that_was_cut_off_goes_on(void**) {
  for (std::uint64_t ms = 0; ms < 200; ms += 10) {
    World world({.seed = 400 + ms, .devices = 1, .latency_ms = 20});
    Site& a = world.device(0);
    join(world);
    assert_ok(world.put(a, "m", "w", 1));
    assert_converged(world);
    const MemoryStore image(*world.gateway().store);
    put_rows(world, a, 200, 1);
    assert_converged(world);
    world.cut(a);
    assert_ok(world.put(a, "m", "z", 9));
    world.run_ms(100);
    set_back(world, world.gateway(), image);
    world.heal(a);
    assert_true(world.run_until([&] { return world.get(world.gateway(), "m", "z", 0) == 9; }, 60'000));
    world.run_ms(ms);
    start_again(world, a);
    assert_converged(world);
    assert_int_equal(world.get(world.gateway(), "load", key_of(199), 0), 1);
  }
}

}  // namespace grid::sim

int main() {
  using namespace grid::sim;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_key_that_arrives_during_a_comparison_is_not_taken_for_lost),
      cmocka_unit_test(equal_replicas_with_other_removals_have_equal_digests),
      cmocka_unit_test(an_answer_that_nobody_waits_for_is_not_taken_for_the_next),
      cmocka_unit_test(what_a_comparison_had_no_room_for_is_found_by_the_next),
      cmocka_unit_test(what_a_comparison_left_out_outlives_a_power_cut),
      cmocka_unit_test(maps_that_nobody_compared_are_told),
      cmocka_unit_test(a_device_without_evidence_keeps_what_the_gateway_lacks_and_says_so),
      cmocka_unit_test(a_gateway_that_lost_everything_is_healed_by_who_only_listened),
      cmocka_unit_test(a_removal_outlives_a_gateway_that_lost_everything),
      cmocka_unit_test(removals_that_fill_many_frames_outlive_a_gateway_that_lost_everything),
      cmocka_unit_test(a_gateway_that_lost_what_one_device_wrote_gets_it_back),
      cmocka_unit_test(a_change_of_name_takes_no_evidence_with_it),
      cmocka_unit_test(a_scope_that_was_left_tells_what_another_one_may_give_back),
      cmocka_unit_test(what_was_lost_outside_all_scopes_is_given_back_once_it_is_compared),
      cmocka_unit_test(what_was_pushed_before_a_healing_hides_nothing_from_an_image),
      cmocka_unit_test(a_healing_that_was_cut_off_goes_on),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
