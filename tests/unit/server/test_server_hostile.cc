// SPDX-License-Identifier: Apache-2.0
//
// Frames as nobody should send them: truncated, mutated, out of order, by the wrong end. The gateway lives, the link
// may not.

#include "runtime/random.h"
#include "tests/unit/server/bench.h"
#include "tests/unit/wire/samples.h"

namespace {

using namespace grid;
using namespace grid::server::test;
using grid::test::Sample;

// A frame of each kind, and a hello that this gateway takes.
std::vector<Sample> all_frames() {
  std::vector<Sample> frames = grid::test::samples();
  frames.push_back({"good hello", hello(kA)});
  frames.push_back({"good subscribe", subscribe(7)});
  return frames;
}

// Hands the frame to a new link, behind a hello and a subscription when it is `greeted`, and lets the link have its
// say.
void suffer(Bench& bench, LinkId link, const Frame& frame, bool greeted) {
  if (greeted) {
    bench.open(link, 1'000 + link);
    bench.send(link, subscribe(7));
  } else {
    bench.step({.kind = Event::Kind::link_up, .link = link});
  }
  bench.send(link, frame);
  bench.flush();
  for (const Frame& answer : bench.all(link)) assert_true(wire::kind_of(answer).ok());
  if (bench.closed.count(link) == 0) bench.close(link);
  bench.closed.clear();
}

// Whatever happened, an honest device is served.
void assert_alive(Bench& bench, LinkId link) {
  bench.open(link, kB);
  bench.send(link, push({put(1, "alive", kWallMs, kB)}));
  bench.flush();
  assert_int_equal(decoded<grid_Ack>(bench.next(link)).durable, 1);
}

void a_link_that_has_not_said_hello_gets_bye_on_any_other_frame(void** state) {
  Bench& bench = bench_of(state);
  LinkId link = 0;
  for (const Sample& sample : grid::test::samples()) {
    if (kind_of(sample.frame) == Kind::hello) continue;
    bench.step({.kind = Event::Kind::link_up, .link = ++link});
    bench.send(link, sample.frame);
    const grid_Bye bye = bench.farewell(link);
    if (kind_of(sample.frame) != Kind::bye) assert_int_equal(bye.status, Status::denied);
  }
  assert_int_equal(bench.coordinator->status().links, 0);
}

void every_truncation_of_every_frame_leaves_the_gateway_alive(void** state) {
  Bench& bench = bench_of(state);
  LinkId link = 0;
  for (const Sample& sample : all_frames()) {
    for (std::size_t size = 0; size <= sample.frame.size(); ++size) {
      const Frame cut(sample.frame.begin(), sample.frame.begin() + static_cast<std::ptrdiff_t>(size));
      suffer(bench, ++link, cut, false);
      suffer(bench, ++link, cut, true);
    }
  }
  assert_alive(bench, ++link);
}

void mutated_frames_leave_the_gateway_alive(void** state) {
  Bench& bench = bench_of(state);
  const std::uint64_t seed = 20'261'121;
  print_message("seed %llu\n", static_cast<unsigned long long>(seed));
  runtime::Random random(seed);
  LinkId link = 0;
  const std::vector<Sample> frames = all_frames();
  for (int round = 0; round < 4'000; ++round) {
    Frame frame = frames[random.below(frames.size())].frame;
    for (std::uint64_t flips = 1 + random.below(4); flips > 0; --flips) {
      frame[random.below(frame.size())] = static_cast<std::uint8_t>(random.next());
    }
    suffer(bench, ++link, frame, random.below(4) != 0);
  }
  assert_alive(bench, ++link);
}

void frames_in_any_order_leave_the_gateway_alive(void** state) {
  Bench& bench = bench_of(state);
  const std::uint64_t seed = 71;
  print_message("seed %llu\n", static_cast<unsigned long long>(seed));
  runtime::Random random(seed);
  const std::vector<Sample> frames = all_frames();
  for (LinkId link = 1; link <= 500; ++link) {
    bench.open(link, 1'000 + link);
    for (int i = 0; i < 20; ++i) {
      bench.send(link, frames[random.below(frames.size())].frame);
      if (random.below(3) == 0) bench.next(link);
      if (random.below(3) == 0) bench.flush();
    }
    bench.all(link);
    if (bench.closed.count(link) == 0) bench.close(link);
  }
  assert_alive(bench, 1'000);
}

void a_malformed_frame_is_answered_by_its_kind_and_the_reason(void** state) {
  Bench& bench = bench_of(state);
  bench.open(1, kA);
  bench.send(1, {static_cast<std::uint8_t>(Kind::push), 0xff});
  const grid_Bye bye = bench.farewell(1);
  assert_int_equal(bye.status, Status::corrupt);
  assert_string_equal(bye.reason, "frame of kind 6 refused: corrupt");
}

void a_frame_that_only_a_gateway_sends_ends_the_link(void** state) {
  Bench& bench = bench_of(state);
  bench.open(1, kA);
  bench.send(1, encoded(grid_Ack{1, 1, 0}));
  assert_int_equal(bench.farewell(1).status, Status::corrupt);
}

void a_second_hello_ends_the_link(void** state) {
  Bench& bench = bench_of(state);
  bench.open(1, kA);
  bench.send(1, hello(kB));
  assert_int_equal(bench.farewell(1).status, Status::corrupt);
}

void frames_of_a_link_that_is_gone_are_ignored(void** state) {
  Bench& bench = bench_of(state);
  bench.open(1, kA);
  bench.close(1);
  bench.send(1, push({put(1, "a", kWallMs, kA)}));
  bench.step({.kind = Event::Kind::link_down, .link = 1});
  assert_int_equal(bench.coordinator->status().head, 0);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      server_test(a_link_that_has_not_said_hello_gets_bye_on_any_other_frame),
      server_test(every_truncation_of_every_frame_leaves_the_gateway_alive),
      server_test(mutated_frames_leave_the_gateway_alive),
      server_test(frames_in_any_order_leave_the_gateway_alive),
      server_test(a_malformed_frame_is_answered_by_its_kind_and_the_reason),
      server_test(a_frame_that_only_a_gateway_sends_ends_the_link),
      server_test(a_second_hello_ends_the_link),
      server_test(frames_of_a_link_that_is_gone_are_ignored),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
