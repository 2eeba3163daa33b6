// SPDX-License-Identifier: Apache-2.0
//
// Facts: the names under which a device keeps what it must not forget, and numbers as facts.
//
// Place     Above storage/store.h. docs/STORAGE.md lists them; a name never changes its meaning.
#pragma once

#include <string_view>

#include "crdt/base/limits.h"
#include "crdt/clock.h"
#include "storage/store.h"

namespace grid::runtime {

namespace facts {
inline constexpr std::string_view kNode = "node";        // 8 bytes: the node id
inline constexpr std::string_view kClock = "clock";      // crdt::ClockState
inline constexpr std::string_view kFork = "fork";        // 8 bytes: the fork token to show in the next hello
inline constexpr std::string_view kCursor = "cursor/";   // + the scope's hash in hex: the cursor
inline constexpr std::string_view kHeal = "heal/";       // + the same: there while a healing comparison has not ended
inline constexpr std::string_view kSeen = "seen";        // The newest cursor that was received, of any scope
inline constexpr std::string_view kLost = "lost";        // There once a server was found to lack what it had
inline constexpr std::string_view kSweep = "sweep";      // An arrival, where the log ended then, and when: 8 bytes each
inline constexpr std::string_view kRebased = "rebased";  // 8 bytes: the last refused op that later sums were rid of
inline constexpr std::string_view kApp = "app";          // The app that the store belongs to

// The longest of them: a store for a device alone needs no more (FlashOptions::fact_bytes_max).
inline constexpr std::size_t kBytesMax = 64;
static_assert(kAppBytesMax <= kBytesMax && crdt::ClockState::kBytes <= kBytesMax);
}  // namespace facts

//   not_found  Never set.
//   corrupt    It is no number.
inline Result<std::uint64_t> number_fact(storage::Store& store, std::string_view name) {
  const Result<Bytes> bytes = store.fact(name);
  if (!bytes.ok()) return bytes.status();
  if (bytes->size() != 8) return Status::corrupt;
  return load_be(bytes->data());
}

inline Status set_number_fact(storage::Store& store, std::string_view name, std::uint64_t number) {
  std::uint8_t bytes[8];
  store_be(number, bytes);
  return store.set_fact(name, bytes);
}

}  // namespace grid::runtime
