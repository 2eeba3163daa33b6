// SPDX-License-Identifier: Apache-2.0

#include "server/room.h"

#include "crdt/base/check.h"

namespace grid::server {

using wire::ChannelItem;
using wire::ChannelVerb;

namespace {

constexpr std::size_t kItemHeadBytes = 256;  // At most, of an item beside its value.

// A status that no frame of a link holds is none there.
bool add_or_bare(wire::ChannelWriter& writer, ChannelItem item) {
  if (writer.add(item)) return true;
  if (!writer.empty()) return false;
  item.value = {};
  return writer.add(item);
}

// The same of an event; a message that no frame holds is told as lost.
bool add_event(wire::ChannelWriter& writer, Bytes event) {
  if (writer.add_put(event)) return true;
  ChannelItem item;
  GRID_CHECK(wire::ChannelReader(event, true).next(item));
  const ChannelItem lost{.verb = ChannelVerb::lost, .name = item.name, .number = 1};
  return writer.empty() && (item.verb == ChannelVerb::told ? writer.add(lost) : add_or_bare(writer, item));
}

}  // namespace

void Room::join(crdt::NodeId node, runtime::LinkId link, Bytes status, crdt::Stamp stamp) {
  members_[node] = {link, std::string(as_text(status)), stamp};
  record({.verb = ChannelVerb::joined, .name = name_, .member = node, .stamp = stamp, .value = status}, node);
}

void Room::leave(crdt::NodeId node, wire::Leaving why, crdt::Stamp stamp) {
  members_.erase(node);
  const auto number = static_cast<std::uint64_t>(why);
  record({.verb = ChannelVerb::left, .name = name_, .member = node, .stamp = stamp, .number = number}, node);
}

void Room::set_status(crdt::NodeId node, Bytes status, crdt::Stamp stamp) {
  Member& member = members_[node];
  member.status = as_text(status);
  member.stamp = stamp;
  record({.verb = ChannelVerb::status_set, .name = name_, .member = node, .stamp = stamp, .value = status}, node);
}

void Room::set_room_status(crdt::NodeId node, Bytes status, crdt::Stamp stamp) {
  status_ = as_text(status);
  status_stamp_ = stamp;
  record({.verb = ChannelVerb::room_status_set, .name = name_, .member = node, .stamp = stamp, .value = status}, 0);
}

void Room::tell(crdt::NodeId node, Bytes value, crdt::Stamp stamp) {
  record({.verb = ChannelVerb::told, .name = name_, .member = node, .stamp = stamp, .value = value}, 0);
}

void Room::record(const ChannelItem& item, crdt::NodeId about) {
  std::string bytes(item.value.size() + kItemHeadBytes, '\0');
  std::size_t size = 0;
  GRID_CHECK(wire::put_item(item, {reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()}, size));
  bytes.resize(size);
  events_bytes_ += size;
  events_.push_back({std::move(bytes), about});
  ++head_;
  while (events_.size() > kEventsMax || events_bytes_ > kEventsBytesMax) {
    events_bytes_ -= events_.front().bytes.size();
    events_.pop_front();
  }
}

bool Room::write(Attendance& attendance, wire::ChannelWriter& writer) const {
  if (!attendance.begins_due && attendance.position + 1 < first()) {
    attendance.lost += first() - 1 - attendance.position;
    attendance.begins_due = true;
  }
  if (attendance.begins_due && !write_begin(attendance, writer)) return false;
  return write_events(attendance, writer) && (!attendance.is_told_members || write_members(attendance, writer));
}

bool Room::write_begin(Attendance& attendance, wire::ChannelWriter& writer) const {
  const ChannelItem begins{.verb = ChannelVerb::room_begins,
                           .name = name_,
                           .stamp = status_stamp_,
                           .number = attendance.lost,
                           .value = as_bytes(status_)};
  if (!add_or_bare(writer, begins)) return false;
  attendance = {.is_member = attendance.is_member, .begins_due = false, .is_told_members = true, .position = head_};
  return true;
}

// While members are being told, events of those whose turn is yet to come are in what they will be told.
bool Room::write_events(Attendance& attendance, wire::ChannelWriter& writer) const {
  while (attendance.position < head_) {
    const Event& event = events_[attendance.position + 1 - first()];
    const bool is_told_later = attendance.is_told_members && event.about > attendance.told_up_to;
    if (!is_told_later && !add_event(writer, as_bytes(event.bytes))) return false;
    ++attendance.position;
  }
  return true;
}

bool Room::write_members(Attendance& attendance, wire::ChannelWriter& writer) const {
  for (auto at = members_.upper_bound(attendance.told_up_to); at != members_.end(); ++at) {
    const auto& [node, member] = *at;
    const ChannelItem told{.verb = ChannelVerb::member,
                           .name = name_,
                           .member = node,
                           .stamp = member.stamp,
                           .value = as_bytes(member.status)};
    if (!add_or_bare(writer, told)) return false;
    attendance.told_up_to = node;
  }
  if (!writer.add({.verb = ChannelVerb::room_stands, .name = name_})) return false;
  attendance.is_told_members = false;
  return true;
}

}  // namespace grid::server
