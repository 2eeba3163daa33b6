// SPDX-License-Identifier: Apache-2.0
//
// Rewrite: decodes any frame and encodes what came out of it. Tests and fuzzers hold the result against the frame.
#pragma once

#include <algorithm>
#include <vector>

#include "crdt/base/check.h"
#include "transport/wire.h"
#include "transport/wire_auth.h"
#include "transport/wire_channel.h"
#include "transport/wire_entities.h"
#include "transport/wire_search.h"

namespace grid::test {

using Frame = std::vector<std::uint8_t>;

template <typename Message>
Status rewrite_control(Bytes frame, Frame& again) {
  Message message;
  GRID_TRY(wire::decode(frame, message));
  std::uint8_t room[wire::kControlBytesMax];
  const Bytes encoded = wire::encode(message, room);
  again.assign(encoded.begin(), encoded.end());
  return Status::ok;
}

// Ops that break a rule are left out, as a receiver leaves them out.
inline Status rewrite_ops(wire::Kind kind, Bytes frame, Frame& again) {
  wire::OpsReader reader;
  GRID_TRY(reader.open(frame));
  Frame room(frame.size() + wire::kControlBytesMax);
  wire::OpsWriter writer(kind, reader.head(), room);
  for (crdt::Op op; reader.next(op);) {
    if (reader.status() == Status::ok) GRID_CHECK(writer.add(op));
  }
  const Bytes encoded = writer.finish(reader.head().cursor, reader.head().last);
  again.assign(encoded.begin(), encoded.end());
  return Status::ok;
}

inline bool rewrite_group(wire::Kind kind, wire::DigestsReader& reader, wire::DigestsWriter& writer) {
  wire::Split split;
  if (kind == wire::Kind::digest_ask) {
    if (!reader.next_ask(split)) return false;
    GRID_CHECK(writer.add_ask(split));
  } else if (kind == wire::Kind::digest_reply) {
    static crdt::Digest children[std::size_t{1} << wire::kSplitBitsMax];
    if (!reader.next_reply(split, children)) return false;
    GRID_CHECK(writer.add_reply(split, std::span(children).first(wire::children_of(split))));
  } else {
    crdt::Range range;
    std::size_t digest_count = 0;
    if (!reader.next_digests(range, digest_count)) return false;
    std::vector<std::uint64_t> digests;
    for (std::size_t i = 0; i < digest_count; ++i) digests.push_back(reader.digest(i));
    GRID_CHECK(writer.add_digests(range, digests));
  }
  return true;
}

inline Status rewrite_digests(wire::Kind kind, Bytes frame, Frame& again) {
  wire::DigestsReader reader;
  GRID_TRY(reader.open(frame));
  Frame room(frame.size() + wire::kControlBytesMax);
  wire::DigestsWriter writer(kind, reader.id(), reader.map(), room);
  while (rewrite_group(kind, reader, writer)) {
  }
  GRID_TRY(reader.status());
  const Bytes encoded = writer.finish(reader.last());
  again.assign(encoded.begin(), encoded.end());
  return Status::ok;
}

inline Status rewrite_channel(Bytes frame, Frame& again) {
  Frame room(frame.size() + wire::kControlBytesMax);
  wire::ChannelWriter writer(room);
  wire::ChannelReader reader(frame);
  for (wire::ChannelItem item; reader.next(item);) GRID_CHECK(writer.add(item));
  GRID_TRY(reader.status());
  again.assign(room.begin(), room.end() - static_cast<std::ptrdiff_t>(writer.room_left()));
  return Status::ok;
}

inline Status rewrite_search_ask(Bytes frame, Frame& again) {
  wire::SearchAsk ask;
  GRID_TRY(wire::decode(frame, ask));
  std::uint8_t room[wire::kSearchAskBytesMax];
  const Bytes encoded = wire::encode(ask, room);
  again.assign(encoded.begin(), encoded.end());
  return Status::ok;
}

inline Status rewrite_search_reply(Bytes frame, Frame& again) {
  wire::SearchReplyReader reader;
  GRID_TRY(reader.open(frame));
  Frame room(frame.size() + wire::kControlBytesMax);
  wire::SearchReplyWriter writer(reader.head(), room);
  for (wire::SearchHit hit; reader.next(hit);) GRID_CHECK(writer.add(hit));
  GRID_TRY(reader.status());
  const Bytes encoded = writer.finish(reader.head().more);
  again.assign(encoded.begin(), encoded.end());
  return Status::ok;
}

inline Status rewrite_entities_ask(Bytes frame, Frame& again) {
  wire::EntitiesAsk ask;
  GRID_TRY(wire::decode(frame, ask));
  Frame room(wire::kEntitiesAskBytesMax);
  const Bytes encoded = wire::encode(ask, room);
  again.assign(encoded.begin(), encoded.end());
  return Status::ok;
}

inline Status rewrite_entities_reply(Bytes frame, Frame& again) {
  wire::EntitiesReplyReader reader;
  GRID_TRY(reader.open(frame));
  Frame room(frame.size() + wire::EntitiesReplyWriter::kHeadBytesMax);
  wire::EntitiesReplyWriter writer(reader.head(), room);
  for (std::string_view key; reader.next(key);) GRID_CHECK(writer.add(key));
  GRID_TRY(reader.status());
  const Bytes encoded = writer.finish();
  again.assign(encoded.begin(), encoded.end());
  return Status::ok;
}

inline Status rewrite_auth(Bytes frame, Frame& again) {
  const Result<std::string_view> token = wire::decode_auth(frame);
  GRID_TRY(token.status());
  Frame room(frame.size());
  const Result<Bytes> encoded = wire::encode_auth(*token, room);
  GRID_CHECK(encoded.ok());
  again.assign(encoded->begin(), encoded->end());
  return Status::ok;
}

inline Status rewrite(Bytes frame, Frame& again) {
  const Result<wire::Kind> kind = wire::kind_of(frame);
  if (!kind.ok()) return kind.status();
  switch (*kind) {
    case wire::Kind::hello:
      return rewrite_control<grid_Hello>(frame, again);
    case wire::Kind::welcome:
      return rewrite_control<grid_Welcome>(frame, again);
    case wire::Kind::subscribe:
      return rewrite_control<grid_Subscribe>(frame, again);
    case wire::Kind::subscribed:
      return rewrite_control<grid_Subscribed>(frame, again);
    case wire::Kind::unsubscribe:
      return rewrite_control<grid_Unsubscribe>(frame, again);
    case wire::Kind::ack:
      return rewrite_control<grid_Ack>(frame, again);
    case wire::Kind::current:
      return rewrite_control<grid_Current>(frame, again);
    case wire::Kind::pull_ack:
      return rewrite_control<grid_PullAck>(frame, again);
    case wire::Kind::verify:
      return rewrite_control<grid_Verify>(frame, again);
    case wire::Kind::bye:
      return rewrite_control<grid_Bye>(frame, again);
    case wire::Kind::inspect_ask:
      return rewrite_control<grid_InspectAsk>(frame, again);
    case wire::Kind::digest_ask:
    case wire::Kind::digest_reply:
    case wire::Kind::have:
    case wire::Kind::lacks:
      return rewrite_digests(*kind, frame, again);
    case wire::Kind::channel:
      return rewrite_channel(frame, again);
    case wire::Kind::search_ask:
      return rewrite_search_ask(frame, again);
    case wire::Kind::search_reply:
      return rewrite_search_reply(frame, again);
    case wire::Kind::entities_ask:
      return rewrite_entities_ask(frame, again);
    case wire::Kind::entities_reply:
      return rewrite_entities_reply(frame, again);
    case wire::Kind::auth:
      return rewrite_auth(frame, again);
    default:
      return rewrite_ops(*kind, frame, again);
  }
}

// Holds for any bytes: a frame that is taken has one reading, and writing it again changes nothing more.
inline Status check_rewrite(Bytes frame) {
  Frame once;
  GRID_TRY(rewrite(frame, once));
  Frame twice;
  GRID_CHECK(rewrite(once, twice) == Status::ok);
  GRID_CHECK(once == twice);
  return Status::ok;
}

}  // namespace grid::test
