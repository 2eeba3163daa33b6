// SPDX-License-Identifier: Apache-2.0
//
// Hash64 for machines where code is dear: the same function as hash.cc, which has xxHash's own, in a quarter of its
// code. It takes 32 bytes a turn, through the state's own memory.

#include <cstring>
#include <new>

#include "crdt/base/check.h"
#include "crdt/hash.h"

namespace grid::crdt {
namespace {

constexpr std::uint64_t kPrime1 = 0x9e3779b185ebca87;
constexpr std::uint64_t kPrime2 = 0xc2b2ae3d27d4eb4f;
constexpr std::uint64_t kPrime3 = 0x165667b19e3779f9;
constexpr std::uint64_t kPrime4 = 0x85ebca77c2b2ae63;
constexpr std::uint64_t kPrime5 = 0x27d4eb2f165667c5;
constexpr std::size_t kStripeBytes = 32;

struct State {
  std::uint64_t lanes[4] = {kPrime1 + kPrime2, kPrime2, 0, 0 - kPrime1};
  std::uint64_t size = 0;  // Of all that was added.
  std::uint8_t stripe[kStripeBytes];
};

State& state_of(std::uint8_t* memory) { return *std::launder(reinterpret_cast<State*>(memory)); }
const State& state_of(const std::uint8_t* memory) { return *std::launder(reinterpret_cast<const State*>(memory)); }

[[gnu::noinline]] std::uint64_t load_le(const std::uint8_t* from, std::size_t bytes) {
  std::uint64_t number = 0;
  while (bytes-- > 0) number = number << 8 | from[bytes];
  return number;
}

// None of these is inlined: to a 32-bit machine a 64-bit product is a dozen instructions.
[[gnu::noinline]] std::uint64_t product(std::uint64_t a, std::uint64_t b) { return a * b; }

// Turned left, then multiplied.
[[gnu::noinline]] std::uint64_t turn(std::uint64_t number, unsigned bits, std::uint64_t factor) {
  return product(number << bits | number >> (64 - bits), factor);
}

[[gnu::noinline]] std::uint64_t round(std::uint64_t lane, std::uint64_t input) {
  return turn(lane + product(input, kPrime2), 31, kPrime1);
}

std::uint64_t join(const State& state) {
  if (state.size < kStripeBytes) return kPrime5;
  constexpr std::uint8_t kTurns[] = {1, 7, 12, 18};
  std::uint64_t hash = 0;
  for (std::size_t i = 0; i < 4; ++i) hash += turn(state.lanes[i], kTurns[i], 1);
  for (const std::uint64_t lane : state.lanes) hash = product(hash ^ round(0, lane), kPrime1) + kPrime4;
  return hash;
}

}  // namespace

std::uint64_t hash64(Bytes bytes) { return Hash64().add(bytes).value(); }

Hash64::Hash64() {
  static_assert(sizeof(State) <= sizeof(state_) && alignof(State) <= 8);
  new (state_) State;
}

Hash64& Hash64::add(Bytes bytes) {
  State& state = state_of(state_);
  while (!bytes.empty()) {
    const std::size_t at = static_cast<std::size_t>(state.size) % kStripeBytes;
    const std::size_t run = bytes.size() < kStripeBytes - at ? bytes.size() : kStripeBytes - at;
    std::memcpy(state.stripe + at, bytes.data(), run);
    state.size += run;
    bytes = bytes.subspan(run);
    if (at + run != kStripeBytes) continue;
    for (std::size_t i = 0; i < 4; ++i) state.lanes[i] = round(state.lanes[i], load_le(state.stripe + 8 * i, 8));
  }
  return *this;
}

Hash64& Hash64::add_sized(std::string_view text) {
  GRID_CHECK(text.size() <= 0xffff);
  std::uint8_t size[2];
  store_be<2>(text.size(), size);
  return add(size).add(as_bytes(text));
}

Hash64& Hash64::add_number(std::uint64_t number) {
  std::uint8_t bytes[8];
  store_be(number, bytes);
  return add(bytes);
}

std::uint64_t Hash64::value() const {
  const State& state = state_of(state_);
  std::uint64_t hash = join(state) + state.size;
  const std::uint8_t* rest = state.stripe;
  std::size_t left = static_cast<std::size_t>(state.size) % kStripeBytes;
  for (; left >= 8; left -= 8, rest += 8) hash = turn(hash ^ round(0, load_le(rest, 8)), 27, kPrime1) + kPrime4;
  if (left >= 4) {
    hash = turn(hash ^ product(load_le(rest, 4), kPrime1), 23, kPrime2) + kPrime3;
    left -= 4;
    rest += 4;
  }
  for (; left > 0; --left) hash = turn(hash ^ product(*rest++, kPrime5), 11, kPrime1);
  hash = product(hash ^ hash >> 33, kPrime2);
  hash = product(hash ^ hash >> 29, kPrime3);
  return hash ^ hash >> 32;
}

}  // namespace grid::crdt
