// SPDX-License-Identifier: Apache-2.0
//
// Clock: what it issues, what it takes note of, and what a crash may not make it forget.

#include <algorithm>
#include <vector>

#include "crdt/clock.h"
#include "tests/unit/crdt/dice.h"

namespace grid::crdt {
namespace {

constexpr NodeId kOwn = 7;
constexpr std::uint64_t kLeadMs = 10'000;

Stamp ticked(Clock& clock, std::uint64_t now_ms) {
  Stamp stamp;
  bool raised = false;
  assert_ok(clock.tick(now_ms, stamp, raised));
  return stamp;
}

void merged(Clock& clock, Stamp remote) {
  bool raised = false;
  assert_ok(clock.merge(remote, raised));
}

void a_stamp_is_the_time_and_the_node(void**) {
  Clock clock(kOwn, {}, kLeadMs);
  assert_true(ticked(clock, 1'000) == Stamp::of(1'000, 0, kOwn));
  assert_true(ticked(clock, 1'000) == Stamp::of(1'000, 1, kOwn));
  assert_true(ticked(clock, 1'001) == Stamp::of(1'001, 0, kOwn));
}

void a_wall_clock_that_jumps_back_slows_the_clock_and_never_reverses_it(void**) {
  Clock clock(kOwn, {}, kLeadMs);
  ticked(clock, 1'000);
  assert_true(ticked(clock, 400) == Stamp::of(1'000, 1, kOwn));
  assert_true(ticked(clock, 0) == Stamp::of(1'000, 2, kOwn));
}

void a_counter_that_overflows_borrows_the_next_millisecond(void**) {
  Clock clock(kOwn, {}, kLeadMs);
  merged(clock, Stamp::of(1'000, 0xffff, 3));
  assert_true(ticked(clock, 1'000) == Stamp::of(1'001, 0, kOwn));
}

void a_clock_without_the_time_still_orders(void**) {
  Clock clock(kOwn, {}, kLeadMs);
  const Stamp first = ticked(clock, 0);
  assert_false(first.is_none());
  assert_true(ticked(clock, 0) > first);
}

void what_was_merged_is_below_what_is_issued_next(void**) {
  Clock clock(kOwn, {}, kLeadMs);
  merged(clock, Stamp::of(5'000, 9, UINT64_MAX));
  assert_true(ticked(clock, 1'000) == Stamp::of(5'000, 10, kOwn));
}

void only_a_move_of_ceiling_or_floor_asks_for_a_write(void**) {
  Clock clock(kOwn, {}, kLeadMs);
  Stamp stamp;
  bool raised = false;
  assert_ok(clock.tick(1'000, stamp, raised));
  assert_true(raised);
  for (std::uint64_t now_ms = 1'000; now_ms < 1'000 + kLeadMs; now_ms += 100) {
    raised = false;
    assert_ok(clock.tick(now_ms, stamp, raised));
    assert_false(raised);
  }
  assert_ok(clock.tick(1'000 + kLeadMs + 1, stamp, raised));
  assert_true(raised);
  raised = false;
  assert_ok(clock.merge(Stamp::of(2'000, 0, 3), raised));
  assert_true(raised);
  raised = false;
  assert_ok(clock.merge(Stamp::of(1'500, 0, 3), raised));
  assert_false(raised);
}

void raised_is_set_and_never_cleared(void**) {
  Clock clock(kOwn, {}, kLeadMs);
  Stamp stamp;
  bool raised = true;
  ticked(clock, 1'000);
  assert_ok(clock.tick(1'000, stamp, raised));
  assert_true(raised);
}

void a_reopened_clock_starts_at_its_ceiling(void**) {
  Clock clock(kOwn, {}, kLeadMs);
  ticked(clock, 1'000);
  Clock reopened(kOwn, clock.state(), kLeadMs);
  assert_true(reopened.last() == clock.state().ceiling);
  assert_true(ticked(reopened, 0) > clock.state().ceiling);
}

void a_clean_close_leaves_no_lead(void**) {
  Clock clock(kOwn, {}, kLeadMs);
  const Stamp last = ticked(clock, 1'000);
  Clock reopened(kOwn, clock.state_at_rest(), kLeadMs);
  assert_true(reopened.last() == last);
  assert_true(ticked(reopened, 1'000) == Stamp::of(1'000, 1, kOwn));
}

void a_state_survives_its_bytes(void**) {
  const ClockState state{{1, 2}, {3, 4}, {5, 6}};
  std::uint8_t bytes[ClockState::kBytes];
  state.write(bytes);
  const ClockState read = ClockState::read(bytes);
  assert_true(read.ceiling == state.ceiling);
  assert_true(read.floor == state.floor);
  assert_true(read.shared == state.shared);
}

// CLK-1
void no_stamp_comes_twice_whatever_time_peers_and_power_do(void**) {
  test::Dice dice;
  for (int round = 0; round < 300; ++round) {
    const std::uint64_t lead_ms = dice.one_in(4) ? 0 : dice.below(200);
    Clock clock(kOwn, {}, lead_ms);
    ClockState kept;  // On disk.
    Stamp greatest;   // Of all that was issued or merged by a batch that was committed.
    std::uint64_t now_ms = dice.below(1'000);
    for (int step = 0; step < 200; ++step) {
      now_ms = dice.one_in(10) ? dice.below(2'000) : now_ms + dice.below(20);
      if (dice.one_in(12)) clock = Clock(kOwn, kept, lead_ms);  // A crash.
      if (dice.one_in(40)) {                                    // A clean stop.
        kept = clock.state_at_rest();
        clock = Clock(kOwn, kept, lead_ms);
      }
      const Clock before = clock;
      Stamp stamp;
      bool raised = false;
      if (dice.one_in(3)) {
        stamp = Stamp::of(dice.below(2'500), static_cast<std::uint16_t>(dice.any()), dice.below(20));
        assert_ok(clock.merge(stamp, raised));
      } else {
        assert_ok(clock.tick(now_ms, stamp, raised));
        assert_true(stamp > greatest);
      }
      if (dice.one_in(10)) {  // The batch fails: the stamp is nobody's.
        clock = before;
        continue;
      }
      if (raised) kept = clock.state();
      greatest = std::max(greatest, stamp);
      assert_true(kept.ceiling >= greatest);
    }
  }
}

// CLK-1
void a_correction_takes_back_unshared_stamps_only(void**) {
  test::Dice dice;
  for (int round = 0; round < 500; ++round) {
    Clock clock(kOwn, {}, dice.below(200));
    Stamp settled;  // The greatest that was shared or merged.
    for (int step = 0; step < 30; ++step) {
      const Stamp own = ticked(clock, 5'000 + dice.below(1'000));
      if (dice.one_in(3)) clock.share(own), settled = std::max(settled, own);
      if (dice.one_in(3)) {
        const Stamp remote = Stamp::of(4'000 + dice.below(3'000), 0, 3);
        merged(clock, remote);
        settled = std::max(settled, remote);
      }
      if (!dice.one_in(5)) continue;
      const Stamp highest = Stamp::of(dice.below(8'000), 0, kOwn);
      clock.correct(highest);
      if (dice.one_in(2)) clock = Clock(kOwn, clock.state(), 0);
      assert_true(clock.floor() == settled);
      assert_true(clock.last() >= settled && clock.last() >= highest);
      const Stamp next = ticked(clock, 0);
      assert_true(next > settled && next > highest);
    }
  }
}

void a_correction_brings_a_clock_of_2099_back(void**) {
  constexpr std::uint64_t k2026Ms = 1'795'226'460'000;
  Clock clock(kOwn, {}, kLeadMs);
  const Stamp shared = ticked(clock, k2026Ms - 1'000);
  clock.share(shared);
  ticked(clock, k2026Ms + 2'300'000'000'000);
  clock.correct(Stamp::of(k2026Ms, 0, kOwn));
  assert_true(ticked(clock, k2026Ms + 5) == Stamp::of(k2026Ms + 5, 0, kOwn));
  assert_int_equal(clock.state().ceiling.wall_ms(), k2026Ms + kLeadMs);
}

// CLK-2
void a_refused_stamp_leaves_the_clock_untouched(void**) {
  Clock clock(kOwn, {}, kLeadMs);
  ticked(clock, 1'000);
  const Clock before = clock;
  bool raised = false;
  assert_status(clock.merge(Stamp::of(Clock::kMergeMsMax + 1, 0, 3), raised), Status::corrupt);
  assert_status(clock.merge(Stamp{UINT64_MAX, UINT64_MAX}, raised), Status::corrupt);
  assert_false(raised);
  assert_true(clock.last() == before.last());
  assert_true(clock.floor() == before.floor());
  assert_true(clock.state().ceiling == before.state().ceiling);
}

void after_the_latest_stamp_that_is_taken_a_clock_goes_on_through_many_crashes(void**) {
  Clock clock(kOwn, {}, kLeadMs);
  merged(clock, Stamp::of(Clock::kMergeMsMax, 0xffff, UINT64_MAX));
  for (int crash = 0; crash < 1'000'000; ++crash) {
    Stamp stamp;
    bool raised = false;
    clock = Clock(kOwn, clock.state(), kLeadMs);
    assert_ok(clock.tick(0, stamp, raised));
  }
}

void time_past_48_bits_is_full_and_changes_nothing(void**) {
  Clock clock(kOwn, {}, kLeadMs);
  const Stamp last = ticked(clock, Stamp::kWallMax);
  Stamp stamp;
  bool raised = false;
  assert_status(clock.tick(Stamp::kWallMax + 1, stamp, raised), Status::full);
  assert_true(stamp.is_none() && !raised);
  assert_true(clock.last() == last);
  for (int i = 0; i < 0xffff; ++i) ticked(clock, Stamp::kWallMax);
  assert_status(clock.tick(Stamp::kWallMax, stamp, raised), Status::full);
}

}  // namespace
}  // namespace grid::crdt

int main() {
  using namespace grid::crdt;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_stamp_is_the_time_and_the_node),
      cmocka_unit_test(a_wall_clock_that_jumps_back_slows_the_clock_and_never_reverses_it),
      cmocka_unit_test(a_counter_that_overflows_borrows_the_next_millisecond),
      cmocka_unit_test(a_clock_without_the_time_still_orders),
      cmocka_unit_test(what_was_merged_is_below_what_is_issued_next),
      cmocka_unit_test(only_a_move_of_ceiling_or_floor_asks_for_a_write),
      cmocka_unit_test(raised_is_set_and_never_cleared),
      cmocka_unit_test(a_reopened_clock_starts_at_its_ceiling),
      cmocka_unit_test(a_clean_close_leaves_no_lead),
      cmocka_unit_test(a_state_survives_its_bytes),
      cmocka_unit_test(no_stamp_comes_twice_whatever_time_peers_and_power_do),
      cmocka_unit_test(a_correction_takes_back_unshared_stamps_only),
      cmocka_unit_test(a_correction_brings_a_clock_of_2099_back),
      cmocka_unit_test(a_refused_stamp_leaves_the_clock_untouched),
      cmocka_unit_test(after_the_latest_stamp_that_is_taken_a_clock_goes_on_through_many_crashes),
      cmocka_unit_test(time_past_48_bits_is_full_and_changes_nothing),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
