// SPDX-License-Identifier: Apache-2.0
//
// Keep: how much of a map a device keeps that subscribes to none of it (runtime/retention.h).
//
// Place     Part of the embedding API.
#pragma once

#include <cstdint>
#include <string_view>

namespace grid {

// What a device keeps of the rows of one map: those that neither limit is against. {.map = m} keeps all but what is
// removed or expired; rows_max 0 nothing that is durable at the server.
struct Keep {
  std::string_view map{};
  std::uint32_t rows_max = UINT32_MAX;
  std::uint64_t age_ms_max = UINT64_MAX;  // Since it was written, by the time of its stamp.
};

}  // namespace grid
