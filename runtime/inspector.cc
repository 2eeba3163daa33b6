// SPDX-License-Identifier: Apache-2.0

#include "runtime/inspector.h"

#include "crdt/base/check.h"

namespace grid::runtime {

using crdt::CellName;
using crdt::Op;
using wire::Kind;

namespace {

constexpr std::string_view kMap = "inspect";
// Between the front of the room, where the frame grows, and the value that is going to stand in it.
constexpr std::size_t kBeforeValueBytes = 128;

Bytes refuse(std::uint32_t id, Status status, MutBytes room) {
  wire::OpsWriter reply(Kind::inspect_reply, {.id = id, .status = status}, room);
  return reply.finish({}, true);
}

// An op that no frame of this room can hold: its name, so that the next ask may go on behind it.
Bytes name_only(std::uint32_t id, const Op& op, MutBytes room) {
  wire::OpsWriter reply(Kind::inspect_reply, {.id = id, .status = Status::too_large}, room);
  reply.add({.seq = op.seq, .cell = {op.cell.name, {}}});
  return reply.finish();
}

Bytes one_value(std::uint32_t id, const CellName& name, crdt::ValueWriter& writer, bool last, MutBytes room) {
  const Result<Bytes> value = writer.finish();
  if (!value.ok()) return refuse(id, Status::too_large, room);
  wire::OpsWriter reply(Kind::inspect_reply, {.id = id, .map = kMap}, room);
  if (!reply.add({.cell = {name, {}, 0, *value}})) return refuse(id, Status::too_large, room);
  return reply.finish({}, last);
}

MutBytes value_room(MutBytes room) { return room.subspan(kBeforeValueBytes); }

struct Number {
  const char* name;
  std::uint64_t value;
};

void put_numbers(crdt::ValueWriter& writer, std::span<const Number> numbers) {
  for (const Number& number : numbers) {
    writer.field(number.name);
    writer.integer(static_cast<std::int64_t>(number.value));
  }
}

void put_text(crdt::ValueWriter& writer, const char* name, std::string_view text) {
  writer.field(name);
  writer.text(text);
}

// Walks the store's cells from where an ask says, and keeps its place across calls on the store.
class Walk {
 public:
  Walk(storage::Store& store, const grid_InspectAsk& ask)
      : store_(store), with_(!ask.after && ask.argument[0] != '\0') {
    keep({ask.map, ask.argument, as_text({ask.sub.bytes, ask.sub.size})});
  }
  //   not_found  The end.
  Result<Op> next() {
    Result<Op> op = Status::not_found;
    if (with_) op = store_.find(place());
    with_ = false;
    if (op.status() == Status::not_found) op = store_.next_cell(place());
    if (op.ok()) keep(op->cell.name);
    return op;
  }
  CellName place() const {
    const char* const key = name_ + map_bytes_;
    return {{name_, map_bytes_}, {key, key_bytes_}, {key + key_bytes_, sub_bytes_}};
  }

 private:
  void keep(const CellName& name) {
    map_bytes_ = name.map.size();
    key_bytes_ = name.key.size();
    sub_bytes_ = name.sub.size();
    const MutBytes bytes(reinterpret_cast<std::uint8_t*>(name_), sizeof(name_));
    copy(as_bytes(name.sub), copy(as_bytes(name.key), copy(as_bytes(name.map), bytes)));
  }

