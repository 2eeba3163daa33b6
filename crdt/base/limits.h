// SPDX-License-Identifier: Apache-2.0
//
// Limits: everything that a replica may hold, in one place. Profiles are data; no code asks which
// board it is on.
//
// Place     Beside status.h. The format's own limits are constants, a machine's are a Limits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace grid {

// The format's limits: the same on every machine, or replicas could not hold each other's cells.
inline constexpr std::size_t kAppBytesMax = 64;
inline constexpr std::size_t kMapBytesMax = 64;
inline constexpr std::size_t kKeyBytesMax = 256;
inline constexpr std::size_t kSubBytesMax = 128;
inline constexpr std::size_t kValueBytesMax = 1'048'576;
inline constexpr std::size_t kValueDepthMax = 8;
inline constexpr std::size_t kNameBytesMax = kMapBytesMax + kKeyBytesMax + kSubBytesMax;
inline constexpr std::uint64_t kDriftMsMax = 60'000;

// What one machine lends.
struct Limits {
  std::uint32_t value_bytes_max;  // Largest value that this replica keeps.
  std::uint32_t frame_bytes_max;  // Largest frame that it takes; one op must fit.
  std::uint32_t window_ops_max;   // Ops sent and not yet acknowledged as durable.
  std::uint32_t pending_ops_max;  // Capacity of the OpLog, in ops.
  std::uint16_t subscriptions_max;
  std::uint16_t watches_max;
  std::uint16_t maps_max;          // Maps that one comparison can tell apart.
  std::uint32_t walk_ranges_max;   // Of a comparison: ranges known to differ and not looked into yet,
  std::uint32_t walk_digests_max;  // and digests of one round.
  std::uint32_t clock_lead_ms;     // How far ahead of use the clock's ceiling is persisted.
};

inline constexpr Limits kLinux{.value_bytes_max = kValueBytesMax,
                               .frame_bytes_max = 2 * kValueBytesMax,
                               .window_ops_max = 4'096,
                               .pending_ops_max = 4'000'000,
                               .subscriptions_max = 256,
                               .watches_max = 256,
                               .maps_max = 64,
                               .walk_ranges_max = 16'384,
                               .walk_digests_max = 65'536,
                               .clock_lead_ms = 10'000};

}  // namespace grid
