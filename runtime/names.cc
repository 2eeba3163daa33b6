// SPDX-License-Identifier: Apache-2.0
//
// The words under which states, outcomes and events are printed.

#include "runtime/machine.h"
#include "runtime/replica_status.h"

namespace grid {

const char* name_of(SyncState state) {
  constexpr const char* kNames[] = {"disconnected", "connecting", "authenticating", "syncing_up",
                                    "syncing_down", "realtime",   "backoff",        "error"};
  return kNames[static_cast<std::uint8_t>(state)];
}

const char* name_of(StateReason reason) {
  constexpr const char* kNames[] = {"none",    "offline", "unreachable", "dropped", "silent",   "ended",
                                    "garbled", "denied",  "newer",       "store",   "other_app"};
  return kNames[static_cast<std::uint8_t>(reason)];
}

const char* name_of(Outcome outcome) {
  constexpr const char* kNames[] = {"pending", "applied", "durable", "superseded", "rejected", "dropped", "lost_with"};
  return kNames[static_cast<std::uint8_t>(outcome)];
}

namespace runtime {

const char* name_of(Event::Kind kind) {
  constexpr const char* kNames[] = {"start",   "wake",   "link_up",        "link_down", "frame",    "writable",
                                    "durable", "call",   "collect",        "drained",   "searched", "entities",
                                    "indexed", "proven", "grants_changed", "stop"};
  return kNames[static_cast<std::uint8_t>(kind)];
}

}  // namespace runtime

}  // namespace grid
