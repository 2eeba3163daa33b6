// SPDX-License-Identifier: Apache-2.0
//
// FactFeed: an index that is fed holds what the store does, whatever happens while it is being fed.

#include "runtime/random.h"
#include "server/fact_feed.h"
#include "tests/unit/query/fact_bench.h"

namespace {

using namespace grid;
using server::FactBatch;
using server::FactFeed;
using test::FactBench;

constexpr const char* kAll = "[:find ?e ?a ?v :where [?e ?a ?v]]";

struct Fed {
  FactBench& bench;
  FactFeed feed{bench.store};
  runtime::FactEngine engine{runtime::FactOptions{}};
  int loads = 0;

  explicit Fed(FactBench& of) : bench(of) {}

  // One piece, to the index; false: there was nothing to tell.
  bool feed_on() {
    FactBatch batch;
    const bool had_more = feed.has_more();
    const Status status = feed.next(batch);
    if (status == Status::not_found) {
      assert_false(had_more);
      return false;
    }
    if (status != Status::busy) assert_ok(status);
    if (status == Status::ok) take(batch);
    return true;
  }
  void feed_all() {
    while (feed_on()) {
    }
    assert_true(feed.has_told("m", bench.store.head()));
  }
  std::string ask() {
    std::string answer;
    const auto take_row = [](void* at, std::span<const crdt::Value> row) {
      *static_cast<std::string*>(at) += test::json_of(row);
    };
    assert_ok(engine.ask("m", *bench.read(kAll), {take_row, &answer}));
    return answer;
  }

