// SPDX-License-Identifier: Apache-2.0
//
// Transcript: the events of a replica's life with what it answered, as bytes: recorded in a simulated world on Linux
// (record.cc), played on a chip (play.h), which must answer the same.
//
// Place     Beside play.h. Little-endian, read and written by this repository's present code only.
#pragma once

#include <span>

#include "crdt/base/check.h"
#include "crdt/hash.h"
#include "runtime/call.h"
#include "runtime/machine.h"

namespace grid::mcu {

using runtime::Action;
using runtime::Call;
using runtime::Event;

// One event, and what the step over it came to.
struct Step {
  static constexpr std::size_t kHeadBytes = 72;

  Event event{};
  Call call{};
  std::uint32_t room_bytes = 0;
  std::uint64_t answer = 0;  // answer_of()
};

// A number that two steps have in common when they asked the same of their host, to the byte.
inline std::uint64_t answer_of(std::span<const Action> actions, Bytes room, const Call* call) {
  crdt::Hash64 hash;
  for (const Action& action : actions) {
    hash.add_number(static_cast<std::uint64_t>(action.kind)).add_number(action.link).add_number(action.size);
    hash.add_number(action.batch).add_number(action.seq).add_number(action.watch);
    hash.add_number(static_cast<std::uint64_t>(action.status)).add_number(action.outcome).add_sized(action.text);
    if (action.kind == Action::Kind::frame) hash.add(room.first(action.size));
  }
  if (call != nullptr) hash.add_number(static_cast<std::uint64_t>(call->status)).add_number(call->seq);
  return hash.value();
}

// What a step's bytes are: a frame, or the value of a call.
inline Bytes payload_of(const Step& step) {
  return step.event.kind == Event::Kind::call ? step.call.value : step.event.bytes;
}

inline void store_head(const Step& step, std::uint8_t* to) {
  to[0] = static_cast<std::uint8_t>(step.event.kind);
  to[1] = static_cast<std::uint8_t>(step.event.status);
  to[2] = static_cast<std::uint8_t>(step.call.verb);
  to[3] = static_cast<std::uint8_t>(step.call.scope.kind);
  store_le<4>(step.event.link, to + 4);
  store_le(step.event.now_ms, to + 8);
  store_le(step.event.wall_ms, to + 16);
  store_le(step.event.batch, to + 24);
  store_le(step.event.seq, to + 32);
  store_le(step.call.ttl_ms, to + 40);
  store_le(step.answer, to + 48);
  store_le<4>(step.call.id, to + 56);
  store_le<4>(step.room_bytes, to + 60);
  store_le<4>(payload_of(step).size(), to + 64);
  store_le<2>(step.call.scope.map.size(), to + 68);
  store_le<2>(step.call.scope.text.size(), to + 70);
}

// A transcript begins with the seed of its replica. Takes it off the front.
inline std::uint64_t take_seed(Bytes& rest) {
  GRID_CHECK(rest.size() >= 8);
  const std::uint64_t seed = load_le(rest.data());
  rest = rest.subspan(8);
  return seed;
}

// Takes the next step off the front of `rest`; false at the end.
inline bool take_step(Bytes& rest, Step& step) {
  if (rest.size() < Step::kHeadBytes) return false;
  const std::uint8_t* from = rest.data();
  step = {};
  step.event.kind = static_cast<Event::Kind>(from[0]);
  step.event.status = static_cast<Status>(from[1]);
  step.call.verb = static_cast<Call::Verb>(from[2]);
  step.call.scope.kind = static_cast<runtime::ScopeKind>(from[3]);
  step.event.link = static_cast<runtime::LinkId>(load_le<4>(from + 4));
  step.event.now_ms = load_le(from + 8);
  step.event.wall_ms = load_le(from + 16);
  step.event.batch = load_le(from + 24);
  step.event.seq = load_le(from + 32);
  step.call.ttl_ms = load_le(from + 40);
  step.answer = load_le(from + 48);
  step.call.id = static_cast<std::uint32_t>(load_le<4>(from + 56));
  step.room_bytes = static_cast<std::uint32_t>(load_le<4>(from + 60));
  const std::size_t payload = static_cast<std::size_t>(load_le<4>(from + 64));
  const std::size_t map = static_cast<std::size_t>(load_le<2>(from + 68));
  const std::size_t text = static_cast<std::size_t>(load_le<2>(from + 70));
  rest = rest.subspan(Step::kHeadBytes);
  GRID_CHECK(rest.size() >= map + text + payload);
  step.call.scope.map = as_text(rest.first(map));
  step.call.scope.text = as_text(rest.subspan(map, text));
  const Bytes bytes = rest.subspan(map + text, payload);
  if (step.event.kind == Event::Kind::call) {
    step.call.value = bytes;
  } else {
    step.event.bytes = bytes;
  }
  rest = rest.subspan(map + text + payload);
  return true;
}

}  // namespace grid::mcu
