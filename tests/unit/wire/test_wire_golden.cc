// SPDX-License-Identifier: Apache-2.0
//
// Every kind of frame against tests/golden/frames.txt, and the frames and values that docs/WIRE.md takes apart.

#include <fstream>

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

// The hex digits that begin a line of an example; a remark stands behind two spaces.
std::string digits_of(std::string line) {
  line.erase(0, line.find_first_not_of(' '));
  std::string digits;
  for (const std::string& word : words_of(line.substr(0, line.find("  ")))) digits += word;
  return digits;
}

// Each ```frame NAME and ```value NAME of the page, with its bytes.
std::vector<std::vector<std::string>> examples_of_the_page() {
  std::ifstream page(GRID_WIRE_PAGE);
  std::vector<std::vector<std::string>> examples;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("```")) {
      inside = line.starts_with("```frame ") || line.starts_with("```value ");
      if (inside) examples.push_back({line.substr(3, 5), line.substr(9), ""});
    } else if (inside) {
      examples.back()[2] += digits_of(line);
    }
  }
  return examples;
}

void examples_of_the_page_are_the_pinned_bytes(void**) {
  const auto examples = examples_of_the_page();
  assert_true(examples.size() >= 6);
  for (const auto& example : examples) {
    const auto lines = golden(GRID_GOLDEN, (example[0] + "s.txt").c_str(), 2);
    const std::vector<std::string> pinned = {example[1], example[2]};
    if (std::find(lines.begin(), lines.end(), pinned) == lines.end()) {
      fail_msg("docs/WIRE.md, %s %s: %s", example[0].c_str(), example[1].c_str(), example[2].c_str());
    }
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
      cmocka_unit_test(examples_of_the_page_are_the_pinned_bytes),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
