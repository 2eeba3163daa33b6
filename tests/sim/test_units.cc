// SPDX-License-Identifier: Apache-2.0
//
// Batches: what is written together stands together on its device, and is taken or refused together (PROTOCOL P9).

#include "crdt/partition.h"
#include "runtime/edits.h"
#include "tests/sim/story.h"

namespace grid::sim {

using runtime::Call;
using runtime::RowWrite;

namespace {

// Keys of map "m" in one partition.
std::vector<std::string> keys_together(std::size_t count) {
  std::vector<std::string> keys;
  for (std::uint64_t i = 0; keys.size() < count; ++i) {
    const std::string key = "together/" + std::to_string(i);
    if (crdt::position_of("farm", "m", key).partition == 7) keys.push_back(key);
  }
  return keys;
}

Status write(World& world, Site& site, const std::vector<std::string>& keys, std::int64_t value,
             crdt::Seq* seq = nullptr) {
  const std::string bytes = canonical(value);
  std::vector<RowWrite> rows;
  for (const std::string& key : keys) rows.push_back({"m", key, as_bytes(bytes), 0});
  Call call{.verb = Call::Verb::edit};
  call.edit = runtime::write_batch;
  call.rows = rows;
  const Status status = world.call(site, call);
  if (seq != nullptr) *seq = call.seq;
  return status;
}

void assert_all(World& world, Site& site, const std::vector<std::string>& keys, std::int64_t value) {
  for (const std::string& key : keys) assert_int_equal(world.get(site, "m", key, -1), value);
}

}  // namespace

static void a_batch_stands_whole_after_a_power_cut_or_not_at_all(void**) {
  for (std::uint64_t cut_after_ms = 0; cut_after_ms < 12; ++cut_after_ms) {
    World world({.seed = 400 + cut_after_ms, .commit_ms = 5});
    Site& a = world.device(0);
    assert_ok(write(world, a, {"a", "b", "c", "d"}, 1));
    world.run_ms(cut_after_ms);
    start_again(world, a);
    const std::int64_t first = world.get(a, "m", "a", -1);
    assert_all(world, a, {"b", "c", "d"}, first);
  }
}

static void a_batch_reaches_everybody(void**) {
  World world({.seed = 412});
  join(world);
  const auto keys = keys_together(5);
  assert_ok(write(world, world.device(0), keys, 3));
  assert_ok(write(world, world.device(0), {"a", "b", "c"}, 4));
  assert_converged(world);
  assert_all(world, world.device(1), keys, 3);
  assert_all(world, world.gateway(), {"a", "b", "c"}, 4);
}

// The schedule of P9: {x1, y1}, then x2, must not send y1 alone.
static void what_takes_the_place_of_a_part_takes_the_rest_along(void**) {
  World world({.seed = 413});
  Site& a = world.device(0);
  const auto keys = keys_together(3);
  assert_ok(write(world, a, keys, 1));
  assert_ok(world.put(a, "m", "other", 1));
  assert_ok(world.put(a, "m", keys[0], 2));
  assert_int_equal(a.replica->status(0).ops_pending, 4);
  crdt::Op unit[3];
  std::size_t count = 0;
  for (crdt::Seq at = 0;;) {
    const auto op = a.store->next_op(at);
    if (!op.ok()) break;
    at = op->seq;
    if (op->cell.name.key != "other" && count < 3) unit[count++] = *op;
  }
  assert_int_equal(count, 3);
  for (std::size_t i = 0; i < 3; ++i) assert_true(unit[i].unit == (crdt::Unit{std::uint8_t(i), std::uint8_t(2 - i)}));
  join(world);
  assert_converged(world);
  assert_int_equal(world.get(world.gateway(), "m", keys[0], 0), 2);
  assert_all(world, world.gateway(), {keys[1], keys[2]}, 1);
}

// One value is larger than this gateway takes.
static void a_batch_is_refused_as_one(void**) {
  World::Options options{.seed = 414};
  options.server.value_bytes_max = 1'000;
  World world(options);
  Site& a = world.device(0);
  join(world);
  const auto keys = keys_together(3);
  std::vector<std::uint8_t> room(2'000);
  crdt::ValueWriter writer(room);
  writer.text(std::string(1'500, 'x'));
  const Bytes large = *writer.finish();
  const std::string small = canonical(1);
  const RowWrite rows[] = {
      {"m", keys[0], as_bytes(small), 0}, {"m", keys[1], large, 0}, {"m", keys[2], as_bytes(small), 0}};
  Call call{.verb = Call::Verb::edit};
  call.edit = runtime::write_batch;
  call.rows = rows;
  assert_ok(world.call(a, call));
  assert_ok(write(world, a, {"alone"}, 1));
  assert_converged(world);
  assert_int_equal(rejected_by(world), 3);
  assert_all(world, a, keys, -1);
  assert_all(world, world.gateway(), keys, -1);
  assert_all(world, world.gateway(), {"alone"}, 1);
}

// PROTOCOL P3: refused as ahead, written anew, and still one.
static void a_batch_of_a_clock_ahead_stays_one(void**) {
  World world({.seed = 415});
  Site& a = world.device(0);
  join(world);
  assert_ok(world.put(a, "m", "x", 1));
  assert_converged(world);
  a.wall_skew_ms = 600'000;
  const auto keys = keys_together(4);
  assert_ok(write(world, a, keys, 2));
  assert_true(world.run_until([&] { return rejected_by(world) == 4; }, 10'000));
  world.block(a, true, false);
  world.run_ms(20);
  std::size_t members = 0;
  for (crdt::Seq at = a.store->settled();;) {
    const auto op = a.store->next_op(at);
    if (!op.ok()) break;
    at = op->seq;
    const auto standing = a.store->find(op->cell.name);
    if (op->local && standing->seq == op->seq && !op->unit.is_alone()) ++members;
  }
  assert_int_equal(members, 4);
  world.heal(a);
  assert_converged(world);
  assert_all(world, world.gateway(), keys, 2);
}

static void a_batch_that_no_frame_holds_is_refused_at_once(void**) {
  World world({.seed = 416});
  Site& a = world.device(0);
  a.limits.frame_bytes_max = 2'048;
  a.limits.value_bytes_max = 1'024;
  start_again(world, a);
  assert_status(write(world, a, keys_together(60), 1), Status::too_large);
  assert_status(a.store->next_op(0).status(), Status::not_found);
  assert_status(write(world, a, {"a", "b", "a"}, 1), Status::invalid);
  assert_status(a.store->next_op(0).status(), Status::not_found);
}

// A unit is larger than the window that is left: it waits, and is not torn.
static void a_batch_waits_for_a_window_and_is_not_torn(void**) {
  World::Options options{.seed = 417, .devices = 2, .commit_ms = 30};
  options.server.window_ops = 4;
  World world(options);
  join(world);
  const auto keys = keys_together(6);
  for (std::int64_t i = 0; i < 20; ++i) {
    assert_ok(write(world, world.device(0), keys, i));
    assert_ok(world.put(world.device(0), "m", key_of(static_cast<std::uint64_t>(i)), i));
    world.run_ms(7);
  }
  assert_converged(world);
  assert_all(world, world.device(1), keys, 19);
}

// More ops than the window, since the last of them begins a unit: all are refused, and all are corrected.
static void a_batch_at_the_end_of_the_window_is_refused_and_corrected_with_the_rest(void**) {
  World::Options options{.seed = 419};
  options.limits.window_ops_max = 4;
  World world(options);
  Site& a = world.device(0);
  join(world);
  assert_converged(world);
  world.cut(a);
  a.wall_skew_ms = 3'650 * 86'400'000LL;
  for (const char* key : {"r", "s", "t"}) assert_ok(world.put(a, "m", key, 1));
  assert_ok(write(world, a, keys_together(4), 2));
  world.run_ms(100);
  world.crash(a);
  a.wall_skew_ms = 0;
  world.restart(a);
  world.heal(a);
  assert_converged(world);
  assert_all(world, world.device(1), {"r", "s", "t"}, 1);
  assert_all(world, world.device(1), keys_together(4), 2);
  assert_true(cell_of(a, "m", "t").stamp.wall_ms() < world.true_ms() + 60'000);
}

}  // namespace grid::sim

int main() {
  using namespace grid::sim;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_batch_stands_whole_after_a_power_cut_or_not_at_all),
      cmocka_unit_test(a_batch_reaches_everybody),
      cmocka_unit_test(what_takes_the_place_of_a_part_takes_the_rest_along),
      cmocka_unit_test(a_batch_is_refused_as_one),
      cmocka_unit_test(a_batch_of_a_clock_ahead_stays_one),
      cmocka_unit_test(a_batch_that_no_frame_holds_is_refused_at_once),
      cmocka_unit_test(a_batch_waits_for_a_window_and_is_not_torn),
      cmocka_unit_test(a_batch_at_the_end_of_the_window_is_refused_and_corrected_with_the_rest),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
