// SPDX-License-Identifier: Apache-2.0

#include "tests/fuzz/forge.h"

#include "crdt/base/check.h"
#include "crdt/value.h"
#include "transport/wire_channel.h"

namespace grid::test {

using crdt::Op;
using wire::Kind;

namespace {

constexpr std::size_t kRoomBytes = 16'384;

template <std::size_t kSize>
void set(char (&field)[kSize], std::string_view text) {
  field[text.copy(field, kSize - 1)] = '\0';
}

}  // namespace

std::string Forge::draw_map(Script& script) {
  const std::size_t drawn = script.below(16);
  if (drawn == 15) return std::string(kMapBytesMax, 'm');
  return {static_cast<char>('m' + drawn % 3)};
}

std::string Forge::draw_key(Script& script) {
  constexpr const char* kKeys[] = {"a", "b", "c/1", "c/2", "c/"};
  const std::size_t drawn = script.below(24);
  if (drawn == 23) return std::string(kKeyBytesMax, 'k');
  // Two that break the rules.
  if (drawn == 22) return std::string(kKeyBytesMax + 1, 'k');
  if (drawn == 21) return "\x01";
  if (drawn > 18) return "k" + std::to_string(script.below(128));
  return kKeys[drawn % std::size(kKeys)];
}

std::string Forge::draw_predicate(Script& script) {
  constexpr const char* kPredicates[] = {"$value > 5",
                                         "$value = 3",
                                         "$key starts with 'c/'",
                                         "not $value starts with 't'",
                                         "$value <= 11",
                                         "$key in ('a', 'b') or $value = 'ttt'",
                                         "$value > ",
                                         "$value = $other"};  // Two that are none.
  const std::size_t drawn = script.below(16);
  if (drawn == 15) return "$value = " + std::to_string(script.below(12));
  return kPredicates[drawn % std::size(kPredicates)];
}

Frame Forge::draw_value(Script& script) {
  constexpr std::size_t kSizes[] = {0, 3, 40, 1'500};
  Frame value(2'048);
  crdt::ValueWriter writer(value);
  const std::size_t drawn = script.below(16);
  if (drawn < 12) writer.integer(static_cast<std::int64_t>(drawn));
  if (drawn >= 12) writer.text(std::string(kSizes[drawn - 12], 't'));
  value.resize(writer.finish()->size());
  return value;
}

std::uint64_t Forge::draw_seq() {
  switch (script_.below(4)) {
    case 0:
      return script_.number(8);
    case 1:
      return 0;
    default:
      return script_.below(64);
  }
}

std::uint64_t Forge::draw_wall_ms() {
  switch (script_.below(6)) {
    case 0:
      return script_.number(8);
    case 1:
      return 0;
    case 2:
      return wall_ms_ + script_.number(4);
    case 3:
      return wall_ms_ - script_.number(4);
    default:
      return wall_ms_ + script_.number(1);
  }
}

const Frame* Forge::seen(Kind kind) const {
  std::size_t skip = script_.below(4);
  const Frame* found = nullptr;
  for (auto frame = seen_.rbegin(); frame != seen_.rend(); ++frame) {
    if (frame->empty() || (*frame)[0] != static_cast<std::uint8_t>(kind)) continue;
    found = &*frame;
    if (skip-- == 0) break;
  }
  return found;
}

Frame Forge::forge(Kind kind) {
  Frame frame;
  switch (kind) {
    case Kind::hello:
      frame = forge_control<grid_Hello>(kind);
      break;
    case Kind::welcome:
      frame = forge_control<grid_Welcome>(kind);
      break;
    case Kind::subscribe:
      frame = forge_control<grid_Subscribe>(kind);
      break;
    case Kind::subscribed:
      frame = forge_control<grid_Subscribed>(kind);
      break;
    case Kind::unsubscribe:
      frame = forge_control<grid_Unsubscribe>(kind);
      break;
    case Kind::ack:
      frame = forge_control<grid_Ack>(kind);
      break;
    case Kind::current:
      frame = forge_control<grid_Current>(kind);
      break;
    case Kind::pull_ack:
      frame = forge_control<grid_PullAck>(kind);
      break;
    case Kind::verify:
      frame = forge_control<grid_Verify>(kind);
      break;
    case Kind::bye:
      frame = forge_control<grid_Bye>(kind);
      break;
    case Kind::inspect_ask:
      frame = script_.flip() ? forge_control<grid_InspectAsk>(kind) : forge_channel();
      break;
    case Kind::digest_ask:
    case Kind::digest_reply:
    case Kind::have:
    case Kind::lacks:
      frame = forge_digests(kind);
      break;
    default:
      frame = forge_ops(kind);
      break;
  }
  if (script_.below(8) == 7) spoil(frame);
  return frame;
}

// Legal items of any verb: what a device that knows nothing of rules may send, and one that is bent on trouble.
Frame Forge::forge_channel() {
  constexpr std::string_view kNames[] = {"a", "a/b", "a/+", "#", "ops", "+/b/#", "a/b/c"};
  constexpr std::uint8_t kValue[] = {0x18, 2};
  Frame room(2'048);
  wire::ChannelWriter writer(room);
  for (std::size_t left = 1 + script_.below(6); left > 0; --left) {
    wire::ChannelItem item;
    item.verb = static_cast<wire::ChannelVerb>(1 + script_.below(script_.below(8) == 7 ? 44 : 10));
    if (item.verb != wire::ChannelVerb::beat) item.name = kNames[script_.below(std::size(kNames))];
    item.number = script_.number(2);
    if (script_.flip()) item.value = kValue;
    writer.add(item);
  }
  room.resize(room.size() - writer.room_left());
  return room;
}

// Bytes that no writer wrote.
void Forge::spoil(Frame& frame) {
  for (std::size_t left = 1 + script_.below(3); left > 0; --left) {
    const std::size_t at = script_.below(frame.size() + 1);
    const std::uint8_t byte = static_cast<std::uint8_t>(script_.number(1));
    if (at < frame.size() && script_.flip()) {
      frame[at] = byte;
    } else if (script_.flip()) {
      frame.insert(frame.begin() + static_cast<std::ptrdiff_t>(at), byte);
    } else {
      frame.resize(at);
    }
  }
}

// ---- control messages

template <typename Message>
Frame Forge::forge_control(Kind kind) {
  Message message{};
  const Frame* base = seen(kind);
  if (base != nullptr) GRID_CHECK(wire::decode(*base, message) == Status::ok);
  edit(message);
  std::uint8_t room[wire::kControlBytesMax];
  const Bytes frame = wire::encode(message, room);
  return {frame.begin(), frame.end()};
}

template <typename Cursor>
void Forge::edit_cursor(Cursor& cursor) {
  if (!changes()) return;
  if (script_.flip()) {
    // Another position of the same epoch and scope.
    cursor.size = std::max<pb_size_t>(cursor.size, 24);
    store_be(draw_seq(), cursor.bytes + 8);
    return;
  }
  const Bytes drawn = script_.take(script_.below(sizeof(cursor.bytes) + 1));
  cursor.size = static_cast<pb_size_t>(drawn.size());
  copy(drawn, cursor.bytes);
}

void Forge::edit(grid_Hello& message) {
  message.protocol_min = changes() ? draw_id() : 1;
  message.protocol_max = changes() ? draw_id() : 1;
  set(message.app, changes() ? "other" : "farm");
  if (message.node == 0 || changes()) message.node = draw_node();
  if (changes()) message.fork_token = draw_seq();
  if (changes()) message.wall_ms = draw_wall_ms();
  if (changes()) message.quality = draw_id();
  if (message.frame_bytes_max == 0 || changes()) {
    message.frame_bytes_max = static_cast<std::uint32_t>(wire::kControlBytesMax + 32 * script_.below(256));
  }
}

void Forge::edit(grid_Welcome& message) {
  message.protocol = changes() ? draw_id() : 1;
  if (changes()) message.epoch = draw_seq();
  if (changes()) message.fork_token = draw_seq();
  if (changes()) message.wall_ms = draw_wall_ms();
  if (message.frame_bytes_max == 0 || changes()) {
    message.frame_bytes_max = static_cast<std::uint32_t>(wire::kControlBytesMax + 32 * script_.below(256));
  }
  if (message.window_ops == 0 || changes()) message.window_ops = static_cast<std::uint32_t>(1 + script_.below(16));
  if (changes()) message.forked = script_.flip();
}

void Forge::edit(grid_Subscribe& message) {
  if (changes()) message.id = draw_id();
  if (changes()) {
    message.kind = static_cast<std::uint32_t>(script_.below(5));
    set(message.map, message.kind == 0 ? "" : draw_map(script_));
    set(message.text, message.kind < 2 ? "" : message.kind == 4 ? draw_predicate(script_) : draw_key(script_));
  }
  edit_cursor(message.cursor);
  if (changes()) message.holds = script_.flip();
}

void Forge::edit(grid_Subscribed& message) {
  if (message.id == 0 || changes()) message.id = draw_id();
  if (changes()) message.mode = static_cast<std::uint32_t>(script_.below(3));
  if (changes()) message.heal = script_.flip();
  message.status = message.mode == 2 ? 1 : 0;
}

void Forge::edit(grid_Ack& message) {
  if (changes()) message.applied = draw_seq();
  if (changes()) message.durable = draw_seq();
  if (changes()) message.fork_token = draw_seq();
}

void Forge::edit(grid_Current& message) {
  if (message.id == 0 || changes()) message.id = draw_id();
  edit_cursor(message.cursor);
  if (changes()) message.sum = draw_seq();
  if (changes()) message.count = draw_seq();
}

void Forge::edit(grid_PullAck& message) {
  if (message.id == 0 || changes()) message.id = draw_id();
  edit_cursor(message.cursor);
}

void Forge::edit(grid_Verify& message) {
  if (message.id == 0 || changes()) message.id = draw_id();
  message.compare = script_.flip();
}

void Forge::edit(grid_Bye& message) {
  message.status = static_cast<std::uint32_t>(script_.below(11));
  if (changes()) set(message.reason, "a reason");
  if (changes()) message.retry_after_ms = static_cast<std::uint32_t>(script_.number(4));
}

void Forge::edit(grid_InspectAsk& message) {
  message.id = draw_id();
  set(message.topic, changes() ? "else" : "status");
  message.after = changes();
  if (changes()) message.seq = draw_seq();
}

// ---- ops

void Forge::edit(Op& op) {
  if (changes()) op.seq = draw_seq();
  if (changes()) op.cell.stamp = crdt::Stamp::of(draw_wall_ms(), static_cast<std::uint16_t>(draw_id()), draw_node());
  if (changes()) op.cell.expires_ms = draw_wall_ms();
  if (changes()) op.base = crdt::Stamp::of(draw_wall_ms(), 0, draw_node());
  if (changes()) op.quality = static_cast<crdt::ClockQuality>(script_.below(4));
  if (changes()) op.was_applied = script_.flip();
  if (changes()) {
    op.cell.stamp = {};
    op.evicted = script_.flip();
  }
}

Frame Forge::forge_ops(Kind kind) {
  wire::OpsReader reader;
  const Frame* base = seen(kind);
  // The other kinds of ops frames have what this one may lack: sequences, cursors, cells.
  if (base == nullptr) base = seen(kind == Kind::push ? Kind::delta : Kind::push);
  if (base != nullptr) GRID_CHECK(reader.open(*base) == Status::ok);
  wire::OpsHead head = reader.head();
  if (changes()) head.id = draw_id();
  if (changes()) head.fork_token = draw_seq();
  if (changes()) head.wall_ms = draw_wall_ms();
  if (changes() || (kind == Kind::reject && head.status == Status::ok)) {
    head.status = static_cast<Status>(script_.below(11));
  }
  const std::string map = draw_map(script_);
  if (changes()) head.map = map;
  Frame room(kRoomBytes);
  wire::OpsWriter writer(kind, head, room);
  for (Op op; base != nullptr && reader.next(op);) {
    if (changes()) edit(op);
    if (!changes() && !writer.add(op)) break;
  }
  for (std::size_t left = script_.below(4); left > 0; --left) {
    const std::string own_map = draw_map(script_), key = draw_key(script_);
    const Frame value = script_.below(4) == 0 ? Frame{} : draw_value(script_);
    Op op{.cell = {{own_map, key}, crdt::Stamp::of(wall_ms_ + script_.number(1), 0, draw_node()), 0, value}};
    op.seq = script_.below(64);
    if (changes()) edit(op);
    if (!writer.add(op)) break;
  }
  Bytes cursor = head.cursor;
  if (changes()) cursor = script_.take(script_.below(wire::OpsWriter::kCursorBytesMax + 1));
  room.resize(writer.finish(cursor, changes() ? script_.flip() : head.last).size());
  return room;
}

// ---- digests

// One of those that hold something, if there is one.
crdt::Digest& Forge::some_child(std::span<crdt::Digest> children) {
  std::size_t left = script_.below(4);
  for (crdt::Digest& child : children) {
    if (!child.empty() && left-- == 0) return child;
  }
  return children[script_.below(children.size())];
}

bool Forge::forge_group(Kind kind, wire::DigestsWriter& writer) {
  wire::Split split;
  split.range = {static_cast<std::uint16_t>(script_.below(crdt::kPartitions)), 0, 0};
  split.range.bits = static_cast<std::uint8_t>(script_.below(4) == 0 ? script_.below(crdt::Range::kBitsMax + 1) : 0);
  split.range.prefix = split.range.bits == 0 ? 0 : script_.number(6) & ((std::uint64_t{1} << split.range.bits) - 1);
  split.more = static_cast<std::uint8_t>(script_.below(wire::kSplitBitsMax + 1));
  if (split.range.bits + split.more > crdt::Range::kBitsMax) split.more = 0;
  if (script_.below(4) == 0) split = {wire::kWholeMap, 0};
  if (kind == Kind::digest_ask) return writer.add_ask(split);
  if (kind == Kind::digest_reply) {
    std::vector<crdt::Digest> children(wire::children_of(split));
    for (std::size_t left = script_.below(6); left > 0; --left) {
      children[script_.below(children.size())] = {script_.number(2), script_.number(script_.below(9))};
    }
    return writer.add_reply(split, children);
  }
  std::vector<std::uint64_t> digests(script_.below(5));
  for (std::uint64_t& digest : digests) digest = script_.number(8);
  return writer.add_digests(split.range == wire::kWholeMap ? crdt::Range{} : split.range, digests);
}

Frame Forge::forge_digests(Kind kind) {
  wire::DigestsReader reader;
  const Frame* base = seen(kind);
  // A list is answered by a list, a question by what it asks for.
  const Kind asked = kind == Kind::lacks ? Kind::have : Kind::digest_ask;
  if (base == nullptr || script_.below(4) == 0) base = seen(asked);
  const bool opened = base != nullptr && reader.open(*base) == Status::ok;
  const std::string map = draw_map(script_);
  const std::uint32_t id = opened && !changes() ? reader.id() : draw_id();
  Frame room(kRoomBytes);
  wire::DigestsWriter writer(kind, id, opened && !changes() ? reader.map() : std::string_view(map), room);
  const Kind from = opened ? static_cast<Kind>((*base)[0]) : kind;
  wire::Split split;
  std::vector<crdt::Digest> children(std::size_t{1} << wire::kSplitBitsMax);
  crdt::Range range;
  std::size_t count = 0;
  while (opened && from == Kind::digest_ask && reader.next_ask(split)) {
    if (kind == Kind::digest_ask && !changes() && !writer.add_ask(split)) break;
    children.assign(children.size(), {script_.number(1), script_.number(1)});
    const std::span<const crdt::Digest> own = std::span(children).first(wire::children_of(split));
    if (kind == Kind::digest_reply && !changes() && !writer.add_reply(split, own)) break;
  }
  while (opened && from == Kind::digest_reply && reader.next_reply(split, children)) {
    const std::span<crdt::Digest> theirs = std::span(children).first(wire::children_of(split));
    if (changes()) some_child(theirs) = {script_.number(2), script_.number(2)};
    if (!writer.add_reply(split, theirs)) break;
  }
  while (opened && (from == Kind::have || from == Kind::lacks) && reader.next_digests(range, count)) {
    std::vector<std::uint64_t> digests;
    for (std::size_t i = 0; i < count; ++i) {
      if (!changes()) digests.push_back(reader.digest(i));
    }
    if (!writer.add_digests(range, digests)) break;
  }
  for (std::size_t left = script_.below(3); left > 0; --left) {
    if (!forge_group(kind, writer)) break;
  }
  room.resize(writer.finish(!changes()).size());
  return room;
}

}  // namespace grid::test
