// SPDX-License-Identifier: Apache-2.0
//
// Position of a key. The path is the hash itself: its high bits are spread evenly within each partition, which the
// quotient's, always zero, would not be.

#include "crdt/partition.h"

#include "crdt/hash.h"

namespace grid::crdt {

Position position_of(std::string_view app, std::string_view map, std::string_view key) {
  const std::uint64_t hash = Hash64().add_sized(app).add_sized(map).add_sized(key).value();
  return {static_cast<std::uint16_t>(hash % kPartitions), hash};
}

}  // namespace grid::crdt
