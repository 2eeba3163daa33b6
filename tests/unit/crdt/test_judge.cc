// SPDX-License-Identifier: Apache-2.0
//
// Judge: drift is judged against a clock that nobody can push (PROTOCOL P3).

#include "crdt/base/limits.h"
#include "crdt/clock.h"
#include "tests/check.h"

namespace grid::crdt {
namespace {

constexpr std::uint64_t kNowMs = 1'795'226'460'000;  // 2026
constexpr std::uint64_t k2099Ms = 4'070'908'800'000;
constexpr std::uint64_t kBootMs = 3'600'000;  // The machine has been up for an hour.

Stamp at(std::uint64_t wall_ms) { return Stamp::of(wall_ms, 0, 3); }

Status verdict(const Judge& judge, std::uint64_t wall_ms) { return judge.verdict(at(wall_ms), kDriftMsMax); }

void a_stamp_is_refused_only_past_the_allowed_drift(void**) {
  Judge judge;
  judge.advance(kBootMs, kNowMs, {});
  assert_ok(verdict(judge, kNowMs + kDriftMsMax));
  assert_status(verdict(judge, kNowMs + kDriftMsMax + 1), Status::clock_ahead);
  assert_status(verdict(judge, Stamp::kWallMax), Status::clock_ahead);
}

void an_old_stamp_is_always_legal(void**) {
  Judge judge;
  judge.advance(kBootMs, kNowMs, {});
  assert_ok(verdict(judge, 0));
  assert_ok(verdict(judge, 1));
}

void without_the_time_nothing_is_judged(void**) {
  Judge judge;
  for (const std::uint64_t wall_ms : {std::uint64_t{0}, std::uint64_t{5'000}, kBuildEpochMs - 1}) {
    judge.advance(kBootMs, wall_ms, {});
    assert_false(judge.judging());
    assert_ok(verdict(judge, k2099Ms));
  }
  judge.advance(kBootMs, kBuildEpochMs, {});
  assert_true(judge.judging());
}

// P3: S boots without time, C (2099) pushes, everyone merges 2099; NTP arrives, S judges again.
void a_peer_of_2099_that_was_merged_before_the_time_was_known_shuts_nobody_out(void**) {
  Judge judge;
  judge.advance(kBootMs, 0, {});
  assert_ok(verdict(judge, k2099Ms));
  judge.advance(kBootMs + 1'000, kNowMs, at(k2099Ms));
  assert_ok(verdict(judge, k2099Ms + 1));
  assert_ok(verdict(judge, kNowMs));
  assert_status(verdict(judge, k2099Ms + kDriftMsMax + 1), Status::clock_ahead);
}

void stamps_that_are_merged_while_judging_never_move_the_judge(void**) {
  Judge judge;
  judge.advance(kBootMs, kNowMs, {});
  for (int step = 1; step <= 100; ++step) {
    judge.advance(kBootMs, kNowMs, at(judge.at_ms() + kDriftMsMax));
    assert_int_equal(judge.at_ms(), kNowMs);
  }
}

void the_judge_goes_on_by_the_monotonic_clock_when_the_wall_clock_jumps_back(void**) {
  Judge judge;
  judge.advance(kBootMs, kNowMs, {});
  judge.advance(kBootMs + 5'000, kNowMs - 1'000'000, {});
  assert_int_equal(judge.at_ms(), kNowMs + 5'000);
  judge.advance(kBootMs + 6'000, 0, {});
  assert_int_equal(judge.at_ms(), kNowMs + 6'000);
  judge.advance(kBootMs + 7'000, kNowMs + 50'000, {});
  assert_int_equal(judge.at_ms(), kNowMs + 50'000);
}

void the_judge_never_goes_back_across_a_restart(void**) {
  Judge judge(kNowMs);
  judge.advance(kBootMs, kBuildEpochMs, {});
  assert_int_equal(judge.at_ms(), kNowMs);
}

void the_uptime_before_the_start_is_not_counted(void**) {
  Judge judge(kNowMs);
  judge.advance(30ull * 86'400'000, kNowMs + 10, {});
  assert_int_equal(judge.at_ms(), kNowMs + 10);
}

}  // namespace
}  // namespace grid::crdt

int main() {
  using namespace grid::crdt;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_stamp_is_refused_only_past_the_allowed_drift),
      cmocka_unit_test(an_old_stamp_is_always_legal),
      cmocka_unit_test(without_the_time_nothing_is_judged),
      cmocka_unit_test(a_peer_of_2099_that_was_merged_before_the_time_was_known_shuts_nobody_out),
      cmocka_unit_test(stamps_that_are_merged_while_judging_never_move_the_judge),
      cmocka_unit_test(the_judge_goes_on_by_the_monotonic_clock_when_the_wall_clock_jumps_back),
      cmocka_unit_test(the_judge_never_goes_back_across_a_restart),
      cmocka_unit_test(the_uptime_before_the_start_is_not_counted),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
