// SPDX-License-Identifier: Apache-2.0
//
// Comparisons, asked by the simplest asker that there can be: it splits what differs until it is small, lists what it
// has, fetches what it lacks, and heals what the gateway lacks if it may.

#include <algorithm>

#include "crdt/merkle.h"
#include "server/peers.h"
#include "storage/memory/memory_image.h"
#include "tests/unit/server/bench.h"

namespace {

using namespace grid;
using namespace grid::server::test;
using crdt::Digest;
using crdt::Range;

constexpr LinkId kLink = 9;

// A device's rows of one map, without a store.
class Asker {
 public:
  explicit Asker(Bench& bench) : bench_(bench) {}

  void hold(const crdt::Op& op) {
    storage::MemoryRecord& standing = rows_[std::string(op.cell.name.key)];
    if (crdt::wins(op.cell, standing.view(0).cell)) standing = storage::MemoryRecord(op);
  }
  // Walks until nothing differs; `heals` sends what the gateway knows nothing of.
  void compare(bool heals) {
    heals_ = heals;
    std::vector<Frame> frames;
    for (const Frame& frame : bench_.all(kLink)) {
      if (kind_of(frame) == Kind::digest_reply) frames.push_back(frame);
    }
    assert_false(frames.empty());
    for (const Frame& frame : frames) receive_reply(frame);
    for (; !wide_.empty(); split(wide_)) {
    }
    list(small_);
  }
  std::string text() const {
    std::string text;
    for (const auto& [key, row] : rows_) {
      if (!row.value.empty()) text += key + "=" + std::to_string(row.op.cell.stamp.wall_ms() - kWallMs) + " ";
    }
    return text;
  }
  std::size_t unknown_count() const { return unknown_; }

