// SPDX-License-Identifier: Apache-2.0
//
// Quotas of the gateway: what is refused for want of room is taken back everywhere, in any weather, and what is held up
// arrives (PROTOCOL P6, P7).

#include "tests/sim/story.h"

namespace grid::sim {
namespace {

World::Options within(const server::QuotaLimits& quota, std::uint64_t seed, std::size_t devices = 3) {
  World::Options options{.seed = seed, .devices = devices};
  options.server.quota = quota;
  return options;
}

std::size_t row_count(World& world, Site& site, std::uint64_t keys) {
  std::size_t count = 0;
  for (std::uint64_t i = 0; i < keys; ++i) count += std::size_t{world.get(site, "load", key_of(i), -1) >= 0};
  return count;
}

// BND-1
void rows_beyond_the_quota_are_taken_back_where_they_were_written(void**) {
  World world(within({.cells = 10}, 900));
  join(world);
  for (std::size_t i = 0; i < 3; ++i) put_rows(world, world.device(i), 8 + 4 * i, std::int64_t(i));
  assert_converged(world);
  assert_int_equal(row_count(world, world.gateway(), 16), 10);
  assert_int_equal(row_count(world, world.device(0), 16), 10);
  assert_true(rejected_by(world) > 0);
  verify_all(world);
}

// What some wrote while the others filled the app, removed rows among it, with power cuts of the gateway in between.
void replicas_are_equal_whatever_was_refused(void**) {
  for (std::uint64_t seed = 910; seed < 922; ++seed) {
    World::Options options = within({.cells = 12, .bytes = 400}, seed);
    options.weather.jitter_ms = 20;
    options.weather.drop = 20'000;
    World world(options);
    join(world);
    for (std::uint64_t round = 0; round < 12; ++round) {
      Site& device = world.device((seed + round) % 3);
      put_rows(world, device, 4 + round, std::int64_t(round));
      assert_ok(world.remove(device, "load", key_of(round % 5)));
      world.run_ms(7 * round);
      if (round % 4 == 1) world.cut(device);
      if (round % 4 == 3) world.heal(world.device((seed + round - 2) % 3));
      if (round == 6) start_again(world, world.gateway());
    }
    for (std::size_t i = 0; i < 3; ++i) world.heal(world.device(i));
    assert_converged(world);
    assert_true(rejected_by(world) > 0);
    verify_all(world);
  }
}

void what_comes_too_fast_arrives_and_nothing_is_lost(void**) {
  World world(within({.ops_per_second = 20}, 930, 2));
  join(world);
  world.run_ms(100);
  const std::uint64_t began_ms = world.now_ms();
  put_rows(world, world.device(0), 200, 1);
  const auto is_sent = [&world] { return world.device(0).replica->status(world.now_ms()).ops_pending == 0; };
  assert_true(world.run_until(is_sent, 60'000));
  // A second's worth at once; the last acknowledgement waits for the rest.
  assert_in_range(world.now_ms() - began_ms, 9'000, 12'000);
  assert_converged(world);
  assert_int_equal(row_count(world, world.device(1), 200), 200);
  assert_int_equal(rejected_by(world), 0);
}

void what_comes_too_fast_arrives_over_links_that_drop(void**) {
  for (std::uint64_t seed = 940; seed < 946; ++seed) {
    World world(within({.ops_per_second = 50}, seed, 2));
    join(world);
    put_rows(world, world.device(0), 150, 1);
    for (int i = 0; i < 8; ++i) {
      world.run_ms(400);
      world.cut(world.device(0));
      world.run_ms(50);
      world.heal(world.device(0));
    }
    assert_converged(world);
    assert_int_equal(row_count(world, world.device(1), 150), 150);
  }
}

}  // namespace
}  // namespace grid::sim

int main() {
  using namespace grid::sim;
  const CMUnitTest tests[] = {
      cmocka_unit_test(rows_beyond_the_quota_are_taken_back_where_they_were_written),
      cmocka_unit_test(replicas_are_equal_whatever_was_refused),
      cmocka_unit_test(what_comes_too_fast_arrives_and_nothing_is_lost),
      cmocka_unit_test(what_comes_too_fast_arrives_over_links_that_drop),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
