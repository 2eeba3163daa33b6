// SPDX-License-Identifier: Apache-2.0
//
// Sweep: forgets the deletions that a device holds once the server has collected them (PROTOCOL P18: devices collect
// by the server's floor only).
//
// Place     Below sync_session.h, above oplog.h. Knows no frame.
// Promises  SYN-3  Only what arrived at the server up to its floor goes. A device does not know where a cell arrived;
//                  but all that it held when the server told its newest arrival had arrived by then. So it notes the
//                  end of its log beside that arrival, and sweeps up to there once the floor has come so far.
// Limits    One note; a step looks at kLooksMax records.
#pragma once

#include "runtime/oplog.h"

namespace grid::runtime {

class Sweep {
 public:
  explicit Sweep(OpLog& log) : log_(log) {}

  // The server's newest arrival, and its floor; 0 when it has none. Everything that it sent before has been merged.
  // `told_ms` is the server's time (Timekeeper), by which rows have expired there too; 0: none is taken to have.
  Status told(std::uint64_t head, std::uint64_t floor, std::uint64_t told_ms);
  // The server may have been set back: what it told is no measure any more.
  Status forget();

  bool has_work() const { return at_ < end_; }
  //   full  The batch is; it goes on behind the next commit.
  Status advance();

 private:
  static constexpr std::uint32_t kLooksMax = 64;
  static constexpr std::size_t kNoteBytes = 24;

  OpLog& log_;
  crdt::Seq at_ = 0;              // The records behind it
  crdt::Seq end_ = 0;             // and up to here are to be looked at,
  std::uint64_t expired_ms_ = 0;  // with the time of then, or less.
};

}  // namespace grid::runtime
