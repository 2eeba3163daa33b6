// SPDX-License-Identifier: Apache-2.0
//
// Control messages: into the structs that nanopb's generator makes of grid.proto and back, by the lists of fields that
// it makes along with them. What walks them is walk.h, as it walks all else; the rules here decide whether they may be
// believed. nanopb's own runtime would take a chip 5 KB more (docs/decisions/0018), and cut, bend or report without
// saying why what check_text() and the limits refuse; the tests hold both to the same bytes.
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
constexpr std::uint32_t kScopeKindMax = 4;
constexpr std::uint32_t kPullModeMax = 2;

// A field of a message: its number, one of nanopb's PB_LTYPE_*, and where it lies in the struct.
struct Field {
  std::uint8_t number;
  std::uint8_t type;
  std::uint16_t at;
  std::uint16_t size;
};
using Fields = std::span<const Field>;
constexpr std::size_t kCountBytes = offsetof(pb_bytes_array_t, bytes);  // Before the bytes of PB_LTYPE_BYTES.

bool is_wide(const Field& field) { return field.size == sizeof(std::uint64_t); }

std::uint64_t number_at(const Field& field, const std::uint8_t* at) {
  return is_wide(field) ? *reinterpret_cast<const std::uint64_t*>(at) : *reinterpret_cast<const std::uint32_t*>(at);
}

void put_field(Out& out, const Field& field, const std::uint8_t* at) {
  switch (field.type) {
    case PB_LTYPE_STRING:  // `size` has room for the NUL.
      return out.text_field(field.number, reinterpret_cast<const char*>(at));
    case PB_LTYPE_BYTES: {
      const std::size_t count = reinterpret_cast<const pb_bytes_array_t*>(at)->size;
      GRID_CHECK(count <= field.size - kCountBytes);
      return out.bytes_field(field.number, {at + kCountBytes, count});
    }
    case PB_LTYPE_BOOL:
      return out.number_field(field.number, *at);
    case PB_LTYPE_FIXED64:
      return out.fixed64_field(field.number, number_at(field, at));
    default:
      return out.number_field(field.number, number_at(field, at));
  }
}

Bytes encode_message(Kind kind, Fields fields, const void* message, MutBytes room) {
  GRID_CHECK(room.size() >= kControlBytesMax);
  Out out(room);
  out.put_byte(static_cast<std::uint8_t>(kind));
  for (const Field& field : fields) put_field(out, field, static_cast<const std::uint8_t*>(message) + field.at);
  return room.first(out.size());
}

Status check_text(Bytes text) {
  const bool has_nul = !text.empty() && std::memchr(text.data(), 0, text.size()) != nullptr;
  return has_nul || !crdt::is_utf8(as_text(text)) ? Status::corrupt : Status::ok;
}

void keep_number(std::uint64_t number, const Field& field, std::uint8_t* at) {
  if (is_wide(field)) *reinterpret_cast<std::uint64_t*>(at) = number;
  if (!is_wide(field)) *reinterpret_cast<std::uint32_t*>(at) = static_cast<std::uint32_t>(number);
}

// A field that comes twice is what it is the second time.
Status take_field(FieldWalk& walk, const Field& field, std::uint8_t* at) {
  const bool is_sized = field.type == PB_LTYPE_STRING || field.type == PB_LTYPE_BYTES;
  const Bytes bytes = is_sized ? walk.as_bytes() : Bytes{};
  switch (field.type) {
    case PB_LTYPE_STRING:
      if (bytes.size() >= field.size) return Status::too_large;
      copy(bytes, {at, field.size})[0] = 0;
      return check_text(bytes);
    case PB_LTYPE_BYTES:
      if (bytes.size() > field.size - kCountBytes) return Status::too_large;
      reinterpret_cast<pb_bytes_array_t*>(at)->size = static_cast<pb_size_t>(bytes.size());
      copy(bytes, {at + kCountBytes, bytes.size()});
      return Status::ok;
    case PB_LTYPE_BOOL:
      *reinterpret_cast<bool*>(at) = walk.as_bool();
      return Status::ok;
    case PB_LTYPE_FIXED64:
      keep_number(walk.as_fixed64(), field, at);
      return Status::ok;
    default:
      keep_number(walk.as_number_up_to(is_wide(field) ? UINT64_MAX : UINT32_MAX), field, at);
      return Status::ok;
  }
}

// `message` is all zero.
Status decode_message(Kind kind, Bytes frame, Fields fields, void* message) {
  if (frame.empty() || frame[0] != static_cast<std::uint8_t>(kind)) return Status::corrupt;
  FieldWalk walk(frame.subspan(1));
  while (walk.next()) {
    for (const Field& field : fields) {
      if (field.number == walk.number())
        GRID_TRY(take_field(walk, field, static_cast<std::uint8_t*>(message) + field.at));
    }
  }
  return walk.status();
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
  if (kind == ScopeKind::where && text.empty()) return Status::corrupt;
  if (kind != ScopeKind::key && text.empty()) return as_frame_status(crdt::check_map_name(map));
  if (kind == ScopeKind::where)
    return crdt::is_utf8(text) ? as_frame_status(crdt::check_map_name(map)) : Status::corrupt;
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
      frame[0] > static_cast<std::uint8_t>(Kind::search_reply)) {
    return Status::corrupt;
  }
  return static_cast<Kind>(frame[0]);
}

// Of nanopb's lists: X(message, allocation, repetition, type, name, number).
#define GRID_FIELD(message, allocation, repetition, type, name, number) \
  {number, PB_LTYPE_MAP_##type, offsetof(message, name), sizeof(message::name)},

#define GRID_CONTROL_MESSAGE(name, kind)                                                         \
  static constexpr Field k##name##Fields[] = {grid_##name##_FIELDLIST(GRID_FIELD, grid_##name)}; \
  Bytes encode(const grid_##name& message, MutBytes room) {                                      \
    return encode_message(kind, k##name##Fields, &message, room);                                \
  }                                                                                              \
  Status decode(Bytes frame, grid_##name& out) {                                                 \
    out = {};                                                                                    \
    GRID_TRY(decode_message(kind, frame, k##name##Fields, &out));                                \
    return check(out);                                                                           \
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
#undef GRID_FIELD

}  // namespace grid::wire
