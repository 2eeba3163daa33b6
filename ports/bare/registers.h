// SPDX-License-Identifier: Apache-2.0
//
// A device's registers: memory whose every read and write counts.
//
// Place     Lowest of ports/bare. Knows no board.
#pragma once

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

}  // namespace grid::bare
