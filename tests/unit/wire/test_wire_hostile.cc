// SPDX-License-Identifier: Apache-2.0
//
// Whatever is done to a frame on its way, reading it ends with a status, within the frame, and has one meaning.

#include <memory>

#include "tests/check.h"
#include "tests/unit/crdt/dice.h"
#include "tests/unit/wire/samples.h"

namespace grid::wire {
namespace {

using namespace test;

// In a block of its own size, so that a read behind the frame is seen by the address sanitizer.
Status check_in_a_tight_block(Bytes frame) {
  const std::unique_ptr<std::uint8_t[]> block(new std::uint8_t[frame.size()]);
  copy(frame, {block.get(), frame.size()});
  return check_rewrite({block.get(), frame.size()});
}

void every_sample_is_rewritten_byte_for_byte(void**) {
  for (const Sample& sample : samples()) {
    Frame again;
    assert_ok(rewrite(sample.frame, again));
    if (again != sample.frame) fail_msg("%s changed", sample.name);
  }
}

void every_truncation_ends_with_a_status(void**) {
  for (const Sample& sample : samples()) {
    std::size_t refused = 0;
    for (std::size_t size = 0; size < sample.frame.size(); ++size) {
      refused += check_in_a_tight_block(Bytes(sample.frame).first(size)) != Status::ok;
    }
    assert_true(refused > 0);
  }
}

void every_change_of_one_byte_ends_with_a_status(void**) {
  for (const Sample& sample : samples()) {
    std::size_t refused = 0;
    for (std::size_t at = 0; at < sample.frame.size(); ++at) {
      for (unsigned flip = 1; flip < 256; ++flip) {
        Frame frame = sample.frame;
        frame[at] = static_cast<std::uint8_t>(frame[at] ^ flip);
        refused += check_in_a_tight_block(frame) != Status::ok;
      }
    }
    assert_true(refused > 0);
  }
}

void bytes_spliced_from_frames_end_with_a_status(void**) {
  Dice dice;
  const std::vector<Sample> whole = samples();
  for (int round = 0; round < 20'000; ++round) {
    const Frame& front = whole[dice.below(whole.size())].frame;
    const Frame& back = whole[dice.below(whole.size())].frame;
    Frame frame(front.begin(), front.begin() + static_cast<std::ptrdiff_t>(dice.below(front.size())));
    frame.insert(frame.end(), back.begin() + static_cast<std::ptrdiff_t>(dice.below(back.size())), back.end());
    static_cast<void>(check_in_a_tight_block(frame));
  }
}

}  // namespace
}  // namespace grid::wire

int main() {
  using namespace grid::wire;
  const CMUnitTest tests[] = {
      cmocka_unit_test(every_sample_is_rewritten_byte_for_byte),
      cmocka_unit_test(every_truncation_ends_with_a_status),
      cmocka_unit_test(every_change_of_one_byte_ends_with_a_status),
      cmocka_unit_test(bytes_spliced_from_frames_end_with_a_status),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
