// SPDX-License-Identifier: Apache-2.0
//
// Spans of time and sizes as people write them: 90d, 500ms, 64MiB.
//
// Place     Lowest of server/host/config.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crdt/base/status.h"

namespace grid::server::config {

struct Span {
  std::uint64_t ms = 0;
  bool operator==(const Span&) const = default;
};

struct Size {
  std::uint64_t bytes = 0;
  bool operator==(const Size&) const = default;
};

// A whole number and a unit: ms, s, m, h, d. No unit is needed for 0.
//   invalid  It is not of that form, or beyond 64 bits.
Result<Span> parse_span(std::string_view text);
// A whole number and a unit: B, kB, MB, GB (of 1000) or KiB, MiB, GiB (of 1024).
//   invalid  Likewise.
Result<Size> parse_size(std::string_view text);

// In the largest unit that says it exactly.
std::string text_of(Span span);
std::string text_of(Size size);

inline constexpr std::string_view kSpanForm = "a time with its unit, as 90d, 12h, 5m, 30s or 500ms";
inline constexpr std::string_view kSizeForm = "a size with its unit, as 64MiB, 512KiB, 10MB or 4096B";

}  // namespace grid::server::config
