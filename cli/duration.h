// SPDX-License-Identifier: Apache-2.0
//
// Durations as people write them: 500ms, 10s, 2m, 1h, 90d; a bare number is seconds.
//
// Place     Lowest of cli/.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace grid::cli {

// The milliseconds that `text` names; nothing when it names no duration, or one past a hundred years.
std::optional<std::uint64_t> milliseconds_of(std::string_view text);

}  // namespace grid::cli
