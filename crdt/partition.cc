// SPDX-License-Identifier: Apache-2.0
//
// Position of a key. The path is the hash itself: its high bits are spread evenly within each partition, which the
// quotient's, always zero, would not be.

#include "crdt/partition.h"

#include "crdt/hash.h"

namespace grid::crdt {
namespace {

// The remainder in 32 bits: to a chip, one of 64 is a kilobyte of code.
std::uint16_t partition_of(std::uint64_t hash) {
  constexpr std::uint32_t kOfHigh = (std::uint64_t{1} << 32) % kPartitions;
  const std::uint32_t high = static_cast<std::uint32_t>(hash >> 32) % kPartitions;
  const std::uint32_t low = static_cast<std::uint32_t>(hash) % kPartitions;
  return static_cast<std::uint16_t>((high * kOfHigh + low) % kPartitions);
}

}  // namespace

Position position_of(std::string_view app, std::string_view map, std::string_view key) {
  const std::uint64_t hash = Hash64().add_sized(app).add_sized(map).add_sized(key).value();
  return {partition_of(hash), hash};
}

}  // namespace grid::crdt
