// SPDX-License-Identifier: Apache-2.0

#include "runtime/query/entity_guest.h"

#include <algorithm>
#include <utility>

#include "runtime/replica_status.h"

namespace grid::runtime {

namespace {

bool is_ours(Bytes frame) {
  return !frame.empty() && frame[0] == static_cast<std::uint8_t>(wire::Kind::entities_reply);
}

}  // namespace

Status EntityGuest::ask(const wire::EntitiesAsk& asked, Asker& asker, std::uint32_t& id) {
  if (asks_.size() == kAsksMax) return Status::full;
  if (asked.question.size() > wire::kQuestionBytesMax || asked.inputs.size() > wire::kQuestionInputsBytesMax) {
    return Status::too_large;
  }
  wire::EntitiesAsk numbered = asked;
  numbered.id = last_id_ + 1;
  std::vector<std::uint8_t> room(wire::kEntitiesAskBytesMax);
  room.resize(wire::encode(numbered, room).size());
  wire::EntitiesAsk checked;
  const Status status = wire::decode(room, checked);
  if (status != Status::ok) return status == Status::corrupt ? Status::invalid : status;
  id = ++last_id_;
  asks_.push_back({id, std::move(room), &asker});
  return Status::ok;
}

EntityGuest::Ask* EntityGuest::find(std::uint32_t id) {
  const auto ask = std::find_if(asks_.begin(), asks_.end(), [id](const Ask& one) { return one.id == id; });
  return ask == asks_.end() ? nullptr : &*ask;
}

void EntityGuest::end(std::uint32_t id) {
  const Ask* const ask = find(id);
  if (ask == nullptr) return;
  if (is_live_ && !ask->is_due) ended_.push_back(id);
  asks_.erase(asks_.begin() + (ask - asks_.data()));
}

void EntityGuest::welcomed(const Welcomed& welcomed, std::uint64_t now_ms, Problem& problem) {
  other_.welcomed(welcomed, now_ms, problem);
  is_live_ = (welcomed.features & wire::kFeatureEntities) != 0;
  is_lacking_ = !is_live_;
  ended_.clear();
  for (Ask& ask : asks_) ask.is_due = true, ask.is_answered = false;
}

void EntityGuest::link_down() {
  other_.link_down();
  is_live_ = is_lacking_ = false;
}

Status EntityGuest::receive(Bytes frame, Problem& problem) {
  if (!is_ours(frame)) return other_.receive(frame, problem);
  has_news_ = true;
  wire::EntitiesReplyReader reader;
  GRID_TRY(reader.open(frame));
  for (std::string_view key; reader.next(key);) {
  }
  return reader.status();
}

bool EntityGuest::take_news() {
  const bool has_answer = std::exchange(has_news_, false) || (is_lacking_ && !asks_.empty());
  return other_.take_news() || has_answer;
}

void EntityGuest::deliver(Bytes frame) {
  other_.deliver(is_ours(frame) ? Bytes{} : frame);
  if (is_ours(frame)) answer(frame);
  if (is_lacking_) refuse_all();
}

void EntityGuest::answer(Bytes frame) {
  wire::EntitiesReplyReader reader;
  if (reader.open(frame) != Status::ok) return;
  Ask* const ask = find(reader.head().id);
  if (ask == nullptr) return;
  if (reader.head().status != Status::ok || reader.head().more) return tell(ask->id, nullptr);
  std::vector<std::string> keys;
  for (std::string_view key; reader.next(key);) keys.emplace_back(key);
  tell(ask->id, &keys);
}

void EntityGuest::tell(std::uint32_t id, const std::vector<std::string>* keys) {
  const bool is_taken = find(id)->asker->told(keys);
  if (Ask* const ask = find(id); ask != nullptr) ask->is_answered = is_taken && !ask->is_due;
}

void EntityGuest::refuse_all() {
  std::vector<std::uint32_t> ids;
  for (const Ask& ask : asks_) ids.push_back(ask.id);
  for (const std::uint32_t id : ids) tell(id, nullptr);
}

void EntityGuest::ask_again(std::uint32_t id) {
  Ask* const ask = find(id);
  if (ask != nullptr) ask->is_due = true, ask->is_answered = false;
}

bool EntityGuest::is_due() const {
  if (!is_live_) return false;
  return !ended_.empty() || std::any_of(asks_.begin(), asks_.end(), [](const Ask& ask) { return ask.is_due; });
}

// Both take turns.
Bytes EntityGuest::write(MutBytes room, std::uint64_t now_ms) {
  was_ask_ = !was_ask_ && is_due();
  if (was_ask_) return write_ask(room);
  const Bytes frame = other_.write(room, now_ms);
  if (!frame.empty() || !is_due()) return frame;
  was_ask_ = true;
  return write_ask(room);
}

Bytes EntityGuest::write_ask(MutBytes room) {
  if (room.size() < wire::kEntitiesAskBytesMax) return {};
  if (!ended_.empty()) {
    const std::uint32_t id = ended_.back();
    ended_.pop_back();
    return wire::encode(wire::EntitiesAsk{.id = id}, room);
  }
  const auto ask = std::find_if(asks_.begin(), asks_.end(), [](const Ask& one) { return one.is_due; });
  ask->is_due = false;
  copy(ask->frame, room);
  return room.first(ask->frame.size());
}

// What is to be pulled is not known yet, so that nothing can be said to have come.
void EntityGuest::tell(ReplicaStatus& status) const {
  other_.tell(status);
  if (std::all_of(asks_.begin(), asks_.end(), [](const Ask& ask) { return ask.is_answered; })) return;
  status.current = false;
  if (status.state == SyncState::realtime) status.state = SyncState::syncing_down;
}

}  // namespace grid::runtime
