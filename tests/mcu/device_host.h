// SPDX-License-Identifier: Apache-2.0
//
// The host of device.cc: one that speaks TLS (device_tls.cc), or one that does not (device_plain.cc). What is linked
// decides, so that each firmware has the size of what it uses.
#pragma once

#include "ports/bare/bare_board.h"
#include "ports/chip/grid/chip.h"

namespace grid::mcu {

// What the build says: kChip with many cells, or kNano with few.
inline constexpr const Limits& kLimits = GRID_LIMITS;
inline constexpr std::uint32_t kCells = GRID_CELLS;
using DeviceHost = ChipHost<kLimits, kCells, bare::BareBoard::kSectors>;

DeviceHost& device_host();
// As ChipHost::open(), with what `word` says beside `options`. Null: cannot_open() says why.
Node* open_device(const ChipOptions& options, std::string_view (*word)(std::string_view name));
Status cannot_open();
// The most that TLS has taken of its memory; 0: there is no TLS here.
std::size_t tls_bytes_most();

}  // namespace grid::mcu
