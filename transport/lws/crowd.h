// SPDX-License-Identifier: Apache-2.0
//
// Crowd: how many connections each address has, and whose attempts fail too often.
//
// Place     Below lws_listen.cc. Pure: time comes as an argument.
// Promises  BND-1  What it remembers is bounded: of connections by those that are open, of failures by kFailingMax.
// Limits    IPv6 addresses count by their /64, which is what one subscriber has.
// Threads   One.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "transport/lws/address.h"
#include "transport/lws/token_bucket.h"

namespace grid::transport {

// Where an address is counted.
using Neighbourhood = std::uint64_t;

Neighbourhood neighbourhood_of(const SocketAddress& address);

class Crowd {
 public:
  // 0: as many as like.
  explicit Crowd(std::uint32_t each_max = 0) : each_max_(each_max) {}

  // False when that address has as many as it may have; then it does not count.
  bool enter(Neighbourhood from);
  void leave(Neighbourhood from);
  std::size_t count(Neighbourhood from) const;

 private:
  std::uint32_t each_max_;
  std::map<Neighbourhood, std::uint32_t> counts_;
};

// Failed authentications of each address: a token bucket each. Who has spent its own is not listened to until it has
// filled up again, whatever it shows: guessing does not get faster by more connections.
class FailureLimiter {
 public:
  static constexpr std::size_t kFailingMax = 4'096;

  explicit FailureLimiter(Rate rate) : rate_(rate) {}

  // Whether an attempt from there is looked at.
  bool admits(Neighbourhood from, std::uint64_t now_ms);
  // An attempt from there has failed.
  void failed(Neighbourhood from, std::uint64_t now_ms);
  std::size_t remembered() const { return failing_.size(); }

 private:
  void forget(std::uint64_t now_ms);

  Rate rate_;
  std::map<Neighbourhood, TokenBucket> failing_;
};

}  // namespace grid::transport