  storage::Store& store_;
  bool with_;  // The place itself is still to be looked at.
  std::size_t map_bytes_ = 0;
  std::size_t key_bytes_ = 0;
  std::size_t sub_bytes_ = 0;
  char name_[kNameBytesMax];
};

}  // namespace

Result<Bytes> Inspector::answer(Bytes ask, const ReplicaStatus& status, std::uint64_t wall_ms, MutBytes room) {
  GRID_CHECK(room.size() >= kRoomBytesMin);
  grid_InspectAsk message{};  // Zeros that are no table of them.
  GRID_TRY(wire::decode(ask, message));
  const std::string_view topic = message.topic;
  if (topic == "status") return tell(message.id, status, wall_ms, room);
  if (topic == "oplog") return list_pending(message, room);
  if (topic == "digest") return sum(message, wall_ms, room);
  if (topic == "ls") return list(message, kCellsMax, wall_ms, room);
  if (topic == "get") return list(message, 1, wall_ms, room);
  return refuse(message.id, Status::not_found, room);
}

Bytes Inspector::tell(std::uint32_t id, const ReplicaStatus& status, std::uint64_t wall_ms, MutBytes room) {
  crdt::ValueWriter writer(value_room(room));
  writer.begin_record();
  put_text(writer, "app", about_.app);
  put_text(writer, "clock", crdt::name_of(status.quality));
  put_text(writer, "software", about_.software);
  put_text(writer, "reason", name_of(status.reason));
  put_text(writer, "state", name_of(status.state));
  const Number numbers[] = {{"applied", status.applied},
                            {"cells_pulled", status.figures.cells_pulled},
                            {"cells_pushed", status.figures.cells_pushed},
                            {"clock_offset_ms", static_cast<std::uint64_t>(status.clock_offset_ms)},
                            {"durable", status.durable},
                            {"epoch", status.epoch},
                            {"head", status.head},
                            {"node", status.node},
                            {"ops_pending", status.ops_pending},
                            {"ops_pending_max", status.ops_pending_max},
                            {"ops_rejected", status.figures.rejected},
                            {"protocol", wire::kProtocolMax},
                            {"reconnects", status.figures.reconnects},
                            {"retry_in_ms", status.retry_in_ms},
                            {"shared", store_.shared()}};
  put_numbers(writer, numbers);
  writer.field("wall_ms");
  writer.timestamp(static_cast<std::int64_t>(replica_.known_ms(wall_ms)));
  if (vitals_ != nullptr) vitals_->tell(writer);
  writer.end_record();
  return one_value(id, {kMap, "status"}, writer, true, room);
}

// Without the value of a row that is removed or has expired.
Op Inspector::shown(const Op& op, std::uint64_t wall_ms) const {
  Op copy = op;
  if (!op.cell.is_live(replica_.known_ms(wall_ms))) copy.cell.value = {};
  return copy;
}

Bytes Inspector::list(const grid_InspectAsk& ask, std::size_t cells_max, std::uint64_t wall_ms, MutBytes room) {
  const Status legal = crdt::check_map_name(ask.map);
  if (legal != Status::ok) return refuse(ask.id, legal, room);
  wire::OpsWriter reply(Kind::inspect_reply, {.id = ask.id, .map = ask.map}, room);
  Walk walk(store_, ask);
  while (reply.count() < cells_max) {
    const Result<Op> op = walk.next();
    if (op.status() == Status::not_found || (op.ok() && op->cell.name.map != ask.map)) return reply.finish({}, true);
    // What came before a row that can't be read, or doesn't fit, goes alone; the next ask meets it first.
    if (!op.ok()) return reply.count() > 0 ? reply.finish() : refuse(ask.id, op.status(), room);
    if (reply.add(shown(*op, wall_ms))) continue;
    return reply.count() > 0 ? reply.finish() : name_only(ask.id, *op, room);
  }
  return reply.finish();
}

// Where so much of the log was looked at that is not pending, an op of a sequence alone says how far that was.
Bytes Inspector::list_pending(const grid_InspectAsk& ask, MutBytes room) {
  wire::OpsWriter reply(Kind::inspect_reply, {.id = ask.id}, room);
  crdt::Seq at = ask.seq > store_.settled() ? ask.seq : store_.settled();
  for (std::size_t looked = 0; looked < kCellsMax; ++looked) {
    const Result<Op> op = store_.next_op(at);
    if (op.status() == Status::not_found) return reply.finish({}, true);
    if (!op.ok()) return reply.count() > 0 ? reply.finish() : refuse(ask.id, op.status(), room);
    at = op->seq;
    if (!op->local || reply.add(*op)) continue;
    return reply.count() > 0 ? reply.finish() : name_only(ask.id, *op, room);
  }
  if (reply.count() == 0) reply.add({.seq = at, .cell = {}});
  return reply.finish();
}

// Of all maps. The digests of parts add up to that of the whole.
Bytes Inspector::sum(const grid_InspectAsk& ask, std::uint64_t wall_ms, MutBytes room) {
  const std::uint64_t known_ms = replica_.known_ms(wall_ms);
  crdt::Digest digest;
  Walk walk(store_, ask);
  bool last = false;
  for (std::size_t looked = 0; looked < kCellsMax && !last; ++looked) {
    const Result<Op> op = walk.next();
    last = op.status() == Status::not_found;
    if (!op.ok() && !last) return refuse(ask.id, op.status(), room);
    const bool is_pending = op.ok() && op->local && op->seq > store_.settled();
    if (op.ok() && !is_pending && op->cell.is_live(known_ms)) digest.add(crdt::digest_of(op->cell));
  }
  // Not in the room: the name of the place may be longer than what stands before a value there.
  std::uint8_t bytes[64];
  crdt::ValueWriter writer(bytes);
  writer.begin_record();
  const Number numbers[] = {{"cells", digest.count}, {"sum", digest.sum}};
  put_numbers(writer, numbers);
  writer.end_record();
  return one_value(ask.id, walk.place(), writer, last, room);
}

}  // namespace grid::runtime
