// SPDX-License-Identifier: Apache-2.0
//
// BareInspection: lets gridctl look into a node on a bare machine, over its serial line.
//
// Place     Top of ports/bare, beside bare.h. Only who includes it pays for it.
// Promises  Only reads; whatever comes over the line, the node goes on.
// Ownership Borrows the loop for life, and the node that is open in it: it goes before that is closed.
// Threads   One: the loop's.
//
// An application paints its stack first of all (bare::paint_stack(); the head-room is not told otherwise), and pumps
// this from within the loop, which a byte on the line wakes up:
//
//     grid::BareInspection<grid::kChip> inspection(host.loop(), "farm");
//     host.loop().run_until([&inspection] { return inspection.turn(), false; }, 1'000);  // In place of run_for().
#pragma once

#include "ports/bare/stack.h"
#include "ports/bare/uart_link.h"
#include "ports/chip/chip_loop.h"
#include "ports/inspect/flash_vitals.h"
#include "ports/inspect/inspect_line.h"

namespace grid {

template <const Limits& kLimits>
class BareInspection : private runtime::Vitals {
 public:
  // `app` as it was opened with; by reference.
  BareInspection(port::ChipLoop& loop, std::string_view app)
      : loop_(loop),
        inspector_(*loop.replica(), *loop.store(), {app, "grid, bare machine"}, this),
        line_(uart_, inspector_, arriving_, sending_) {
    uart_.open();
  }

  void turn() { line_.turn(loop_.replica_status(), 0); }

 private:
  void tell(crdt::ValueWriter& status) override {
    port::FlashVitals(*loop_.store()).tell(status);
    const std::size_t stack_bytes = bare::stack_free_bytes();
    if (stack_bytes == 0) return;  // It was not painted.
    status.field("stack_free_bytes");
    status.integer(static_cast<std::int64_t>(stack_bytes));
  }

  port::ChipLoop& loop_;
  bare::UartLink uart_;
  runtime::Inspector inspector_;
  std::uint8_t arriving_[port::InspectLine::kArrivingBytes];
  std::uint8_t sending_[port::InspectLine::sending_bytes(kLimits)];
  port::InspectLine line_;
};

}  // namespace grid
