// SPDX-License-Identifier: Apache-2.0
//
// BareHost: runs a node on a bare machine. What applications include beside grid/grid.h.
//
// Place     Top of ports/bare.
#pragma once

#include "ports/bare/bare_board.h"
#include "ports/chip/grid/chip.h"

namespace grid {

// The board comes first: the host borrows it from its construction on.
template <const Limits& kLimits, std::uint32_t kCellsMax = 256>
class BareHost : private bare::BareBoard, public ChipHost<kLimits, kCellsMax, bare::BareBoard::kSectors> {
 public:
  BareHost() : ChipHost<kLimits, kCellsMax, bare::BareBoard::kSectors>(static_cast<bare::BareBoard&>(*this)) {}
};

}  // namespace grid
