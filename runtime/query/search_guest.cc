// SPDX-License-Identifier: Apache-2.0

#include "runtime/query/search_guest.h"

#include <algorithm>
#include <utility>

namespace grid::runtime {

namespace {

bool is_search(Bytes frame) {
  return !frame.empty() && frame[0] == static_cast<std::uint8_t>(wire::Kind::search_reply);
}

}  // namespace

Status SearchGuest::ask(const SearchQuery& query, SearchCallback callback, std::uint32_t& id) {
  if (asks_.size() == kAsksMax) return Status::full;
  const wire::SearchAsk asked{last_id_ + 1,     query.map,   query.text, query.limit,
                              query.after_rank, query.after, query.watch};
  if (query.map.size() > kMapBytesMax || query.text.size() > wire::kSearchTextBytesMax ||
      query.after.size() > kKeyBytesMax) {
    return Status::too_large;
  }
  if (query.map.empty()) return Status::invalid;
  std::vector<std::uint8_t> room(wire::kSearchAskBytesMax);
  room.resize(wire::encode(asked, room).size());
  wire::SearchAsk checked;
  const Status status = wire::decode(room, checked);
  if (status != Status::ok) return status == Status::corrupt ? Status::invalid : status;
  id = ++last_id_;
  asks_.push_back({id, std::move(room), callback, query.watch});
  return Status::ok;
}

void SearchGuest::end(std::uint32_t id) {
  const auto ask = std::find_if(asks_.begin(), asks_.end(), [id](const Ask& one) { return one.id == id; });
  if (ask == asks_.end()) return;
  if (is_live_ && !ask->due) ended_.push_back(id);
  asks_.erase(ask);
}

void SearchGuest::welcomed(const Welcomed& welcomed, std::uint64_t now_ms, Problem& problem) {
  channels_.welcomed(welcomed, now_ms, problem);
  is_live_ = (welcomed.features & wire::kFeatureSearch) != 0;
  is_lacking_ = !is_live_;
  ended_.clear();
  for (Ask& ask : asks_) ask.due = true;
}

void SearchGuest::link_down() {
  channels_.link_down();
  is_live_ = is_lacking_ = false;
}

Status SearchGuest::receive(Bytes frame, Problem& problem) {
  if (!is_search(frame)) return channels_.receive(frame, problem);
  has_news_ = true;
  wire::SearchReplyReader reader;
  GRID_TRY(reader.open(frame));
  for (Hit hit; reader.next(hit);) {
  }
  return reader.status();
}

bool SearchGuest::take_news() {
  const bool has_answer = std::exchange(has_news_, false) || (is_lacking_ && !asks_.empty());
  return channels_.take_news() || has_answer;
}

void SearchGuest::deliver(Bytes frame) {
  channels_.deliver(is_search(frame) ? Bytes{} : frame);
  if (is_search(frame)) answer(frame);
  if (is_lacking_) refuse_all();
}

// A callback may ask anew, or end its own.
void SearchGuest::answer(Bytes frame) {
  wire::SearchReplyReader reader;
  if (reader.open(frame) != Status::ok) return;
  const wire::SearchHead& head = reader.head();
  const auto ask = std::find_if(asks_.begin(), asks_.end(), [&head](const Ask& one) { return one.id == head.id; });
  if (ask == asks_.end()) return;
  SearchCallback callback = ask->callback;
  if (!ask->watch) asks_.erase(ask);
  callback({head.status, head.reason, head.through, head.head, head.building, head.more, reader});
}

void SearchGuest::refuse_all() {
  for (Ask& ask : std::exchange(asks_, {})) {
    ask.callback(
        {.status = Status::not_found, .reason = "this server has no search: gridd --search MAP:FIELD gives it one"});
  }
}

bool SearchGuest::is_search_due() const {
  if (!is_live_) return false;
  return !ended_.empty() || std::any_of(asks_.begin(), asks_.end(), [](const Ask& ask) { return ask.due; });
}

bool SearchGuest::wants_write(std::uint64_t now_ms) const { return channels_.wants_write(now_ms) || is_search_due(); }

// Both take turns.
Bytes SearchGuest::write(MutBytes room, std::uint64_t now_ms) {
  was_search_ = !was_search_ && is_search_due();
  if (was_search_) return write_search(room);
  const Bytes frame = channels_.write(room, now_ms);
  if (!frame.empty() || !is_search_due()) return frame;
  was_search_ = true;
  return write_search(room);
}

Bytes SearchGuest::write_search(MutBytes room) {
  if (room.size() < wire::kSearchAskBytesMax) return {};
  if (!ended_.empty()) {
    const std::uint32_t id = ended_.back();
    ended_.pop_back();
    return wire::encode(wire::SearchAsk{.id = id}, room);
  }
  const auto ask = std::find_if(asks_.begin(), asks_.end(), [](const Ask& one) { return one.due; });
  ask->due = false;
  copy(ask->frame, room);
  return room.first(ask->frame.size());
}

}  // namespace grid::runtime
