// SPDX-License-Identifier: Apache-2.0
//
// The links of a World: what a network does to a TCP connection, seen from both ends.

#include <algorithm>

#include "tests/sim/world.h"
#include "transport/wire.h"

namespace grid::sim {

namespace {

constexpr std::size_t kSegmentBytes = 1'400;
constexpr std::uint64_t kResendMs = 200;
constexpr std::uint64_t kBacklogMs = 50;        // A link takes another frame when less than that is waiting to leave.
constexpr std::uint64_t kKeepaliveMs = 20'000;  // An end that hears nothing for so long gives the link up.
constexpr std::uint64_t kConnectMs = 5'000;
constexpr std::uint32_t kSlowBytesPerSecond = 4'000;

}  // namespace

bool World::is_blocked(const Site& from, const Site& to) const {
  return from.is_gateway() ? to.down_blocked : from.up_blocked;
}

void World::connect(Site& device) {
  const LinkId here = next_link_++;
  const bool blocked = device.up_blocked || device.down_blocked;
  if (!device.reachable || !gateway().running || blocked) {
    return after(blocked ? kConnectMs : 1, device, {.kind = Event::Kind::link_down, .link = here});
  }
  const LinkId there = next_link_++;
  device.links[here] = {.peer = &gateway(), .peer_link = there};
  gateway().links[there] = {.peer = &device, .peer_link = here};
  const Event comes{.kind = Event::Kind::link_up, .link = there, .identity = device.principal};
  after(options_.latency_ms, gateway(), comes, device.claims);
  after(options_.latency_ms, device, {.kind = Event::Kind::link_up, .link = here});
}

void World::want_write(Site& site, LinkId link) {
  const auto end = site.links.find(link);
  const std::uint64_t free_at = end == site.links.end() ? 0 : end->second.free_at;
  const std::uint64_t at = std::max(now_ms_, free_at > kBacklogMs ? free_at - kBacklogMs : 0);
  after(at - now_ms_, site, {.kind = Event::Kind::writable, .link = link});
}

// From one end to the other, without what waits before it.
std::uint64_t World::travel_ms(std::size_t bytes) {
  const Weather& weather = options_.weather;
  std::uint64_t latest_ms = 0;
  for (std::size_t at = 0; at < bytes; at += kSegmentBytes) {
    std::uint64_t ms = options_.latency_ms;
    if (weather.jitter_ms > 0) ms += random_.below(weather.jitter_ms);
    for (std::uint64_t resend_ms = kResendMs; happens(weather.loss) && resend_ms < kKeepaliveMs; resend_ms *= 2) {
      count(Fault::loss);
      ms += resend_ms;
    }
    if (ms < latest_ms) count(Fault::reorder);
    latest_ms = std::max(latest_ms, ms);
  }
  return latest_ms;
}

void World::transmit(Site& site, LinkId link, std::vector<std::uint8_t> bytes) {
  const auto found = site.links.find(link);
  if (found == site.links.end() || found->second.dead) return;
  End& end = found->second;
  Site& peer = *end.peer;
  if (site.old_release) age(bytes);
  if (witness_ != nullptr) witness_->sent(site, peer, bytes);
  if (is_blocked(site, peer)) {
    end.held.push_back(std::move(bytes));
    return;
  }
  const std::uint32_t cap = peer.slow ? kSlowBytesPerSecond : options_.weather.bytes_per_second;
  end.free_at = std::max(end.free_at, now_ms_) + (cap == 0 ? 0 : bytes.size() * 1'000 / cap);
  const std::uint64_t there_at = end.free_at + travel_ms(bytes.size());
  if (there_at < end.there_at) count(Fault::reorder);
  end.there_at = std::max(end.there_at, there_at);
  if (happens(options_.weather.drop)) {
    count(Fault::drop);
    later(end.there_at - now_ms_, [this, &site, link] { lose(site, link); });
    end.dead = true;
    return;
  }
  after(end.there_at - now_ms_, peer, {.kind = Event::Kind::frame, .link = end.peer_link}, std::move(bytes));
}

// The host closes its end. The peer learns it soon, or, when that word is lost, by its own patience.
void World::drop(Site& site, LinkId link) {
  const auto found = site.links.find(link);
  if (found == site.links.end()) return;
  const End end = found->second;
  site.links.erase(found);
  const auto other = end.peer->links.find(end.peer_link);
  if (other == end.peer->links.end()) return;
  other->second.dead = true;
  std::uint64_t ms = std::max(options_.latency_ms + now_ms_, end.there_at) - now_ms_;
  if (is_blocked(site, *end.peer) || happens(options_.weather.half_open)) {
    count(Fault::half_open);
    ms += random_.below(kKeepaliveMs);
  }
  after(ms, *end.peer, {.kind = Event::Kind::link_down, .link = end.peer_link});
}

// The link itself is gone: both ends learn it.
void World::lose(Site& site, LinkId link) {
  const auto found = site.links.find(link);
  if (found == site.links.end()) return;
  after(0, site, {.kind = Event::Kind::link_down, .link = link});
  drop(site, link);
}

void World::drop_all(Site& site) {
  while (!site.links.empty()) lose(site, site.links.begin()->first);
}

void World::cut(Site& device) {
  tell("%s is cut off", device.name.c_str());
  count(Fault::cut);
  device.reachable = false;
  drop_all(device);
}

void World::heal(Site& device) {
  tell("%s can reach the gateway", device.name.c_str());
  device.reachable = true;
  device.up_blocked = device.down_blocked = false;
  release(device);
  release(gateway());
}

void World::release(Site& from) {
  for (auto& [link, end] : from.links) {
    if (end.dead || is_blocked(from, *end.peer)) continue;
    std::vector<std::vector<std::uint8_t>> held;
    held.swap(end.held);
    for (std::vector<std::uint8_t>& bytes : held) {
      end.there_at = std::max(end.there_at, now_ms_ + travel_ms(bytes.size()));
      after(end.there_at - now_ms_, *end.peer, {.kind = Event::Kind::frame, .link = end.peer_link}, std::move(bytes));
    }
  }
}

void World::block(Site& device, bool up, bool down) {
  tell("%s: %s", device.name.c_str(), up && down ? "nothing passes" : up ? "nothing goes up" : "nothing comes down");
  count(up && down ? Fault::cut : Fault::one_way);
  device.up_blocked = up;
  device.down_blocked = down;
  release(device);
  release(gateway());
  expire_links(device);
}

// Pings go unanswered when one direction is blocked: both ends give up, each in its own time.
void World::expire_links(Site& device) {
  for (const auto& [link, end] : device.links) {
    const LinkId here = link;
    const LinkId there = end.peer_link;
    const auto give_up = [this, &device](Site& site, LinkId id) {
      if (device.up_blocked || device.down_blocked) lose(site, id);
    };
    later(kKeepaliveMs + random_.below(kKeepaliveMs), [this, &device, here, give_up] { give_up(device, here); });
    later(kKeepaliveMs + random_.below(kKeepaliveMs), [this, there, give_up] { give_up(gateway(), there); });
  }
}

// What a release of the time before this protocol says in its hello.
void World::age(std::vector<std::uint8_t>& frame) {
  grid_Hello hello = grid_Hello_init_zero;
  const Result<wire::Kind> kind = wire::kind_of(frame);
  if (!kind.ok() || *kind != wire::Kind::hello || wire::decode(frame, hello) != Status::ok) return;
  hello.protocol_min = hello.protocol_max = wire::kProtocolMin - 1;
  frame.resize(wire::kControlBytesMax);
  frame.resize(wire::encode(hello, frame).size());
}

}  // namespace grid::sim
