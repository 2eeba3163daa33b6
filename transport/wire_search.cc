// SPDX-License-Identifier: Apache-2.0

#include "transport/wire_search.h"

#include <bit>
#include <cmath>

#include "crdt/base/check.h"
#include "crdt/value.h"
#include "transport/walk.h"
#include "transport/wire_rules.h"

namespace grid::wire {

namespace {

// Field numbers of grid.SearchAsk,
namespace ask_field {
enum : std::uint32_t { id = 1, map = 2, text = 3, limit = 4, after_rank = 5, after_key = 6, watch = 7 };
}
// of grid.SearchReply,
namespace field {
enum : std::uint32_t { id = 1, status = 2, reason = 3, through = 4, head = 5, building = 6, hits = 15, more = 16 };
}
// and of grid.SearchHit.
namespace hit_field {
enum : std::uint32_t { key = 1, stamp = 2, rank = 3, expires_ms = 4, highlights = 5 };
}

// The bits of a number that has a place in the order of hits.
double as_rank(FieldWalk& walk) {
  const double rank = std::bit_cast<double>(walk.as_fixed64());
  if (!std::isfinite(rank)) walk.fail();
  return rank;
}

bool is_text(std::string_view text) { return text.find('\0') == std::string_view::npos && crdt::is_utf8(text); }

Status check_key(std::string_view key) { return as_frame_status(crdt::check_name({"map", key, {}})); }

Status check(const SearchAsk& ask) {
  if (ask.id == 0) return Status::corrupt;
  const bool is_over = ask.text.empty() && ask.limit == 0 && ask.after_key.empty() && ask.after_rank == 0 && !ask.watch;
  if (ask.map.empty()) return is_over ? Status::ok : Status::corrupt;
  GRID_TRY(as_frame_status(crdt::check_map_name(ask.map)));
  if (ask.text.size() > kSearchTextBytesMax) return Status::too_large;
  if (!is_text(ask.text) || ask.limit > kSearchHitsMax) return Status::corrupt;
  if (ask.after_key.empty()) return ask.after_rank == 0 ? Status::ok : Status::corrupt;
  return check_key(ask.after_key);
}

void put_fields(const SearchHit& hit, Out& out) {
  std::uint8_t stamp[crdt::Stamp::kBytes];
  hit.stamp.write(stamp);
  out.text_field(hit_field::key, hit.key);
  out.bytes_field(hit_field::stamp, stamp);
  out.fixed64_field(hit_field::rank, std::bit_cast<std::uint64_t>(hit.rank));
  out.number_field(hit_field::expires_ms, hit.expires_ms);
  out.bytes_field(hit_field::highlights, hit.highlights);
}

Status read(Bytes bytes, SearchHit& hit) {
  hit = {};
  FieldWalk walk(bytes);
  while (walk.next()) {
    if (walk.number() == hit_field::key) hit.key = as_text(walk.as_bytes());
    if (walk.number() == hit_field::rank) hit.rank = as_rank(walk);
    if (walk.number() == hit_field::expires_ms) hit.expires_ms = walk.as_number();
    if (walk.number() == hit_field::highlights) hit.highlights = walk.as_bytes();
    if (walk.number() != hit_field::stamp) continue;
    const Bytes stamp = walk.as_bytes();
    if (stamp.size() != crdt::Stamp::kBytes) return Status::corrupt;
    hit.stamp = crdt::Stamp::read(stamp.data());
  }
  GRID_TRY(walk.status());
  if (hit.stamp.is_none()) return Status::corrupt;
  if (!hit.highlights.empty()) {
    const bool is_value = crdt::check_value(hit.highlights) == Status::ok;
    if (!is_value || crdt::Value(hit.highlights).kind() != crdt::ValueKind::record) return Status::corrupt;
  }
  return check_key(hit.key);
}

}  // namespace

Bytes encode(const SearchAsk& ask, MutBytes room) {
  GRID_CHECK(room.size() >= kSearchAskBytesMax);
  room[0] = static_cast<std::uint8_t>(Kind::search_ask);
  Out out(room, 1);
  out.number_field(ask_field::id, ask.id);
  out.text_field(ask_field::map, ask.map);
  out.text_field(ask_field::text, ask.text);
  out.number_field(ask_field::limit, ask.limit);
  out.fixed64_field(ask_field::after_rank, std::bit_cast<std::uint64_t>(ask.after_rank));
  out.text_field(ask_field::after_key, ask.after_key);
  out.number_field(ask_field::watch, ask.watch);
  GRID_CHECK(out.ok());
  return room.first(out.size());
}

Status decode(Bytes frame, SearchAsk& out) {
  out = {};
  if (frame.empty() || frame[0] != static_cast<std::uint8_t>(Kind::search_ask)) return Status::corrupt;
  FieldWalk walk(frame.subspan(1));
  while (walk.next()) {
    if (walk.number() == ask_field::id) out.id = static_cast<std::uint32_t>(walk.as_number_up_to(kIdMax));
    if (walk.number() == ask_field::map) out.map = as_text(walk.as_bytes());
    if (walk.number() == ask_field::text) out.text = as_text(walk.as_bytes());
    if (walk.number() == ask_field::limit) out.limit = static_cast<std::uint32_t>(walk.as_number_up_to(kSearchHitsMax));
    if (walk.number() == ask_field::after_rank) out.after_rank = as_rank(walk);
    if (walk.number() == ask_field::after_key) out.after_key = as_text(walk.as_bytes());
    if (walk.number() == ask_field::watch) out.watch = walk.as_bool();
  }
  GRID_TRY(walk.status());
  return check(out);
}

SearchReplyWriter::SearchReplyWriter(const SearchHead& head, MutBytes room) : room_(room) {
  GRID_CHECK(room.size() >= kHeadBytesMax);
  room_[0] = static_cast<std::uint8_t>(Kind::search_reply);
  std::string_view reason = head.reason.substr(0, kSearchReasonBytesMax);
  while (!crdt::is_utf8(reason)) reason.remove_suffix(1);  // A character that was cut.
  Out out(room_, size_);
  out.number_field(field::id, head.id);
  out.number_field(field::status, static_cast<std::uint64_t>(head.status));
  out.text_field(field::reason, reason);
  out.number_field(field::through, head.through);
  out.number_field(field::head, head.head);
  out.number_field(field::building, head.building);
  size_ = out.size();
}

bool SearchReplyWriter::add(const SearchHit& hit) {
  constexpr std::size_t kMoreBytes = 3;
  Out counted;
  put_fields(hit, counted);
  Out out(room_.first(room_.size() - kMoreBytes), size_);
  out.open_field(field::hits, counted.size());
  if (out.ok()) put_fields(hit, out);
  if (out.ok()) size_ = out.size();
  return out.ok();
}

Bytes SearchReplyWriter::finish(bool more) {
  Out out(room_, size_);
  out.number_field(field::more, more);
  return room_.first(out.size());
}

Status SearchReplyReader::open(Bytes frame) {
  head_ = {};
  rest_ = {};
  status_ = Status::corrupt;
  if (frame.empty() || frame[0] != static_cast<std::uint8_t>(Kind::search_reply)) return status_;
  status_ = read_head(frame.subspan(1));
  if (status_ == Status::ok) rest_ = frame.subspan(1);
  return status_;
}

Status SearchReplyReader::read_head(Bytes body) {
  FieldWalk walk(body);
  while (walk.next()) {
    if (walk.number() == field::id) head_.id = static_cast<std::uint32_t>(walk.as_number_up_to(kIdMax));
    if (walk.number() == field::status) head_.status = static_cast<Status>(walk.as_number_up_to(kStatusMax));
    if (walk.number() == field::reason) head_.reason = as_text(walk.as_bytes());
    if (walk.number() == field::through) head_.through = walk.as_number();
    if (walk.number() == field::head) head_.head = walk.as_number();
    if (walk.number() == field::building) head_.building = walk.as_number();
    if (walk.number() == field::more) head_.more = walk.as_bool();
  }
  GRID_TRY(walk.status());
  if (head_.reason.size() > kSearchReasonBytesMax) return Status::too_large;
  return head_.id != 0 && is_text(head_.reason) ? Status::ok : Status::corrupt;
}

bool SearchReplyReader::next(SearchHit& hit) {
  while (status_ == Status::ok && !rest_.empty()) {
    FieldWalk walk(rest_);
    GRID_CHECK(walk.next());  // open() has walked all of it.
    rest_ = walk.rest();
    if (walk.number() != field::hits) continue;
    const Bytes bytes = walk.as_bytes();
    status_ = walk.status() == Status::ok ? read(bytes, hit) : walk.status();
    if (status_ == Status::ok) return true;
  }
  return false;
}

}  // namespace grid::wire
