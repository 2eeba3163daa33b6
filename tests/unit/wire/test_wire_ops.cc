// SPDX-License-Identifier: Apache-2.0
//
// Ops frames: what is added arrives, nothing is written past the room, and one bad op doesn't hide the others.

#include "crdt/stub.h"
#include "crdt/value.h"
#include "tests/check.h"
#include "tests/unit/crdt/dice.h"
#include "tests/unit/wire/samples.h"

namespace grid::wire {
namespace {

using namespace test;
using crdt::Op;

void expect_op(const Op& arrived, const Op& sent) {
  assert_true(arrived.seq == sent.seq);
  assert_true(arrived.cell.name == sent.cell.name);
  assert_true(arrived.cell.stamp == sent.cell.stamp);
  assert_true(arrived.cell.expires_ms == sent.cell.expires_ms);
  assert_true(equal(arrived.cell.value, sent.cell.value));
  assert_true(arrived.base == sent.base);
  assert_true(arrived.quality == sent.quality);
  assert_true(arrived.was_applied == sent.was_applied);
  assert_false(arrived.local);
}

void expect_next(OpsReader& reader, const Op& sent) {
  Op arrived;
  assert_true(reader.next(arrived));
  assert_ok(reader.status());
  expect_op(arrived, sent);
}

void expect_end(OpsReader& reader) {
  Op arrived;
  assert_false(reader.next(arrived));
}

void ops_arrive_as_added(void**) {
  const Frame frame = push();
  OpsReader reader;
  assert_ok(reader.open(frame));
  assert_true(reader.head().map == "climate" && reader.head().fork_token == kToken);
  assert_true(reader.head().cursor.empty() && !reader.head().last);
  expect_next(reader, put_op());
  expect_next(reader, tombstone_op());
  expect_end(reader);
}

void head_and_tail_arrive_as_given(void**) {
  const Frame refused = reject();
  const Frame relayed = delta();
  OpsReader reader;
  assert_ok(reader.open(refused));
  assert_status(reader.head().status, Status::clock_ahead);
  assert_true(reader.head().wall_ms == kWallMs);
  assert_ok(reader.open(relayed));
  assert_int_equal(reader.head().id, 7);
  assert_true(equal(reader.head().cursor, kCursor));
  assert_true(reader.head().last);
  assert_ok(reader.head().status);
}

void frame_without_ops_carries_its_cursor(void**) {
  const Frame frame = ops_frame(Kind::delta, {.id = 7}, {}, kCursor, false);
  OpsReader reader;
  assert_ok(reader.open(frame));
  assert_true(equal(reader.head().cursor, kCursor));
  expect_end(reader);
}

void map_of_the_head_is_not_repeated(void**) {
  const std::size_t same_map = ops_frame(Kind::heal, {.map = "climate"}, {put_op()}).size();
  const std::size_t own_map = ops_frame(Kind::heal, {.map = "weather"}, {put_op()}).size();
  assert_int_equal(own_map, same_map + 2 + std::strlen("climate"));
}

// The head's map is the writer's own: its caller may reuse the memory.
void writer_keeps_the_map_of_the_head(void**) {
  std::string map = "climate";
  std::uint8_t room[512];
  OpsWriter writer(Kind::heal, {.map = map}, room);
  map = "doors..";
  assert_true(writer.add(put_op()));
  const Bytes frame = writer.finish();
  assert_true(equal(frame, ops_frame(Kind::heal, {.map = "climate"}, {put_op()})));
}

Op large_op(Bytes value) {
  Op op = put_op();
  op.cell.value = value;
  return op;
}

Frame text_value(std::size_t size) {
  Frame room(size + 16);
  crdt::ValueWriter writer(room);
  writer.text(std::string(size, 'x'));
  const Result<Bytes> value = writer.finish();
  return {value->begin(), value->end()};
}

void add_refuses_what_does_not_fit_and_changes_nothing(void**) {
  const Op op = put_op();
  const std::size_t room_for_one = OpsWriter::frame_bytes(op);
  Frame room(room_for_one + 1'000, 0xaa);
  for (std::size_t size = 200; size <= room_for_one; ++size) {
    std::fill(room.begin(), room.end(), 0xaa);
    OpsWriter writer(Kind::push, {}, MutBytes(room).first(size));
    std::size_t added = 0;
    while (writer.add(op)) ++added;
    assert_int_equal(writer.count(), added);
    const Bytes frame = writer.finish(kCursor, true);
    assert_true(frame.size() <= size);
    assert_true(std::all_of(room.begin() + static_cast<std::ptrdiff_t>(size), room.end(),
                            [](std::uint8_t byte) { return byte == 0xaa; }));
    OpsReader reader;
    assert_ok(reader.open(frame));
    for (; added > 0; --added) expect_next(reader, op);
    expect_end(reader);
  }
}

void one_op_fits_the_bytes_that_are_told_of_it(void**) {
  Dice dice;
  const Frame value = text_value(kValueBytesMax - 5);
  const std::string key(kKeyBytesMax, 'k');
  const std::string map(kMapBytesMax, 'm');
  const std::string sub(kSubBytesMax, 's');
  for (const std::size_t size : {std::size_t{1}, std::size_t{100}, std::size_t{16'000}, value.size()}) {
    const Frame part = size == value.size() ? value : text_value(size);
    Op op = large_op(part);
    op.seq = UINT64_MAX;
    op.cell.name = {map, key, sub};
    op.cell.expires_ms = UINT64_MAX;
    Frame room(OpsWriter::frame_bytes(op));
    const OpsHead head{.id = UINT32_MAX,
                       .map = std::string_view("another"),
                       .fork_token = 1,
                       .status = Status::io,
                       .wall_ms = UINT64_MAX};
    OpsWriter writer(Kind::reject, head, room);
    assert_true(writer.add(op));
    const std::uint8_t cursor[OpsWriter::kCursorBytesMax] = {};
    OpsReader reader;
    assert_ok(reader.open(writer.finish(cursor, true)));
    expect_next(reader, op);
  }
}

void value_beyond_the_limit_is_too_large(void**) {
  const Frame at_limit = text_value(kValueBytesMax - 4);
  const Frame beyond = text_value(kValueBytesMax - 3);
  assert_int_equal(at_limit.size(), kValueBytesMax);
  Frame room(2 * kValueBytesMax + 4'096);
  OpsWriter writer(Kind::delta, {}, room);
  assert_true(writer.add(large_op(at_limit)) && writer.add(large_op(beyond)) && writer.add(put_op()));
  OpsReader reader;
  assert_ok(reader.open(writer.finish()));
  expect_next(reader, large_op(at_limit));
  Op op;
  assert_true(reader.next(op));
  assert_status(reader.status(), Status::too_large);
  expect_next(reader, put_op());
}

// ---- hand-made ops

Frame ops_of(Kind kind, std::initializer_list<Frame> ops, const Frame& head = {}) {
  Frame frame{static_cast<std::uint8_t>(kind)};
  frame.insert(frame.end(), head.begin(), head.end());
  for (const Frame& op : ops) {
    frame.insert(frame.end(), {0x7a, static_cast<std::uint8_t>(op.size())});
    frame.insert(frame.end(), op.begin(), op.end());
  }
  return frame;
}

Frame operator+(Frame a, const Frame& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

const Frame kSeq = {0x08, 5};
const Frame kMapKey = {0x12, 1, 'm', 0x1a, 1, 'k'};
const Frame kStamped = {0x2a, 16, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
const Frame kValued = {0x3a, 2, 0x10, 1};  // true
const Frame kGood = kSeq + kMapKey + kStamped + kValued;

// PROTOCOL P15
void a_value_that_is_too_large_for_the_peer_travels_as_a_stub_of_the_same_digest(void**) {
  std::uint8_t bytes[512], room[1'024];
  crdt::ValueWriter writer(bytes);
  writer.text(std::string(300, 'x'));
  const Op op{.cell = {{"m", "k", {}}, crdt::Stamp::of(1'000, 0, 7), 2'000, *writer.finish()}};
  const auto size = static_cast<std::uint32_t>(op.cell.value.size());
  for (const std::uint32_t value_bytes_max : {size - 1, size}) {
    const bool fits = value_bytes_max == size;
    OpsWriter frame(Kind::delta, {}, room, value_bytes_max);
    assert_true(frame.add(op));
    OpsReader reader;
    assert_ok(reader.open(frame.finish()));
    Op arrived;
    assert_true(reader.next(arrived) && reader.status() == Status::ok);
    assert_true(crdt::Stub::is(arrived.cell.value) != fits);
    assert_true(crdt::digest_of(arrived.cell) == crdt::digest_of(op.cell));
    assert_int_equal(crdt::Value(arrived.cell.value).stub_bytes(), fits ? 0 : size);
  }
  OpsWriter narrow(Kind::delta, {}, MutBytes(room).first(400), 400);
  assert_true(narrow.add(op));
  OpsReader reader;
  assert_ok(reader.open(narrow.finish()));
  Op arrived;
  assert_true(reader.next(arrived) && crdt::Stub::is(arrived.cell.value));
}

void bad_ops_are_named_and_the_good_ones_between_them_are_read(void**) {
  const struct {
    const char* what;
    Frame op;
    Status status;
  } cases[] = {
      {"no name", kSeq + kStamped, Status::invalid},
      {"no key", kSeq + Frame{0x12, 1, 'm'} + kStamped, Status::invalid},
      {"a map with a slash", kSeq + Frame{0x12, 1, '/', 0x1a, 1, 'k'} + kStamped, Status::invalid},
      {"a key that is no text", kSeq + Frame{0x12, 1, 'm', 0x1a, 1, 0xff} + kStamped, Status::invalid},
      {"a sub too long", kSeq + kMapKey + kStamped + Frame{0x22, 129} + Frame(129), Status::corrupt},
      {"a stamp of 15 bytes", kSeq + kMapKey + Frame{0x2a, 15} + Frame(15), Status::corrupt},
      {"a base of 17 bytes", kSeq + kMapKey + kStamped + Frame{0x42, 17} + Frame(17), Status::corrupt},
      {"no stamp", kSeq + kMapKey + kValued, Status::corrupt},
      {"an empty value", kSeq + kMapKey + kStamped + Frame{0x3a, 0}, Status::corrupt},
      {"a value that is not canonical", kSeq + kMapKey + kStamped + Frame{0x3a, 2, 0x10, 2}, Status::corrupt},
      {"a quality of 4", kGood + Frame{0x48, 4}, Status::corrupt},
      {"a truth of 2", kGood + Frame{0x50, 2}, Status::corrupt},
      {"a kind of a later release", kGood + Frame{0x58, 1}, Status::invalid},
      {"a unit of 257", kGood + Frame{0x60, 0x80, 2}, Status::corrupt},
      {"a stub", kSeq + kMapKey + kStamped + Frame{0x3a, 13, 0x5a} + Frame(12), Status::corrupt},
      {"a seq as bytes", Frame{0x0a, 1, 5} + kMapKey + kStamped, Status::corrupt},
      {"a cut field", kGood + Frame{0x1a, 9, 'k'}, Status::corrupt},
      {"a group", kGood + Frame{0x73, 0x74}, Status::corrupt},
  };
  for (const auto& bad : cases) {
    Frame frame = ops_of(Kind::push, {kGood});
    frame.push_back(0x7a);
    if (bad.op.size() >= 0x80) frame.push_back(static_cast<std::uint8_t>(bad.op.size() | 0x80));
    frame.push_back(static_cast<std::uint8_t>(bad.op.size() >= 0x80 ? bad.op.size() >> 7 : bad.op.size()));
    frame = frame + bad.op + Frame{0x7a, static_cast<std::uint8_t>(kGood.size())} + kGood;

    OpsReader reader;
    assert_ok(reader.open(frame));
    Op op;
    assert_true(reader.next(op) && reader.status() == Status::ok);
    assert_true(reader.next(op));
    if (reader.status() != bad.status) fail_msg("%s: %s", bad.what, name_of(reader.status()));
    assert_true(reader.next(op) && reader.status() == Status::ok);
    assert_true(op.seq == 5 && op.cell.name.key == "k");
    expect_end(reader);
  }
}

void sequence_of_a_bad_op_is_known(void**) {
  const Frame frame = ops_of(Kind::push, {kSeq + Frame{0x3a, 2, 0x10, 2}});
  OpsReader reader;
  assert_ok(reader.open(frame));
  Op op;
  assert_true(reader.next(op));
  assert_true(reader.status() != Status::ok && op.seq == 5);
}

void unknown_fields_of_ops_and_heads_are_skipped(void**) {
  const Frame extra = {0x82, 0x01, 2, 'h', 'i', 0x95, 0x01, 1, 2, 3, 4};  // fields 16 and 18
  const Frame frame = ops_of(Kind::push, {extra + kGood, kGood + extra}, extra) + extra;
  OpsReader reader;
  assert_ok(reader.open(frame));
  for (int i = 0; i < 2; ++i) {
    Op op;
    assert_true(reader.next(op));
    assert_ok(reader.status());
    assert_true(op.seq == 5 && equal(op.cell.value, Bytes(kValued).subspan(2)));
  }
  expect_end(reader);
}

void head_that_breaks_a_rule_is_refused(void**) {
  const Frame heads[] = {
      {0x08, 0xff, 0xff, 0xff, 0xff, 0x1f},  // an id beyond 32 bits
      {0x12, 3, 'a', '/', 'b'},              // a map with a slash
      {0x28, 13},                            // a status that no release has
      {0x38, 2},                             // a truth of 2
      {0x20, 1},                             // the fork token as a varint
      {0x7a, 9, 0x08},                       // an op past the end
      {0x78, 1},                             // an op as a number
      {0x0b, 0x0c},                          // a group
  };
  for (const Frame& head : heads) {
    OpsReader reader;
    assert_status(reader.open(ops_of(Kind::delta, {}, head)), Status::corrupt);
  }
  OpsReader reader;
  assert_status(reader.open(ops_of(Kind::delta, {}, Frame{0x1a, 33} + Frame(33))), Status::too_large);
  assert_status(reader.open(ops_of(Kind::delta, {}, Frame{0x12, 65} + Frame(65, 'm'))), Status::too_large);
  assert_status(reader.open(encoded(grid_Verify{7, false})), Status::corrupt);
}

void name_alone_is_enough_where_nothing_is_known(void**) {
  for (const Kind kind : {Kind::delta, Kind::reject, Kind::cells_ask}) {
    const Frame frame = ops_of(kind, {kMapKey});
    OpsReader reader;
    assert_ok(reader.open(frame));
    Op op;
    assert_true(reader.next(op));
    assert_ok(reader.status());
    assert_true(op.cell.stamp.is_none() && op.cell.is_tombstone());
  }
  for (const Kind kind : {Kind::push, Kind::heal}) {
    const Frame frame = ops_of(kind, {kMapKey});
    OpsReader reader;
    assert_ok(reader.open(frame));
    Op op;
    assert_true(reader.next(op));
    assert_status(reader.status(), Status::corrupt);
  }
}

// The server may have refused an op for its very name.
void reject_may_leave_out_the_name(void**) {
  const Frame frame = ops_of(Kind::reject, {kSeq});
  OpsReader reader;
  assert_ok(reader.open(frame));
  Op op;
  assert_true(reader.next(op));
  assert_ok(reader.status());
  assert_true(op.seq == 5 && op.cell.name.key.empty());
}

void answer_to_an_inspection_names_what_it_likes(void**) {
  const Frame frame = inspect_reply();
  OpsReader reader;
  assert_ok(reader.open(frame));
  Op op;
  assert_true(reader.next(op));
  assert_ok(reader.status());
  assert_true(op.cell.name.key == "state" && equal(op.cell.value, kText));
}

}  // namespace
}  // namespace grid::wire

int main() {
  using namespace grid::wire;
  const CMUnitTest tests[] = {
      cmocka_unit_test(ops_arrive_as_added),
      cmocka_unit_test(head_and_tail_arrive_as_given),
      cmocka_unit_test(frame_without_ops_carries_its_cursor),
      cmocka_unit_test(map_of_the_head_is_not_repeated),
      cmocka_unit_test(writer_keeps_the_map_of_the_head),
      cmocka_unit_test(add_refuses_what_does_not_fit_and_changes_nothing),
      cmocka_unit_test(one_op_fits_the_bytes_that_are_told_of_it),
      cmocka_unit_test(value_beyond_the_limit_is_too_large),
      cmocka_unit_test(a_value_that_is_too_large_for_the_peer_travels_as_a_stub_of_the_same_digest),
      cmocka_unit_test(bad_ops_are_named_and_the_good_ones_between_them_are_read),
      cmocka_unit_test(sequence_of_a_bad_op_is_known),
      cmocka_unit_test(unknown_fields_of_ops_and_heads_are_skipped),
      cmocka_unit_test(head_that_breaks_a_rule_is_refused),
      cmocka_unit_test(name_alone_is_enough_where_nothing_is_known),
      cmocka_unit_test(reject_may_leave_out_the_name),
      cmocka_unit_test(answer_to_an_inspection_names_what_it_likes),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
