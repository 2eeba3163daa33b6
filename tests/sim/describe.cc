// SPDX-License-Identifier: Apache-2.0
//
// Frames and faults in words, for transcripts.

#include "tests/sim/world.h"
#include "transport/wire.h"
#include "transport/wire_channel.h"

namespace grid::sim {

namespace {

using wire::Kind;

const char* name_of(Kind kind) {
  static constexpr const char* kNames[] = {
      "?",      "hello",     "welcome", "subscribe", "subscribed",  "unsubscribe",   "push",         "ack",
      "reject", "delta",     "current", "pull_ack",  "verify",      "digest_ask",    "digest_reply", "have",
      "lacks",  "cells_ask", "heal",    "bye",       "inspect_ask", "inspect_reply", "channel"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string text_of(const crdt::Op& op) {
  std::string text(op.cell.name.map);
  text.append("/").append(op.cell.name.key);
  if (op.seq != 0) text.append(" #" + std::to_string(op.seq));
  if (op.cell.stamp.is_none()) return text + " unknown";
  char stamp[crdt::Stamp::kTextBytes];
  format(op.cell.stamp, stamp);
  return text + (op.cell.is_tombstone() ? " removed@" : " @") + std::string(stamp, sizeof(stamp));
}

std::string ops_of(Bytes frame) {
  constexpr std::size_t kShown = 4;
  wire::OpsReader reader;
  if (reader.open(frame) != Status::ok) return " (malformed)";
  std::string text = reader.head().id != 0 ? " of " + std::to_string(reader.head().id) : "";
  std::size_t count = 0;
  for (crdt::Op op; reader.next(op); ++count) {
    if (count < kShown) text.append(count == 0 ? ": " : ", ").append(text_of(op));
  }
  if (count > kShown) text.append(", and " + std::to_string(count - kShown) + " more");
  if (reader.head().status != Status::ok) text.append(": ").append(grid::name_of(reader.head().status));
  if (!reader.head().cursor.empty()) text.append("; cursor");
  return text + (reader.head().last ? "; last" : "");
}

// Verbs by number, as transport/wire_channel.h has them.
std::string channel_of(Bytes frame) {
  std::string items;
  wire::ChannelReader reader(frame);
  for (wire::ChannelItem item; reader.next(item);) {
    items += " " + std::to_string(static_cast<unsigned>(item.verb)) + ":" + std::to_string(item.member % 10'000);
  }
  return items;
}

std::string digests_of(Bytes frame) {
  wire::DigestsReader reader;
  if (reader.open(frame) != Status::ok) return " (malformed)";
  return " of " + std::to_string(reader.id()) + " " + std::string(reader.map()) + (reader.last() ? "; last" : "");
}

// Of a message that names its subscription.
template <typename Message>
std::string id_of(Bytes frame, const char* more) {
  Message message{};
  if (wire::decode(frame, message) != Status::ok) return " (malformed)";
  return " of " + std::to_string(message.id) + more;
}

std::string detail(Kind kind, Bytes frame) {
  switch (kind) {
    case Kind::push:
    case Kind::reject:
    case Kind::delta:
    case Kind::cells_ask:
    case Kind::heal:
      return ops_of(frame);
    case Kind::ack: {
      grid_Ack ack = grid_Ack_init_zero;
      if (wire::decode(frame, ack) != Status::ok) return " (malformed)";
      return " applied " + std::to_string(ack.applied) + ", durable " + std::to_string(ack.durable);
    }
    case Kind::welcome: {
      grid_Welcome welcome = grid_Welcome_init_zero;
      if (wire::decode(frame, welcome) != Status::ok) return " (malformed)";
      return welcome.forked ? " forked" : "";
    }
    case Kind::subscribed: {
      grid_Subscribed answer = grid_Subscribed_init_zero;
      if (wire::decode(frame, answer) != Status::ok) return " (malformed)";
      const char* const modes[] = {" resume", " compare", " refused"};
      return " " + std::to_string(answer.id) + modes[answer.mode] + (answer.heal ? ", may heal" : "");
    }
    case Kind::subscribe:
      return id_of<grid_Subscribe>(frame, "");
    case Kind::current:
      return id_of<grid_Current>(frame, "");
    case Kind::verify: {
      grid_Verify message = grid_Verify_init_zero;
      if (wire::decode(frame, message) != Status::ok) return " (malformed)";
      return " " + std::to_string(message.id) + (message.compare ? ", compare" : "");
    }
    case Kind::digest_ask:
    case Kind::digest_reply:
    case Kind::have:
    case Kind::lacks:
      return digests_of(frame);
    case Kind::channel:
      return channel_of(frame);
    case Kind::bye: {
      grid_Bye bye = grid_Bye_init_zero;
      return wire::decode(frame, bye) == Status::ok ? ": " + std::string(bye.reason) : " (malformed)";
    }
    default:
      return {};
  }
}

}  // namespace

std::string describe(Bytes frame) {
  const Result<Kind> kind = wire::kind_of(frame);
  if (!kind.ok()) return "a frame of an unknown kind";
  return std::string(name_of(*kind)) + detail(*kind, frame);
}

const char* name_of(Fault fault) {
  static constexpr const char* kNames[kFaults] = {"segments lost",
                                                  "segments overtaken",
                                                  "links dropped in a frame",
                                                  "half-open links",
                                                  "slow readers",
                                                  "cuts",
                                                  "one-way partitions",
                                                  "power cuts",
                                                  "torn commits",
                                                  "restored images",
                                                  "expired images restored",
                                                  "wiped devices",
                                                  "journals lost",
                                                  "full disks",
                                                  "failed disks",
                                                  "stalled disks",
                                                  "refused drains",
                                                  "clocks set wrong",
                                                  "clocks without time",
                                                  "drifting clocks",
                                                  "sleeps",
                                                  "outdated releases",
                                                  "spurious events"};
  return kNames[static_cast<std::size_t>(fault)];
}

}  // namespace grid::sim