 private:
  Digest count(const Range& range) const {
    Digest sum;
    for (const auto& [key, row] : rows_) {
      if (within(range, key) && !row.value.empty()) sum.add(crdt::digest_of(row.view(0).cell));
    }
    return sum;
  }
  static bool within(const Range& range, const std::string& key) {
    return range.contains(crdt::position_of("farm", "climate", key));
  }
  void receive_reply(const Frame& frame) {
    wire::DigestsReader reader;
    assert_ok(reader.open(frame));
    wire::Split split;
    std::vector<Digest> children(1 << wire::kSplitBitsMax);
    while (reader.next_reply(split, children)) {
      for (std::size_t i = 0; i < wire::children_of(split); ++i) {
        const Range child = wire::child_of(split, i);
        const Digest mine = count(child);
        if (mine == children[i]) continue;
        (children[i].count > 4 && mine.count > 4 ? wide_ : small_).push_back(child);
      }
    }
    assert_ok(reader.status());
  }
  void split(std::vector<Range>& ranges) {
    Frame room(65'536);
    wire::DigestsWriter ask(Kind::digest_ask, 1, "climate", room);
    for (const Range& range : ranges) assert_true(ask.add_ask({range, 2}));
    ranges.clear();
    room.resize(ask.finish(true).size());
    bench_.send(kLink, room);
    for (const Frame& frame : bench_.all(kLink)) receive_reply(frame);
  }
  void list(const std::vector<Range>& ranges) {
    Frame room(65'536);
    wire::DigestsWriter have(Kind::have, 1, "climate", room);
    std::map<std::uint64_t, std::string> listed;
    for (const Range& range : ranges) {
      std::vector<std::uint64_t> digests;
      for (const auto& [key, row] : rows_) {
        if (!within(range, key) || row.value.empty()) continue;
        digests.push_back(crdt::digest_of(row.view(0).cell));
        listed[digests.back()] = key;
      }
      assert_true(have.add_digests(range, digests));
    }
    room.resize(have.finish(true).size());
    bench_.send(kLink, room);
    std::vector<crdt::Op> asks;
    for (const Frame& frame : bench_.all(kLink)) {
      if (kind_of(frame) == Kind::delta) receive_cells(frame);
      if (kind_of(frame) == Kind::lacks) receive_lacks(frame, listed, asks);
    }
    if (asks.empty()) return;
    bench_.send(kLink, ops_frame(Kind::cells_ask, {.id = 1, .map = "climate"}, asks));
    for (const Frame& frame : bench_.all(kLink)) receive_cells(frame);
  }
  void receive_lacks(const Frame& frame, const std::map<std::uint64_t, std::string>& listed,
                     std::vector<crdt::Op>& asks) {
    wire::DigestsReader reader;
    assert_ok(reader.open(frame));
    Range range;
    std::size_t size = 0;
    while (reader.next_digests(range, size)) {
      for (std::size_t i = 0; i < size; ++i) {
        crdt::Op ask;
        ask.cell.name = {"climate", listed.at(reader.digest(i)), {}};
        asks.push_back(ask);
      }
    }
  }
  void receive_cells(const Frame& frame) {
    wire::OpsReader reader;
    assert_ok(reader.open(frame));
    std::vector<crdt::Op> heal;
    for (crdt::Op op; reader.next(op);) {
      assert_ok(reader.status());
      if (!op.cell.stamp.is_none()) {
        hold(op);
        continue;
      }
      ++unknown_;
      heal.push_back(rows_.at(std::string(op.cell.name.key)).view(0));
    }
    if (heals_ && !heal.empty()) bench_.send(kLink, ops_frame(Kind::heal, {.id = 1}, heal));
  }

  Bench& bench_;
  std::map<std::string, storage::MemoryRecord> rows_;
  std::vector<Range> wide_;
  std::vector<Range> small_;
  std::size_t unknown_ = 0;
  bool heals_ = false;
};

std::string key_of(std::size_t i) { return "k" + std::to_string(1'000 + i); }

// Both sides hold `count` equal rows.
void fill(Bench& bench, Asker& asker, std::size_t count) {
  bench.open(1, kA);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string key = key_of(i);
    const crdt::Op op = put(i + 1, key, kWallMs, kA);
    bench.send(1, push({op}));
    asker.hold(op);
    bench.flush();
    bench.all(1);
  }
}

std::string live_rows(Bench& bench) {
  std::string text;
  for (auto op = bench.store.next_cell({}); op.ok();) {
    const std::string key(op->cell.name.key);
    if (!op->cell.is_tombstone()) text += key + "=" + std::to_string(op->cell.stamp.wall_ms() - kWallMs) + " ";
    op = bench.store.next_cell({"climate", key, {}});
  }
  return text;
}

// A cursor of the right scope that stands nowhere: proof of a loss.
Frame lost_cursor() {
  Frame cursor(24, 0xee);
  store_be(runtime::Scope{}.hash(), cursor.data() + 16);
  return cursor;
}

void differ(Bench& bench, Asker& asker) {
  bench.send(1, push({put(5'000, key_of(3), kWallMs + 7, kA), put(5'001, "new", kWallMs + 7, kA),
                      removal(5'002, key_of(4), kWallMs + 7, kA)}));
  bench.flush();
  bench.all(1);
  asker.hold(put(0, key_of(5), kWallMs + 9, kB));
  asker.hold(put(0, "mine", kWallMs + 9, kB));
}

void a_naive_asker_finds_every_difference_and_heals_when_it_may(void** state) {
  Bench& bench = bench_of(state);
  Asker asker(bench);
  fill(bench, asker, 600);
  differ(bench, asker);
  bench.open(kLink, kB);
  bench.send(kLink, subscribe(1, lost_cursor(), true));
  const auto subscribed = decoded<grid_Subscribed>(bench.next(kLink));
  assert_int_equal(subscribed.mode, wire::PullMode::compare);
  assert_true(subscribed.heal);

  asker.compare(true);

  // What is newer at the device, but known here, is an op that it pushes, not a thing to heal.
  assert_int_equal(asker.unknown_count(), 1);
  assert_int_equal(bench.coordinator->status().cells_healed, 1);
  assert_true(bench.store.find({"climate", "mine", {}}).ok());
  const Result<grid::server::Healed> healed = grid::server::load_healed(bench.store, kB);
  assert_int_equal(healed->cells, 1);
  assert_int_equal(healed->at_ms, kWallMs);
  assert_non_null(std::strstr(bench.coordinator->problem(), "given back by device"));
  assert_int_equal(grid::server::load_healed(bench.store, kA)->cells, 0);
  assert_true(asker.text().find("new=7 ") != std::string::npos);
  assert_true(asker.text().find(key_of(4)) == std::string::npos);
  assert_true(asker.text().find(key_of(3) + "=7 ") != std::string::npos);
}

// PROTOCOL P19
void heals_without_evidence_change_nothing(void** state) {
  Bench& bench = bench_of(state);
  Asker asker(bench);
  fill(bench, asker, 10);
  asker.hold(put(0, "mine", kWallMs + 9, kB));
  const std::string before = live_rows(bench);
  bench.open(kLink, kB);
  bench.send(kLink, subscribe(1, {}, true));
  assert_false(decoded<grid_Subscribed>(bench.next(kLink)).heal);

  asker.compare(true);

  assert_int_equal(asker.unknown_count(), 1);
  assert_int_equal(bench.coordinator->status().cells_healed, 0);
  assert_string_equal(live_rows(bench).c_str(), before.c_str());
}

// A map of 600 rows has cells in most partitions, whose digests take about 2.5 KB.
void a_device_of_small_frames_gets_the_first_digests_in_several(void** state) {
  Bench& bench = bench_of(state);
  Asker asker(bench);
  fill(bench, asker, 600);
  bench.open(kLink, kB, 0, {}, wire::kControlBytesMax);
  bench.send(kLink, subscribe(1, lost_cursor(), true));

  std::uint64_t cells = 0;
  std::size_t frames = 0;
  for (const Frame& frame : bench.all(kLink)) {
    if (kind_of(frame) != Kind::digest_reply) continue;
    ++frames;
    assert_true(frame.size() <= wire::kControlBytesMax);
    wire::DigestsReader reader;
    assert_ok(reader.open(frame));
    std::size_t child = 0;
    Digest digest;
    for (wire::Split split; reader.next_split(split);) {
      while (reader.next_child(child, digest)) cells += digest.count;
    }
    assert_ok(reader.status());
    assert_int_equal(reader.last(), cells == 600);
  }
  assert_true(frames > 4);
  assert_int_equal(cells, 600);
}

void a_comparison_of_equal_replicas_sends_digests_alone(void** state) {
  Bench& bench = bench_of(state);
  Asker asker(bench);
  fill(bench, asker, 50);
  bench.open(kLink, kB);
  bench.send(kLink, subscribe(1, lost_cursor(), true));
  const std::vector<Frame> frames = bench.all(kLink);
  assert_int_equal(frames.size(), 3);
  assert_int_equal(kind_of(frames[0]), Kind::subscribed);
  assert_int_equal(kind_of(frames[1]), Kind::current);
  assert_int_equal(kind_of(frames[2]), Kind::digest_reply);
  wire::DigestsReader reader;
  assert_ok(reader.open(frames[2]));
  assert_true(reader.last());
}

void a_gateway_without_a_map_says_so_in_its_first_digests(void** state) {
  Bench& bench = bench_of(state);
  bench.open(kLink, kB);
  bench.send(kLink, subscribe(1, lost_cursor(), true));
  const Frame frame = bench.all(kLink).back();
  wire::DigestsReader reader;
  assert_ok(reader.open(frame));
  assert_true(reader.last() && reader.map().empty());
}

void the_first_digests_name_every_map_in_order(void** state) {
  Bench& bench = bench_of(state);
  bench.open(1, kA);
  crdt::Seq seq = 0;
  for (const char* map : {"b", "a-b", "a", "a.b"}) {
    crdt::Op op = put(++seq, "k", kWallMs, kA);
    op.cell.name.map = map;
    bench.send(1, push({op}));
  }
  bench.open(kLink, kB);
  bench.send(kLink, subscribe(1, lost_cursor(), true));
  std::string maps;
  for (const Frame& frame : bench.all(kLink)) {
    wire::DigestsReader reader;
    if (kind_of(frame) != Kind::digest_reply) continue;
    assert_ok(reader.open(frame));
    maps += std::string(reader.map()) + (reader.last() ? "." : " ");
  }
  assert_string_equal(maps.c_str(), "a a-b a.b b.");
}

void a_name_is_answered_live_deleted_or_unknown(void** state) {
  Bench& bench = bench_of(state);
  bench.open(1, kA);
  bench.send(1, push({put(1, "live", kWallMs, kA), removal(2, "gone", kWallMs + 1, kA)}));
  bench.flush();
  bench.open(kLink, kB);
  bench.send(kLink, subscribe(1));
  bench.all(kLink);
  std::vector<crdt::Op> asks(3);
  asks[0].cell.name = {"climate", "gone", {}};
  asks[1].cell.name = {"climate", "live", {}};
  asks[2].cell.name = {"climate", "never", {}};
  bench.send(kLink, ops_frame(Kind::cells_ask, {.id = 1, .map = "climate"}, asks));
  const std::vector<Frame> frames = bench.all(kLink);
  assert_int_equal(frames.size(), 1);
  assert_string_equal(rows(frames[0]).c_str(), "gone@1 live=1@0 never");
}

void what_is_not_in_the_scope_is_not_answered(void** state) {
  Bench& bench = bench_of(state);
  bench.open(kLink, kB);
  bench.send(kLink, subscribe(1, {}, false, {wire::ScopeKind::prefix, "climate", "bench/"}));
  bench.all(kLink);
  std::vector<crdt::Op> asks(1);
  asks[0].cell.name = {"climate", "door", {}};
  bench.send(kLink, ops_frame(Kind::cells_ask, {.id = 1, .map = "climate"}, asks));
  assert_int_equal(bench.farewell(kLink).status, Status::corrupt);
}

// BND-1: a small frame can ask for gigabytes.
void an_ask_for_more_than_one_answer_may_hold_is_refused(void** state) {
  Bench& bench = bench_of(state);
  bench.open(kLink, kB);
  bench.send(kLink, subscribe(1));
  bench.all(kLink);
  Frame room(65'536);
  wire::DigestsWriter ask(Kind::digest_ask, 1, "climate", room);
  for (std::uint16_t partition = 0; partition < 65; ++partition) assert_true(ask.add_ask({{partition, 0, 0}, 12}));
  room.resize(ask.finish(true).size());
  bench.send(kLink, room);
  assert_int_equal(bench.farewell(kLink).status, Status::too_large);
}

// BND-1
void asks_that_wait_are_bounded(void** state) {
  Bench& bench = bench_of(state);
  bench.open(kLink, kB);
  bench.send(kLink, subscribe(1));
  bench.all(kLink);
  for (int i = 0; i < 513; ++i) bench.send(kLink, encoded(grid_Verify{1, true}));
  assert_int_equal(bench.farewell(kLink).status, Status::full);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      server_test(a_naive_asker_finds_every_difference_and_heals_when_it_may),
      server_test(heals_without_evidence_change_nothing),
      server_test(a_device_of_small_frames_gets_the_first_digests_in_several),
      server_test(a_comparison_of_equal_replicas_sends_digests_alone),
      server_test(a_gateway_without_a_map_says_so_in_its_first_digests),
      server_test(the_first_digests_name_every_map_in_order),
      server_test(a_name_is_answered_live_deleted_or_unknown),
      server_test(what_is_not_in_the_scope_is_not_answered),
      server_test(an_ask_for_more_than_one_answer_may_hold_is_refused),
      server_test(asks_that_wait_are_bounded),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
