// SPDX-License-Identifier: Apache-2.0
//
// Ops frames: written op by op into the room, read op by op out of the frame.
#include <algorithm>

#include "crdt/base/check.h"
#include "crdt/stub.h"
#include "crdt/value.h"
#include "transport/walk.h"
#include "transport/wire.h"
#include "transport/wire_rules.h"

namespace grid::wire {

namespace {

using crdt::Op;
using crdt::Stamp;

// Field numbers of grid.Ops and grid.Op.
namespace head_field {
enum : std::uint32_t {
  id = 1,
  map = 2,
  cursor = 3,
  fork_token = 4,
  status = 5,
  wall_ms = 6,
  last = 7,
  reason = 8,
  ops = 15
};
}
namespace op_field {
enum : std::uint32_t { seq = 1, map, key, sub, stamp, expires_ms, value, base, quality, was_applied, kind, batch_left };
}

constexpr std::uint64_t kQualityMax = 3;
constexpr std::uint64_t kKindEvicted = 1;
constexpr std::uint64_t kUnitLeftMax = 255;
// What finish() may still have to write: the cursor and `last`.
constexpr std::size_t kTailBytes = 2 + OpsWriter::kCursorBytesMax + 2;
constexpr std::size_t kHeadBytesMax = OpsWriter::kHeadBytesMax;
static_assert(kHeadBytesMax == 1 + 6 + 2 + kMapBytesMax + 9 + 2 + 11 + kTailBytes && kHeadBytesMax <= kControlBytesMax);

void put_stamp(Out& out, std::uint32_t number, const Stamp& stamp) {
  if (stamp.is_none()) return;
  std::uint8_t bytes[Stamp::kBytes];
  stamp.write(bytes);
  out.bytes_field(number, bytes);
}

// The map is written only where it isn't the head's.
void put_op(Out& out, const Op& op, std::string_view head_map, bool in_units) {
  const crdt::Cell& cell = op.cell;
  out.number_field(op_field::seq, op.seq);
  if (cell.name.map != head_map) out.text_field(op_field::map, cell.name.map);
  out.text_field(op_field::key, cell.name.key);
  out.text_field(op_field::sub, cell.name.sub);
  put_stamp(out, op_field::stamp, cell.stamp);
  out.number_field(op_field::expires_ms, cell.expires_ms);
  out.bytes_field(op_field::value, cell.value);
  put_stamp(out, op_field::base, op.base);
  out.number_field(op_field::quality, static_cast<std::uint8_t>(op.quality));
  out.number_field(op_field::was_applied, op.was_applied);
  out.number_field(op_field::kind, op.evicted ? kKindEvicted : 0);
  if (in_units) out.number_field(op_field::batch_left, op.unit.left);
}

std::size_t op_bytes(const Op& op, std::string_view head_map, bool in_units) {
  Out count;
  put_op(count, op, head_map, in_units);
  return count.size();
}

bool has_ops(Kind kind) {
  switch (kind) {
    case Kind::push:
    case Kind::reject:
    case Kind::delta:
    case Kind::cells_ask:
    case Kind::heal:
    case Kind::inspect_reply:
      return true;
    default:
      return false;
  }
}

Stamp take_stamp(FieldWalk& walk) {
  const Bytes bytes = walk.as_bytes();
  if (bytes.size() == Stamp::kBytes) return Stamp::read(bytes.data());
  walk.fail();
  return {};
}

// An op as it stands in the frame, with what Op has no member for.
struct RawOp {
  Op& op;
  bool has_value = false;
  bool is_foreign = false;  // It uses what this release keeps for later ones.
};

void take_kind(std::uint64_t kind, RawOp& raw) {
  raw.op.evicted = kind == kKindEvicted;
  raw.is_foreign = raw.is_foreign || kind > kKindEvicted;
}

void take_field(FieldWalk& walk, RawOp& raw) {
  crdt::Cell& cell = raw.op.cell;
  switch (walk.number()) {
    case op_field::seq:
      raw.op.seq = walk.as_number();
      break;
    case op_field::map:
      cell.name.map = as_text(walk.as_bytes());
      break;
    case op_field::key:
      cell.name.key = as_text(walk.as_bytes());
      break;
    case op_field::sub:
      cell.name.sub = as_text(walk.as_bytes());
      break;
    case op_field::stamp:
      cell.stamp = take_stamp(walk);
      break;
    case op_field::expires_ms:
      cell.expires_ms = walk.as_number();
      break;
    case op_field::value:
      cell.value = walk.as_bytes();
      raw.has_value = true;
      break;
    case op_field::base:
      raw.op.base = take_stamp(walk);
      break;
    case op_field::quality:
      raw.op.quality = static_cast<crdt::ClockQuality>(walk.as_number_up_to(kQualityMax));
      break;
    case op_field::was_applied:
      raw.op.was_applied = walk.as_bool();
      break;
    case op_field::batch_left:
      raw.op.unit.left = static_cast<std::uint8_t>(walk.as_number_up_to(kUnitLeftMax));
      break;
    case op_field::kind:
      take_kind(walk.as_number(), raw);
      break;
    default:
      break;
  }
}

// Names that may be anything: an answer to an inspection has topics for keys, and a reject may answer an op whose name
// was the trouble.
bool is_name_free(Kind kind, const crdt::CellName& name) {
  return kind == Kind::inspect_reply || (kind == Kind::reject && name.key.empty());
}

bool is_stamped(Kind kind, const crdt::Cell& cell) {
  if (kind == Kind::inspect_reply || !cell.stamp.is_none()) return true;
  return cell.is_tombstone() && cell.expires_ms == 0 && kind != Kind::push && kind != Kind::heal;
}

Status check_op(Kind kind, const RawOp& raw) {
  const crdt::Cell& cell = raw.op.cell;
  if (raw.is_foreign || (raw.op.unit.left != 0 && kind != Kind::push)) return Status::invalid;
  if (raw.op.evicted && (kind != Kind::delta || !cell.stamp.is_none())) return Status::invalid;
  if (!is_name_free(kind, cell.name)) GRID_TRY(crdt::check_name(cell.name));
  if (!is_stamped(kind, cell)) return Status::corrupt;
  if (!raw.has_value) return Status::ok;
  if (cell.value.size() > kValueBytesMax) return Status::too_large;
  // Devices are given stubs, and show them; they write none.
  const bool may_be_stub = kind == Kind::delta || kind == Kind::reject || kind == Kind::inspect_reply;
  if (may_be_stub && crdt::Stub::is(cell.value)) return Status::ok;
  return crdt::check_value(cell.value);
}

void take_head_field(FieldWalk& walk, OpsHead& head) {
  switch (walk.number()) {
    case head_field::id:
      head.id = static_cast<std::uint32_t>(walk.as_number_up_to(kIdMax));
      break;
    case head_field::map:
      head.map = as_text(walk.as_bytes());
      break;
    case head_field::cursor:
      head.cursor = walk.as_bytes();
      break;
    case head_field::fork_token:
      head.fork_token = walk.as_fixed64();
      break;
    case head_field::status:
      head.status = static_cast<Status>(walk.as_number_up_to(kStatusMax));
      break;
    case head_field::wall_ms:
      head.wall_ms = walk.as_number();
      break;
    case head_field::last:
      head.last = walk.as_bool();
      break;
    case head_field::reason:
      head.reason = as_text(walk.as_bytes());
      break;
    case head_field::ops:
      static_cast<void>(walk.as_bytes());
      break;
    default:
      break;
  }
}

}  // namespace

OpsWriter::OpsWriter(Kind kind, const OpsHead& head, MutBytes room, std::uint32_t value_bytes_max)
    : room_(room), value_bytes_max_(value_bytes_max), in_units_(kind == Kind::push) {
  GRID_CHECK(has_ops(kind) && room.size() >= kHeadBytesMax && head.map.size() <= kMapBytesMax);
  Out out(room_);
  out.put_byte(static_cast<std::uint8_t>(kind));
  out.number_field(head_field::id, head.id);
  out.text_field(head_field::map, head.map);
  // Kept as it stands in the room: the caller's may go away.
  map_ = as_text(room_.subspan(out.size() - head.map.size(), head.map.size()));
  out.fixed64_field(head_field::fork_token, head.fork_token);
  out.number_field(head_field::status, static_cast<std::uint8_t>(head.status));
  out.number_field(head_field::wall_ms, head.wall_ms);
  size_ = out.size();
}

// PROTOCOL P15: what is too large for the peer must not stall what comes behind it.
bool OpsWriter::add(const Op& op) {
  const bool is_limited = value_bytes_max_ != kAnyValue && !op.cell.is_tombstone();
  if (!is_limited || (op.cell.value.size() <= value_bytes_max_ && frame_bytes(op) <= room_.size())) return put(op);
  std::uint8_t bytes[crdt::Stub::kBytes];
  crdt::Stub::of(op.cell).write(bytes);
  Op stub = op;
  stub.cell.value = bytes;
  return put(stub);
}

bool OpsWriter::put(const Op& op) {
  const std::size_t bytes = op_bytes(op, map_, in_units_);
  Out out(room_.first(room_.size() - kTailBytes), size_);
  out.open_field(head_field::ops, bytes);
  if (!out.ok() || bytes > room_.size() - kTailBytes - out.size()) return false;
  put_op(out, op, map_, in_units_);
  size_ = out.size();
  ++count_;
  return true;
}

Bytes OpsWriter::finish(Bytes cursor, bool last) {
  GRID_CHECK(cursor.size() <= kCursorBytesMax);
  Out out(room_, size_);
  out.bytes_field(head_field::cursor, cursor);
  out.number_field(head_field::last, last);
  return room_.first(out.size());
}

Bytes OpsWriter::finish_with(std::string_view reason) {
  const std::size_t left = room_.size() - size_;
  std::size_t size = std::min({reason.size(), kReasonBytesMax, left > 2 ? left - 2 : 0});
  // Not in the middle of a character.
  while (size > 0 && size < reason.size() && (static_cast<std::uint8_t>(reason[size]) & 0xc0) == 0x80) --size;
  Out out(room_, size_);
  out.text_field(head_field::reason, reason.substr(0, size));
  return room_.first(out.size());
}

std::size_t OpsWriter::frame_bytes(const Op& op) {
  const std::size_t bytes = op_bytes(op, {}, true);
  return kHeadBytesMax + 1 + varint_bytes(bytes) + bytes;
}

Status OpsReader::open(Bytes frame) {
  const Result<Kind> kind = kind_of(frame);
  if (!kind.ok() || !has_ops(*kind)) return Status::corrupt;
  kind_ = *kind;
  head_ = {};
  rest_ = frame.subspan(1);
  status_ = Status::ok;
  FieldWalk walk(rest_);
  while (walk.next()) take_head_field(walk, head_);
  GRID_TRY(walk.status());
  if (head_.cursor.size() > OpsWriter::kCursorBytesMax) return Status::too_large;
  if (head_.reason.size() > OpsWriter::kReasonBytesMax) return Status::too_large;
  if (!crdt::is_utf8(head_.reason)) return Status::corrupt;
  return head_.map.empty() ? Status::ok : as_frame_status(crdt::check_map_name(head_.map));
}

bool OpsReader::next(Op& op) {
  FieldWalk frame(rest_);
  do {
    if (!frame.next()) return false;
  } while (frame.number() != head_field::ops);
  rest_ = frame.rest();

  op = {};
  op.cell.name.map = head_.map;
  RawOp raw{op};
  FieldWalk walk(frame.bytes());
  while (walk.next()) take_field(walk, raw);
  status_ = walk.status() == Status::ok ? check_op(kind_, raw) : walk.status();
  return true;
}

}  // namespace grid::wire
