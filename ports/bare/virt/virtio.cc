// SPDX-License-Identifier: Apache-2.0

#include "ports/bare/virt/virtio.h"

#include "crdt/base/check.h"
#include "ports/bare/registers.h"

namespace grid::bare {
namespace {

constexpr std::uint32_t kMagic = 0x7472'6976, kVersion = 2;
constexpr std::uintptr_t kMagicAt = 0x000, kVersionAt = 0x004, kKindAt = 0x008, kFeaturesAt = 0x020,
                         kFeaturesSelectAt = 0x024, kQueueSelectAt = 0x030, kQueueSizeMaxAt = 0x034,
                         kQueueSizeAt = 0x038, kQueueReadyAt = 0x044, kNotifyAt = 0x050, kStatusAt = 0x070,
                         kDescriptorsAt = 0x080, kAvailableAt = 0x090, kUsedAt = 0x0a0;
// Steps of the driver, in the status register.
constexpr std::uint32_t kSeen = 1, kKnown = 2, kWorks = 4, kFeaturesChosen = 8;
constexpr std::uint32_t kVersion1Bit = 1;  // Of the upper 32 features.
constexpr std::uint16_t kDeviceWrites = 2;

void store_address(std::uintptr_t at, const void* thing) {
  store_register(at, reinterpret_cast<std::uintptr_t>(thing));
  store_register(at + 4, 0);
}

}  // namespace

void VirtioQueue::open(std::uintptr_t device, std::uint32_t number) {
  device_ = device;
  number_ = number;
  store_register(device + kQueueSelectAt, number);
  GRID_CHECK(load_register(device + kQueueSizeMaxAt) >= kVirtioQueueSize);
  store_register(device + kQueueSizeAt, kVirtioQueueSize);
  store_address(device + kDescriptorsAt, descriptors_);
  store_address(device + kAvailableAt, &available_);
  store_address(device + kUsedAt, &used_);
  store_register(device + kQueueReadyAt, 1);
}

void VirtioQueue::lend(std::uint16_t slot, MutBytes buffer, bool is_written) {
  descriptors_[slot] = {reinterpret_cast<std::uintptr_t>(buffer.data()), static_cast<std::uint32_t>(buffer.size()),
                        is_written ? kDeviceWrites : std::uint16_t{0}, 0};
  available_.ring[available_.count % kVirtioQueueSize] = slot;
  order_memory();
  available_.count = static_cast<std::uint16_t>(available_.count + 1);
  order_memory();
  store_register(device_ + kNotifyAt, number_);
}

std::optional<VirtioQueue::Used> VirtioQueue::take() {
  if (used_.count == taken_) return {};
  order_memory();
  const UsedItem& item = used_.ring[taken_ % kVirtioQueueSize];
  taken_ = static_cast<std::uint16_t>(taken_ + 1);
  return Used{static_cast<std::uint16_t>(item.id), item.bytes};
}

std::uintptr_t find_virtio(std::uint32_t kind, std::uint32_t features) {
  for (std::size_t i = 0; i < kVirtioSlots; ++i) {
    const std::uintptr_t device = kVirtioAt + i * kVirtioBytes;
    if (load_register(device + kMagicAt) != kMagic || load_register(device + kKindAt) != kind) continue;
    if (load_register(device + kVersionAt) != kVersion) panic("virtio: start QEMU with virtio-mmio.force-legacy=false");
    store_register(device + kStatusAt, 0);
    store_register(device + kStatusAt, kSeen | kKnown);
    store_register(device + kFeaturesSelectAt, 0);
    store_register(device + kFeaturesAt, features);
    store_register(device + kFeaturesSelectAt, 1);
    store_register(device + kFeaturesAt, kVersion1Bit);
    store_register(device + kStatusAt, kSeen | kKnown | kFeaturesChosen);
    if ((load_register(device + kStatusAt) & kFeaturesChosen) == 0) panic("virtio: a device refuses what it offers");
    return device;
  }
  return 0;
}

void begin_virtio(std::uintptr_t device) {
  store_register(device + kStatusAt, kSeen | kKnown | kFeaturesChosen | kWorks);
}

}  // namespace grid::bare
