// SPDX-License-Identifier: Apache-2.0
//
// What a link may be sent before its socket has taken what it was.

#include "server/host/outflow.h"
#include "tests/check.h"

namespace {

using namespace grid;
using server::Outflow;

constexpr std::size_t kSmall = 100;

// So many frames, until it may have no more; `words` counts those after which taken() is due.
int sent_to_its_end(Outflow& outflow, runtime::LinkId link, std::size_t bytes, int& words) {
  int frames = 0;
  words = 0;
  for (outflow.want(link); outflow.next().has_value(); outflow.want(link)) {
    ++frames;
    words += outflow.sent(link, bytes) ? 1 : 0;
    assert_true(frames < 1'000);
  }
  return frames;
}

void a_link_that_takes_nothing_is_sent_two_batches(void**) {
  Outflow outflow;
  outflow.open(1);
  int words = 0;
  assert_int_equal(sent_to_its_end(outflow, 1, kSmall, words), Outflow::kBatches * Outflow::kBatchFrames);
  assert_int_equal(words, Outflow::kBatches);
}

void large_frames_make_small_batches(void**) {
  Outflow outflow;
  outflow.open(1);
  int words = 0;
  assert_int_equal(sent_to_its_end(outflow, 1, Outflow::kBatchBytes, words), Outflow::kBatches);
}

void a_batch_that_was_taken_makes_room_for_one(void**) {
  Outflow outflow;
  outflow.open(1);
  int words = 0;
  sent_to_its_end(outflow, 1, kSmall, words);
  outflow.taken(1);
  assert_int_equal(sent_to_its_end(outflow, 1, kSmall, words), Outflow::kBatchFrames);
}

// It says once that it has something: nobody asks it again.
void what_a_link_wanted_while_it_had_no_room_is_not_forgotten(void**) {
  Outflow outflow;
  outflow.open(1);
  int words = 0;
  sent_to_its_end(outflow, 1, kSmall, words);
  outflow.want(1);
  assert_false(outflow.next().has_value());
  outflow.taken(1);
  assert_true(outflow.next() == 1u);
}

void links_take_turns(void**) {
  Outflow outflow;
  outflow.open(1);
  outflow.open(2);
  outflow.want(1);
  outflow.want(2);
  for (const runtime::LinkId expected : {1u, 2u, 1u, 2u}) {
    const auto link = outflow.next();
    assert_true(link == expected);
    outflow.want(*link);
    outflow.sent(*link, kSmall);
  }
}

void a_link_that_is_gone_is_sent_nothing(void**) {
  Outflow outflow;
  outflow.open(1);
  outflow.want(1);
  outflow.close(1);
  outflow.want(1);
  outflow.taken(1);
  assert_false(outflow.sent(1, Outflow::kBatchBytes));
  assert_false(outflow.next().has_value());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_link_that_takes_nothing_is_sent_two_batches),
      cmocka_unit_test(large_frames_make_small_batches),
      cmocka_unit_test(a_batch_that_was_taken_makes_room_for_one),
      cmocka_unit_test(what_a_link_wanted_while_it_had_no_room_is_not_forgotten),
      cmocka_unit_test(links_take_turns),
      cmocka_unit_test(a_link_that_is_gone_is_sent_nothing),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
