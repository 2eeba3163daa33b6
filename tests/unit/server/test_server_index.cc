// SPDX-License-Identifier: Apache-2.0
//
// Indexes of a gateway: what they lead to is what reading the journal leads to, and costs less.

#include <algorithm>
#include <array>
#include <optional>

#include "crdt/or_map.h"
#include "crdt/query/compile.h"
#include "runtime/query/row_tests.h"
#include "server/leaps.h"
#include "server/scope_walk.h"
#include "tests/unit/crdt/dice.h"
#include "tests/unit/server/bench.h"

namespace {

using namespace grid;
using namespace grid::server;
using namespace grid::server::test;
using grid::test::Dice;
using runtime::CompiledRowTest;
using runtime::IndexKind;

const std::vector<IndexedField> kIndexes = {{"climate", "n", IndexKind::ordered}, {"climate", "s", IndexKind::hash}};

runtime::Scope where(std::string_view text) { return {wire::ScopeKind::where, "climate", text}; }

std::string record(std::int64_t n, std::string_view s) {
  std::uint8_t room[256];
  crdt::ValueWriter writer(room);
  writer.begin_record();
  writer.field("n");
  writer.integer(n);
  writer.field("pad");
  writer.text(std::string(100, '.'));  // So that few of them fill a frame.
  writer.field("s");
  writer.text(s);
  writer.end_record();
  return std::string(as_text(*writer.finish()));
}

// A device that holds what one subscription tells it, and what it wrote.
class Device {
 public:
  void hear(const Frame& frame) {
    if (kind_of(frame) == Kind::current) return hear_current(decoded<grid_Current>(frame));
    if (kind_of(frame) == Kind::subscribed) mode = decoded<grid_Subscribed>(frame).mode;
    if (kind_of(frame) != Kind::delta) return;
    wire::OpsReader reader;
    assert_ok(reader.open(frame));
    if (!reader.head().cursor.empty()) cursor = cursor_of(frame);
    for (crdt::Op op; reader.next(op);) {
      assert_ok(reader.status());
      if (op.evicted) evict(op.cell.name.key);
      if (!op.evicted && !op.cell.stamp.is_none()) merge(op.cell);
    }
  }
  void merge(const crdt::Cell& cell) {
    Held& held = cells[{std::string(cell.name.key), std::string(cell.name.sub)}];
    if (held.stamp < cell.stamp) held = {cell.stamp, std::string(as_text(cell.value))};
  }
  // What it shows of itself: tombstones are nothing.
  std::string text() const {
    std::string text;
    for (const auto& [name, held] : cells) {
      if (!held.value.empty()) text += name.first + "/" + name.second + "=" + held.value + "\n";
    }
    return text;
  }

  Frame cursor;
  std::uint32_t mode = 0;
  std::optional<crdt::Digest> current;

 private:
  struct Held {
    crdt::Stamp stamp;
    std::string value;
  };
  void hear_current(const grid_Current& message) {
    current = crdt::Digest{message.sum, message.count};
    if (message.cursor.size != 0) cursor = Frame(message.cursor.bytes, message.cursor.bytes + message.cursor.size);
  }
  void evict(std::string_view key) {
    std::erase_if(cells, [key](const auto& one) { return one.first.first == key; });
  }

