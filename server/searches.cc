// SPDX-License-Identifier: Apache-2.0

#include "server/searches.h"

#include <algorithm>

#include "crdt/hash.h"
#include "server/search_text.h"

namespace grid::server {

using runtime::Action;
using runtime::LinkId;

namespace {

struct Seen {
  std::uint64_t hash = 0;
  std::uint64_t expires_ms = runtime::kNever;
};

// What of an answer makes it another one.
Seen seen_in(Bytes frame) {
  Seen seen;
  wire::SearchReplyReader reader;
  crdt::Hash64 hash;
  if (reader.open(frame) != Status::ok) return seen;
  hash.add_number(static_cast<std::uint64_t>(reader.head().status)).add_sized(reader.head().reason);
  hash.add_number(reader.head().more).add_number(reader.head().building != 0);
  for (wire::SearchHit hit; reader.next(hit);) {
    std::uint8_t stamp[crdt::Stamp::kBytes];
    hit.stamp.write(stamp);
    hash.add_sized(hit.key).add(stamp).add_number(hit.highlights.size()).add(hit.highlights);
    if (hit.expires_ms != 0) seen.expires_ms = std::min(seen.expires_ms, hit.expires_ms);
  }
  seen.hash = hash.value();
  return seen;
}

}  // namespace

void Searches::link_up(SearchLink& link, LinkId id) {
  link.id_ = id;
  links_[id] = &link;
}

void Searches::link_down(SearchLink& link) {
  ask_count_ -= link.asks_.size();
  links_.erase(link.id_);
}

Status Searches::receive(SearchLink& link, const wire::SearchAsk& asked, std::uint32_t frame_bytes_max,
                         std::string_view denied) {
  erase(link, asked.id);
  if (asked.map.empty()) return Status::ok;
  if (link.asks_.size() >= options_.asks_max) return Status::full;
  Ask& ask = link.asks_.emplace_back();
  ++ask_count_;
  ask.id = asked.id;
  ask.serial = ++last_serial_;
  std::string reason(denied);
  const Status status = denied.empty() ? take(asked, frame_bytes_max, ask, reason) : Status::denied;
  if (status != Status::ok) refuse(link, ask, status, reason);
  look_at_ms_ = 0;
  return Status::ok;
}

Status Searches::take(const wire::SearchAsk& asked, std::uint32_t frame_bytes_max, Ask& ask,
                      std::string& reason) const {
  if (!is_on()) {
    reason = "this gateway has no search: gridd --search MAP:FIELD gives it one";
    return Status::not_found;
  }
  const auto map = std::find(options_.maps.begin(), options_.maps.end(), asked.map);
  if (map == options_.maps.end()) {
    reason = "map " + std::string(asked.map) + " has no search here: gridd --search " + std::string(asked.map) +
             ":FIELD gives it one";
    return Status::not_found;
  }
  if (ask_count_ > options_.all_asks_max) {
    reason = "this gateway is asked for as many searches as it may";
    return Status::full;
  }
  ask.map = static_cast<std::size_t>(map - options_.maps.begin());
  ask.watch = asked.watch;
  ask.work.id = asked.id;
  ask.work.map = asked.map;
  ask.work.limit = asked.limit == 0 ? options_.limit : asked.limit;
  ask.work.after_rank = asked.after_rank;
  ask.work.after_key = asked.after_key;
  const auto least = static_cast<std::uint32_t>(wire::SearchReplyWriter::kHeadBytesMax);
  const std::uint32_t most = frame_bytes_max == 0 ? options_.reply_bytes_max : frame_bytes_max;
  ask.work.reply_bytes_max = std::max(std::min(most, options_.reply_bytes_max), least);
  return compile_search(asked.text, ask.work.match, reason);
}

void Searches::refuse(SearchLink& link, Ask& ask, Status status, std::string_view reason) {
  std::uint8_t room[wire::SearchReplyWriter::kHeadBytesMax];
  ask.watch = false;
  ask.due = false;
  wire::SearchReplyWriter writer({.id = ask.id, .status = status, .reason = reason}, room);
  set_reply(link, ask, writer.finish(false));
}

void Searches::set_reply(SearchLink& link, Ask& ask, Bytes frame) {
  ask.reply.assign(frame.begin(), frame.end());
  ++link.replies_due_;
}

void Searches::erase(SearchLink& link, std::uint32_t id) {
  const auto ask = std::find_if(link.asks_.begin(), link.asks_.end(), [id](const Ask& one) { return one.id == id; });
  if (ask == link.asks_.end()) return;
  if (!ask->reply.empty()) --link.replies_due_;
  link.asks_.erase(ask);
  --ask_count_;
}

Bytes Searches::write(SearchLink& link, MutBytes room) {
  const auto ask =
      std::find_if(link.asks_.begin(), link.asks_.end(), [](const Ask& one) { return !one.reply.empty(); });
  if (ask == link.asks_.end()) return {};
  const std::size_t size = ask->reply.size();
  const bool fits = size <= room.size();
  if (fits) copy(ask->reply, room);
  ask->reply = {};
  --link.replies_due_;
  if (!ask->watch) {
    link.asks_.erase(ask);
    --ask_count_;
  }
  look_at_ms_ = 0;
  return fits ? room.first(size) : MutBytes{};
}

// ---- running

void Searches::advance(std::uint64_t now_ms, std::uint64_t wall_ms, std::uint64_t head, runtime::ActionList& actions) {
  if (is_busy_ || now_ms < look_at_ms_ || actions.full()) return;
  look_at_ms_ = runtime::kNever;
  // The link behind the one whose turn it was is first.
  auto link = links_.upper_bound(running_link_);
  for (std::size_t i = 0; i < links_.size() && !is_busy_; ++i, ++link) {
    if (link == links_.end()) link = links_.begin();
    is_busy_ = run_next_of(*link->second, now_ms, wall_ms, head);
  }
  if (is_busy_) actions.add({.kind = Action::Kind::search});
}

bool Searches::is_due(Ask& ask, std::uint64_t now_ms, std::uint64_t wall_ms) {
  if (!ask.reply.empty()) return false;
  std::uint64_t at_ms = runtime::kNever;
  if (ask.due) at_ms = ask.not_before_ms;
  if (!ask.due && ask.watch && ask.expires_ms != runtime::kNever && wall_ms != 0) {
    const std::uint64_t left_ms = ask.expires_ms > wall_ms ? ask.expires_ms - wall_ms : 0;
    at_ms = std::max(now_ms + left_ms, ask.not_before_ms);
  }
  if (at_ms > now_ms) look_at_ms_ = std::min(look_at_ms_, at_ms);
  return at_ms <= now_ms;
}

bool Searches::run_next_of(SearchLink& link, std::uint64_t now_ms, std::uint64_t wall_ms, std::uint64_t head) {
  for (std::size_t at = 0; at < link.asks_.size(); ++at) {
    Ask& ask = link.asks_[at];
    if (!is_due(ask, now_ms, wall_ms)) continue;
    ask.due = false;
    work_ = ask.work;
    work_.known_ms = wall_ms;
    work_.head = head;
    running_link_ = link.id_;
    running_ = ask.serial;
    // The link's others come behind it the next time.
    std::rotate(link.asks_.begin(), link.asks_.begin() + static_cast<std::ptrdiff_t>(at) + 1, link.asks_.end());
    return true;
  }
  return false;
}

void Searches::searched(Bytes frame, std::uint64_t now_ms) {
  is_busy_ = false;
  look_at_ms_ = 0;
  const auto link = links_.find(running_link_);
  if (link == links_.end()) return;
  std::vector<Ask>& asks = link->second->asks_;
  const auto ask = std::find_if(asks.begin(), asks.end(), [this](const Ask& one) { return one.serial == running_; });
  if (ask == asks.end()) return;
  const Seen seen = seen_in(frame);
  ask->not_before_ms = now_ms + options_.watch_ms_min;
  ask->expires_ms = seen.expires_ms;
  if (ask->watch && ask->was_answered && seen.hash == ask->answer) return;
  ask->was_answered = true;
  ask->answer = seen.hash;
  set_reply(*link->second, *ask, frame);
}

void Searches::indexed(std::uint64_t maps) {
  for (auto& [id, link] : links_) {
    for (Ask& ask : link->asks_) {
      if (!ask.watch || (maps >> ask.map & 1) == 0) continue;
      ask.due = true;
      look_at_ms_ = 0;
    }
  }
}

}  // namespace grid::server
