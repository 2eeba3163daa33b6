// SPDX-License-Identifier: Apache-2.0
//
// FlashVitals: how worn the flash under a device is, for who looks into it.
//
// Place     Beside inspect_service.h, above storage/flash. A port with more to tell calls it from its own Vitals.
// Ownership Borrows the store for life.
#pragma once

#include "runtime/inspector.h"
#include "storage/flash/flash_store.h"

namespace grid::port {

class FlashVitals final : public runtime::Vitals {
 public:
  explicit FlashVitals(const storage::FlashStore& store) : store_(store) {}

  void tell(crdt::ValueWriter& status) override {
    const storage::FlashStore::Wear wear = store_.wear();
    put(status, "flash_erases_max", wear.erases_max);
    put(status, "flash_erases_sum", wear.erases_sum);
    put(status, "flash_records_lost", wear.records_lost);
    put(status, "flash_sectors", wear.sectors);
    put(status, "flash_sectors_good", wear.sectors_good);
  }

 private:
  static void put(crdt::ValueWriter& status, const char* name, std::uint64_t number) {
    status.field(name);
    status.integer(static_cast<std::int64_t>(number));
  }

  const storage::FlashStore& store_;
};

}  // namespace grid::port
