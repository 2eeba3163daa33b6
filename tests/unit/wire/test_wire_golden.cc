// SPDX-License-Identifier: Apache-2.0
//
// Every kind of frame against tests/golden/frames.txt, whose lines docs/WIRE.md takes apart.

#include "tests/check.h"
#include "tests/unit/crdt/hex.h"
#include "tests/unit/wire/samples.h"

namespace grid::wire {
namespace {

using namespace test;

void samples_have_the_pinned_bytes(void**) {
  const auto lines = golden(GRID_GOLDEN, "frames.txt", 2);
  const std::vector<Sample> known = samples();
  assert_int_equal(lines.size(), known.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    assert_string_equal(lines[i][0].c_str(), known[i].name);
    const std::string computed = hex(known[i].frame);
    if (computed != lines[i][1]) fail_msg("%s: %s, pinned as %s", known[i].name, computed.c_str(), lines[i][1].c_str());
  }
}

void pinned_bytes_are_read_and_written_unchanged(void**) {
  for (const auto& line : golden(GRID_GOLDEN, "frames.txt", 2)) {
    const Frame frame = unhex(line[1]);
    Frame again;
    assert_ok(rewrite(frame, again));
    assert_true(again == frame);
  }
}

void there_is_a_frame_of_every_kind(void**) {
  const auto lines = golden(GRID_GOLDEN, "frames.txt", 2);
  for (std::uint8_t kind = 1; kind_of(Bytes(&kind, 1)).ok(); ++kind) {
    assert_true(std::any_of(lines.begin(), lines.end(), [&](const auto& line) { return unhex(line[1])[0] == kind; }));
  }
}

}  // namespace
}  // namespace grid::wire

int main() {
  using namespace grid::wire;
  const CMUnitTest tests[] = {
      cmocka_unit_test(samples_have_the_pinned_bytes),
      cmocka_unit_test(pinned_bytes_are_read_and_written_unchanged),
      cmocka_unit_test(there_is_a_frame_of_every_kind),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
