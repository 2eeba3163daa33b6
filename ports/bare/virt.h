// SPDX-License-Identifier: Apache-2.0
//
// QEMU's `virt` for RISC-V: where its devices are, its clock, and how it rests.
//
// Place     Lowest of ports/bare. Knows no device behind virtio.
#pragma once

#include <cstddef>
#include <cstdint>

namespace grid::bare {

inline std::uint32_t load_register(std::uintptr_t at) { return *reinterpret_cast<volatile std::uint32_t*>(at); }
inline void store_register(std::uintptr_t at, std::uint32_t word) {
  *reinterpret_cast<volatile std::uint32_t*>(at) = word;
}

inline std::uint8_t load_byte(std::uintptr_t at) { return *reinterpret_cast<volatile std::uint8_t*>(at); }
inline void store_byte(std::uintptr_t at, std::uint8_t byte) { *reinterpret_cast<volatile std::uint8_t*>(at) = byte; }

// Everything written to memory before it is seen before everything after it, by devices too.
inline void order_memory() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

// Eight slots in which a virtio device may be.
inline constexpr std::uintptr_t kVirtioAt = 0x1000'1000;
inline constexpr std::uintptr_t kVirtioBytes = 0x1000;
inline constexpr std::size_t kVirtioSlots = 8;

// The serial line, and the register that says when it interrupts.
inline constexpr std::uintptr_t kUartAt = 0x1000'0000;
inline constexpr std::uintptr_t kUartInterrupts = 1;

// Since the machine was switched on.
std::uint64_t monotonic_ms();
// Stops the processor until a virtio device or the serial line has something, or `ms_max` are over.
void rest(std::uint64_t ms_max);
// Lets the virtio devices and the serial line end a rest().
void listen_to_devices();

}  // namespace grid::bare
