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

// What a new row finds when the log of unsent ops holds as many as it may. What links have seen is never taken back.
enum class OnFull : std::uint8_t {
  refuse,       // The write is refused with `full`, and works again once the server has taken some.
  drop_oldest,  // The oldest op goes: its outcome is `dropped`, and its row what the server has, or nothing.
  pause,        // The write waits for room, on a host that can run meanwhile (Linux); elsewhere as `refuse`.
};

// What one machine lends.
struct Limits {
  std::uint32_t value_bytes_max;  // Largest value that this replica keeps.
  std::uint32_t frame_bytes_max;  // Largest frame that it takes; one op must fit.
  std::uint32_t window_ops_max;   // Ops sent and not yet acknowledged as durable.
  std::uint32_t pending_ops_max;  // Capacity of the OpLog, in ops.
  std::uint16_t subscriptions_max;
  std::uint16_t watches_max;
  std::uint16_t maps_max;          // Maps that one comparison can tell apart.
  std::uint32_t walk_ranges_max;   // Of a comparison: ranges known to differ, looked into or not,
  std::uint32_t walk_digests_max;  // and digests of one round.
  std::uint16_t actions_max;       // Of one step, 9 to 64.
  std::uint32_t clock_lead_ms;     // How far ahead of use the clock's ceiling is persisted.
};

inline constexpr Limits kLinux{.value_bytes_max = kValueBytesMax,
                               .frame_bytes_max = 2 * kValueBytesMax,
                               .window_ops_max = 4'096,
                               .pending_ops_max = 4'000'000,
                               .subscriptions_max = 256,
                               .watches_max = 256,
                               .maps_max = 64,
                               .walk_ranges_max = 32'768,
                               .walk_digests_max = 65'536,
                               .actions_max = 64,
                               .clock_lead_ms = 10'000};

// A microcontroller with room beside its radio: an ESP32-C3, say.
inline constexpr Limits kChip{.value_bytes_max = 1'024,
                              .frame_bytes_max = 2'048,
                              .window_ops_max = 16,
                              .pending_ops_max = 1'024,
                              .subscriptions_max = 4,
                              .watches_max = 4,
                              .maps_max = 3,
                              .walk_ranges_max = 24,
                              .walk_digests_max = 48,
                              .actions_max = 16,
                              .clock_lead_ms = 60'000};

// The least that is of use: small rows, two scopes.
inline constexpr Limits kPico{.value_bytes_max = 256,
                              .frame_bytes_max = 1'024,
                              .window_ops_max = 8,
                              .pending_ops_max = 256,
                              .subscriptions_max = 2,
                              .watches_max = 2,
                              .maps_max = 2,
                              .walk_ranges_max = 16,
                              .walk_digests_max = 32,
                              .actions_max = 12,
                              .clock_lead_ms = 60'000};

// 256 small rows in 12 KiB, all told (docs/decisions/0018): kPico with smaller values, and more round trips where a
// comparison finds much.
inline constexpr Limits kNano{.value_bytes_max = 128,
                              .frame_bytes_max = 816,
                              .window_ops_max = 4,
                              .pending_ops_max = 256,
                              .subscriptions_max = 2,
                              .watches_max = 2,
                              .maps_max = 2,
                              .walk_ranges_max = 8,
                              .walk_digests_max = 16,
                              .actions_max = 10,
                              .clock_lead_ms = 60'000};

}  // namespace grid
