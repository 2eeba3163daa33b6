// SPDX-License-Identifier: Apache-2.0
//
// Position: where a key stands in the grid: its partition, and its path in the Merkle tree below it.
//
// Place     Above hash.h. A function of (app, map, key) alone, so that every tag, counter part and field of one
//           key stands in one place and is merged in order there.
#pragma once

#include <cstdint>
#include <string_view>

namespace grid::crdt {

inline constexpr std::uint16_t kPartitions = 271;

struct Position {
  std::uint16_t partition = 0;
  std::uint64_t path = 0;  // Its high bits choose the child at each level below the partition.

  friend bool operator==(const Position&, const Position&) = default;
};

// xxh64 over the sized app, map and key is the path; its remainder by kPartitions is the partition.
Position position_of(std::string_view app, std::string_view map, std::string_view key);

}  // namespace grid::crdt
