// SPDX-License-Identifier: Apache-2.0
//
// Queries of the embedding API, over a store on disk.

#include <grid/grid.h>
#include <grid/linux.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/check.h"

namespace {

using namespace grid;

using Keys = std::vector<std::string>;

struct Fixture {
  std::string directory;
  LinuxHost* host = nullptr;
  Map map;
};

int set_up(void** state) {
  char name[] = "/tmp/grid-query-XXXXXX";
  if (mkdtemp(name) == nullptr) return 1;
  auto* fixture = new Fixture{.directory = name, .host = new LinuxHost, .map = {}};
  *state = fixture;
  Node* node = fixture->host->open({.store = fixture->directory + "/store"});
  if (node == nullptr) return 1;
  fixture->map = node->map("climate");
  for (int i = 100; i < 400; ++i) {
    const std::string key = "bench/" + std::to_string(i);
    const char* site = i % 3 == 0 ? "Oslo" : "Bergen";
    if (fixture->map.put(key, {{"temp", i / 10.0}, {"site", site}}).status() != Status::ok) return 1;
  }
  return 0;
}

int tear_down(void** state) {
  auto* fixture = static_cast<Fixture*>(*state);
  delete fixture->host;
  std::filesystem::remove_all(fixture->directory);
  delete fixture;
  return 0;
}

Page ask(const Fixture& fixture, const Query& query, Keys& keys) {
  return fixture.map.query(query, [&keys](const Change& row) { keys.emplace_back(row.key); });
}

void a_query_binds_its_parameters_and_visits_rows_in_order(void** state) {
  const auto& fixture = *static_cast<Fixture*>(*state);
  Keys keys;
  const Page page = ask(fixture,
                        {.where = "temp >= $low and site = $site",
                         .order = "temp desc",
                         .limit = 2,
                         .parameters = {{"low", 20.5}, {"site", "Oslo"}}},
                        keys);
  assert_ok(page.status);
  assert_true(keys == (Keys{"bench/399", "bench/396"}));
  assert_true(page.way == "scan" && page.shown == 2 && page.sorted && !page.cursor.empty());
  const std::string cursor(page.cursor);
  const Page next = ask(fixture,
                        {.where = "temp >= $low and site = $site",
                         .order = "temp desc",
                         .limit = 1,
                         .after = cursor,
                         .parameters = {{"low", 20.5}, {"site", "Oslo"}}},
                        keys);
  assert_ok(next.status);
  assert_string_equal(keys.back().c_str(), "bench/393");
  // Another value of a parameter is another query.
  assert_status(ask(fixture,
                    {.where = "temp >= $low and site = $site",
                     .order = "temp desc",
                     .after = cursor,
                     .parameters = {{"low", 30.5}, {"site", "Oslo"}}},
                    keys)
                    .status,
                Status::invalid);
  assert_string_equal(fixture.host->problem(), "the cursor is of another query");
}

void what_is_wrong_with_a_query_is_a_sentence(void** state) {
  const auto& fixture = *static_cast<Fixture*>(*state);
  Keys keys;
  assert_status(ask(fixture, {.where = "temp => 1"}, keys).status, Status::invalid);
  assert_string_equal(fixture.host->problem(),
                      "the predicate, column 6: a comparison is to come behind the field, but there is =>; write >=");
  assert_status(ask(fixture, {.order = "temp down"}, keys).status, Status::invalid);
  assert_status(ask(fixture, {.after = "rubbish"}, keys).status, Status::corrupt);
  assert_status(ask(fixture, {.where = "a = $b", .parameters = {{"b", "\xff"}}}, keys).status, Status::invalid);
  assert_true(keys.empty());
}

// On LMDB, with writes that are pending, overwritten and removed.
void an_index_follows_local_writes(void** state) {
  auto& fixture = *static_cast<Fixture*>(*state);
  assert_ok(fixture.map.index("temp"));
  Keys keys;
  Page page = ask(fixture, {.where = "temp between 25 and 25.2"}, keys);
  assert_ok(page.status);
  assert_true(page.way == "index" && page.index == "temp" && page.looked_at == 3);
  assert_true(keys == (Keys{"bench/250", "bench/251", "bench/252"}));
  for (int i = 0; i < 5; ++i) assert_ok(fixture.map.put("bench/251", {{"temp", 90.0 + i}}).status());
  assert_ok(fixture.map.remove("bench/250").status());
  assert_ok(fixture.host->flush());
  keys.clear();
  page = ask(fixture, {.where = "temp between 25 and 25.2 or temp > 90"}, keys);
  assert_true(page.way == "scan");
  assert_true(keys == (Keys{"bench/251", "bench/252"}));
  keys.clear();
  page = ask(fixture, {.where = "temp >= 25 and temp <= 25.2"}, keys);
  assert_true(page.way == "index");
  assert_true(keys == Keys{"bench/252"});
  assert_status(fixture.map.index("temp."), Status::invalid);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_query_binds_its_parameters_and_visits_rows_in_order, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_wrong_with_a_query_is_a_sentence, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_index_follows_local_writes, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
