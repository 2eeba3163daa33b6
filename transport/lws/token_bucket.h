// SPDX-License-Identifier: Apache-2.0
//
// TokenBucket: so much a second, and a burst on top.
//
// Place     Lowest of transport/lws. Pure: time comes as an argument.
// Promises  Over any span of t seconds no more than burst + t * per_second is let through, but for the last piece,
// which
//           may be larger than what was left: it is owed, and waited for.
#pragma once

#include <algorithm>
#include <cstdint>

namespace grid::transport {

struct Rate {
  std::uint32_t per_second = 0;  // 0: no limit.
  std::uint32_t burst = 0;

  bool is_limited() const { return per_second != 0; }
};

class TokenBucket {
 public:
  // Full.
  TokenBucket(Rate rate, std::uint64_t now_ms) : left_(std::int64_t{rate.burst} * kParts), filled_at_ms_(now_ms) {}

  // Takes `count` tokens, into debt if need be.
  void take(Rate rate, std::uint64_t count, std::uint64_t now_ms) {
    fill(rate, now_ms);
    left_ -= static_cast<std::int64_t>(std::min(count, kCountMax)) * kParts;
  }

  // Whether nothing is owed.
  bool is_open(Rate rate, std::uint64_t now_ms) {
    fill(rate, now_ms);
    return left_ >= 0;
  }

  // Whether another whole token is there.
  bool has_one(Rate rate, std::uint64_t now_ms) {
    fill(rate, now_ms);
    return left_ >= kParts;
  }

  bool is_full(Rate rate, std::uint64_t now_ms) {
    fill(rate, now_ms);
    return left_ == std::int64_t{rate.burst} * kParts;
  }

 private:
  static constexpr std::int64_t kParts = 1'000;  // Of a token: what a millisecond brings at one a second.
  static constexpr std::uint64_t kCountMax = std::uint64_t{1} << 40;
  static constexpr std::uint64_t kSpanMsMax = 3'600'000;  // Longer than a full bucket takes is as good as full.

  void fill(Rate rate, std::uint64_t now_ms) {
    const std::uint64_t span_ms = std::min(now_ms - std::min(now_ms, filled_at_ms_), kSpanMsMax);
    const std::int64_t room = std::int64_t{rate.burst} * kParts - left_;
    left_ += std::min(static_cast<std::int64_t>(span_ms) * rate.per_second, room);
    filled_at_ms_ = std::max(now_ms, filled_at_ms_);
  }

  std::int64_t left_;
  std::uint64_t filled_at_ms_;
};

}  // namespace grid::transport
