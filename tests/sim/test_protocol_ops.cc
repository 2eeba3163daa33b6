// SPDX-License-Identifier: Apache-2.0
//
// The schedules of the protocol's rules, told: identity, ops and acks. test_protocol.cc begins with the table of all
// rules.

#include "crdt/value.h"
#include "tests/sim/story.h"

using grid::Outcome;
using grid::runtime::ScopeKind;
using grid::storage::MemoryStore;

namespace grid::sim {

// ---- identity

// PROTOCOL P1
static void a_restored_image_signs_what_it_had_pending_under_its_new_name(void**) {
  World world({.seed = 116});
  Site& a = world.device(0);
  join(world);
  assert_converged(world);
  world.cut(a);
  assert_ok(world.put(a, "m", "pending", 7));
  world.run_ms(100);
  const MemoryStore image(*a.store);
  const std::uint64_t node = node_of(a);
  world.heal(a);
  for (int i = 0; i < 3; ++i) {
    assert_converged(world);
    assert_ok(world.put(a, "m", "since", i));
  }
  assert_converged(world);
  set_back(world, a, image);
  assert_converged(world);
  assert_true(node_of(a) != node);
  assert_int_equal(world.get(a, "m", "pending", 0), 7);
  assert_int_equal(rejected_by(world), 0);
}

// PROTOCOL P1: its fork token is still current, because no newer one has been shown.
static void an_image_that_is_one_push_old_goes_on_under_a_new_name(void**) {
  World world({.seed = 123});
  Site& a = world.device(0);
  join(world);
  assert_ok(world.put(a, "m", "y", 1));
  assert_converged(world);
  const MemoryStore image(*a.store);
  const std::uint64_t node = node_of(a);
  assert_ok(world.put(a, "m", "x", 1));
  assert_converged(world);
  set_back(world, a, image);
  assert_converged(world);
  assert_true(node_of(a) != node);
  assert_int_equal(world.get(a, "m", "x", 0), 1);
}

// PROTOCOL P1: a token that a power cut takes back was never given away.
static void a_power_cut_of_the_gateway_makes_no_device_a_clone(void**) {
  World world({.seed = 117, .commit_ms = 2'000});
  Site& a = world.device(0);
  join(world);
  assert_ok(world.put(a, "m", "x", 1));
  assert_converged(world);
  const std::uint64_t node = node_of(a);
  assert_ok(world.put(a, "m", "x", 2));
  assert_true(world.run_until([&] { return world.get(world.gateway(), "m", "x", 0) == 2; }, 10'000));
  world.cut(a);
  world.heal(a);
  world.run_ms(1'000);
  start_again(world, world.gateway());
  assert_converged(world);
  assert_true(node_of(a) == node);
}

// PROTOCOL P4: an image does not know that its ops have been handed to a link since. The gateway took one of them.
static void what_an_image_pushed_in_another_life_is_not_restamped(void**) {
  World world({.seed = 141});
  Site& a = world.device(0);
  join(world);
  assert_converged(world);
  world.cut(a);
  world.run_ms(100);
  for (const char* key : {"x", "y", "z"}) assert_ok(world.put(a, "m", key, 1));
  world.run_ms(100);
  const MemoryStore image(*a.store);
  world.fill_disk(world.gateway(), 1'000);
  world.heal(a);
  assert_true(world.run_until([&] { return world.get(world.device(1), "m", "z", 0) == 1; }, 60'000));
  a.wall_skew_ms = 50'000;
  set_back(world, a, image);
  assert_converged(world);
  assert_int_equal(a.disk->restamps(), 0);
}

// A log of three unsent ops, of which the oldest gives way.
static void keep_three(World& world, Site& device) {
  device.limits.pending_ops_max = 3;
  device.on_full = OnFull::drop_oldest;
  start_again(world, device);
}

// PROTOCOL P8: a log that is full drops its oldest op, if its owner wants that: told, and not for ever.
static void what_a_full_log_drops_is_told_and_comes_back_from_the_gateway(void**) {
  World world({.seed = 142});
  Site& a = world.device(0);
  keep_three(world, a);
  join(world);
  assert_ok(world.put(world.device(1), "m", "x", 1));
  assert_converged(world);
  world.cut(a);
  world.run_ms(100);
  crdt::Seq seq = 0;
  assert_ok(world.put(a, "m", "x", 2, 0, &seq));
  for (std::int64_t i = 1; i <= 3; ++i) assert_ok(world.put(a, "m", key_of(static_cast<std::uint64_t>(i)), i));
  assert_true(a.replica->outcome_of(seq) == Outcome::dropped);
  assert_true(a.outcomes.at(seq) == Outcome::dropped);
  assert_int_equal(a.replica->status(0).figures.dropped, 1);
  assert_int_equal(world.get(a, "m", "x", 0), 0);
  world.run_ms(1'000);
  start_again(world, a);
  world.heal(a);
  assert_converged(world);
  assert_int_equal(world.get(a, "m", "x", 0), 1);
  assert_int_equal(world.get(world.gateway(), "m", key_of(1), 0), 1);
}

// PROTOCOL P8: what a link has seen may have been taken, and is never dropped.
static void a_full_log_of_shared_ops_refuses(void**) {
  World world({.seed = 143});
  Site& a = world.device(0);
  keep_three(world, a);
  join(world);
  assert_converged(world);
  world.fill_disk(world.gateway(), 5'000);
  for (std::uint64_t i = 1; i <= 3; ++i) assert_ok(world.put(a, "m", key_of(i), 1));
  world.run_ms(1'000);
  assert_status(world.put(a, "m", key_of(4), 1), Status::full);
  assert_int_equal(a.replica->status(0).figures.dropped, 0);
  assert_converged(world);
  assert_ok(world.put(a, "m", key_of(4), 1));
  assert_converged(world);
}

// PROTOCOL P8: an earlier op of the row is on its way, and its own device would not hear of it again.
static void a_row_that_is_under_way_is_not_dropped(void**) {
  World world({.seed = 144});
  Site& a = world.device(0);
  keep_three(world, a);
  join(world);
  assert_converged(world);
  world.fill_disk(world.gateway(), 5'000);
  assert_ok(world.put(a, "m", "x", 1));
  world.run_ms(1'000);
  world.cut(a);
  world.run_ms(100);
  crdt::Seq over = 0, seq = 0;
  assert_ok(world.put(a, "m", "x", 2, 0, &over));
  assert_ok(world.put(a, "m", "y", 1, 0, &seq));
  assert_ok(world.put(a, "m", "z", 1));
  assert_true(a.replica->outcome_of(seq) == Outcome::dropped);
  assert_true(a.replica->outcome_of(over) == Outcome::pending);
  world.heal(a);
  assert_converged(world);
  assert_int_equal(world.get(world.gateway(), "m", "x", 0), 2);
}

// PROTOCOL P3, P7: however many others were dropped since.
static void a_refusal_is_remembered_until_it_is_settled(void**) {
  World world({.seed = 145});
  Site &a = world.device(0), &gateway = world.gateway();
  a.limits.window_ops_max = 2;
  keep_three(world, a);
  join(world);
  const MemoryStore image(*gateway.store);
  assert_ok(world.put(a, "m", "w", 1));
  assert_converged(world);
  world.fill_disk(gateway, 60'000);
  assert_ok(world.put(world.device(1), "m", "y", 1));
  world.run_ms(100);
  a.wall_skew_ms = 72 * 3'600'000;
  assert_ok(world.put(a, "m", "x", 1));
  assert_true(world.run_until([&] { return rejected_by(world) > 0; }, 50'000));
  world.run_ms(100);
  world.cut(a);
  world.run_ms(100);
  for (std::int64_t i = 1; i <= 9; ++i) assert_ok(world.put(a, "m", key_of(static_cast<std::uint64_t>(i)), i));
  assert_true(a.replica->status(0).figures.dropped > a.limits.window_ops_max);
  set_back(world, gateway, image);
  world.heal(a);
  assert_converged(world);
  assert_true(cell_of(gateway, "m", "x").stamp.wall_ms() <= world.true_ms() + kDriftMsMax);
}

// PROTOCOL P1: a node says hello twice before the batch with its first token is on disk.
static void the_first_token_of_a_node_waits_for_the_disk_too(void**) {
  World world({.seed = 140, .devices = 1, .commit_ms = 50});
  Site& a = world.device(0);
  world.fill_disk(world.gateway(), 40'000);
  world.subscribe(a);
  world.online(a);
  world.run_ms(1'000);
  world.fill_disk(a, 6'000);
  start_again(world, a);
  const std::uint64_t node = node_of(a);
  world.run_ms(1'000);
  world.cut(a);
  start_again(world, world.gateway());
  world.heal(a);
  assert_ok(world.put(a, "m", "x", 1));
  assert_converged(world);
  assert_true(node_of(a) == node);
}

// PROTOCOL P1: the newer one is being committed on a slow disk, while the device greets a gateway that commits too.
static void an_older_token_is_never_given_again(void**) {
  World world({.seed = 130, .commit_ms = 50});
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_ok(world.put(a, "m", "x", 1));
  assert_converged(world);
  const std::uint64_t node = node_of(a);
  crdt::Seq seq = 0, next = 0;
  assert_ok(world.put(a, "m", "x", 2, 0, &seq));
  assert_true(world.run_until([&] { return world.get(world.gateway(), "m", "x", 0) == 2; }, 10'000));
  world.run_ms(45);
  assert_ok(world.put(a, "m", "k", 1, 0, &next));  // Is being committed when the token comes, with the ack.
  assert_true(world.run_until([&] { return a.replica->outcome_of(seq) == Outcome::durable; }, 10'000));
  assert_ok(world.put(a, "m", "x", 3));
  world.run_ms(50);
  world.fill_disk(a, 300);
  assert_true(world.run_until([&] { return a.replica->outcome_of(next) == Outcome::durable; }, 10'000));
  world.cut(a);
  world.heal(a);
  for (std::int64_t i = 0; i < 100; ++i) {
    assert_ok(world.put(b, "m", "y", i));
    world.run_ms(5);
  }
  assert_true(world.run_until([&] { return world.get(world.gateway(), "m", "x", 0) == 3; }, 10'000));
  world.run_ms(60);  // What it noted meanwhile is on disk, and what the next ack brings is not.
  start_again(world, a);
  assert_converged(world);
  assert_true(node_of(a) == node);
}

// ---- ops and acks

// PROTOCOL P8, LOG-1: applied, relayed, and lost by a gateway whose disk was slow.
static void what_is_not_durable_at_the_gateway_stays_in_the_log(void**) {
  World world({.seed = 118, .devices = 1, .commit_ms = 200});
  Site& a = world.device(0);
  join(world);
  assert_converged(world);
  crdt::Seq seq = 0;
  assert_ok(world.put(a, "m", "x", 1, 0, &seq));
  assert_true(world.run_until([&] { return a.replica->outcome_of(seq) == Outcome::applied; }, 10'000));
  assert_int_equal(a.replica->status(0).ops_pending, 1);
  world.crash(world.gateway());
  assert_true(a.replica->outcome_of(seq) != Outcome::durable);
  world.restart(world.gateway());
  assert_converged(world);
  assert_int_equal(world.get(world.gateway(), "m", "x", 0), 1);
}

// PROTOCOL P4, CLK-1: otherwise its stamp could be given to another write.
static void what_was_sent_survives_a_power_cut_of_its_writer(void**) {
  World world({.seed = 119, .commit_ms = 300});
  Site& a = world.device(0);
  join(world);
  assert_converged(world);
  assert_ok(world.put(a, "m", "x", 1));
  assert_true(world.run_until([&] { return world.get(world.gateway(), "m", "x", 0) == 1; }, 10'000));
  world.crash(a);
  assert_int_equal(world.get(a, "m", "x", 0), 1);
}

// PROTOCOL P4
static void what_was_sent_is_known_as_shared_after_a_power_cut(void**) {
  World world({.seed = 120, .commit_ms = 300});
  Site& a = world.device(0);
  join(world);
  assert_converged(world);
  world.cut(a);
  world.run_ms(1'000);
  crdt::Seq seq = 0;
  assert_ok(world.put(a, "m", "x", 1, 0, &seq));
  world.run_ms(1'000);
  world.heal(a);
  assert_true(world.run_until([&] { return world.get(world.gateway(), "m", "x", 0) == 1; }, 60'000));
  world.crash(a);
  assert_true(a.store->shared() >= seq);
}

// LOG-1
static void what_was_under_way_when_a_link_dropped_is_sent_again(void**) {
  World world({.seed = 121});
  Site& a = world.device(0);
  join(world);
  assert_converged(world);
  world.block(a, true, false);
  assert_ok(world.put(a, "m", "x", 1));
  world.run_ms(100);
  world.cut(a);
  world.heal(a);
  assert_converged(world);
  assert_int_equal(world.get(world.gateway(), "m", "x", 0), 1);
}

// LOG-1
static void an_op_in_flight_stays_in_the_log_when_its_cell_is_written_again(void**) {
  World world({.seed = 122, .latency_ms = 50});
  Site& a = world.device(0);
  join(world);
  assert_converged(world);
  crdt::Seq seq = 0;
  assert_ok(world.put(a, "m", "x", 1, 0, &seq));
  world.run_ms(20);
  assert_ok(world.put(a, "m", "x", 2));
  assert_ok(a.replica->op_at(seq).status());
  assert_converged(world);
  assert_status(a.replica->op_at(seq).status(), Status::not_found);
}

// ACK-1, BND-1: what an open batch has no room for is not acknowledged.
static void what_finds_no_room_at_the_gateway_is_sent_again(void**) {
  World world({.seed = 124, .devices = 10, .commit_ms = 500, .batch_bytes_max = 16'384});
  join(world);
  assert_converged(world);
  std::uint8_t room[2'048];
  crdt::ValueWriter writer(room);
  writer.text(std::string(2'000, 'x'));
  const Bytes value = *writer.finish();
  for (std::uint64_t i = 0; i < 40; ++i) {
    const std::string key = key_of(i);
    runtime::Call put{.verb = runtime::Call::Verb::put, .scope = {ScopeKind::key, "m", key}, .value = value};
    assert_ok(world.call(world.device(i / 4), put));
  }
  assert_converged(world);
  for (std::uint64_t i = 0; i < 40; ++i)
    assert_int_equal(cell_of(world.gateway(), "m", key_of(i)).value.size(), value.size());
}

}  // namespace grid::sim

int main() {
  using namespace grid::sim;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_restored_image_signs_what_it_had_pending_under_its_new_name),
      cmocka_unit_test(an_image_that_is_one_push_old_goes_on_under_a_new_name),
      cmocka_unit_test(a_power_cut_of_the_gateway_makes_no_device_a_clone),
      cmocka_unit_test(what_an_image_pushed_in_another_life_is_not_restamped),
      cmocka_unit_test(what_a_full_log_drops_is_told_and_comes_back_from_the_gateway),
      cmocka_unit_test(a_full_log_of_shared_ops_refuses),
      cmocka_unit_test(a_row_that_is_under_way_is_not_dropped),
      cmocka_unit_test(a_refusal_is_remembered_until_it_is_settled),
      cmocka_unit_test(the_first_token_of_a_node_waits_for_the_disk_too),
      cmocka_unit_test(an_older_token_is_never_given_again),
      cmocka_unit_test(what_is_not_durable_at_the_gateway_stays_in_the_log),
      cmocka_unit_test(what_was_sent_survives_a_power_cut_of_its_writer),
      cmocka_unit_test(what_was_sent_is_known_as_shared_after_a_power_cut),
      cmocka_unit_test(what_was_under_way_when_a_link_dropped_is_sent_again),
      cmocka_unit_test(an_op_in_flight_stays_in_the_log_when_its_cell_is_written_again),
      cmocka_unit_test(what_finds_no_room_at_the_gateway_is_sent_again),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
