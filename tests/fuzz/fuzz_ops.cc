// SPDX-License-Identifier: Apache-2.0
//
// The input is a script: it chooses the kind, the head, the room and the ops, which are then written and read back.
#include <algorithm>
#include <string>
#include <vector>

#include "crdt/base/check.h"
#include "crdt/value.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/target.h"
#include "transport/wire.h"

namespace {

using namespace grid;
using crdt::Op;
using crdt::Stamp;
using test::Script;

Stamp draw_stamp(Script& script) { return {script.number(8), script.number(8)}; }

struct Drawn {
  std::string map;
  std::string key;
  std::string sub;
  std::vector<std::uint8_t> value;
  Op op;
};

Drawn draw(Script& script) {
  Drawn drawn;
  drawn.map = script.name(script.below(kMapBytesMax));
  drawn.key = script.name(script.below(kKeyBytesMax));
  drawn.sub = as_text(script.take(script.below(kSubBytesMax + 1)));
  drawn.value.resize(600);
  crdt::ValueWriter writer(drawn.value);
  writer.bytes(script.take(script.below(512)));
  drawn.value.resize(writer.finish()->size());
  if (script.below(3) == 0) drawn.value.clear();
  drawn.op.seq = script.number(script.below(9));
  drawn.op.cell.stamp = draw_stamp(script);
  drawn.op.cell.stamp.node |= 1;  // Never the stamp that says "none".
  drawn.op.cell.expires_ms = script.number(script.below(9));
  drawn.op.base = draw_stamp(script);
  drawn.op.quality = static_cast<crdt::ClockQuality>(script.below(4));
  drawn.op.was_applied = script.below(2) == 1;
  return drawn;
}

bool is_same(const Op& a, const Op& b) {
  return a.seq == b.seq && a.cell.name == b.cell.name && a.cell.stamp == b.cell.stamp &&
         a.cell.expires_ms == b.cell.expires_ms && equal(a.cell.value, b.cell.value) && a.base == b.base &&
         a.quality == b.quality && a.was_applied == b.was_applied;
}

Op op_of(const Drawn& drawn) {
  Op op = drawn.op;
  op.cell.name = {drawn.map, drawn.key, drawn.sub};
  op.cell.value = drawn.value;
  return op;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Script script({data, size});
  constexpr wire::Kind kKinds[] = {wire::Kind::push, wire::Kind::delta, wire::Kind::heal, wire::Kind::reject};
  const std::string map = script.name(script.below(kMapBytesMax));
  const wire::OpsHead head{.id = static_cast<std::uint32_t>(script.number(4)),
                           .map = map,
                           .fork_token = script.number(8),
                           .status = static_cast<Status>(script.below(11)),
                           .wall_ms = script.number(8)};
  std::vector<std::uint8_t> room(wire::kControlBytesMax + script.below(8'192));
  const wire::Kind kind = kKinds[script.below(4)];
  wire::OpsWriter writer(kind, head, room);
  std::vector<Drawn> added;
  while (!script.done()) {
    added.push_back(draw(script));
    const Op op = op_of(added.back());
    const bool fits = writer.add(op);
    GRID_CHECK(fits || added.size() > 1 || wire::OpsWriter::frame_bytes(op) > room.size());
    if (!fits) added.pop_back();
  }
  const Bytes cursor = Bytes(data, size).first(std::min<std::size_t>(size, 32));
  const Bytes frame = writer.finish(cursor, true);
  GRID_CHECK(frame.size() <= room.size() && writer.count() == added.size());

  wire::OpsReader reader;
  GRID_CHECK(reader.open(frame) == Status::ok && reader.head().last && equal(reader.head().cursor, cursor));
  GRID_CHECK(reader.head().id == head.id && reader.head().map == map && reader.head().fork_token == head.fork_token);
  GRID_CHECK(reader.head().status == head.status && reader.head().wall_ms == head.wall_ms);
  for (const Drawn& drawn : added) {
    Op op;
    GRID_CHECK(reader.next(op) && reader.status() == Status::ok && is_same(op, op_of(drawn)));
  }
  Op op;
  GRID_CHECK(!reader.next(op));
  return 0;
}
