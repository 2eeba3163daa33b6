// SPDX-License-Identifier: Apache-2.0
//
// PartitionDevice: a partition of an ESP32's flash as the NOR device of a flash store.
//
// Place     Within ports/esp32, below esp32_board.h. Knows ESP-IDF's partition table, not what is stored.
// Promises  As nor_device.h. A partition with flash encryption can't: an erased sector of it reads as noise, decrypted
//           from 0xff, and the store tells free from written by 0xff. It is refused.
//           A driver that is short of memory or time is asked again for some 50 ms.
// Ownership The partition table is ESP-IDF's, and stays.
// Threads   One. ESP-IDF stops other tasks while flash is written.
#pragma once

#include <esp_partition.h>

#include <string_view>

#include "runtime/problem.h"
#include "storage/flash/nor_device.h"

namespace grid::port {

// Grid's entry in a partition table: `grid, 0x47, 0x01, , 256K,`. A type of one's own, as ESP-IDF keeps the subtypes of
// `data` for itself; no other program takes the partition for its own, and none is taken for Grid's.
inline constexpr esp_partition_type_t kPartitionType = static_cast<esp_partition_type_t>(0x47);
inline constexpr esp_partition_subtype_t kPartitionSubtype = static_cast<esp_partition_subtype_t>(0x01);

class PartitionDevice final : public storage::NorDevice {
 public:
  // Looks for the partition of that name.
  //   not_found  There is none of that name.
  //   invalid    There is one, of another type, encrypted, or not made of sectors of 4 KiB: problem says which.
  Status open(std::string_view name, runtime::Problem& problem);

  std::uint32_t sector_bytes() const override { return partition_->erase_size; }
  std::uint32_t sector_count() const override { return partition_->size / partition_->erase_size; }
  Status read(std::uint32_t offset, MutBytes to) override;
  Status program(std::uint32_t offset, Bytes from) override;
  Status erase(std::uint32_t sector) override;

 private:
  const esp_partition_t* partition_ = nullptr;
};

}  // namespace grid::port
