// SPDX-License-Identifier: Apache-2.0
//
// ChipHost: runs a node on a microcontroller, in memory that is all there when the program starts.
//
// Place     Top of ports/chip; what applications include beside grid/grid.h. A port derives its own host from it, which
//           brings the board.
// Promises  No heap. Nothing blocks but run_for(), wait(), sync_once() and close(), for as long as they are told. From
//           a callback, which can't wait, they do nothing, and problem() says so.
//           After close() a node, its maps and its watches answer io, until open().
// Ownership Borrows the board for life. Large: a static object, as a rule.
// Threads   One: the caller's.
#pragma once

#include "ports/chip/chip_loop.h"
#include "runtime/facts.h"

namespace grid {

// `kCellsMax` rows, tombstones among them, in a partition of at most `kSectorsMax` sectors (of 4 KiB: 256 KiB).
template <const Limits& kLimits, std::uint32_t kCellsMax = 256, std::uint32_t kSectorsMax = 64>
class ChipHost {
 public:
  explicit ChipHost(port::Board& board)
      : loop_(board, {.limits = &kLimits,
                      .flash = kFlash,
                      .store = store_,
                      .replica = replica_,
                      .arriving = arriving_,
                      .sending = sending_,
                      .scratch = scratch_,
                      .watching = watching_,
                      .happened = happened_}) {}

  // Opens the node; null when that fails, and problem() says why. May be tried again. One node a host.
  Node* open(const ChipOptions& options) { return loop_.open(options); }
  // Of the last open():
  //   invalid    The address or the app's name breaks a rule, or the partition is too small, or made for another size.
  //   not_found  There is no such partition.
  //   denied     The store belongs to another app.
  //   corrupt, newer, full, io  Of the store (flash_store.h).
  Status status() const { return loop_.status(); }

  // Syncs, calls back, and rests in between.
  void run_for(std::uint64_t ms) { loop_.run_for(ms); }
  // Runs until `write` has reached `outcome` (or is rejected, superseded or dropped), at most `timeout_ms`; true when
  // it reached it.
  bool wait(const Write& write, Outcome outcome, std::uint64_t timeout_ms) {
    return loop_.wait(write, outcome, timeout_ms);
  }
  // Goes online, sends and fetches all that there is, and goes off the net again: before a deep sleep, say. True:
  // nothing is left to do. False: the time was up first; what was not sent is kept.
  bool sync_once(std::uint64_t deadline_ms) { return loop_.sync_once(deadline_ms); }
  // Says goodbye and lets go of the node, for a sleep from which the machine starts anew; open() opens it again.
  void close() { loop_.close(); }

  // The last trouble as a sentence. Never null.
  const char* problem() const { return loop_.problem(); }
  // For a loop of one's own, in place of run_for().
  port::ChipLoop& loop() { return loop_; }

 private:
  static constexpr storage::FlashOptions kFlash{.cells_max = kCellsMax,
                                                .in_flight_max = kLimits.window_ops_max,
                                                .value_bytes_max = kLimits.value_bytes_max,
                                                .fact_bytes_max = runtime::facts::kBytesMax};

  alignas(std::max_align_t) std::uint8_t store_[storage::FlashStore::memory_bytes(kFlash, kSectorsMax)];
  alignas(std::max_align_t) std::uint8_t replica_[runtime::Replica::memory_bytes(kLimits)];
  std::uint8_t arriving_[kLimits.frame_bytes_max];
  std::uint8_t sending_[kLimits.frame_bytes_max + transport::WebSocket::kOverheadBytesMax];
  std::uint8_t scratch_[kLimits.value_bytes_max];
  port::Watching watching_[kLimits.watches_max];
  port::Happened happened_[kLimits.actions_max + kLimits.watches_max];
  port::ChipLoop loop_;
};

}  // namespace grid
