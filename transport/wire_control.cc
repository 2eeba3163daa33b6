// SPDX-License-Identifier: Apache-2.0
//
// Control messages: nanopb moves the fields, the rules here decide whether they may be believed.
#include <pb_common.h>
#include <pb_decode.h>
#include <pb_encode.h>

#include <cstring>

#include "crdt/base/check.h"
#include "transport/walk.h"
#include "transport/wire.h"
#include "transport/wire_rules.h"

namespace grid::wire {

namespace {

static_assert(grid_Hello_size < kControlBytesMax && grid_Welcome_size < kControlBytesMax);
static_assert(grid_Subscribe_size < kControlBytesMax && grid_Current_size < kControlBytesMax);
static_assert(grid_Bye_size < kControlBytesMax && grid_InspectAsk_size < kControlBytesMax);

constexpr std::uint32_t kQualityMax = 3;
constexpr std::uint32_t kScopeKindMax = 6;
constexpr std::uint32_t kPullModeMax = 2;

Bytes encode_message(Kind kind, const pb_msgdesc_t* fields, const void* message, MutBytes room) {
  GRID_CHECK(room.size() >= kControlBytesMax);
  room[0] = static_cast<std::uint8_t>(kind);
  pb_ostream_t stream = pb_ostream_from_buffer(room.data() + 1, room.size() - 1);
  GRID_CHECK(pb_encode(&stream, fields, message));
  return room.first(stream.bytes_written + 1);
}

Status check_text(Bytes text) {
  const bool has_nul = !text.empty() && std::memchr(text.data(), 0, text.size()) != nullptr;
  return has_nul || !crdt::is_utf8(as_text(text)) ? Status::corrupt : Status::ok;
}

// What nanopb would cut, bend or report without saying why: text with a NUL or that isn't UTF-8, lengths, truths.
Status check_field(const pb_field_iter_t& field, const FieldWalk& walk) {
  switch (PB_LTYPE(field.type)) {
    case PB_LTYPE_STRING:  // `data_size` has room for the NUL.
      if (walk.bytes().size() >= field.data_size) return Status::too_large;
      return check_text(walk.bytes());
    case PB_LTYPE_BYTES:
      return walk.bytes().size() > field.data_size - offsetof(pb_bytes_array_t, bytes) ? Status::too_large : Status::ok;
    case PB_LTYPE_BOOL:
      return walk.type() == FieldType::varint && walk.value() > 1 ? Status::corrupt : Status::ok;
    default:
      return Status::ok;
  }
}

Status check_fields(Bytes body, const pb_msgdesc_t* fields, void* message) {
  FieldWalk walk(body);
  while (walk.next()) {
    pb_field_iter_t field;
    if (!pb_field_iter_begin(&field, fields, message) || !pb_field_iter_find(&field, walk.number())) continue;
    GRID_TRY(check_field(field, walk));
  }
  return walk.status();
}

Status decode_message(Kind kind, Bytes frame, const pb_msgdesc_t* fields, void* message) {
  if (frame.empty() || frame[0] != static_cast<std::uint8_t>(kind)) return Status::corrupt;
  const Bytes body = frame.subspan(1);
  GRID_TRY(check_fields(body, fields, message));
  pb_istream_t stream = pb_istream_from_buffer(body.data(), body.size());
  return pb_decode(&stream, fields, message) ? Status::ok : Status::corrupt;
}

Status ok_if(bool holds) { return holds ? Status::ok : Status::corrupt; }

Status check(const grid_Hello& hello) {
  GRID_TRY(as_frame_status(crdt::check_map_name(hello.app)));
  return ok_if(hello.protocol_min >= 1 && hello.protocol_min <= hello.protocol_max && hello.node != 0 &&
               hello.quality <= kQualityMax && hello.frame_bytes_max >= kControlBytesMax);
}

Status check(const grid_Welcome& welcome) {
  return ok_if(welcome.protocol >= 1 && welcome.frame_bytes_max >= kControlBytesMax && welcome.window_ops >= 1);
}

Status check(const grid_Subscribe& subscribe) {
  const std::string_view map = subscribe.map;
  const std::string_view text = subscribe.text;
  if (subscribe.kind > kScopeKindMax) return Status::corrupt;
  const ScopeKind kind = static_cast<ScopeKind>(subscribe.kind);
  if (kind == ScopeKind::everything) return ok_if(map.empty() && text.empty());
  if (kind == ScopeKind::map && !text.empty()) return Status::corrupt;
  const bool is_told_by_text = kind == ScopeKind::where || kind == ScopeKind::facts;
  if (is_told_by_text && text.empty()) return Status::corrupt;
  if (kind <= ScopeKind::prefix && text.empty()) return as_frame_status(crdt::check_map_name(map));
  if (is_told_by_text) return crdt::is_utf8(text) ? as_frame_status(crdt::check_map_name(map)) : Status::corrupt;
  return as_frame_status(crdt::check_name({map, text, {}}));
}

Status check(const grid_Subscribed& subscribed) {
  const bool refused = subscribed.mode == static_cast<std::uint32_t>(PullMode::refused);
  return ok_if(subscribed.mode <= kPullModeMax && subscribed.status <= kStatusMax &&
               refused == (subscribed.status != 0));
}

Status check(const grid_Bye& bye) { return ok_if(bye.status <= kStatusMax); }

template <typename Message>
Status check(const Message&) {
  return Status::ok;
}

}  // namespace

Result<Kind> kind_of(Bytes frame) {
  if (frame.empty() || frame[0] < static_cast<std::uint8_t>(Kind::hello) ||
      frame[0] > static_cast<std::uint8_t>(Kind::entities_reply)) {
    return Status::corrupt;
  }
  return static_cast<Kind>(frame[0]);
}

#define GRID_CONTROL_MESSAGE(name, kind)                               \
  Bytes encode(const grid_##name& message, MutBytes room) {            \
    return encode_message(kind, grid_##name##_fields, &message, room); \
  }                                                                    \
  Status decode(Bytes frame, grid_##name& out) {                       \
    GRID_TRY(decode_message(kind, frame, grid_##name##_fields, &out)); \
    return check(out);                                                 \
  }

GRID_CONTROL_MESSAGE(Hello, Kind::hello)
GRID_CONTROL_MESSAGE(Welcome, Kind::welcome)
GRID_CONTROL_MESSAGE(Subscribe, Kind::subscribe)
GRID_CONTROL_MESSAGE(Subscribed, Kind::subscribed)
GRID_CONTROL_MESSAGE(Unsubscribe, Kind::unsubscribe)
GRID_CONTROL_MESSAGE(Ack, Kind::ack)
GRID_CONTROL_MESSAGE(Current, Kind::current)
GRID_CONTROL_MESSAGE(PullAck, Kind::pull_ack)
GRID_CONTROL_MESSAGE(Verify, Kind::verify)
GRID_CONTROL_MESSAGE(Bye, Kind::bye)
GRID_CONTROL_MESSAGE(InspectAsk, Kind::inspect_ask)

#undef GRID_CONTROL_MESSAGE

}  // namespace grid::wire
