// SPDX-License-Identifier: Apache-2.0

#include "transport/lws/crowd.h"

#include <iterator>

namespace grid::transport {
namespace {

constexpr Neighbourhood kIpv4 = Neighbourhood{0xffff} << 32;  // As IPv6 maps it, where no /64 is.

Neighbourhood load(const std::uint8_t* bytes, std::size_t size) {
  Neighbourhood number = 0;
  for (std::size_t i = 0; i < size; ++i) number = number << 8 | bytes[i];
  return number;
}

}  // namespace

Neighbourhood neighbourhood_of(const SocketAddress& address) {
  if (address.any.sa_family != AF_INET6) return kIpv4 | ntohl(address.ipv4.sin_addr.s_addr);
  const std::uint8_t* bytes = address.ipv6.sin6_addr.s6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&address.ipv6.sin6_addr)) return kIpv4 | load(bytes + 12, 4);
  return load(bytes, 8);
}

bool Crowd::enter(Neighbourhood from) {
  std::uint32_t& count = counts_[from];
  if (each_max_ != 0 && count >= each_max_) return false;
  ++count;
  return true;
}

void Crowd::leave(Neighbourhood from) {
  const auto at = counts_.find(from);
  if (at != counts_.end() && --at->second == 0) counts_.erase(at);
}

std::size_t Crowd::count(Neighbourhood from) const {
  const auto at = counts_.find(from);
  return at == counts_.end() ? 0 : at->second;
}

bool FailureLimiter::admits(Neighbourhood from, std::uint64_t now_ms) {
  const auto at = failing_.find(from);
  return at == failing_.end() || at->second.has_one(rate_, now_ms);
}

void FailureLimiter::failed(Neighbourhood from, std::uint64_t now_ms) {
  if (!rate_.is_limited()) return;
  if (failing_.size() >= kFailingMax && !failing_.contains(from)) forget(now_ms);
  failing_.try_emplace(from, rate_, now_ms).first->second.take(rate_, 1, now_ms);
}

// Those who have long stopped first; if nobody has, whoever comes first in order, for memory is what must not grow.
void FailureLimiter::forget(std::uint64_t now_ms) {
  for (auto at = failing_.begin(); at != failing_.end();) {
    at = at->second.is_full(rate_, now_ms) ? failing_.erase(at) : std::next(at);
  }
  if (failing_.size() >= kFailingMax) failing_.erase(failing_.begin());
}

}  // namespace grid::transport
