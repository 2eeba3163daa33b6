// SPDX-License-Identifier: Apache-2.0
//
// Samples: one frame of each kind, every field of it set. tests/golden/frames.txt has their bytes.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "tests/unit/wire/rewrite.h"

namespace grid::test {

inline constexpr std::uint64_t kNode = 0x9f3c'61d2'a0b4'e875;
inline constexpr std::uint64_t kWallMs = 1'795'226'460'123;  // 2026-11-21T02:01:00.123Z
inline constexpr std::uint64_t kToken = 0x0123'4567'89ab'cdef;
inline constexpr crdt::Stamp kStamp = crdt::Stamp::of(kWallMs, 7, kNode);
inline constexpr std::uint8_t kCursor[] = {0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3};
inline constexpr std::uint8_t kNumber[] = {0x21, 0, 0, 0, 0, 0, 0x80, 0x35, 0x40};  // 21.5
inline constexpr std::uint8_t kText[] = {0x2a, 2, 'o', 'n'};

template <std::size_t kSize>
void set(char (&field)[kSize], std::string_view text) {
  field[text.copy(field, kSize - 1)] = '\0';
}

template <typename Field>
void set_cursor(Field& field) {
  field.size = sizeof(kCursor);
  std::memcpy(field.bytes, kCursor, sizeof(kCursor));
}

template <typename Message>
Frame encoded(const Message& message) {
  std::uint8_t room[wire::kControlBytesMax];
  const Bytes frame = wire::encode(message, room);
  return {frame.begin(), frame.end()};
}

inline constexpr std::uint64_t kTime = 0x01a1'fbd5'dfdb'0007;  // kWallMs and a counter of 7, as in a stamp.

inline grid_Hello hello() {
  grid_Hello message = grid_Hello_init_zero;
  message.protocol_min = 1;
  message.protocol_max = 2;
  set(message.app, "farm");
  message.node = kNode;
  message.fork_token = kToken;
  message.wall_ms = kWallMs;
  message.quality = 3;
  message.frame_bytes_max = 65'536;
  message.value_bytes_max = 4'096;
  set(message.software, "grid 0.1.0");
  return message;
}

inline grid_Welcome welcome() {
  grid_Welcome message = grid_Welcome_init_zero;
  message.protocol = 1;
  message.epoch = 0xfeed'f00d'0000'0001;
  message.fork_token = kToken;
  message.wall_ms = kWallMs;
  message.frame_bytes_max = 2'097'152;
  message.value_bytes_max = 1'048'576;
  message.window_ops = 4'096;
  message.drift_ms_max = 60'000;
  message.forked = true;
  set(message.software, "gridd 0.1.0");
  return message;
}

inline grid_Subscribe subscribe(wire::ScopeKind kind = wire::ScopeKind::prefix, std::string_view map = "climate",
                                std::string_view text = "bench/") {
  grid_Subscribe message = grid_Subscribe_init_zero;
  message.id = 7;
  message.kind = static_cast<std::uint32_t>(kind);
  set(message.map, map);
  set(message.text, text);
  set_cursor(message.cursor);
  message.holds = true;
  return message;
}

inline grid_Hello hello_shared() {
  grid_Hello message = hello();
  message.shared_time = kTime;
  set_cursor(message.seen);
  return message;
}

inline grid_Welcome welcome_taken() {
  grid_Welcome message = welcome();
  message.taken_time = kTime;
  message.taken_digest = 0x1122'3344'5566'7788;
  message.lost = true;
  return message;
}

inline grid_Subscribe subscribe_unhealed() {
  grid_Subscribe message = subscribe();
  message.unhealed = true;
  return message;
}

inline grid_Subscribed subscribed() { return {7, static_cast<std::uint32_t>(wire::PullMode::compare), true, 0, 0, 0}; }

inline grid_Current current() {
  grid_Current message = grid_Current_init_zero;
  message.id = 7;
  set_cursor(message.cursor);
  message.sum = 0x1122'3344'5566'7788;
  message.count = 1'000;
  return message;
}

inline grid_PullAck pull_ack() {
  grid_PullAck message = grid_PullAck_init_zero;
  message.id = 7;
  set_cursor(message.cursor);
  return message;
}

inline grid_Bye bye() {
  grid_Bye message = grid_Bye_init_zero;
  message.status = static_cast<std::uint32_t>(Status::newer);
  set(message.reason, "this server speaks protocol 1 only");
  message.retry_after_ms = 30'000;
  return message;
}

inline grid_InspectAsk inspect_ask() {
  grid_InspectAsk message = grid_InspectAsk_init_zero;
  message.id = 9;
  set(message.topic, "status");
  set(message.argument, "climate");
  return message;
}

inline crdt::Op put_op() {
  crdt::Op op;
  op.seq = 300;
  op.cell = {{"climate", "bench/3", "tag"}, kStamp, kWallMs + 60'000, kNumber};
  op.base = crdt::Stamp::of(kWallMs - 1, 0, kNode);
  op.quality = crdt::ClockQuality::ntp;
  op.was_applied = true;
  return op;
}

inline crdt::Op tombstone_op() {
  crdt::Op op;
  op.seq = 301;
  op.cell = {{"doors", "front"}, kStamp, 0, {}};
  return op;
}

inline crdt::Op nameless_op() {
  crdt::Op op;
  op.cell.name = {"climate", "bench/4"};
  return op;
}

inline Frame ops_frame(wire::Kind kind, const wire::OpsHead& head, std::initializer_list<crdt::Op> ops,
                       Bytes cursor = {}, bool last = false) {
  std::uint8_t room[1'024];
  wire::OpsWriter writer(kind, head, room);
  for (const crdt::Op& op : ops) GRID_CHECK(writer.add(op));
  const Bytes frame = writer.finish(cursor, last);
  return {frame.begin(), frame.end()};
}

inline Frame push() {
  return ops_frame(wire::Kind::push, {.map = "climate", .fork_token = kToken}, {put_op(), tombstone_op()});
}

inline Frame delta() {
  return ops_frame(wire::Kind::delta, {.id = 7, .map = "climate"}, {put_op(), nameless_op()}, kCursor, true);
}

inline Frame reject() {
  return ops_frame(wire::Kind::reject, {.map = "doors", .status = Status::clock_ahead, .wall_ms = kWallMs},
                   {tombstone_op()});
}

inline Frame cells_ask() {
  return ops_frame(wire::Kind::cells_ask, {.id = 7, .map = "climate"}, {nameless_op()}, {}, true);
}

inline Frame heal() { return ops_frame(wire::Kind::heal, {.id = 7}, {put_op()}, {}, true); }

inline Frame inspect_reply() {
  crdt::Op op;
  op.cell.name.key = "state";
  op.cell.value = kText;
  return ops_frame(wire::Kind::inspect_reply, {.id = 9}, {op}, {}, true);
}

inline Frame digest_ask() {
  std::uint8_t room[wire::kControlBytesMax];
  wire::DigestsWriter writer(wire::Kind::digest_ask, 7, "climate", room);
  GRID_CHECK(writer.add_ask({wire::kWholeMap, 0}) && writer.add_ask({{270, 4, 9}, 12}));
  const Bytes frame = writer.finish(true);
  return {frame.begin(), frame.end()};
}

inline Frame digest_reply() {
  const crdt::Digest children[] = {{}, {0x0102, 3}, {}, {UINT64_MAX, 1'000'000}};
  std::uint8_t room[wire::kControlBytesMax];
  wire::DigestsWriter writer(wire::Kind::digest_reply, 7, "climate", room);
  GRID_CHECK(writer.add_reply({{12, 1, 1}, 2}, children));
  const Bytes frame = writer.finish(true);
  return {frame.begin(), frame.end()};
}

inline Frame digests(wire::Kind kind) {
  const std::uint64_t listed[] = {0x1122'3344'5566'7788, 5};
  std::uint8_t room[wire::kControlBytesMax];
  wire::DigestsWriter writer(kind, 7, "climate", room);
  GRID_CHECK(writer.add_digests({0, 48, 0xffff'ffff'ffff}, listed) && writer.add_digests({12, 0, 0}, {}));
  const Bytes frame = writer.finish(kind == wire::Kind::lacks);
  return {frame.begin(), frame.end()};
}

inline Frame channel_frame(std::initializer_list<wire::ChannelItem> items) {
  std::uint8_t room[1'024];
  wire::ChannelWriter writer(room);
  for (const wire::ChannelItem& item : items) GRID_CHECK(writer.add(item));
  const Bytes frame = writer.finish();
  return {frame.begin(), frame.end()};
}

inline Frame channel() {
  using Verb = wire::ChannelVerb;
  return channel_frame({{.verb = Verb::subscribe, .name = "alarm/+"},
                        {.verb = Verb::join, .name = "ops", .number = 15'000, .value = kText},
                        {.verb = Verb::publish, .name = "alarm/hall", .value = kNumber},
                        {.verb = Verb::beat, .number = 3}});
}

inline Frame channel_heard() {
  using Verb = wire::ChannelVerb;
  return channel_frame({{.verb = Verb::refused, .name = "ops", .number = 4, .status = Status::denied},
                        {.verb = Verb::lost, .number = 12},
                        {.verb = Verb::message, .name = "alarm/hall", .member = kNode, .value = kNumber},
                        {.verb = Verb::room_begins, .name = "ops", .stamp = kStamp, .value = kText},
                        {.verb = Verb::left, .name = "ops", .member = kNode, .stamp = kStamp, .number = 1}});
}

inline Frame search_ask() {
  std::uint8_t room[wire::kSearchAskBytesMax];
  const Bytes frame = wire::encode(wire::SearchAsk{7, "notes", "oslo -\"cold room\"", 20, -1.5, "note/3", true}, room);
  return {frame.begin(), frame.end()};
}

// {"title": ["The ", "Oslo", " o"]}
constexpr std::uint8_t kHighlights[] = {0x52, 0x23, 0x0a, 0x21, 0x0a, 0x05, 't',  'i',  't',  'l', 'e',  0x12, 0x18,
                                        0x4a, 0x16, 0x0a, 0x06, 0x2a, 0x04, 'T',  'h',  'e',  ' ', 0x0a, 0x06, 0x2a,
                                        0x04, 'O',  's',  'l',  'o',  0x0a, 0x04, 0x2a, 0x02, ' ', 'o'};

inline Frame search_reply() {
  std::uint8_t room[1'024];
  const wire::SearchHead head{7, Status::busy, "ask again", 40, 42, 501};
  wire::SearchReplyWriter writer(head, room);
  GRID_CHECK(writer.add({"note/1", kStamp, -2.5, 1'763'690'460'123, kHighlights}));
  GRID_CHECK(writer.add({"note/2", kStamp, -1.5, 0, {}}));
  const Bytes frame = writer.finish(true);
  return {frame.begin(), frame.end()};
}

// ["ann"]
constexpr std::uint8_t kQuestionInputs[] = {0x4a, 0x07, 0x0a, 0x05, 0x2a, 0x03, 'a', 'n', 'n'};

inline Frame entities_ask() {
  Frame room(wire::kEntitiesAskBytesMax);
  const wire::EntitiesAsk ask{7, "people", "[:find ?p :in $ ?n :where [?p \"name\" ?n]]", kQuestionInputs, 64};
  room.resize(wire::encode(ask, room).size());
  return room;
}

inline Frame entities_reply() {
  std::uint8_t room[wire::EntitiesReplyWriter::kHeadBytesMax + 64];
  wire::EntitiesReplyWriter writer({.id = 7}, room);
  GRID_CHECK(writer.add("12"));
  GRID_CHECK(writer.add("ann"));
  const Bytes frame = writer.finish();
  return {frame.begin(), frame.end()};
}

inline Frame auth() {
  std::uint8_t room[32];
  const Result<Bytes> frame = wire::encode_auth("eyJh.eyJz.c2ln", room);
  return {frame->begin(), frame->end()};
}

struct Sample {
  const char* name;
  Frame frame;
};

inline std::vector<Sample> samples() {
  return {
      {"hello", encoded(hello())},
      {"welcome", encoded(welcome())},
      {"subscribe", encoded(subscribe())},
      {"subscribed", encoded(subscribed())},
      {"unsubscribe", encoded(grid_Unsubscribe{7})},
      {"push", push()},
      {"ack", encoded(grid_Ack{301, 300, kToken})},
      {"reject", reject()},
      {"delta", delta()},
      {"current", encoded(current())},
      {"pull_ack", encoded(pull_ack())},
      {"verify", encoded(grid_Verify{7, true})},
      {"digest_ask", digest_ask()},
      {"digest_reply", digest_reply()},
      {"have", digests(wire::Kind::have)},
      {"lacks", digests(wire::Kind::lacks)},
      {"cells_ask", cells_ask()},
      {"heal", heal()},
      {"bye", encoded(bye())},
      {"inspect_ask", encoded(inspect_ask())},
      {"inspect_reply", inspect_reply()},
      {"channel", channel()},
      {"hello_shared", encoded(hello_shared())},
      {"welcome_taken", encoded(welcome_taken())},
      {"subscribe_unhealed", encoded(subscribe_unhealed())},
      {"channel_heard", channel_heard()},
      {"search_ask", search_ask()},
      {"search_reply", search_reply()},
      {"auth", auth()},
      {"entities_ask", entities_ask()},
      {"entities_reply", entities_reply()},
  };
}

}  // namespace grid::test
