// SPDX-License-Identifier: Apache-2.0

#include "runtime/channels.h"

#include <algorithm>

#include "runtime/machine.h"
#include "runtime/replica_status.h"

namespace grid {

const char* name_of(Heard::Kind kind) {
  constexpr const char* kNames[] = {"message", "lost",   "gap",  "refused", "begins",      "member",
                                    "stands",  "joined", "left", "status",  "room_status", "told"};
  return kNames[static_cast<std::uint8_t>(kind)];
}

}  // namespace grid

namespace grid::runtime {

using wire::ChannelItem;
using wire::ChannelVerb;

Channels::Channels(const ChannelLimits& limits, MutBytes memory) : limits_(limits) {
  Arena arena(memory);
  slots_ = arena.make<Slot>(limits.listenings_max);
  values_ = arena.make<std::uint8_t>(std::size_t{limits.listenings_max} * limits.presence_bytes_max);
  queue_ = arena.make<std::uint8_t>(limits.queue_bytes);
  GRID_CHECK(!slots_.empty() && !values_.empty() && !queue_.empty());
}

MutBytes Channels::value_room(const Slot& slot) const {
  const auto index = static_cast<std::size_t>(&slot - slots_.data());
  return values_.subspan(index * limits_.presence_bytes_max, limits_.presence_bytes_max);
}

// ---- the link

void Channels::welcomed(const Welcomed& welcomed, std::uint64_t now_ms, Problem& problem) {
  node_ = welcomed.node;
  sent_at_ms_ = now_ms;
  is_live_ = (welcomed.features & wire::kFeatureChannels) != 0;
  for (Slot& slot : slots_) {
    if (!slot.is_live()) continue;
    slot.ask_due = is_live_;
    slot.refused = is_live_ ? Status::ok : Status::newer;
    slot.refused_due = has_news_ = !is_live_ || has_news_;
  }
  beat_due_ = flushed_ != flush_asked_;
  if (is_live_ || (queued_bytes_ == 0 && !beat_due_)) return;
  problem.say("this server is older than topics and rooms");
  queued_bytes_ = 0;
  beat_due_ = false;
  flushed_ = flush_asked_;
  ++refused_count_;
  refused_ = Status::newer;
}

void Channels::link_down() {
  for (Slot& slot : slots_) {
    if (slot.is_asked && slot.is_live()) slot.gap_due = has_news_ = true;
    if (slot.end_due) slot.id = 0;
    slot.is_asked = slot.ask_due = slot.has_begun = false;
  }
  is_live_ = false;
}

// ---- calls

Status Channels::check(const ChannelCall& call, Problem& problem) const {
  using Verb = ChannelCall::Verb;
  if (call.verb == Verb::end || call.verb == Verb::flush) return Status::ok;
  const bool is_filter = call.verb == Verb::subscribe;
  const Status name = is_filter ? wire::check_filter(call.name) : wire::check_topic(call.name);
  if (name == Status::too_large) {
    problem.say("the name of a topic or room has at most ").number(wire::kTopicBytesMax).text(" bytes and ");
    problem.number(wire::kTopicLevelsMax).text(" levels");
  } else if (name != Status::ok && is_filter) {
    problem.say("a filter is levels between slashes, none empty; + stands for one level, # at the end for the rest");
  } else if (name != Status::ok) {
    problem.say("the name of a topic or room is levels between slashes, none empty, without + and #");
  }
  if (name != Status::ok) return name;
  const bool is_message = call.verb == Verb::publish || call.verb == Verb::tell;
  const bool is_own = call.verb == Verb::join || call.verb == Verb::set_status;
  const std::size_t most = is_message ? wire::kMessageBytesMax
                           : is_own   ? limits_.presence_bytes_max
                                      : wire::kPresenceBytesMax;
  if (call.value.size() > most) {
    problem.say(is_message ? "a message" : "a status").text(" takes at most ").number(most).text(" bytes, this one ");
    problem.number(call.value.size());
    return Status::too_large;
  }
  const bool is_legal = call.value.empty() ? !is_message : crdt::check_value(call.value) == Status::ok;
  if (!is_legal) problem.say("a message or status is a value in canonical form");
  return is_legal ? Status::ok : Status::invalid;
}

Status Channels::perform(ChannelCall& call, Problem& problem) {
  GRID_TRY(check(call, problem));
  switch (call.verb) {
    case ChannelCall::Verb::publish:
      return enqueue({.verb = ChannelVerb::publish, .name = call.name, .value = call.value}, problem);
    case ChannelCall::Verb::subscribe:
    case ChannelCall::Verb::join:
    case ChannelCall::Verb::attend:
      return listen(call, problem);
    case ChannelCall::Verb::end:
      return end(call.id);
    case ChannelCall::Verb::set_status:
      return set_status(call, problem);
    case ChannelCall::Verb::set_room_status:
      return enqueue({.verb = ChannelVerb::set_room_status, .name = call.name, .value = call.value}, problem);
    case ChannelCall::Verb::tell:
      return enqueue({.verb = ChannelVerb::tell, .name = call.name, .value = call.value}, problem);
    case ChannelCall::Verb::flush:
      break;
  }
  return flush(call);
}

Status Channels::listen(ChannelCall& call, Problem& problem) {
  const bool is_room = call.verb != ChannelCall::Verb::subscribe;
  if (is_room && find_room(call.name) != nullptr) {
    problem.say("this device is in the room already: ").text(call.name);
    return Status::busy;
  }
  Slot* slot = nullptr;
  for (Slot& one : slots_) {
    if (slot == nullptr && one.id == 0) slot = &one;
  }
  if (slot == nullptr) {
    problem.say("no room to listen to more: ").number(slots_.size()).text(" are open");
    return Status::full;
  }
  *slot = {};
  slot->id = call.id = ++last_id_;
  slot->kind = !is_room ? Kind::topic : call.verb == ChannelCall::Verb::join ? Kind::member : Kind::attendant;
  slot->ask_due = is_live_;
  slot->lease_ms = call.lease_ms != 0 ? call.lease_ms : kLeaseMs;
  slot->listener = call.listener;
  slot->name_bytes = static_cast<std::uint8_t>(call.name.size());
  std::memcpy(slot->name, call.name.data(), call.name.size());
  slot->value_bytes = static_cast<std::uint16_t>(call.value.size());
  copy(call.value, value_room(*slot));
  return Status::ok;
}

Status Channels::end(std::uint32_t id) {
  for (Slot& slot : slots_) {
    if (id == 0 || slot.id != id || slot.end_due) continue;
    slot.end_due = slot.is_asked;
    if (!slot.is_asked) slot.id = 0;
    slot.listener = {};
    return Status::ok;
  }
  return Status::not_found;
}

Status Channels::set_status(const ChannelCall& call, Problem& problem) {
  Slot* slot = find_room(call.name);
  if (slot == nullptr || slot->kind != Kind::member) {
    problem.say("this device has not joined the room ").text(call.name);
    return Status::not_found;
  }
  slot->value_bytes = static_cast<std::uint16_t>(call.value.size());
  copy(call.value, value_room(*slot));
  slot->status_due = slot->is_asked;
  return Status::ok;
}

Status Channels::enqueue(const ChannelItem& item, Problem& problem) {
  if (wire::put_item(item, queue_, queued_bytes_)) return Status::ok;
  const bool is_large = queued_bytes_ == 0;
  problem.say(is_large ? "the message is larger than the queue of what is to be sent"
                       : "the queue of what is to be sent is full: the link has not taken it yet");
  return is_large ? Status::too_large : Status::full;
}

Status Channels::flush(ChannelCall& call) {
  call.id = ++flush_asked_;
  beat_due_ = true;
  return Status::ok;
}

Channels::Slot* Channels::find_room(std::string_view name) {
  for (Slot& slot : slots_) {
    if (slot.is_live() && slot.kind != Kind::topic && slot.name_view() == name) return &slot;
  }
  return nullptr;
}

void Channels::tell(ReplicaStatus& status) const {
  status.channels_flushed = flushed_;
  status.channels_refused = refused_count_;
  status.channels_refusal = refused_;
}

// ---- hearing

Status Channels::receive(Bytes frame, Problem& problem) {
  wire::ChannelReader reader(frame);
  for (ChannelItem item; reader.next(item);) {
    if (wire::is_for_server(item.verb)) return Status::corrupt;
    take(item, problem);
  }
  return reader.status();
}

// What the machine itself must know; the rest is for listeners.
void Channels::take(const ChannelItem& item, Problem& problem) {
  has_news_ = has_news_ || item.verb != ChannelVerb::beaten;
  if (item.verb == ChannelVerb::beaten) flushed_ = std::max(flushed_, static_cast<std::uint32_t>(item.number));
  if (item.verb == ChannelVerb::refused) refuse(item, problem);
  Slot* slot = find_room(item.name);
  if (slot == nullptr || slot->kind != Kind::member) return;
  const bool is_own = item.member == node_;
  if (item.verb == ChannelVerb::room_begins) slot->is_listed = false;
  if (item.verb == ChannelVerb::member && is_own) slot->is_listed = true;
  // The lease ran out before this device was heard again: it is told so, or told the members anew, without itself.
  const bool has_lapsed = item.verb == ChannelVerb::left && is_own && item.number != 0;
  if (has_lapsed || (item.verb == ChannelVerb::room_stands && !slot->is_listed)) slot->ask_due = true;
}

void Channels::refuse(const ChannelItem& item, Problem& problem) {
  ++refused_count_;
  refused_ = item.status;
  problem.say("the server refused ").text(name_of(static_cast<ChannelVerb>(item.number))).text(" ").text(item.name);
  problem.text(": ").text(name_of(item.status));
  const auto verb = static_cast<ChannelVerb>(item.number);
  for (Slot& slot : slots_) {
    const bool is_asking = verb == (slot.kind == Kind::topic    ? ChannelVerb::subscribe
                                    : slot.kind == Kind::member ? ChannelVerb::join
                                                                : ChannelVerb::attend);
    if (is_asking && slot.is_live() && slot.name_view() == item.name) slot.refused = item.status;
  }
}

bool Channels::take_news() {
  const bool had = has_news_;
  has_news_ = false;
  return had;
}

void Channels::deliver(Bytes frame) {
  for (Slot& slot : slots_) {
    if (!slot.is_live()) slot.gap_due = slot.refused_due = false;
    if (!slot.gap_due && !slot.refused_due) continue;
    const Heard::Kind kind = slot.gap_due ? Heard::Kind::gap : Heard::Kind::refused;
    const Heard heard{.kind = kind, .name = slot.name_view(), .status = slot.refused};
    slot.gap_due = slot.refused_due = false;
    Listener listener = slot.listener;  // It may end its own slot.
    if (listener) listener(heard);
  }
  wire::ChannelReader reader(frame);
  for (ChannelItem item; reader.next(item);) hear(item);
}

bool Channels::concerns(const Slot& slot, const ChannelItem& item) const {
  if (!slot.is_live() || !slot.is_asked || !slot.listener) return false;
  const bool is_topic = slot.kind == Kind::topic;
  if (item.verb == ChannelVerb::lost && item.name.empty()) return is_topic;
  if (item.verb == ChannelVerb::message) return is_topic && wire::filter_matches(slot.name_view(), item.name);
  if (item.verb == ChannelVerb::refused) return slot.refused != Status::ok && slot.name_view() == item.name;
  return !is_topic && slot.name_view() == item.name && (slot.has_begun || item.verb == ChannelVerb::room_begins);
}

void Channels::hear(const ChannelItem& item) {
  constexpr Heard::Kind kKinds[] = {Heard::Kind::message,     Heard::Kind::lost,        Heard::Kind::refused,
                                    Heard::Kind::message,     Heard::Kind::room_begins, Heard::Kind::member,
                                    Heard::Kind::room_stands, Heard::Kind::joined,      Heard::Kind::left,
                                    Heard::Kind::status,      Heard::Kind::room_status, Heard::Kind::told};
  if (item.verb == ChannelVerb::beaten || wire::is_for_server(item.verb)) return;
  Heard heard{.kind = kKinds[static_cast<std::size_t>(item.verb) - static_cast<std::size_t>(ChannelVerb::message)],
              .name = item.name,
              .member = item.member,
              .is_own = item.member != 0 && item.member == node_,
              .stamp = item.stamp,
              .count = item.number,
              .status = item.status,
              .value = crdt::Value(item.value)};
  if (item.verb == ChannelVerb::left) heard.why = static_cast<Leaving>(item.number);
  for (Slot& slot : slots_) {
    if (!concerns(slot, item)) continue;
    slot.has_begun = slot.has_begun || item.verb == ChannelVerb::room_begins;
    Listener listener = slot.listener;  // It may end its own slot.
    listener(heard);
  }
}

// ---- saying

std::uint32_t Channels::lease_ms() const {
  std::uint32_t least = 0;
  for (const Slot& slot : slots_) {
    if (!slot.is_live() || slot.kind != Kind::member || !slot.is_asked) continue;
    least = least == 0 ? slot.lease_ms : std::min(least, slot.lease_ms);
  }
  return least;
}

// Three times within a lease: one may be late, and one lost with its link.
std::uint64_t Channels::wake_at_ms() const {
  const std::uint32_t lease = is_live_ ? lease_ms() : 0;
  return lease == 0 ? kNever : sent_at_ms_ + lease / 3;
}

bool Channels::wants_write(std::uint64_t now_ms) const {
  if (!is_live_) return false;
  if (queued_bytes_ > 0 || beat_due_ || now_ms >= wake_at_ms()) return true;
  for (const Slot& slot : slots_) {
    if (slot.id != 0 && (slot.ask_due || slot.status_due || slot.end_due)) return true;
  }
  return false;
}

Bytes Channels::write(MutBytes room, std::uint64_t now_ms) {
  if (!is_live_) return {};
  const bool renews = now_ms >= wake_at_ms();
  wire::ChannelWriter writer(room);
  bool fits = write_asks(writer) && write_queue(writer) && write_ends(writer);
  if (fits && (beat_due_ || (renews && writer.empty()))) {
    fits = writer.add({.verb = ChannelVerb::beat, .number = flush_asked_});
    beat_due_ = !fits;
  }
  if (!writer.empty()) sent_at_ms_ = now_ms;
  return writer.finish();
}

// Each write_ is false when there is more than fits.
bool Channels::write_asks(wire::ChannelWriter& writer) {
  for (Slot& slot : slots_) {
    if (!slot.is_live() || (!slot.ask_due && !slot.status_due)) continue;
    ChannelItem item{.verb = ChannelVerb::set_status, .name = slot.name_view()};
    if (slot.kind == Kind::member) item.value = value_of(slot);
    if (slot.ask_due) {
      item.verb = slot.kind == Kind::topic    ? ChannelVerb::subscribe
                  : slot.kind == Kind::member ? ChannelVerb::join
                                              : ChannelVerb::attend;
      if (slot.kind == Kind::member) item.number = slot.lease_ms;
    }
    if (!writer.add(item)) {
      if (!writer.empty()) return false;
      slot.refused = Status::too_large;  // No frame of this link holds it.
      slot.refused_due = has_news_ = true;
    }
    slot.is_asked = true;
    slot.ask_due = slot.status_due = false;
  }
  return true;
}

// As many whole items as fit. One that fits no frame of this link goes by, or it would stand in the way for ever.
bool Channels::write_queue(wire::ChannelWriter& writer) {
  Bytes rest = queue_.first(queued_bytes_);
  while (!rest.empty()) {
    Bytes behind = rest;
    const Bytes item = wire::take_put(behind);
    if (!writer.add_put(item)) {
      if (!writer.empty()) break;
      ++refused_count_;
      refused_ = Status::too_large;
    }
    rest = behind;
  }
  std::memmove(queue_.data(), rest.data(), rest.size());
  queued_bytes_ = rest.size();
  return rest.empty();
}

bool Channels::write_ends(wire::ChannelWriter& writer) {
  for (Slot& slot : slots_) {
    if (slot.id == 0 || !slot.end_due) continue;
    const ChannelVerb verb = slot.kind == Kind::topic ? ChannelVerb::unsubscribe : ChannelVerb::leave;
    if (!is_shared(slot) && !writer.add({.verb = verb, .name = slot.name_view()})) return false;
    slot.id = 0;
  }
  return true;
}

// Whether somebody else here listens to the same.
bool Channels::is_shared(const Slot& slot) const {
  for (const Slot& other : slots_) {
    const bool is_like = other.is_live() && (other.kind == Kind::topic) == (slot.kind == Kind::topic);
    if (is_like && other.name_view() == slot.name_view()) return true;
  }
  return false;
}

}  // namespace grid::runtime
