// SPDX-License-Identifier: Apache-2.0

#include "server/channels.h"

#include <algorithm>

#include "crdt/base/check.h"

namespace grid::server {

using runtime::LinkId;
using wire::ChannelItem;
using wire::ChannelVerb;

namespace {

constexpr std::size_t kItemHeadBytes = 256;  // At most, of an item beside its value.

}  // namespace

// ---- links

void Channels::link_up(ChannelLink& link, LinkId id, std::string_view identity) {
  link.id_ = id;
  link.identity_ = identity;
  links_[id] = &link;
}

void Channels::link_down(ChannelLink& link) {
  for (const std::string& filter : link.filters_) index_.remove(filter, link.id_);
  for (const MessageLog::Position position : link.queue_) log_.release(position);
  while (!link.rooms_.empty()) {
    const std::string name = link.rooms_.begin()->first;
    part(link, *find(name), wire::Leaving::link_ended);
    close_if_empty(name);
  }
  links_.erase(link.id_);
}

// A wall clock that jumps back slows it, and while the time is unknown it counts.
crdt::Stamp Channels::tick(crdt::NodeId node) {
  last_time_ = std::max(last_time_ + 1, crdt::Stamp::of(wall_ms_, 0, 0).time);
  return {last_time_, node};
}

void Channels::renew(ChannelLink& link) {
  if (link.lease_ms_ == 0) return;
  link.lapses_at_ms_ = now_ms_ + link.lease_ms_;
  next_lapse_ms_ = std::min(next_lapse_ms_, link.lapses_at_ms_);
}

void Channels::advance(std::uint64_t now_ms, std::uint64_t wall_ms) {
  now_ms_ = now_ms;
  wall_ms_ = wall_ms;
  if (now_ms < next_lapse_ms_) return;
  next_lapse_ms_ = runtime::kNever;
  for (auto& [id, link] : links_) {
    if (link->lease_ms_ == 0) continue;
    if (now_ms < link->lapses_at_ms_) {
      next_lapse_ms_ = std::min(next_lapse_ms_, link->lapses_at_ms_);
      continue;
    }
    link->lease_ms_ = 0;
    // It stays to be told that it is out, and comes in again if it is there after all.
    for (auto& [name, attendance] : link->rooms_) {
      if (!attendance.is_member) continue;
      attendance.is_member = false;
      Room& room = *find(name);
      room.leave(link->node_, wire::Leaving::lapsed, tick(link->node_));
      if (room.members().empty() && room.has_status()) room.set_room_status(link->node_, {}, tick(link->node_));
      wake(room);
    }
  }
}

// ---- what devices ask for

Status Channels::receive(ChannelLink& link, crdt::NodeId node, Bytes frame, std::uint64_t now_ms,
                         std::uint64_t wall_ms) {
  now_ms_ = now_ms;
  wall_ms_ = wall_ms;
  link.node_ = node;
  wire::ChannelReader reader(frame);
  for (ChannelItem item; reader.next(item);) {
    if (!wire::is_for_server(item.verb)) return Status::corrupt;
    GRID_TRY(take(link, item));
  }
  renew(link);
  return reader.status();
}

Status Channels::take(ChannelLink& link, const ChannelItem& item) {
  if (item.verb == ChannelVerb::beat) {
    link.beat_ = item.number;
    link.beat_due_ = true;
    return Status::ok;
  }
  Status status = judge(link, item);
  if (status == Status::ok) status = perform(link, item);
  if (status == Status::ok) return Status::ok;
  if (link.refused_.size() >= kRefusedMax) return Status::full;
  link.refused_.push_back({item.verb, std::string(item.name), status});
  return Status::ok;
}

Status Channels::judge(const ChannelLink& link, const ChannelItem& item) const {
  // What was granted may be given back; and who is in a room may say how they are.
  const bool is_free =
      item.verb == ChannelVerb::unsubscribe || item.verb == ChannelVerb::leave || item.verb == ChannelVerb::set_status;
  if (is_free || options_.policy == nullptr) return Status::ok;
  return options_.policy(options_.policy_context, {link.identity_, link.id_, link.node_, item.verb, item.name});
}

Status Channels::perform(ChannelLink& link, const ChannelItem& item) {
  switch (item.verb) {
    case ChannelVerb::publish:
      return publish(link, item);
    case ChannelVerb::subscribe:
      return subscribe(link, item.name);
    case ChannelVerb::unsubscribe:
      return unsubscribe(link, item.name);
    case ChannelVerb::join:
    case ChannelVerb::attend:
      return enter(link, item);
    case ChannelVerb::leave:
      return leave(link, item.name);
    case ChannelVerb::set_status:
      return set_status(link, item);
    case ChannelVerb::set_room_status:
    case ChannelVerb::tell:
      return say(link, item);
    default:
      return Status::ok;
  }
}

// ---- topics

Status Channels::publish(const ChannelLink& link, const ChannelItem& item) {
  ++figures_.messages;
  index_.find(item.name, found_);
  if (found_.empty()) return Status::ok;
  ChannelItem message = item;
  message.verb = ChannelVerb::message;
  message.member = link.node_;
  message.number = 0;
  encoded_.resize(item.value.size() + kItemHeadBytes);
  std::size_t size = 0;
  GRID_CHECK(wire::put_item(message, encoded_, size));
  const MessageLog::Position position =
      log_.add(Bytes(encoded_).first(size), static_cast<std::uint32_t>(found_.size()));
  for (const LinkId id : found_) queue(*links_.at(id), position);
  return Status::ok;
}

void Channels::queue(ChannelLink& link, MessageLog::Position position) {
  if (link.queue_.size() >= options_.queue_messages_max) {
    log_.release(link.queue_.front());
    link.queue_.pop_front();
    ++link.lost_;
    ++figures_.messages_lost;
  }
  link.queue_.push_back(position);
}

Status Channels::subscribe(ChannelLink& link, std::string_view filter) {
  if (link.filters_.contains(filter)) return Status::ok;
  if (link.filters_.size() >= options_.filters_max) return Status::full;
  link.filters_.emplace(filter);
  index_.add(filter, link.id_);
  return Status::ok;
}

Status Channels::unsubscribe(ChannelLink& link, std::string_view filter) {
  const auto found = link.filters_.find(filter);
  if (found == link.filters_.end()) return Status::ok;
  link.filters_.erase(found);
  index_.remove(filter, link.id_);
  return Status::ok;
}

// ---- rooms

Room* Channels::find(std::string_view name) {
  const auto found = rooms_.find(name);
  return found == rooms_.end() ? nullptr : &found->second;
}

Status Channels::enter(ChannelLink& link, const ChannelItem& item) {
  const bool is_new = !link.rooms_.contains(item.name);
  if (is_new && link.rooms_.size() >= options_.rooms_max) return Status::full;
  Room* room = find(item.name);
  if (room == nullptr && rooms_.size() >= options_.all_rooms_max) return Status::full;
  const bool joins = item.verb == ChannelVerb::join;
  if (joins && room != nullptr && room->members().size() >= options_.members_max &&
      !room->members().contains(link.node_)) {
    return Status::full;
  }
  if (room == nullptr) room = &rooms_.try_emplace(std::string(item.name), item.name).first->second;
  if (!joins && !is_new && link.rooms_.find(item.name)->second.is_member) part(link, *room, wire::Leaving::left);
  room->links().insert(link.id_);
  Room::Attendance& attendance = link.rooms_[room->name()];
  attendance = {.is_member = joins};
  link.rooms_due_ = true;
  if (joins) join(link, *room, item);
  return Status::ok;
}

void Channels::join(ChannelLink& link, Room& room, const ChannelItem& item) {
  const std::uint64_t asked = item.number == 0 ? options_.lease_ms : item.number;
  const std::uint64_t lease = std::clamp<std::uint64_t>(asked, options_.lease_ms_min, options_.lease_ms_max);
  link.lease_ms_ = link.lease_ms_ == 0 ? static_cast<std::uint32_t>(lease)
                                       : std::min(link.lease_ms_, static_cast<std::uint32_t>(lease));
  const auto member = room.members().find(link.node_);
  if (member == room.members().end()) {
    room.join(link.node_, link.id_, item.value, tick(link.node_));
  } else {
    // The same device over a newer link, or once more over this one: nobody has come or gone.
    const auto older = links_.find(member->second.link);
    if (member->second.link != link.id_ && older != links_.end()) {
      older->second->rooms_.erase(room.name());
      room.links().erase(older->first);
    }
    member->second.link = link.id_;
    if (as_bytes(member->second.status).size() != item.value.size() ||
        !equal(as_bytes(member->second.status), item.value)) {
      room.set_status(link.node_, item.value, tick(link.node_));
    }
  }
  wake(room);
}

Status Channels::leave(ChannelLink& link, std::string_view name) {
  Room* room = find(name);
  if (room == nullptr || !link.rooms_.contains(name)) return Status::ok;
  part(link, *room, wire::Leaving::left);
  close_if_empty(name);
  return Status::ok;
}

void Channels::part(ChannelLink& link, Room& room, wire::Leaving why) {
  const auto attendance = link.rooms_.find(room.name());
  const bool was_member = attendance->second.is_member;
  link.rooms_.erase(attendance);
  room.links().erase(link.id_);
  if (was_member) {
    room.leave(link.node_, why, tick(link.node_));
    if (room.members().empty() && room.has_status()) room.set_room_status(link.node_, {}, tick(link.node_));
    wake(room);
  }
  const bool is_anywhere =
      std::any_of(link.rooms_.begin(), link.rooms_.end(), [](const auto& one) { return one.second.is_member; });
  if (!is_anywhere) link.lease_ms_ = 0;
}

void Channels::close_if_empty(std::string_view name) {
  const auto room = rooms_.find(name);
  if (room->second.links().empty()) rooms_.erase(room);
}

Status Channels::set_status(ChannelLink& link, const ChannelItem& item) {
  const auto attendance = link.rooms_.find(item.name);
  if (attendance == link.rooms_.end() || !attendance->second.is_member) return Status::not_found;
  Room& room = *find(item.name);
  room.set_status(link.node_, item.value, tick(link.node_));
  wake(room);
  return Status::ok;
}

Status Channels::say(ChannelLink& link, const ChannelItem& item) {
  Room* room = find(item.name);
  if (room == nullptr || room->members().empty()) return Status::not_found;
  const crdt::Stamp stamp = tick(link.node_);
  if (item.verb == ChannelVerb::tell) room->tell(link.node_, item.value, stamp);
  if (item.verb == ChannelVerb::set_room_status) room->set_room_status(link.node_, item.value, stamp);
  wake(*room);
  return Status::ok;
}

void Channels::wake(const Room& room) {
  for (const LinkId id : room.links()) links_.at(id)->rooms_due_ = true;
}

// ---- telling

Bytes Channels::write(ChannelLink& link, MutBytes room) {
  wire::ChannelWriter writer(room);
  while (!link.refused_.empty()) {
    const ChannelLink::Refused& refused = link.refused_.front();
    if (!writer.add({.verb = ChannelVerb::refused,
                     .name = refused.name,
                     .number = static_cast<std::uint64_t>(refused.verb),
                     .status = refused.status})) {
      return writer.finish();
    }
    link.refused_.pop_front();
  }
  if (link.beat_due_) link.beat_due_ = !writer.add({.verb = ChannelVerb::beaten, .number = link.beat_});
  link.were_rooms_first_ = !link.were_rooms_first_;
  if (link.were_rooms_first_) write_rooms(link, writer);
  write_messages(link, writer);
  if (!link.were_rooms_first_) write_rooms(link, writer);
  return writer.finish();
}

void Channels::write_rooms(ChannelLink& link, wire::ChannelWriter& writer) {
  if (!link.rooms_due_) return;
  for (auto& [name, attendance] : link.rooms_) {
    const Room& room = *find(name);
    if (room.is_behind(attendance) && !room.write(attendance, writer)) return;
  }
  link.rooms_due_ = false;
}

void Channels::write_messages(ChannelLink& link, wire::ChannelWriter& writer) {
  const auto tell_lost = [&] {
    const bool is_told = link.lost_ == 0 || writer.add({.verb = ChannelVerb::lost, .number = link.lost_});
    if (is_told) link.lost_ = 0;
    return is_told;
  };
  while (!link.queue_.empty()) {
    const MessageLog::Position position = link.queue_.front();
    const Bytes message = log_.find(position);
    const bool is_gone = message.empty();
    if (!is_gone && !tell_lost()) return;
    const bool is_sent = !is_gone && writer.add_put(message);
    // What does not fit beside other things waits; what fits no frame of this link goes by.
    if (!is_gone && !is_sent && !writer.empty()) return;
    link.lost_ += !is_sent;
    figures_.messages_lost += !is_sent;
    figures_.messages_sent += is_sent;
    log_.release(position);
    link.queue_.pop_front();
  }
  tell_lost();
}

ChannelFigures Channels::figures() const {
  ChannelFigures figures = figures_;
  figures.rooms = rooms_.size();
  for (const auto& [name, room] : rooms_) figures.members += room.members().size();
  return figures;
}

}  // namespace grid::server
