// SPDX-License-Identifier: Apache-2.0
//
// mcu_record FILE PROFILE: lets a device of a profile live through the story of story.h beside a gateway and a Linux
// device, and writes its transcript.
#include <cstdio>
#include <string_view>

#include "tests/mcu/story.h"

namespace {

const grid::Limits* profile(std::string_view name) {
  if (name == "chip") return &grid::kChip;
  if (name == "pico") return &grid::kPico;
  return name == "nano" ? &grid::kNano : nullptr;
}

}  // namespace

int main(int count, char** arguments) {
  const grid::Limits* limits = count == 3 ? profile(arguments[2]) : nullptr;
  if (limits == nullptr) return std::fputs("usage: mcu_record FILE chip|pico|nano\n", stderr), 2;
  const std::vector<std::uint8_t> transcript = grid::mcu::record(*limits);
  std::FILE* file = std::fopen(arguments[1], "wb");
  if (file == nullptr) return std::perror(arguments[1]), 1;
  const bool written = std::fwrite(transcript.data(), 1, transcript.size(), file) == transcript.size();
  return std::fclose(file) == 0 && written ? 0 : 1;
}
