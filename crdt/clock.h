// SPDX-License-Identifier: Apache-2.0
//
// Clock: issues stamps, takes note of stamps; the one source of a replica's order.
//
// Place     Above stamp.h. Reads no clock: callers pass the corrected wall time in.
// Promises  CLK-1  A clock never issues a stamp twice, nor below one that it shared or merged, across any
//                  crash; only a correction takes back stamps, and only unshared ones.
//           CLK-2  A refused stamp leaves the clock untouched.
// Threads   None. A Clock is a value: copy it before a batch, assign it back when the batch fails.
//
// The ceiling is how a reboot with a dead battery keeps CLK-1: a stamp is issued only at or below a ceiling
// that was persisted with the batch, and a clock that is reopened starts at its ceiling.
#pragma once

#include <algorithm>
#include <cstdint>

#include "crdt/base/status.h"
#include "crdt/stamp.h"

namespace grid::crdt {

// How far a machine trusts the wall time under which it wrote an op. The numbers are the wire's.
enum class ClockQuality : std::uint8_t { unknown = 0, drifted = 1, server = 2, ntp = 3 };

const char* name_of(ClockQuality quality);

// A wall clock that stands before this is a machine that doesn't know the time: 2024-01-01 UTC.
inline constexpr std::uint64_t kBuildEpochMs = 1'704'067'200'000;

// What is persisted of a clock, in the same commit as what was stamped by it.
struct ClockState {
  static constexpr std::size_t kBytes = 48;

  Stamp ceiling;  // Nothing above it has been issued.
  Stamp floor;    // The greatest that was shared or merged: new stamps stay above it, after a correction too.
  Stamp shared;   // The greatest of its own that was shared: corrected stamps stay above it, or it would come twice.

  void write(std::uint8_t* to) const;
  static ClockState read(const std::uint8_t* from);
};

class Clock {
 public:
  // A year before the end of a stamp's 48 bits: room for three million crashes at a lead of ten seconds.
  static constexpr std::uint64_t kMergeMsMax = Stamp::kWallMax - 31'536'000'000;

  Clock() = default;
  // Continues above everything that `state` covers.
  Clock(NodeId node, const ClockState& state, std::uint64_t lead_ms);

  // The stamp for a local write at `now_ms` (corrected wall time; 0 while unknown: order goes on without it).
  // Sets `raised`, and never clears it, when state() must go into the same batch as the write.
  //   full  Wall time has passed the 48 bits of a stamp.
  Status tick(std::uint64_t now_ms, Stamp& out, bool& raised);

  // Takes note of a stamp that the server vouches for, however far ahead. Sets `raised` as tick() does, also when
  // only the floor moved: a floor that a crash took back would let a correction go below what was merged.
  //   corrupt  Its wall time is past kMergeMsMax, where no clock could continue for long.
  Status merge(Stamp remote, bool& raised);

  // Takes note of a stamp of its own that stands in the reopened log: a correction that a crash cut short has lowered
  // the ceiling, and not yet every op.
  void reopen_above(Stamp own) { last_ = std::max(last_, own); }

  // Takes note that `own` has been handed to a link: it can no longer be corrected.
  void share(Stamp own);

  // Takes back unshared stamps: continues above the greater of `highest` (the last corrected op) and the floor.
  // The ceiling follows, also downwards: state() goes into the commit of the correction.
  void correct(Stamp highest);

  // The state to persist; state_at_rest() has no lead and is for a clean close.
  ClockState state() const { return {ceiling_, floor_, shared_}; }
  ClockState state_at_rest() const { return {last_, floor_, shared_}; }
  Stamp last() const { return last_; }
  Stamp floor() const { return floor_; }
  Stamp shared() const { return shared_; }
  NodeId node() const { return node_; }

 private:
  bool raise_ceiling();

  NodeId node_ = 0;
  std::uint64_t lead_ms_ = 0;
  Stamp last_;
  Stamp ceiling_;
  Stamp floor_;
  Stamp shared_;
};

// The server's judge of drift (PROTOCOL P3): a clock that no client can push.
class Judge {
 public:
  Judge() = default;
  // `persisted_ms` is what persist_ms() said before the last stop.
  explicit Judge(std::uint64_t persisted_ms) : at_ms_(persisted_ms) {}

  // Moves the judge: by the monotonic clock, and up to a wall clock that knows the time (0: it doesn't).
  // `merged` is the greatest stamp in the store; it counts once, at the moment when judging begins.
  void advance(std::uint64_t monotonic_ms, std::uint64_t wall_ms, Stamp merged);

  // Takes note of a stamp that was accepted before, and comes back by healing: what the store had merged counts.
  void vouch(Stamp healed) { at_ms_ = std::max(at_ms_, healed.wall_ms()); }

  //   clock_ahead  More than `drift_max_ms` past the judge's time. Never while the time is unknown.
  Status verdict(Stamp stamp, std::uint64_t drift_max_ms) const;

  bool judging() const { return judging_; }
  std::uint64_t at_ms() const { return at_ms_; }

 private:
  std::uint64_t at_ms_ = 0;
  std::uint64_t monotonic_ms_ = 0;
  bool judging_ = false;
};

}  // namespace grid::crdt
