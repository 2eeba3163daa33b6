// SPDX-License-Identifier: Apache-2.0

#include "runtime/timekeeper.h"

namespace grid::runtime {

std::uint64_t expiry_of(std::uint64_t ttl_ms, std::uint64_t now_ms) {
  const bool ends = ttl_ms != 0 && now_ms < crdt::Stamp::kWallMax && ttl_ms < crdt::Stamp::kWallMax - now_ms;
  return ends ? now_ms + ttl_ms : 0;
}

namespace {

std::int64_t difference(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::int64_t>(a) - static_cast<std::int64_t>(b);
}

std::int64_t magnitude(std::int64_t number) { return number < 0 ? -number : number; }

std::uint64_t shifted(std::uint64_t at_ms, std::int64_t by_ms) {
  const std::int64_t sum = static_cast<std::int64_t>(at_ms) + by_ms;
  return sum > 0 ? static_cast<std::uint64_t>(sum) : 0;
}

}  // namespace

std::uint64_t Timekeeper::machine_ms() const { return wall_ms_ != 0 ? wall_ms_ : base_ms_ + (now_ms_ - base_now_ms_); }

std::uint64_t Timekeeper::now_ms() const { return shifted(machine_ms(), offset_ms_); }

std::uint64_t Timekeeper::known_ms(std::uint64_t wall_ms) const {
  if (quality_ == crdt::ClockQuality::unknown) return 0;
  return wall_ms != 0 && wall_ms_ != 0 ? shifted(wall_ms, offset_ms_) : now_ms();
}

Correction Timekeeper::observe(std::uint64_t now_ms, std::uint64_t wall_ms) {
  const bool knew = wall_ms_ != 0;
  const std::uint64_t expected_ms = this->now_ms() + (now_ms - now_ms_);
  if (wall_ms == 0 && knew) {
    // A clock that was lost: time goes on from where it stood.
    base_ms_ = wall_ms_ + (now_ms - now_ms_);
    base_now_ms_ = now_ms;
  }
  now_ms_ = now_ms;
  wall_ms_ = wall_ms;
  if (wall_ms == 0) return {};
  if (quality_ == crdt::ClockQuality::unknown) quality_ = crdt::ClockQuality::drifted;
  // A clock that was set under an offset may be right by itself now: take what goes on more smoothly.
  const std::int64_t bare = difference(wall_ms, expected_ms);
  if (offset_ms_ != 0 && magnitude(bare) < magnitude(bare + offset_ms_)) offset_ms_ = 0;
  const std::int64_t step_ms = difference(this->now_ms(), expected_ms);
  if (magnitude(step_ms) <= kToleranceMs) return {};
  // Forward is sleep or a late guess: old stamps are legal. Back, or from nothing: stamps were wrong.
  return !knew || step_ms < 0 ? Correction{step_ms, !knew} : Correction{};
}

Correction Timekeeper::learn(std::uint64_t server_ms) {
  // A time that no stamp can have tells nothing.
  if (server_ms > crdt::Stamp::kWallMax) return {};
  const std::int64_t step_ms = difference(server_ms, now_ms());
  const bool unknown = quality_ == crdt::ClockQuality::unknown;
  quality_ = crdt::ClockQuality::server;
  if (!unknown && magnitude(step_ms) <= kToleranceMs) return {};
  offset_ms_ += step_ms;
  return {step_ms, unknown};
}

}  // namespace grid::runtime
