// SPDX-License-Identifier: Apache-2.0
//
// Sets, counters, batches and the writes that look first, through the embedding API over a store on disk.

#include <grid/batch.h>
#include <grid/grid.h>
#include <grid/linux.h>
#include <grid/views.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/check.h"

namespace {

using namespace grid;

struct Fixture {
  Fixture() {
    char name[] = "/tmp/grid-views-XXXXXX";
    assert_non_null(mkdtemp(name));
    directory = name;
    start();
  }
  ~Fixture() {
    host.reset();
    std::filesystem::remove_all(directory);
  }
  void start() {
    host.reset();
    host = std::make_unique<LinuxHost>();
    node = host->open({.app = "farm", .store = directory + "/store"});
    assert_non_null(node);
  }

  std::string directory;
  std::unique_ptr<LinuxHost> host;
  Node* node = nullptr;
};

std::vector<std::string> values_of(const OrMap& map, std::string_view key) {
  std::vector<std::string> values;
  assert_ok(map.values(key, [&values](const Value& value) { values.emplace_back(value.text_or("?")); }));
  return values;
}

void a_set_keeps_each_value_once(void**) {
  Fixture fixture;
  OrMap tags(*fixture.node, "tags");
  for (const char* tag : {"north", "dry", "north"}) assert_ok(tags.add("bench/3", tag).status());
  fixture.start();
  tags = OrMap(*fixture.node, "tags");
  assert_true(values_of(tags, "bench/3") == (std::vector<std::string>{"north", "dry"}));
  assert_true(tags.contains("bench/3", "dry"));
  assert_ok(tags.remove("bench/3", "north").status());
  assert_false(tags.contains("bench/3", "north"));
  assert_int_equal(tags.count("bench/3"), 1);
  assert_status(tags.remove("bench/3", "north").status(), Status::not_found);
  assert_ok(tags.remove_all("bench/3").status());
  std::vector<std::string> keys;
  assert_ok(tags.keys("", [&keys](std::string_view key) { keys.emplace_back(key); }));
  assert_true(keys.empty());
}

void rows_and_sets_of_one_map_do_not_see_each_other(void**) {
  Fixture fixture;
  OrMap tags(*fixture.node, "m");
  Map map = fixture.node->map("m");
  assert_ok(tags.add("a", "x").status());
  assert_ok(map.put("a", {{"n", 1}}).status());
  assert_ok(map.put("b", {{"n", 2}}).status());
  int rows = 0;
  assert_ok(map.scan("", [&rows](const Change&) { ++rows; }));
  assert_int_equal(rows, 2);
  assert_int_equal(tags.count("a"), 1);
}

void a_counter_counts_on_where_it_stood(void**) {
  Fixture fixture;
  CounterMap visits(*fixture.node, "visits");
  assert_ok(visits.increment("gate", 5).status());
  assert_ok(visits.decrement("gate", 7).status());
  fixture.start();
  visits = CounterMap(*fixture.node, "visits");
  assert_ok(visits.increment("gate").status());
  assert_int_equal(visits.value("gate"), -1);
  assert_ok(visits.reset("gate").status());
  assert_int_equal(visits.value("gate"), 0);
  assert_int_equal(visits.value("nowhere"), 0);
  assert_status(visits.decrement("gate", INT64_MIN).status(), Status::invalid);
}

void put_if_writes_over_what_it_expects_only(void**) {
  Fixture fixture;
  Map map = fixture.node->map("climate");
  assert_ok(map.put_if({}, "bench/3", {{"n", 1}}).status());
  assert_status(map.put_if({}, "bench/3", {{"n", 2}}).status(), Status::conflict);
  const Version version = map.read("bench/3").version;
  assert_ok(map.put_if(version, "bench/3", {{"n", 3}}).status());
  assert_status(map.put_if(version, "bench/3", {{"n", 4}}).status(), Status::conflict);
  assert_true(std::string_view(fixture.host->problem()).find("bench/3") != std::string_view::npos);
  assert_int_equal(map.get("bench/3")["n"].integer_or(0), 3);
  assert_ok(map.remove("bench/3").status());
  assert_ok(map.put_if({}, "bench/3", {{"n", 5}}).status());
}

void update_leaves_the_other_fields(void**) {
  Fixture fixture;
  Map map = fixture.node->map("climate");
  assert_ok(map.update("bench/3", {{"temp", 21.5}, {"fan", true}}).status());
  assert_ok(map.update("bench/3", {{"fan", false}, {"by", "hand"}}).status());
  const Value row = map.get("bench/3");
  assert_true(row["temp"].number_or(0) == 21.5 && !row["fan"].truth_or(true));
  assert_string_equal(std::string(row["by"].text_or("")).c_str(), "hand");
  std::uint8_t room[8];
  ValueWriter writer(room);
  writer.integer(7);
  assert_ok(map.put("number", Value(*writer.finish())).status());
  assert_status(map.update("number", {{"fan", true}}).status(), Status::invalid);
}

void a_range_has_its_begin_and_not_its_end(void**) {
  Fixture fixture;
  Map map = fixture.node->map("m");
  for (const char* key : {"a", "b", "b/1", "c", "d"}) assert_ok(map.put(key, {{"n", 1}}).status());
  const auto keys_of = [&map](std::string_view from, std::string_view to) {
    std::string keys;
    assert_ok(map.scan_range(from, to, [&keys](const Change& row) { keys += std::string(row.key) + " "; }));
    return keys;
  };
  assert_string_equal(keys_of("b", "d").c_str(), "b b/1 c ");
  assert_string_equal(keys_of("", "b").c_str(), "a ");
  assert_string_equal(keys_of("b/0", "").c_str(), "b/1 c d ");
  assert_string_equal(keys_of("c", "b").c_str(), "");
}

void a_batch_is_written_whole_or_not_at_all(void**) {
  Fixture fixture;
  Map map = fixture.node->map("m");
  assert_ok(map.put("gone", {{"n", 0}}).status());
  BatchOf<> batch;
  batch.put("m", "a", {{"n", 1}});
  batch.put("m", "b", {{"n", 2}});
  batch.remove("m", "gone");
  assert_ok(batch.commit(*fixture.node).status());
  fixture.start();
  map = fixture.node->map("m");
  assert_int_equal(map.get("a")["n"].integer_or(0) + map.get("b")["n"].integer_or(0), 3);
  assert_false(map.get("gone").exists());
  batch.clear();
  batch.put("m", "a", {{"n", 10}});
  batch.put("m", "bad\nkey", {{"n", 11}});
  assert_status(batch.commit(*fixture.node).status(), Status::invalid);
  assert_int_equal(map.get("a")["n"].integer_or(0), 1);
  batch.clear();
  assert_status(batch.commit(*fixture.node).status(), Status::invalid);
  for (int i = 0; i < 17; ++i) batch.remove("m", "a");
  assert_status(batch.commit(*fixture.node).status(), Status::too_large);
}

void a_watch_tells_which_set_has_changed(void**) {
  Fixture fixture;
  Map map = fixture.node->map("tags");
  struct Seen {
    std::string key;
    crdt::View view = crdt::View::lww_map;
  } seen;
  const Watch watch = map.watch("", [at = &seen](const Change& change) {
    at->key = change.key;
    at->view = change.view;
    assert_false(change.now.exists());
  });
  OrMap tags(*fixture.node, "tags");
  assert_ok(tags.add("bench/3", "dry").status());
  assert_true(fixture.host->wait_until([&seen](const runtime::ReplicaStatus&) { return !seen.key.empty(); }, 10'000));
  assert_string_equal(seen.key.c_str(), "bench/3");
  assert_true(seen.view == crdt::View::or_map);
}

// Each has its own callback, and ends by itself.
void two_watches_of_one_scope_are_two(void**) {
  Fixture fixture;
  Map map = fixture.node->map("m");
  int first_calls = 0, second_calls = 0;
  Watch first = map.watch("", [at = &first_calls](const Change&) { ++*at; });
  const Watch second = map.watch("", [at = &second_calls](const Change&) { ++*at; });
  const auto told = [&](int calls) {
    return fixture.host->wait_until([&, calls](const runtime::ReplicaStatus&) { return second_calls == calls; },
                                    10'000);
  };
  assert_ok(map.put("a", {{"n", 1}}).status());
  assert_true(told(1));
  assert_int_equal(first_calls, 1);
  first.end();
  assert_ok(map.put("a", {{"n", 2}}).status());
  assert_true(told(2));
  assert_int_equal(first_calls, 1);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_set_keeps_each_value_once),
      cmocka_unit_test(rows_and_sets_of_one_map_do_not_see_each_other),
      cmocka_unit_test(a_counter_counts_on_where_it_stood),
      cmocka_unit_test(put_if_writes_over_what_it_expects_only),
      cmocka_unit_test(update_leaves_the_other_fields),
      cmocka_unit_test(a_range_has_its_begin_and_not_its_end),
      cmocka_unit_test(a_batch_is_written_whole_or_not_at_all),
      cmocka_unit_test(a_watch_tells_which_set_has_changed),
      cmocka_unit_test(two_watches_of_one_scope_are_two),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
