// SPDX-License-Identifier: Apache-2.0
//
// Call: an API call as an event, so that it is traced, has a time, and is replayed like everything else.
//
// Place     Beside machine.h.
// Ownership The caller's memory, borrowed for one step().
#pragma once

#include <cstdint>
#include <string_view>

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"
#include "crdt/cell.h"
#include "runtime/edit.h"
#include "runtime/scope.h"

namespace grid::runtime {

struct ChannelCall;  // runtime/channels.h

// Which write it is that stands. An op that may still get another stamp goes by its sequence (PROTOCOL P4).
struct Version {
  crdt::Stamp stamp{};  // Of what the server vouches for; none: nothing stands.
  crdt::Seq pending = 0;

  static Version of(const crdt::Op& op, bool is_pending) {
    return is_pending ? Version{{}, op.seq} : Version{op.cell.stamp, 0};
  }
  friend bool operator==(const Version&, const Version&) = default;
};

struct Call {
  enum class Verb : std::uint8_t {
    put,          // scope.map, scope.text (the key), value, ttl_ms
    remove,       // scope.map, scope.text
    edit,         // scope.map, scope.text, edit, and what that takes
    subscribe,    // scope: pull it from the server and keep it current
    unsubscribe,  // id
    watch,        // scope: subscribe, and report each change with `id`
    unwatch,      // id
    verify,       // Compare every subscription with the server by digest, once its link and log are quiet.
    online,       // Connect, and again when the link drops.
    offline,      // Close the link and stay away.
    channel,      // channel: what it says.
  };
  Verb verb = Verb::put;
  Scope scope{};
  Bytes value{};
  std::uint64_t ttl_ms = 0;  // 0: never expires
  std::uint32_t id = 0;      // In for un-verbs, out for watch and subscribe.
  Edit edit = nullptr;
  std::span<const RowWrite> rows{};
  std::span<const FactWrite> facts{};
  MutBytes room{};  // For an edit that answers with bytes.
  Version expected{};
  ChannelCall* channel = nullptr;
  crdt::Seq letter = 0;

  // The answer.
  Status status = Status::ok;
  crdt::Seq seq = 0;  // put, remove, edit: names the (last) op in outcomes
};

}  // namespace grid::runtime