 private:
  void take(const FactBatch& batch) {
    assert_string_equal(batch.map.c_str(), "m");
    assert_true(batch.cells.size() <= FactFeed::kLooks);
    runtime::FactIndex& index = engine.index_of("m");
    switch (batch.kind) {
      case FactBatch::Kind::begin:
        ++loads;
        return index.begin_load();
      case FactBatch::Kind::cells:
        assert_false(batch.cells.empty());
        for (const auto& cell : batch.cells) assert_ok(index.load(cell.key, cell.sub, cell.value));
        return;
      case FactBatch::Kind::loaded:
        return assert_ok(index.finish_load());
      case FactBatch::Kind::change:
        return assert_ok(engine.change("m", batch.cells));
    }
  }
};

void nothing_is_told_of_a_map_that_nobody_asks_about(void**) {
  FactBench bench;
  bench.set("1", "n", "1");
  Fed fed(bench);
  assert_false(fed.feed_on());
  assert_false(fed.feed.has_told("m", 0));
  fed.feed.begin("m");
  fed.feed_all();
  assert_string_equal(fed.ask().c_str(), "[1,\"n\",1]");
  fed.feed.end("m");
  bench.set("2", "n", "2");
  assert_false(fed.feed_on());
  assert_false(fed.feed.has_told("m", 0));
}

void what_arrives_while_a_map_is_read_is_told_behind_it(void**) {
  FactBench bench;
  for (int i = 0; i < 3'000; ++i) bench.set(std::to_string(i), "n", "1");
  Fed fed(bench);
  fed.feed.begin("m");
  assert_true(fed.feed_on());
  assert_true(fed.feed_on());  // The first piece of it.
  bench.set("0", "n", "2");
  bench.bury("1");
  bench.set("2999", "n", "");
  bench.set("new", "n", "3");
  const crdt::Seq head = bench.store.head();
  assert_false(fed.feed.has_told("m", head));
  fed.feed_all();
  assert_string_equal(fed.ask().c_str(), bench.ask(kAll).c_str());
  assert_int_equal(fed.loads, 1);
}

void a_question_waits_for_what_arrived_before_it_and_for_nothing_else(void**) {
  FactBench bench;
  Fed fed(bench);
  fed.feed.begin("m");
  fed.feed_all();
  bench.set("1", "n", "1");
  const crdt::Seq asked = bench.store.head();
  assert_false(fed.feed.has_told("m", asked));
  fed.feed_all();
  assert_true(fed.feed.has_told("m", asked));
  bench.set("2", "n", "2");
  assert_true(fed.feed.has_told("m", asked));
  assert_false(fed.feed.has_told("m", bench.store.head()));
}

// A collected fact leaves no record.
void what_leaves_the_store_without_a_record_leaves_the_index(void**) {
  FactBench bench;
  bench.set("1", "n", "1");
  bench.set("2", "n", "2");
  Fed fed(bench);
  fed.feed.begin("m");
  fed.feed_all();
  std::uint8_t room[crdt::FactName::kBytesMax];
  const crdt::CellName name{"m", "1", *crdt::FactName::write("n", false, {}, room)};
  bench.erase(name);
  fed.feed.erased(name);
  assert_false(fed.feed.has_told("m", bench.store.head()));
  fed.feed_all();
  assert_string_equal(fed.ask().c_str(), "[2,\"n\",2]");
}

// DLE-2
void what_expires_leaves_the_index_and_what_the_time_brings_back_enters_it(void**) {
  FactBench bench;
  bench.set("1", "n", "1", 5'000);
  bench.set("2", "n", "2");
  Fed fed(bench);
  fed.feed.begin("m");
  fed.feed_all();
  assert_string_equal(fed.ask().c_str(), "[1,\"n\",1][2,\"n\",2]");
  fed.feed.observe(4'999);
  assert_false(fed.feed.has_more());
  fed.feed.observe(5'000);
  assert_true(fed.feed.has_more());
  assert_false(fed.feed.has_told("m", bench.store.head()));
  fed.feed_all();
  assert_string_equal(fed.ask().c_str(), "[2,\"n\",2]");
  fed.feed.observe(0);
  fed.feed_all();
  assert_string_equal(fed.ask().c_str(), "[1,\"n\",1][2,\"n\",2]");
}

void what_expires_while_its_map_is_read_is_not_answered_from(void**) {
  FactBench bench;
  for (int i = 0; i < 3'000; ++i) bench.set(std::to_string(i), "n", "1", i < 2'999 ? 5'000 : 0);
  Fed fed(bench);
  fed.feed.observe(4'000);
  fed.feed.begin("m");
  for (int piece = 0; piece < 2; ++piece) assert_true(fed.feed_on());
  fed.feed.observe(6'000);
  fed.feed_all();
  assert_string_equal(fed.ask().c_str(), "[2999,\"n\",1]");
  assert_int_equal(fed.loads, 1);
}

// BND-1
void a_map_that_too_much_vanishes_from_is_read_anew(void**) {
  FactBench bench;
  bench.set("1", "n", "1");
  Fed fed(bench);
  fed.feed.begin("m");
  fed.feed_all();
  std::uint8_t room[crdt::FactName::kBytesMax];
  const std::string sub(*crdt::FactName::write("n", false, {}, room));
  for (std::size_t i = 0; i <= FactFeed::kErasedMax; ++i) fed.feed.erased({"m", "x" + std::to_string(i), sub});
  fed.feed_all();
  assert_int_equal(fed.loads, 2);
  assert_string_equal(fed.ask().c_str(), "[1,\"n\",1]");
}

// However large the entity was, and however much of it is told to be gone.
void a_buried_entity_is_one_name(void**) {
  FactBench bench;
  bench.set("2", "n", "2");
  for (int i = 0; i < 5'000; ++i) bench.add("1", "to", std::to_string(i));
  Fed fed(bench);
  fed.feed.begin("m");
  fed.feed_all();
  bench.bury("1");
  std::uint8_t room[crdt::FactName::kBytesMax];
  for (int i = 0; i < 5'000; ++i) {
    const std::string object = test::canonical(std::to_string(i));
    fed.feed.erased({"m", "1", *crdt::FactName::write("to", true, as_bytes(object), room)});
  }
  FactBatch batch;
  assert_ok(fed.feed.next(batch));
  assert_int_equal(batch.cells.size(), 1);
  assert_ok(fed.engine.change("m", batch.cells));
  fed.feed_all();
  assert_string_equal(fed.ask().c_str(), "[2,\"n\",2]");
}

// TRI-1  As a power cut leaves them, until the journal finds them.
void what_is_left_under_a_marker_is_in_no_answer(void**) {
  FactBench bench;
  bench.set("1", "n", "1");
  bench.set("2", "n", "2");
  const crdt::Op marker{.cell = {{"m", "1", crdt::kMarker}, crdt::Stamp::of(5'000, 0, 7), 0, {}}};
  assert_ok(bench.store.append(marker).status());
  Fed before(bench);
  before.feed.begin("m");
  before.feed_all();
  assert_string_equal(before.ask().c_str(), "[2,\"n\",2]");
  assert_string_equal(bench.ask(kAll).c_str(), "[2,\"n\",2]");
  bench.set("1", "n", "3");
  before.feed_all();
  assert_string_equal(before.ask().c_str(), "[2,\"n\",2]");
  assert_string_equal(bench.ask(kAll).c_str(), "[2,\"n\",2]");
}

void whatever_happens_in_between_the_index_ends_with_what_the_store_has(void**) {
  FactBench bench;
  Fed fed(bench);
  runtime::Random random(20261122);
  std::uint64_t known_ms = 0;
  for (int round = 0; round < 4'000; ++round) {
    const std::string key = std::to_string(random.below(40));
    const std::string number = std::to_string(random.below(5));
    const std::uint64_t what = random.below(12);
    if (what < 4) bench.set(key, "n", number);
    if (what == 4) bench.set(key, "n", "");
    if (what == 5 || what == 6) bench.add(key, "tag", number);
    if (what == 7) bench.remove(key, "tag", number);
    if (what == 8 && random.below(5) == 0) bench.bury(key);
    if (what == 9 && random.below(20) == 0) fed.feed.end("m");
    if (what == 9) fed.feed.begin("m");
    if (what == 10) bench.set(key, "n", number, 1 + random.below(100));
    if (what == 11) known_ms = random.below(8) == 0 ? 0 : random.below(100);
    fed.feed.observe(known_ms);
    bench.engine.observe(known_ms);
    if (random.below(3) == 0) fed.feed_on();
    if (random.below(50) != 0 || !fed.feed.has("m")) continue;
    fed.feed_all();
    assert_string_equal(fed.ask().c_str(), bench.ask(kAll).c_str());
  }
  assert_true(fed.loads > 5);
}

void an_index_that_outgrows_the_memory_of_all_is_full_and_says_so(void**) {
  FactBench bench;
  runtime::FactEngine engine({.all_bytes_max = 3u << 20});
  runtime::FactIndex& index = engine.index_of("m");
  index.begin_load();
  assert_ok(index.finish_load());
  runtime::FactCell cell{"", "", {}, true};
  std::uint8_t room[crdt::FactName::kBytesMax];
  cell.sub = *crdt::FactName::write("n", false, {}, room);
  Status status = Status::ok;
  for (int i = 0; i < 200'000 && status == Status::ok; ++i) {
    cell.key = "x" + std::to_string(i);
    const std::string value = test::canonical("\"" + std::to_string(i) + " is a text of its own\"");
    cell.value.assign(value.begin(), value.end());
    status = engine.change("m", {&cell, 1});
  }
  assert_status(status, Status::full);
  assert_string_equal(engine.problem(), "limit: the facts of m take more than 3 MiB");
  assert_status(engine.ask("m", *bench.read(kAll), {nullptr, nullptr}), Status::busy);
  assert_int_equal(engine.index_bytes(), 0);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_told_of_a_map_that_nobody_asks_about),
      cmocka_unit_test(what_arrives_while_a_map_is_read_is_told_behind_it),
      cmocka_unit_test(a_question_waits_for_what_arrived_before_it_and_for_nothing_else),
      cmocka_unit_test(what_leaves_the_store_without_a_record_leaves_the_index),
      cmocka_unit_test(what_expires_leaves_the_index_and_what_the_time_brings_back_enters_it),
      cmocka_unit_test(what_expires_while_its_map_is_read_is_not_answered_from),
      cmocka_unit_test(a_map_that_too_much_vanishes_from_is_read_anew),
      cmocka_unit_test(a_buried_entity_is_one_name),
      cmocka_unit_test(what_is_left_under_a_marker_is_in_no_answer),
      cmocka_unit_test(whatever_happens_in_between_the_index_ends_with_what_the_store_has),
      cmocka_unit_test(an_index_that_outgrows_the_memory_of_all_is_full_and_says_so),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
