// SPDX-License-Identifier: Apache-2.0
//
// QEMU's `virt` for RISC-V: where its devices are, and which of them end a rest().
//
// Place     Lowest of ports/bare/virt. Knows no device behind virtio.
#pragma once

#include <cstddef>
#include <cstdint>

namespace grid::bare {

// Eight slots in which a virtio device may be.
inline constexpr std::uintptr_t kVirtioAt = 0x1000'1000;
inline constexpr std::uintptr_t kVirtioBytes = 0x1000;
inline constexpr std::size_t kVirtioSlots = 8;

// The serial line, and the register that says when it interrupts.
inline constexpr std::uintptr_t kUartAt = 0x1000'0000;
inline constexpr std::uintptr_t kUartInterrupts = 1;

// Lets the virtio devices and the serial line end a rest().
void listen_to_devices();

}  // namespace grid::bare
