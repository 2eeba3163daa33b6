// SPDX-License-Identifier: Apache-2.0
//
// The full-text index beside the rows of a SqliteSink: that it follows them whatever happens, and what it finds.

#include "storage/sqlite/sqlite_search.h"

#include <sqlite3.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <set>
#include <vector>

#include "server/search_text.h"
#include "storage/sqlite/sqlite_search_reader.h"
#include "storage/sqlite/sqlite_sink.h"
#include "tests/check.h"
#include "tests/contract/search_check.h"
#include "tests/contract/search_model.h"
#include "tests/contract/temporary_directory.h"
#include "tests/unit/crdt/dice.h"

namespace grid::test {
namespace {

using storage::SearchAnswer;
using storage::SearchConfig;
using storage::SearchFound;
using storage::SinkRow;
using storage::SqliteSearchReader;
using storage::SqliteSink;

constexpr std::uint64_t kNowMs = 1'700'000'000'000;

struct Fixture {
  TemporaryDirectory directory;
  std::string file = directory.path() + "/app.db";
  SearchConfig config = searching();
  std::unique_ptr<SqliteSink> sink;
  std::unique_ptr<SqliteSearchReader> reader;
  crdt::Seq arrival = 0;

  Fixture() { open(); }
  void open() {
    Status status = Status::ok;
    std::string problem;
    reader.reset();
    sink.reset();
    sink = SqliteSink::open(file, status, problem, config);
    assert_string_equal(problem.c_str(), "");
    if (config.is_on()) reader = SqliteSearchReader::open(file, config, status, problem);
    assert_string_equal(problem.c_str(), "");
  }
  void open(const SearchConfig& other) {
    config = other;
    open();
  }
  // Steps until the index stands; how many it took.
  int build() {
    int steps = 0;
    for (; sink->has_search_work(); ++steps) assert_ok(sink->work_on_search());
    return steps;
  }
  SinkRow row(std::string_view key, std::string_view value, std::uint64_t expires_ms = 0, std::string_view sub = {}) {
    ++arrival;
    return {{{"map", key, sub}, crdt::Stamp::of(kNowMs + arrival, 0, 1), expires_ms, as_bytes(value)}, arrival, value};
  }
  Status drain(const std::vector<SinkRow>& rows) { return sink->drain(rows, {1, arrival}); }
  void put(std::string_view key, std::string_view value, std::uint64_t expires_ms = 0) {
    assert_ok(drain({row(key, value, expires_ms)}));
  }
  void remove(std::string_view key) { put(key, ""); }
  void check() { assert_string_equal(trouble_with_index(file, config).c_str(), ""); }
  void run(const std::string& sql) {
    sqlite3* other = nullptr;
    assert_int_equal(sqlite3_open(file.c_str(), &other), SQLITE_OK);
    const int code = sqlite3_exec(other, sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) fail_msg("%s: %s", sql.c_str(), sqlite3_errmsg(other));
    sqlite3_close(other);
  }
  int tables_of_search() {
    sqlite3* other = nullptr;
    sqlite3_open(file.c_str(), &other);
    const auto found = search_check::table(other, "SELECT name, 1 FROM sqlite_master WHERE name LIKE 'search%'");
    sqlite3_close(other);
    return static_cast<int>(found.size());
  }
  SearchAnswer ask(std::string_view text, std::size_t limit = 1'000, const SearchFound* after = nullptr,
                   std::uint64_t known_ms = kNowMs) {
    std::string match, problem;
    assert_ok(server::compile_search(text, match, problem));
    storage::SearchQuestion question{.map = "map", .match = match, .limit = limit, .known_ms = known_ms};
    question.bytes_max = 10'000'000;
    if (after != nullptr) question.after_rank = after->rank, question.after_key = after->key;
    SearchAnswer answer;
    const Status status = reader->ask(question, answer);
    if (status != Status::ok) fail_msg("%s", reader->problem());
    return answer;
  }
  std::string keys(std::string_view text, std::uint64_t known_ms = kNowMs) {
    std::vector<std::string> found;
    for (const SearchFound& hit : ask(text, 1'000, nullptr, known_ms).hits) found.push_back(hit.key);
    std::sort(found.begin(), found.end());
    std::string all;
    for (const std::string& key : found) all += (all.empty() ? "" : " ") + key;
    return all;
  }
};

int make_fixture(void** state) {
  *state = new Fixture;
  return 0;
}

int drop_fixture(void** state) {
  delete static_cast<Fixture*>(*state);
  return 0;
}

Fixture& fixture_of(void** state) { return *static_cast<Fixture*>(*state); }

void assert_keys(Fixture& fixture, const char* text, const char* keys) {
  assert_string_equal(fixture.keys(text).c_str(), keys);
}

// SRC-1
void the_index_follows_each_row(void** state) {
  Fixture& fixture = fixture_of(state);
  assert_int_equal(fixture.build(), 0);  // Nothing is there.
  fixture.put("a", "oslo office|cold room");
  fixture.put("b", "bergen|warm room");
  assert_keys(fixture, "room", "a b");
  fixture.put("a", "oslo office|warm hall");
  assert_keys(fixture, "room", "b");
  assert_keys(fixture, "oslo hall", "a");
  fixture.put("a", "|");
  assert_keys(fixture, "oslo", "");
  fixture.put("a", "oslo|again");
  fixture.remove("b");
  assert_keys(fixture, "room", "");
  assert_keys(fixture, "again", "a");
  fixture.check();
}

// SRC-1
void a_row_that_lost_changes_nothing(void** state) {
  Fixture& fixture = fixture_of(state);
  SinkRow late = fixture.row("a", "late");
  fixture.put("a", "newer");
  assert_ok(fixture.drain({late}));
  assert_keys(fixture, "late", "");
  assert_keys(fixture, "newer", "a");
  fixture.check();
}

void other_maps_and_other_views_are_not_searched(void** state) {
  Fixture& fixture = fixture_of(state);
  SinkRow other = fixture.row("a", "oslo");
  other.cell.name.map = "other";
  assert_ok(fixture.drain({other, fixture.row("b", "oslo", 0, "tag")}));
  assert_keys(fixture, "oslo", "");
  fixture.check();
}

// SRC-1
void what_expires_is_no_hit_and_what_is_collected_is_gone(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.put("a", "oslo", kNowMs + 1'000);
  fixture.put("b", "oslo");
  fixture.put("c", "oslo", UINT64_MAX);
  assert_string_equal(fixture.keys("oslo", kNowMs + 999).c_str(), "a b c");
  assert_string_equal(fixture.keys("oslo", kNowMs + 1'000).c_str(), "b c");
  assert_string_equal(fixture.keys("oslo", 0).c_str(), "a b c");  // Who does not know the time can't say.
  assert_ok(fixture.sink->drain({}, {1, fixture.arrival, fixture.arrival, kNowMs + 2'000}));
  assert_string_equal(fixture.keys("oslo", 0).c_str(), "b c");
  fixture.check();
}

// SRC-1
void rows_that_are_there_are_indexed_in_steps_while_others_come(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.open({});
  std::vector<std::string> keys;
  std::vector<SinkRow> rows;
  for (int i = 0; i < 1'800; ++i) keys.push_back("k" + std::to_string(10'000 + i));
  for (const std::string& key : keys) rows.push_back(fixture.row(key, "old oslo|x"));
  for (int i = 0; i < 600; ++i) rows.push_back(fixture.row("m", "tag of a set", 0, keys[static_cast<std::size_t>(i)]));
  assert_ok(fixture.drain(rows));
  fixture.open(searching());
  assert_true(fixture.sink->has_search_work());
  assert_ok(fixture.sink->work_on_search());
  const SearchAnswer part = fixture.ask("oslo");
  assert_int_equal(part.hits.size(), 500);
  assert_int_equal(part.building, 501);
  fixture.put("k10001", "new");  // Behind the place that building has come to,
  fixture.put("k11700", "new");  // and before it.
  fixture.remove("k11701");
  fixture.open();  // It goes on where it was.
  assert_int_equal(fixture.ask("oslo").building, 501);
  assert_int_equal(fixture.build(), 4);
  fixture.check();
  assert_int_equal(fixture.ask("old").more, true);
  assert_keys(fixture, "new", "k10001 k11700");
  assert_int_equal(fixture.ask("oslo").building, 0);
}

void other_fields_build_it_anew_and_none_drop_it(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.put("a", "oslo|cold");
  fixture.open(searching({"1"}));
  assert_keys(fixture, "oslo", "");
  fixture.build();
  assert_keys(fixture, "cold", "a");
  fixture.check();
  fixture.open({});
  assert_int_equal(fixture.tables_of_search(), 0);
  fixture.put("b", "oslo|cold");
  assert_null(fixture.sink->search());
  fixture.open(searching());
  fixture.build();
  assert_keys(fixture, "oslo", "a b");
}

void a_database_without_a_search_has_no_table_of_one(void**) {
  TemporaryDirectory directory;
  Status status = Status::ok;
  std::string problem;
  const std::string file = directory.path() + "/app.db";
  assert_non_null(SqliteSink::open(file, status, problem).get());
  sqlite3* other = nullptr;
  sqlite3_open(file.c_str(), &other);
  assert_true(search_check::table(other, "SELECT name, 1 FROM sqlite_master WHERE name LIKE 'search%'").empty());
  sqlite3_close(other);
}

// A release that knows no search drains beside it.
void rows_that_came_without_the_index_are_found_out(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.put("a", "oslo");
  fixture.reader.reset();
  fixture.sink.reset();
  fixture.run("UPDATE cell SET value = CAST('bergen' AS BLOB)");
  fixture.run("UPDATE meta SET number = number + 1 WHERE name = 'drained_through'");
  fixture.open();
  assert_true(fixture.sink->has_search_work());
  fixture.build();
  assert_keys(fixture, "oslo", "");
  assert_keys(fixture, "bergen", "a");
  fixture.check();
}

// SRC-1
void a_damaged_index_is_built_anew(void** state) {
  Fixture& fixture = fixture_of(state);
  for (int i = 0; i < 50; ++i) fixture.put("k" + std::to_string(i), "oslo office|cold room");
  fixture.open();
  fixture.run("UPDATE search_1_data SET block = x'00' WHERE id > 10");
  storage::SearchQuestion question{.map = "map", .match = "\"oslo\""};
  SearchAnswer answer;
  assert_status(fixture.reader->ask(question, answer), Status::corrupt);
  fixture.sink->search()->set_broken("map");
  assert_true(fixture.build() >= 2);
  assert_int_equal(fixture.ask("oslo").hits.size(), 50);
  fixture.check();
}

// SRC-1
void an_index_that_can_not_even_be_opened_is_built_anew(void** state) {
  Fixture& fixture = fixture_of(state);
  for (int i = 0; i < 5; ++i) fixture.put("k" + std::to_string(i), "oslo");
  fixture.run("DELETE FROM search_1_config");
  fixture.open();
  assert_true(fixture.build() >= 1);
  assert_int_equal(fixture.ask("oslo").hits.size(), 5);
  fixture.check();
  fixture.run("DROP TABLE search_2_row");  // While it is open.
  SearchAnswer answer;
  assert_status(fixture.reader->ask({.map = "map", .match = "\"oslo\""}, answer), Status::corrupt);
  assert_status(fixture.drain({fixture.row("a", "oslo")}), Status::busy);
  fixture.build();
  assert_ok(fixture.drain({fixture.row("a", "oslo")}));
  assert_int_equal(fixture.ask("oslo").hits.size(), 6);
  fixture.check();
}

// SRC-1
void a_drain_that_meets_a_damaged_index_goes_in_once_it_is_mended(void** state) {
  Fixture& fixture = fixture_of(state);
  for (int i = 0; i < 50; ++i) fixture.put("k" + std::to_string(i), "oslo office|cold room");
  fixture.open();
  fixture.run("DELETE FROM search_1_content");
  const std::vector<SinkRow> rows = {fixture.row("k1", "bergen"), fixture.row("k2", "")};
  Status status = fixture.drain(rows);
  if (status == Status::busy) {
    fixture.build();
    status = fixture.drain(rows);
  } else {
    fixture.sink->search()->set_broken("map");
    fixture.build();
  }
  assert_ok(status);
  assert_keys(fixture, "bergen", "k1");
  assert_int_equal(fixture.ask("oslo").hits.size(), 48);
  fixture.check();
}

// SRC-1
void a_full_disk_leaves_rows_and_index_behind_together(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.put("a", "oslo");
  std::string words;
  for (int i = 0; i < 20'000; ++i) words += "word" + std::to_string(i) + " ";
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{200'000, before.rlim_max};
  std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  const std::vector<SinkRow> rows = {fixture.row("a", "bergen"), fixture.row("b", words)};
  const Status status = fixture.drain(rows);
  setrlimit(RLIMIT_FSIZE, &before);
  assert_status(status, Status::full);
  assert_keys(fixture, "oslo", "a");
  fixture.check();
  assert_ok(fixture.drain(rows));
  assert_keys(fixture, "bergen", "a");
  assert_keys(fixture, "word19999", "b");
  fixture.check();
}

void changes_are_told_once_and_only_what_is_committed(void** state) {
  Fixture& fixture = fixture_of(state);
  static_cast<void>(fixture.sink->search()->take_changed());
  fixture.put("a", "oslo");
  assert_int_equal(fixture.sink->search()->take_changed(), 1);
  assert_int_equal(fixture.sink->search()->take_changed(), 0);
  SinkRow other = fixture.row("a", "oslo");
  other.cell.name.map = "other";
  assert_ok(fixture.drain({other}));
  fixture.remove("never there");
  assert_int_equal(fixture.sink->search()->take_changed(), 0);
}

void an_answer_is_of_one_moment_and_says_of_which(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.put("a", "oslo <office>|the cold \x01 room|");
  const SearchAnswer answer = fixture.ask("office cold");
  assert_int_equal(answer.mark.through, 1);
  assert_int_equal(answer.hits.size(), 1);
  assert_string_equal(answer.hits[0].excerpts[0].c_str(), "oslo <\x02office\x03>");
  assert_true(answer.hits[0].stamp == crdt::Stamp::of(kNowMs + 1, 0, 1));
  SearchAnswer none;
  assert_status(fixture.reader->ask({.map = "doors", .match = "\"a\""}, none), Status::not_found);
}

void a_search_that_takes_too_long_is_given_up(void** state) {
  Fixture& fixture = fixture_of(state);
  std::vector<SinkRow> rows;
  std::vector<std::string> keys;
  for (int i = 0; i < 3'000; ++i) keys.push_back("k" + std::to_string(i));
  for (const std::string& key : keys) rows.push_back(fixture.row(key, "oslo"));
  assert_ok(fixture.drain(rows));
  fixture.reader->set_patience(0);
  SearchAnswer answer;
  Status status = Status::ok;
  // Until the clock has gone on by a millisecond.
  for (int i = 0; i < 1'000 && status == Status::ok; ++i) {
    status = fixture.reader->ask({.map = "map", .match = "\"oslo\""}, answer);
  }
  assert_status(status, Status::busy);
  assert_non_null(strstr(fixture.reader->problem(), "longer than 0 ms"));
  fixture.reader->set_patience(10'000);
  assert_int_equal(fixture.ask("oslo").hits.size(), 1'000);
}

// ---- against a search by hand

void hold_pages(Fixture& fixture, const std::string& text) {
  const SearchAnswer whole = fixture.ask(text);
  std::vector<SearchFound> paged;
  for (bool more = true; more;) {
    const SearchFound* after = paged.empty() ? nullptr : &paged.back();
    const SearchAnswer page = fixture.ask(text, 3, after);
    more = page.more;
    paged.insert(paged.end(), page.hits.begin(), page.hits.end());
  }
  assert_int_equal(paged.size(), whole.hits.size());
  for (std::size_t i = 0; i < paged.size(); ++i) {
    assert_string_equal(paged[i].key.c_str(), whole.hits[i].key.c_str());
    if (i == 0) continue;
    assert_true(std::pair(paged[i - 1].rank, paged[i - 1].key) < std::pair(paged[i].rank, paged[i].key));
  }
}

// SRC-1
void what_is_found_is_what_a_search_by_hand_finds(void** state) {
  Fixture& fixture = fixture_of(state);
  Dice dice;
  SearchModel model;
  std::string text;
  for (int round = 0; round < 150; ++round) {
    for (int i = 0; i < 6; ++i) {
      const std::string key = "k" + std::to_string(dice.below(40));
      const std::uint64_t expires_ms = dice.one_in(5) ? kNowMs - 1 + dice.below(3) : 0;
      SearchModel::Row row{draw_sentence(dice), draw_sentence(dice), expires_ms};
      if (dice.one_in(5)) {
        fixture.remove(key);
        model.rows.erase(key);
        continue;
      }
      fixture.put(key, row.first + "|" + row.second, expires_ms);
      model.rows[key] = row;
    }
    for (int i = 0; i < 6; ++i) {
      const std::vector<SearchTerm> terms = draw_question(dice, text);
      assert_string_equal(fixture.keys(text).c_str(), model.find(terms, kNowMs).c_str());
    }
    if (round % 25 == 0) hold_pages(fixture, text);
    if (round % 50 == 0) fixture.open();
  }
  fixture.check();
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
#define search_test(test) cmocka_unit_test_setup_teardown(test, make_fixture, drop_fixture)
  const CMUnitTest tests[] = {
      search_test(the_index_follows_each_row),
      search_test(a_row_that_lost_changes_nothing),
      search_test(other_maps_and_other_views_are_not_searched),
      search_test(what_expires_is_no_hit_and_what_is_collected_is_gone),
      search_test(rows_that_are_there_are_indexed_in_steps_while_others_come),
      search_test(other_fields_build_it_anew_and_none_drop_it),
      cmocka_unit_test(a_database_without_a_search_has_no_table_of_one),
      search_test(rows_that_came_without_the_index_are_found_out),
      search_test(a_damaged_index_is_built_anew),
      search_test(an_index_that_can_not_even_be_opened_is_built_anew),
      search_test(a_drain_that_meets_a_damaged_index_goes_in_once_it_is_mended),
      search_test(a_full_disk_leaves_rows_and_index_behind_together),
      search_test(changes_are_told_once_and_only_what_is_committed),
      search_test(an_answer_is_of_one_moment_and_says_of_which),
      search_test(a_search_that_takes_too_long_is_given_up),
      search_test(what_is_found_is_what_a_search_by_hand_finds),
  };
  return cmocka_run_group_tests_name("SQLite search", tests, nullptr, nullptr);
}
