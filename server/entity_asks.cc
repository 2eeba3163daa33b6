// SPDX-License-Identifier: Apache-2.0

#include "server/entity_asks.h"

#include <algorithm>
#include <utility>

namespace grid::server {

using runtime::LinkId;

void EntityAsks::link_down(EntityLink& link) {
  while (!link.asks_.empty()) erase(link, link.asks_.back().id);
}

void EntityAsks::receive(EntityLink& link, const wire::EntitiesAsk& asked, std::string_view denied) {
  erase(link, asked.id);
  if (asked.map.empty()) return;
  if (!is_on()) return refuse(link, asked.id, Status::not_found, "this gateway answers no questions about facts");
  if (!denied.empty()) return refuse(link, asked.id, Status::denied, denied);
  const auto open = std::count_if(link.asks_.begin(), link.asks_.end(), [](const auto& one) { return !one.is_over; });
  if (static_cast<std::uint32_t>(open) >= asks_max_) {
    return refuse(link, asked.id, Status::full, "this link asks as many questions as it may");
  }
  const std::uint64_t serial = ++last_serial_;
  add(link, {asked.id, serial});
  links_.emplace(serial, &link);
  work_.push_back({serial,
                   asked.id,
                   std::string(asked.map),
                   std::string(asked.question),
                   {asked.inputs.begin(), asked.inputs.end()},
                   asked.limit});
}

// One that the host does not know of yet is not begun at all.
void EntityAsks::erase(EntityLink& link, std::uint32_t id) {
  const auto ask =
      std::find_if(link.asks_.begin(), link.asks_.end(), [id](const EntityLink::Ask& one) { return one.id == id; });
  if (ask == link.asks_.end()) return;
  const std::uint64_t serial = ask->serial;
  if (!ask->reply.empty()) --link.replies_due_;
  link.asks_.erase(ask);
  if (links_.erase(serial) == 0) return;
  const auto is_it = [serial](const EntityWork& work) { return work.serial == serial; };
  if (std::erase_if(work_, is_it) == 0) work_.push_back({.serial = serial});
}

// It is gone when it is sent. Of too many that are over the oldest is not: whoever asks that much does not read.
void EntityAsks::refuse(EntityLink& link, std::uint32_t id, Status status, std::string_view reason) {
  std::uint8_t room[wire::EntitiesReplyWriter::kHeadBytesMax];
  const wire::EntitiesReplyWriter writer({.id = id, .status = status, .reason = reason}, room);
  add(link, {id, 0, true});
  set_reply(link, link.asks_.back(), writer.finish());
}

void EntityAsks::add(EntityLink& link, EntityLink::Ask&& ask) {
  const auto oldest = std::find_if(link.asks_.begin(), link.asks_.end(), [](const auto& one) { return one.is_over; });
  const bool are_many = link.asks_.size() >= 2 * (std::size_t{asks_max_} + 1);
  if (are_many && oldest != link.asks_.end()) erase(link, oldest->id);
  link.asks_.push_back(std::move(ask));
}

void EntityAsks::set_reply(EntityLink& link, EntityLink::Ask& ask, Bytes frame) {
  if (ask.reply.empty()) ++link.replies_due_;
  ask.reply.assign(frame.begin(), frame.end());
}

EntityWork EntityAsks::take_work() {
  EntityWork work = std::move(work_.front());
  work_.pop_front();
  return work;
}

LinkId EntityAsks::answered(std::uint64_t serial, Bytes frame) {
  const auto at = links_.find(serial);
  wire::EntitiesReplyReader reader;
  if (at == links_.end() || reader.open(frame) != Status::ok) return 0;
  EntityLink& link = *at->second;
  const auto ask = std::find_if(link.asks_.begin(), link.asks_.end(),
                                [serial](const EntityLink::Ask& one) { return one.serial == serial; });
  set_reply(link, *ask, frame);
  // With more than were asked for, too, the host has done with it.
  ask->is_over = reader.head().status != Status::ok || reader.head().more;
  if (ask->is_over) links_.erase(at);
  return link.id_;
}

// An answer that does not fit is dropped: no device that asks has frames that small.
Bytes EntityAsks::write(EntityLink& link, MutBytes room) {
  const auto ask =
      std::find_if(link.asks_.begin(), link.asks_.end(), [](const EntityLink::Ask& one) { return !one.reply.empty(); });
  if (ask == link.asks_.end()) return {};
  const std::size_t size = ask->reply.size();
  const bool fits = size <= room.size();
  if (fits) copy(ask->reply, room);
  ask->reply = {};
  --link.replies_due_;
  if (ask->is_over) link.asks_.erase(ask);
  return fits ? room.first(size) : MutBytes{};
}

}  // namespace grid::server
