// SPDX-License-Identifier: Apache-2.0
//
// A flash store, with the memory that it runs in, on an emulated chip that outlives it.
#pragma once

#include <memory>
#include <vector>

#include "storage/flash/flash_store.h"
#include "tests/flash/nor_emulator.h"

namespace grid::test {

class FlashChip {
 public:
  FlashChip(NorEmulator& device, const storage::FlashOptions& options)
      : memory_(storage::FlashStore::memory_bytes(options, device.sector_count())),
        arena_(memory_),
        store_(device, arena_, options) {}

  storage::FlashStore& store() { return store_; }

 private:
  std::vector<std::uint8_t> memory_;
  Arena arena_;
  storage::FlashStore store_;
};

}  // namespace grid::test
