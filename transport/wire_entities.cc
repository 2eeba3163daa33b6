// SPDX-License-Identifier: Apache-2.0

#include "transport/wire_entities.h"

#include "crdt/base/check.h"
#include "crdt/value.h"
#include "transport/walk.h"
#include "transport/wire_rules.h"

namespace grid::wire {

namespace {

// Field numbers of grid.EntitiesAsk,
namespace ask_field {
enum : std::uint32_t { id = 1, map = 2, question = 3, inputs = 4, limit = 5 };
}
// and of grid.EntitiesReply.
namespace field {
enum : std::uint32_t { id = 1, status = 2, reason = 3, more = 4, entities = 15 };
}

bool is_text(std::string_view text) { return text.find('\0') == std::string_view::npos && crdt::is_utf8(text); }

Status check(const EntitiesAsk& ask) {
  if (ask.id == 0) return Status::corrupt;
  const bool is_over = ask.question.empty() && ask.inputs.empty() && ask.limit == 0;
  if (ask.map.empty()) return is_over ? Status::ok : Status::corrupt;
  GRID_TRY(as_frame_status(crdt::check_map_name(ask.map)));
  if (ask.question.size() > kQuestionBytesMax || ask.inputs.size() > kQuestionInputsBytesMax) return Status::too_large;
  if (ask.question.empty() || !is_text(ask.question) || ask.limit == 0) return Status::corrupt;
  if (ask.inputs.empty()) return Status::ok;
  const bool is_value = crdt::check_value(ask.inputs) == Status::ok;
  return is_value && crdt::Value(ask.inputs).kind() == crdt::ValueKind::list ? Status::ok : Status::corrupt;
}

}  // namespace

Bytes encode(const EntitiesAsk& ask, MutBytes room) {
  GRID_CHECK(room.size() >= kEntitiesAskBytesMax);
  room[0] = static_cast<std::uint8_t>(Kind::entities_ask);
  Out out(room, 1);
  out.number_field(ask_field::id, ask.id);
  out.text_field(ask_field::map, ask.map);
  out.text_field(ask_field::question, ask.question);
  out.bytes_field(ask_field::inputs, ask.inputs);
  out.number_field(ask_field::limit, ask.limit);
  GRID_CHECK(out.ok());
  return room.first(out.size());
}

Status decode(Bytes frame, EntitiesAsk& out) {
  out = {};
  if (frame.empty() || frame[0] != static_cast<std::uint8_t>(Kind::entities_ask)) return Status::corrupt;
  FieldWalk walk(frame.subspan(1));
  while (walk.next()) {
    if (walk.number() == ask_field::id) out.id = static_cast<std::uint32_t>(walk.as_number_up_to(kIdMax));
    if (walk.number() == ask_field::map) out.map = as_text(walk.as_bytes());
    if (walk.number() == ask_field::question) out.question = as_text(walk.as_bytes());
    if (walk.number() == ask_field::inputs) out.inputs = walk.as_bytes();
    if (walk.number() == ask_field::limit) out.limit = static_cast<std::uint32_t>(walk.as_number_up_to(kEntitiesMax));
  }
  GRID_TRY(walk.status());
  return check(out);
}

EntitiesReplyWriter::EntitiesReplyWriter(const EntitiesHead& head, MutBytes room) : room_(room) {
  GRID_CHECK(room.size() >= kHeadBytesMax);
  room_[0] = static_cast<std::uint8_t>(Kind::entities_reply);
  std::string_view reason = head.reason.substr(0, kEntitiesReasonBytesMax);
  while (!crdt::is_utf8(reason)) reason.remove_suffix(1);  // A character that was cut.
  Out out(room_, size_);
  out.number_field(field::id, head.id);
  out.number_field(field::status, static_cast<std::uint64_t>(head.status));
  out.text_field(field::reason, reason);
  out.number_field(field::more, head.more);
  size_ = out.size();
}

bool EntitiesReplyWriter::add(std::string_view key) {
  Out out(room_, size_);
  out.text_field(field::entities, key);
  if (out.ok()) size_ = out.size();
  return out.ok();
}

Status EntitiesReplyReader::open(Bytes frame) {
  head_ = {};
  rest_ = {};
  status_ = Status::corrupt;
  if (frame.empty() || frame[0] != static_cast<std::uint8_t>(Kind::entities_reply)) return status_;
  status_ = read_head(frame.subspan(1));
  if (status_ == Status::ok) rest_ = frame.subspan(1);
  return status_;
}

Status EntitiesReplyReader::read_head(Bytes body) {
  FieldWalk walk(body);
  while (walk.next()) {
    if (walk.number() == field::id) head_.id = static_cast<std::uint32_t>(walk.as_number_up_to(kIdMax));
    if (walk.number() == field::status) head_.status = static_cast<Status>(walk.as_number_up_to(kStatusMax));
    if (walk.number() == field::reason) head_.reason = as_text(walk.as_bytes());
    if (walk.number() == field::more) head_.more = walk.as_bool();
  }
  GRID_TRY(walk.status());
  if (head_.reason.size() > kEntitiesReasonBytesMax) return Status::too_large;
  return head_.id != 0 && is_text(head_.reason) ? Status::ok : Status::corrupt;
}

bool EntitiesReplyReader::next(std::string_view& key) {
  while (status_ == Status::ok && !rest_.empty()) {
    FieldWalk walk(rest_);
    GRID_CHECK(walk.next());  // open() has walked all of it.
    rest_ = walk.rest();
    if (walk.number() != field::entities) continue;
    key = as_text(walk.as_bytes());
    status_ = walk.status() == Status::ok ? as_frame_status(crdt::check_name({"map", key, {}})) : walk.status();
    if (status_ == Status::ok) return true;
  }
  return false;
}

}  // namespace grid::wire
