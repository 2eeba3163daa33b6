// SPDX-License-Identifier: Apache-2.0

#include "transport/wire_channel.h"

#include "crdt/base/check.h"
#include "crdt/value.h"
#include "transport/walk.h"
#include "transport/wire_rules.h"

namespace grid::wire {

namespace {

// Field numbers of grid.Channel, and of the items in grid.Channels.
namespace field {
enum : std::uint32_t { verb = 1, name = 2, member = 3, stamp = 4, number = 5, status = 6, value = 7, items = 15 };
}

constexpr std::uint64_t kLeavingMax = static_cast<std::uint64_t>(Leaving::link_ended);

bool is_known_verb(std::uint64_t verb) { return (verb >= 1 && verb <= 10) || (verb >= 32 && verb <= 43); }

void put_fields(const ChannelItem& item, Out& out) {
  out.number_field(field::verb, static_cast<std::uint64_t>(item.verb));
  out.text_field(field::name, item.name);
  out.fixed64_field(field::member, item.member);
  if (!item.stamp.is_none()) {
    std::uint8_t stamp[crdt::Stamp::kBytes];
    item.stamp.write(stamp);
    out.bytes_field(field::stamp, stamp);
  }
  out.number_field(field::number, item.number);
  out.number_field(field::status, static_cast<std::uint64_t>(item.status));
  out.bytes_field(field::value, item.value);
}

// What a verb needs and may have, beside values that are legal.
constexpr std::uint8_t kName = 1;
constexpr std::uint8_t kFilter = 2;
constexpr std::uint8_t kValue = 4;
constexpr std::uint8_t kMember = 8;
constexpr std::uint8_t kStamp = 16;
constexpr std::uint8_t kMessage = 32;  // Else it is a status.
constexpr std::uint8_t kPerhaps = 64;  // The name.
constexpr std::uint8_t kToServer[] = {0,     kName | kValue | kMessage, kFilter, kFilter, kName, kName, kName, kName,
                                      kName, kName | kValue | kMessage, 0};
constexpr std::uint8_t kEvent = kName | kMember | kStamp;
constexpr std::uint8_t kToDevice[] = {kName | kValue | kMember | kMessage,
                                      kName | kPerhaps,
                                      kFilter,
                                      0,
                                      kName,
                                      kEvent,
                                      kName,
                                      kEvent,
                                      kEvent,
                                      kEvent,
                                      kEvent,
                                      kEvent | kValue | kMessage};

Status check(const ChannelItem& item) {
  const auto verb = static_cast<std::size_t>(item.verb);
  const std::uint8_t rule = is_for_server(item.verb) ? kToServer[verb] : kToDevice[verb - 32];
  if (item.name.empty() ? (rule & (kName | kFilter)) != 0 && (rule & kPerhaps) == 0 : (rule & (kName | kFilter)) == 0) {
    return Status::corrupt;
  }
  if (!item.name.empty()) {
    GRID_TRY(as_frame_status((rule & kFilter) != 0 ? check_filter(item.name) : check_topic(item.name)));
  }
  if (item.value.size() > ((rule & kMessage) != 0 ? kMessageBytesMax : kPresenceBytesMax)) return Status::too_large;
  const bool lacks = ((rule & kValue) != 0 && item.value.empty()) || ((rule & kMember) != 0 && item.member == 0) ||
                     ((rule & kStamp) != 0 && item.stamp.is_none());
  if (lacks || (item.verb == ChannelVerb::left && item.number > kLeavingMax)) return Status::corrupt;
  if (!item.value.empty() && crdt::check_value(item.value) != Status::ok) return Status::corrupt;
  if (item.verb == ChannelVerb::refused && (item.status == Status::ok || item.number > 10)) return Status::corrupt;
  return Status::ok;
}

}  // namespace

const char* name_of(ChannelVerb verb) {
  constexpr const char* kAsked[] = {"",      "publish", "subscribe",   "unsubscribe", "join", "attend",
                                    "leave", "status",  "room_status", "tell",        "beat"};
  constexpr const char* kHeard[] = {"message", "lost",   "refused", "beaten", "begins",      "member",
                                    "stands",  "joined", "left",    "status", "room_status", "told"};
  const auto number = static_cast<std::size_t>(verb);
  return is_for_server(verb) ? kAsked[number] : kHeard[number - 32];
}

bool put_item(const ChannelItem& item, MutBytes room, std::size_t& size) {
  Out counted;
  put_fields(item, counted);
  Out out(room, size);
  out.open_field(field::items, counted.size());
  if (out.ok()) put_fields(item, out);
  if (out.ok()) size = out.size();
  return out.ok();
}

Bytes take_put(Bytes& rest) {
  FieldWalk walk(rest);
  if (!walk.next()) return {};
  const Bytes item = rest.first(rest.size() - walk.rest().size());
  rest = walk.rest();
  return item;
}

ChannelWriter::ChannelWriter(MutBytes room) : room_(room) {
  GRID_CHECK(!room.empty());
  room_[0] = static_cast<std::uint8_t>(Kind::channel);
}

bool ChannelWriter::add_put(Bytes items) {
  if (items.size() > room_left()) return false;
  copy(items, room_.subspan(size_));
  size_ += items.size();
  return true;
}

ChannelReader::ChannelReader(Bytes frame, bool is_bare) : rest_(frame) {
  if (is_bare || frame.empty()) return;
  if (frame[0] != static_cast<std::uint8_t>(Kind::channel)) status_ = Status::corrupt;
  rest_ = frame.subspan(1);
}

bool ChannelReader::next(ChannelItem& item) {
  while (status_ == Status::ok && !rest_.empty()) {
    FieldWalk walk(rest_);
    if (!walk.next()) {
      status_ = Status::corrupt;
      return false;
    }
    rest_ = walk.rest();
    if (walk.number() != field::items) continue;
    const Bytes bytes = walk.as_bytes();
    bool is_known = false;
    status_ = walk.status() == Status::ok ? read(bytes, item, is_known) : walk.status();
    if (status_ == Status::ok && is_known) return true;
  }
  return false;
}

Status ChannelReader::read(Bytes bytes, ChannelItem& item, bool& is_known) const {
  item = {};
  std::uint64_t verb = 0;
  FieldWalk walk(bytes);
  while (walk.next()) {
    if (walk.number() == field::verb) verb = walk.as_number();
    if (walk.number() == field::name) item.name = as_text(walk.as_bytes());
    if (walk.number() == field::member) item.member = walk.as_fixed64();
    if (walk.number() == field::number) item.number = walk.as_number();
    if (walk.number() == field::status) item.status = static_cast<Status>(walk.as_number_up_to(kStatusMax));
    if (walk.number() == field::value) item.value = walk.as_bytes();
    if (walk.number() != field::stamp) continue;
    const Bytes stamp = walk.as_bytes();
    if (stamp.size() != crdt::Stamp::kBytes) return Status::corrupt;
    item.stamp = crdt::Stamp::read(stamp.data());
  }
  GRID_TRY(walk.status());
  is_known = is_known_verb(verb);
  if (!is_known) return Status::ok;
  item.verb = static_cast<ChannelVerb>(verb);
  return check(item);
}

}  // namespace grid::wire
