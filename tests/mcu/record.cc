// SPDX-License-Identifier: Apache-2.0
//
// mcu_record FILE PROFILE: lets a device of a profile live through the story of story.h beside a gateway and a Linux
// device, and writes its transcript.
#include <cstdio>
#include <cstring>

#include "tests/mcu/story.h"

int main(int count, char** arguments) {
  if (count != 3) return std::fputs("usage: mcu_record FILE chip|pico\n", stderr), 2;
  const grid::Limits& limits = std::strcmp(arguments[2], "pico") == 0 ? grid::kPico : grid::kChip;
  const std::vector<std::uint8_t> transcript = grid::mcu::record(limits);
  std::FILE* file = std::fopen(arguments[1], "wb");
  if (file == nullptr) return std::perror(arguments[1]), 1;
  const bool written = std::fwrite(transcript.data(), 1, transcript.size(), file) == transcript.size();
  return std::fclose(file) == 0 && written ? 0 : 1;
}
