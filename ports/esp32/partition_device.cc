// SPDX-License-Identifier: Apache-2.0

#include "ports/esp32/partition_device.h"

#include <freertos/FreeRTOS.h>
#include <freertos/task.h>

namespace grid::port {
namespace {

constexpr std::uint32_t kSectorBytes = 4'096;

// What a driver that is short of memory, or of time, is waited for in all: 50 ms or so, by the tick.
constexpr int kTriesMax = 6;
constexpr TickType_t kPause = pdMS_TO_TICKS(10);

// Without memory a driver has done nothing. Without time it may have done anything: then only `again` repeats the call.
template <typename Call>
Status insist(bool again, Call call) {
  for (int tries = 1;; ++tries) {
    const esp_err_t error = call();
    const bool may_pass = error == ESP_ERR_NO_MEM || (again && error == ESP_ERR_TIMEOUT);
    if (!may_pass || tries == kTriesMax) return error == ESP_OK ? Status::ok : Status::io;
    vTaskDelay(kPause);
  }
}

Status refuse_type(const esp_partition_t& found, runtime::Problem& problem) {
  problem.say("the partition ")
      .text(std::string_view(found.label))
      .text(" is of type ")
      .number(static_cast<std::uint64_t>(found.type))
      .text(", subtype ")
      .number(static_cast<std::uint64_t>(found.subtype))
      .text(", and may hold something else; partitions.csv needs type 0x47 and subtype 0x01");
  return Status::invalid;
}

}  // namespace

Status PartitionDevice::open(std::string_view name, runtime::Problem& problem) {
  esp_partition_t wanted{};
  if (name.empty() || name.size() >= sizeof(wanted.label)) {
    problem.say("the name of a partition has 1 to 16 characters");
    return Status::not_found;
  }
  std::memcpy(wanted.label, name.data(), name.size());
  const esp_partition_t* found =
      esp_partition_find_first(ESP_PARTITION_TYPE_ANY, ESP_PARTITION_SUBTYPE_ANY, wanted.label);
  if (found == nullptr) {
    problem.say("the partition table has no ").text(name).text("; partitions.csv needs: ").text(name);
    problem.text(", 0x47, 0x01, , 256K,");
    return Status::not_found;
  }
  if (found->type != kPartitionType || found->subtype != kPartitionSubtype) return refuse_type(*found, problem);
  if (found->encrypted) {
    problem.say("the partition ")
        .text(name)
        .text(" is encrypted, and what is erased would not read as erased: take the flag `encrypted` off its line");
    return Status::invalid;
  }
  if (found->erase_size != kSectorBytes || found->size % kSectorBytes != 0) {
    problem.say("the partition ").text(name).text(" is not made of whole sectors of 4096 bytes");
    return Status::invalid;
  }
  partition_ = found;
  return Status::ok;
}

Status PartitionDevice::read(std::uint32_t offset, MutBytes to) {
  return insist(true, [&] { return esp_partition_read(partition_, offset, to.data(), to.size()); });
}

Status PartitionDevice::program(std::uint32_t offset, Bytes from) {
  return insist(false, [&] { return esp_partition_write(partition_, offset, from.data(), from.size()); });
}

Status PartitionDevice::erase(std::uint32_t sector) {
  const std::size_t offset = std::size_t{sector} * kSectorBytes;
  return insist(true, [&] { return esp_partition_erase_range(partition_, offset, kSectorBytes); });
}

}  // namespace grid::port
