// SPDX-License-Identifier: Apache-2.0
//
// A run of a flash store on an emulated chip that something happens to, and cells that have to survive it.
#pragma once

#include <memory>
#include <string>

#include "tests/check.h"
#include "tests/flash/flash_chip.h"
#include "tests/flash/flash_script.h"

namespace grid::test {

using storage::FlashOptions;

inline constexpr int kFlushEvery = 3;  // Steps.
inline constexpr std::uint32_t kSectors = 14;
inline constexpr FlashOptions kOptions{
    .cells_max = 30, .in_flight_max = 400, .facts_max = 8, .batch_bytes_max = 12'000};

struct Run {
  Run() = default;
  explicit Run(std::uint64_t seed) : script(seed) {}

  Status open(const FlashOptions& options = kOptions) {
    chip = std::make_unique<FlashChip>(device, options);
    return chip->store().mount();
  }
  void play(int steps) {
    for (int i = 1; i <= steps; ++i) {
      if (!script.step(chip->store())) fail_msg("step %d: %s", i, chip->store().problem());
      if (i % kFlushEvery != 0) continue;
      if (!script.flush(chip->store())) fail_msg("step %d: %s", i, chip->store().problem());
    }
  }
  std::string problem() const { return chip->store().problem(); }

  NorEmulator device{kSectors};
  FlashScript script{1};
  std::unique_ptr<FlashChip> chip;
  std::unique_ptr<FlashScript> scratch;
};

inline int make(void** state) {
  *state = new std::unique_ptr<Run>;
  return 0;
}
inline int drop(void** state) {
  delete static_cast<std::unique_ptr<Run>*>(*state);
  return 0;
}
inline Run& start(void** state, std::uint64_t seed) {
  auto& run = *static_cast<std::unique_ptr<Run>*>(*state);
  run = std::make_unique<Run>(seed);
  return *run;
}

inline bool names_an_offset(const std::string& problem) { return problem.find("at offset 0x") != std::string::npos; }

// Cells that stand still while others are written around them, until compaction has moved every sector.
inline constexpr int kStill = 20;

inline std::string still_key(int i) { return "still" + std::to_string(10 + i); }

inline Status put(storage::FlashStore& store, std::string_view key, std::string_view value, bool is_local = false) {
  crdt::Op op;
  op.cell = {{"map", key}, crdt::Stamp::of(1, 0, 1), 0, as_bytes(value)};
  op.local = is_local;
  GRID_TRY(store.append(op).status());
  return store.commit();
}

inline void write_around(storage::FlashStore& store, int writes) {
  for (int i = 0; i < writes; ++i) {
    const Status status = put(store, "moving" + std::to_string(i % 7), std::string(100, 'm'));
    if (status != Status::ok) fail_msg("write %d: %s, %s", i, name_of(status), store.problem());
  }
}

inline int count_still(storage::FlashStore& store) {
  int count = 0;
  for (int i = 0; i < kStill; ++i) {
    const std::string key = still_key(i);
    const Result<crdt::Op> op = store.find({"map", key});
    assert_true(op.ok() || op.status() == Status::not_found);
    if (!op.ok()) continue;
    assert_true(as_text(op->cell.value) == "value of " + key);
    ++count;
  }
  return count;
}

}  // namespace grid::test
