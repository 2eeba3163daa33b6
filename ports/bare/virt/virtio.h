// SPDX-License-Identifier: Apache-2.0
//
// Virtio devices behind memory (VIRTIO 1.1, section 4.2), and the queues that they take buffers from.
//
// Place     Above virt.h. Knows no device's meaning.
// Ownership Queues and buffers are the driver's, at fixed addresses for as long as the machine runs.
// Limits    A buffer is one descriptor. `kVirtioQueueSize` of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "crdt/base/bytes.h"
#include "ports/bare/virt/virt.h"

namespace grid::bare {

inline constexpr std::uint16_t kVirtioQueueSize = 8;

class VirtioQueue {
 public:
  // Tells the device where it is.
  void open(std::uintptr_t device, std::uint32_t number);
  // Lends a buffer to the device, under a number below kVirtioQueueSize that is not lent: to write into it, or to read.
  void lend(std::uint16_t slot, MutBytes buffer, bool is_written);
  // A buffer that came back.
  struct Used {
    std::uint16_t slot;
    std::size_t bytes;  // That the device has written.
  };
  std::optional<Used> take();

 private:
  struct Descriptor {
    std::uint64_t address;
    std::uint32_t bytes;
    std::uint16_t flags;
    std::uint16_t next;
  };
  struct UsedItem {
    std::uint32_t id;
    std::uint32_t bytes;
  };

  std::uintptr_t device_ = 0;
  std::uint32_t number_ = 0;
  std::uint16_t taken_ = 0;
  alignas(16) Descriptor descriptors_[kVirtioQueueSize] = {};
  alignas(2) struct {
    std::uint16_t flags, count;
    std::uint16_t ring[kVirtioQueueSize];
  } available_ = {};
  alignas(4) struct {
    std::uint16_t flags;
    volatile std::uint16_t count;
    UsedItem ring[kVirtioQueueSize];
  } used_ = {};
};

inline constexpr std::uint32_t kVirtioNetwork = 1, kVirtioEntropy = 4;
inline constexpr std::uint32_t kVirtioConfig = 0x100;

// The device of that kind, reset and asked for `features` of its own; 0: there is none.
std::uintptr_t find_virtio(std::uint32_t kind, std::uint32_t features);
// Its queues are open: it may begin.
void begin_virtio(std::uintptr_t device);

}  // namespace grid::bare