  std::map<std::pair<std::string, std::string>, Held> cells;
};

// A gateway, one who writes there (A, link 1), and a device with a subscription (link 2 and on).
class World {
 public:
  explicit World(std::span<const IndexedField> indexes) {
    bench.options.indexes = indexes;
    bench.start();
    bench.open(1, kA);
  }
  void write(LinkId link, const crdt::Op& op) {
    bench.send(link, push({op}));
    bench.flush();
    if (link == 1) bench.all(1);
    if (link != 1) device.merge(op.cell);
  }
  void disconnect() {
    if (link_ != 1) bench.close(link_);
    ++link_;
  }
  void connect(std::string_view predicate, bool is_new, std::uint32_t frame_bytes_max) {
    bench.open(link_, 1'000 + link_, 0, {}, frame_bytes_max);
    if (is_new) device = {};
    bench.send(link_, subscribe(1, device.cursor, !is_new, where(predicate)));
  }
  void ask_for_digest() {
    device.current.reset();
    bench.send(link_, encoded(grid_Verify{.id = 1, .compare = false}));
  }
  LinkId link() const { return link_; }
  void take_frames(std::uint64_t count) {
    for (; count > 0; --count) {
      const Frame frame = bench.next(link_);
      if (frame.empty()) return;
      device.hear(frame);
    }
  }
  // Position of the cursor that the device has.
  std::uint64_t position() const { return device.cursor.empty() ? 0 : load_be(device.cursor.data() + 8); }

  Bench bench;
  Device device;

 private:
  LinkId link_ = 1;
};

std::string predicate_of(Dice& dice) {
  const std::string n = std::to_string(dice.below(60)), s = "'t" + std::to_string(dice.below(12)) + "'";
  switch (dice.below(6)) {
    case 0:
      return "n = " + n;
    case 1:
      return "n between " + n + " and " + std::to_string(dice.below(60));
    case 2:
      return "s in (" + s + ", 't3')";
    case 3:
      return "n > 55 and not s = " + s;
    case 4:
      return "s = " + s + " or n = " + n;  // No index helps.
    default:
      return "s = " + s + " and n < 50";
  }
}

// Two worlds of the same seed, one with indexes.
class Story {
 public:
  explicit Story(Dice& dice) : dice_(dice), plain_({}), indexed_(kIndexes) {
    for (int i = 0; i < 250; ++i) write(1, kA);
    connect(true);
  }
  void go_on() {
    const std::uint64_t drawn = dice_.below(20);
    if (drawn < 10) return write(1, kA);
    if (drawn < 12) return write(plain_.link(), 1'000 + plain_.link());
    const std::uint64_t frames = 1 + dice_.below(3);
    for (World* world : {&plain_, &indexed_}) world->take_frames(frames);
  }
  void connect(bool is_new) {
    if (is_new) predicate_ = predicate_of(dice_);
    for (World* world : {&plain_, &indexed_}) world->disconnect();
    for (std::uint64_t missed = dice_.below(60); missed > 0; --missed) write(1, kA);
    const std::uint32_t frame_bytes_max = dice_.one_in(3) ? 65'536 : 700;
    for (World* world : {&plain_, &indexed_}) world->connect(predicate_, is_new, frame_bytes_max);
    own_seq_ = 0;
  }
  void settle() {
    for (World* world : {&plain_, &indexed_}) {
      world->take_frames(UINT64_MAX);
      world->ask_for_digest();
      world->take_frames(UINT64_MAX);
    }
    const bool is_whole = plain_.device.mode == static_cast<std::uint32_t>(wire::PullMode::resume);
    assert_int_equal(plain_.device.mode, indexed_.device.mode);
    if (is_whole) assert_string_equal(plain_.device.text().c_str(), indexed_.device.text().c_str());
    assert_int_equal(plain_.position(), indexed_.position());
    assert_true(plain_.device.current.has_value() && indexed_.device.current.has_value());
    assert_true(*plain_.device.current == *indexed_.device.current);
  }
  std::uint64_t judged(bool is_indexed) {
    return (is_indexed ? indexed_ : plain_).bench.coordinator->status().rows_judged;
  }

 private:
  // A row, the removal of one, or something under one; sometimes with a stamp that loses.
  void write(LinkId link, crdt::NodeId node) {
    const std::string key = "k" + std::to_string(dice_.below(150));
    const std::string value = record(static_cast<std::int64_t>(dice_.below(60)), "t" + std::to_string(dice_.below(12)));
    const bool is_late = dice_.one_in(10);
    const std::uint64_t ms = is_late ? kWallMs - 1'000 : kWallMs + ++time_ / 100;
    const crdt::Stamp stamp = crdt::Stamp::of(ms, static_cast<std::uint16_t>(time_ % 100), node);
    crdt::Op op{.cell = {{"climate", key, {}}, stamp, 0, dice_.one_in(6) ? Bytes{} : as_bytes(value)}};
    std::uint8_t tag[crdt::OrTag::kBytes];
    if (dice_.one_in(3)) op.cell.name.sub = crdt::OrTag{node, 1 + dice_.below(3)}.write(tag);
    op.seq = link == 1 ? ++seq_ : ++own_seq_;
    for (World* world : {&plain_, &indexed_}) world->write(link, op);
  }

  Dice& dice_;
  World plain_, indexed_;
  std::string predicate_;
  std::uint64_t time_ = 0;
  crdt::Seq seq_ = 0, own_seq_ = 0;
};

// P13, P21, P22
void with_indexes_a_device_is_told_the_same(void**) {
  Dice dice;
  for (int round = 0; round < 4; ++round) {
    Story story(dice);
    for (int connection = 0; connection < 8; ++connection) {
      for (std::uint64_t steps = dice.below(120); steps > 0; --steps) story.go_on();
      if (!dice.one_in(3)) story.settle();
      story.connect(dice.one_in(2));
    }
    story.settle();
  }
}

void who_begins_looks_only_at_what_an_index_leads_to(void**) {
  constexpr int kRows = 1'000;
  for (const bool is_indexed : {false, true}) {
    World world(is_indexed ? std::span<const IndexedField>(kIndexes) : std::span<const IndexedField>());
    for (int i = 1; i <= kRows; ++i) {
      const std::string key = "k" + std::to_string(i), value = record(i % 100, "t");
      world.write(1, put(static_cast<crdt::Seq>(i), key, kWallMs + static_cast<std::uint64_t>(i), kA, as_bytes(value)));
    }
    world.disconnect();
    world.connect("n = 7", true, 65'536);
    world.take_frames(UINT64_MAX);
    assert_int_equal(world.device.current->count, kRows / 100);
    assert_int_equal(world.bench.coordinator->status().rows_judged, is_indexed ? kRows / 100 : kRows);
    assert_int_equal(world.position(), kRows);
  }
}

// BND-1
void an_index_that_would_take_too_much_is_switched_off_and_nobody_misses_a_row(void**) {
  Bench bench;
  bench.options.indexes = kIndexes;
  bench.options.index_bytes_max = 1'000;
  bench.start();
  bench.open(1, kA);
  const std::string value = record(7, "t");
  bench.send(1, push({put(1, "k", kWallMs + 1, kA, as_bytes(value))}));
  bench.flush();
  assert_int_equal(bench.coordinator->status().indexes_over_cap, kIndexes.size());
  assert_non_null(std::strstr(bench.said.c_str(), "switched off"));
  bench.open(2, kB);
  bench.send(2, subscribe(1, {}, false, where("n = 7")));
  Device device;
  for (const Frame& frame : bench.all(2)) device.hear(frame);
  assert_int_equal(device.current->count, 1);
  assert_string_equal(device.text().c_str(), ("k/=" + value + "\n").c_str());
}

// Rows of a store of its own, and who finds them.
struct Shelf {
  storage::MemoryStore store;

  void put(std::size_t number, std::int64_t n) {
    const std::string key = "k" + std::to_string(number), value = record(n, "t");
    const crdt::Stamp stamp = crdt::Stamp::of(kWallMs, 0, kA);
    assert_true(store.append({.cell = {{"climate", key, {}}, stamp, 0, as_bytes(value)}}).ok());
  }
  std::vector<crdt::Seq> accepted(const CompiledRowTest& test) {
    std::vector<crdt::Seq> seqs;
    for (crdt::Seq at = 0;;) {
      const Result<crdt::Op> op = store.next_op(at);
      if (!op.ok()) return seqs;
      at = op->seq;
      if (test.accepts(op->cell.name.key, op->cell.value)) seqs.push_back(at);
    }
  }
};

void an_index_that_is_still_being_built_leaves_nothing_out(void**) {
  Shelf shelf;
  for (std::size_t i = 0; i < 5'000; ++i) shelf.put(i, static_cast<std::int64_t>(i % 50));
  RowFinder finder(shelf.store, kIndexes, 1u << 20);
  query::Trouble trouble;
  const auto test = CompiledRowTest::compile("n = 7", trouble);
  const runtime::Scope scope{wire::ScopeKind::where, "climate", "n = 7", test.get()};
  std::vector<crdt::Seq> wanted = shelf.accepted(*test);
  for (Status status = Status::busy; status == Status::busy;) {
    std::vector<crdt::Seq> found;
    for (ScopeWalk walk(scope, shelf.store, &finder);;) {
      const Result<crdt::Op> op = walk.next();
      if (op.status() == Status::not_found) break;
      assert_ok(op.status());
      found.push_back(op->seq);
    }
    std::sort(found.begin(), found.end());
    assert_true(found == wanted);
    status = finder.advance();
    if (status == Status::busy) assert_true(finder.find("climate", test->predicate(), 0)->through < shelf.store.head());
  }
  assert_int_equal(finder.find("climate", test->predicate(), 0)->through, shelf.store.head());
}

void leaps_lead_to_every_accepted_record_however_many_there_are(void**) {
  Shelf shelf;
  constexpr std::size_t kRows = 5 * Leaps::kRecordsMax;
  for (std::size_t i = 0; i < kRows; ++i) shelf.put(i, i % 5 == 0 ? 1 : static_cast<std::int64_t>(i));
  RowFinder finder(shelf.store, kIndexes, 64u << 20);
  while (finder.advance() == Status::busy) continue;
  query::Trouble trouble;
  const auto test = CompiledRowTest::compile("n = 1", trouble);
  shelf.put(kRows, 2);
  shelf.put(kRows + 1, 2);
  Leaps leaps;
  leaps.begin(finder, "climate", test->predicate());
  leaps.note(7);
  std::vector<crdt::Seq> looked_at;
  for (crdt::Seq at = 0;;) {
    at = leaps.leap(at, "climate", test->predicate());
    const Result<crdt::Op> op = shelf.store.next_op(at);
    if (!op.ok()) break;
    looked_at.push_back(at = op->seq);
  }
  assert_false(leaps.is_on());
  std::vector<crdt::Seq> wanted = shelf.accepted(*test);
  for (const crdt::Seq seq : {crdt::Seq{7}, crdt::Seq{kRows + 1}, crdt::Seq{kRows + 2}}) wanted.push_back(seq);
  std::sort(wanted.begin(), wanted.end());
  assert_true(looked_at == wanted);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(with_indexes_a_device_is_told_the_same),
      cmocka_unit_test(who_begins_looks_only_at_what_an_index_leads_to),
      cmocka_unit_test(an_index_that_would_take_too_much_is_switched_off_and_nobody_misses_a_row),
      cmocka_unit_test(an_index_that_is_still_being_built_leaves_nothing_out),
      cmocka_unit_test(leaps_lead_to_every_accepted_record_however_many_there_are),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
