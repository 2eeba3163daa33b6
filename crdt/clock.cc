// SPDX-License-Identifier: Apache-2.0
//
// Clock and Judge. A stamp's time is one number (wall time above, counter below), so a counter that overflows borrows
// the next millisecond by plain addition.

#include "crdt/clock.h"

#include <algorithm>

namespace grid::crdt {

const char* name_of(ClockQuality quality) {
  constexpr const char* kNames[] = {"unknown", "drifted", "server", "ntp"};
  return kNames[static_cast<std::uint8_t>(quality)];
}

void ClockState::write(std::uint8_t* to) const {
  ceiling.write(to);
  floor.write(to + Stamp::kBytes);
  shared.write(to + 2 * Stamp::kBytes);
}

ClockState ClockState::read(const std::uint8_t* from) {
  return {Stamp::read(from), Stamp::read(from + Stamp::kBytes), Stamp::read(from + 2 * Stamp::kBytes)};
}

Clock::Clock(NodeId node, const ClockState& state, std::uint64_t lead_ms)
    : node_(node),
      lead_ms_(lead_ms),
      last_(std::max(state.ceiling, state.floor)),
      ceiling_(last_),
      floor_(state.floor),
      shared_(state.shared) {}

Status Clock::tick(std::uint64_t now_ms, Stamp& out, bool& raised) {
  if (now_ms > Stamp::kWallMax || last_.time == UINT64_MAX) return Status::full;
  last_ = {std::max(last_.time + 1, now_ms << 16), node_};
  out = last_;
  if (raise_ceiling()) raised = true;
  return Status::ok;
}

Status Clock::merge(Stamp remote, bool& raised) {
  if (remote.wall_ms() > kMergeMsMax) return Status::corrupt;
  // What this node shared comes back to it when a crash took its memory of that.
  if (remote.node == node_ && remote > shared_) {
    shared_ = remote;
    raised = true;
  }
  if (remote <= floor_) return Status::ok;
  floor_ = remote;
  last_ = std::max(last_, remote);
  raise_ceiling();
  raised = true;
  return Status::ok;
}

void Clock::share(Stamp own) {
  shared_ = std::max(shared_, own);
  floor_ = std::max(floor_, own);
}

void Clock::correct(Stamp highest) {
  last_ = std::max(highest, floor_);
  ceiling_ = {};
  raise_ceiling();
}

bool Clock::raise_ceiling() {
  if (last_ <= ceiling_) return false;
  const std::uint64_t lead_ms = std::min(lead_ms_, Stamp::kWallMax - last_.wall_ms());
  ceiling_ = std::max(last_, Stamp::of(last_.wall_ms() + lead_ms, 0, node_));
  return true;
}

void Judge::advance(std::uint64_t monotonic_ms, std::uint64_t wall_ms, Stamp merged) {
  if (judging_ && monotonic_ms > monotonic_ms_) at_ms_ += monotonic_ms - monotonic_ms_;
  monotonic_ms_ = monotonic_ms;
  if (wall_ms < kBuildEpochMs) return;
  if (!judging_) at_ms_ = std::max(at_ms_, merged.wall_ms());
  judging_ = true;
  at_ms_ = std::max(at_ms_, wall_ms);
}

Status Judge::verdict(Stamp stamp, std::uint64_t drift_max_ms) const {
  if (!judging_ || stamp.wall_ms() <= at_ms_) return Status::ok;
  return stamp.wall_ms() - at_ms_ > drift_max_ms ? Status::clock_ahead : Status::ok;
}

}  // namespace grid::crdt
