// SPDX-License-Identifier: Apache-2.0
//
// The engine by itself: pages while rows change, indexes that follow the log and stay within their cap, and what is
// told of a plan.

#include <map>
#include <set>

#include "runtime/query/query_engine.h"
#include "storage/memory/memory_store.h"
#include "tests/unit/crdt/dice.h"
#include "tests/unit/query/query_bench.h"

namespace grid::test {
namespace {

using runtime::IndexKind;
using runtime::QueryEngine;
using runtime::QueryOptions;
using runtime::Way;

class Rows {
 public:
  explicit Rows(const QueryOptions& options = {}) : engine(store, options) {}

  void put(const std::string& key, const std::string& json, std::uint64_t expires_ms = 0) {
    const std::string value = json.empty() ? json : canonical(json);
    append({.name = {"m", key}, .stamp = next_stamp(), .expires_ms = expires_ms, .value = as_bytes(value)});
  }
  void remove(const std::string& key) { put(key, {}); }
  // As an eviction: the name leaves without a tombstone.
  void erase(const std::string& key) { append({.name = {"m", key}, .stamp = {}}); }
  void append(const crdt::Cell& cell, bool local = false) {
    crdt::Op op{.cell = cell, .local = local};
    assert_ok(store.append(op).status());
  }
  crdt::Stamp next_stamp() { return crdt::Stamp::of(++time_, 0, 1); }

  std::vector<std::string> ask(const runtime::Question& question) {
    std::vector<std::string> keys;
    status = engine.ask(question, {[](void* at, const query::Row& row, const crdt::Op&) {
                                     static_cast<std::vector<std::string>*>(at)->emplace_back(row.key);
                                   },
                                   &keys});
    return keys;
  }
  std::vector<std::string> ask(std::string_view where) { return ask({.map = "m", .where = where}); }

  storage::MemoryStore store;
  QueryEngine engine;
  Status status = Status::ok;

 private:
  std::uint64_t time_ = 0;
};

using Keys = std::vector<std::string>;

// Rows whose keys begin with s stand still; the others move, come and go between any two pages.
void pages_show_each_row_that_stands_still_exactly_once(Dice& dice) {
  Rows rows;
  if (dice.one_in(2)) assert_ok(rows.engine.declare("m", "a", dice.one_in(2) ? IndexKind::hash : IndexKind::ordered));
  const auto drawn = [&dice] {
    return "{\"a\":" + std::to_string(dice.below(4)) + ",\"b\":" + std::to_string(dice.below(3)) + "}";
  };
  std::set<std::string> still;
  for (int i = 0; i < 40; ++i) {
    const std::string key = (dice.one_in(2) ? "s" : "m") + std::to_string(dice.below(1'000));
    if (key[0] == 's') still.insert(key);
    rows.put(key, drawn());
  }
  constexpr std::string_view kWheres[] = {"", "a in (0, 1, 2, 3)", "a = 1", "not a = 1", "$key >= 's5'"};
  constexpr std::string_view kOrders[] = {"", "a", "a desc, b", "b, $key desc", "$key desc"};
  const std::string_view where = kWheres[dice.below(5)], order = kOrders[dice.below(5)];
  const Keys all = rows.ask({.map = "m", .where = where, .order = order});
  std::map<std::string, int> seen;
  for (std::string cursor;;) {
    for (const std::string& key :
         rows.ask({.map = "m", .where = where, .order = order, .limit = 1 + dice.below(5), .after = cursor})) {
      ++seen[key];
    }
    assert_ok(rows.status);
    cursor = rows.engine.cursor();
    if (cursor.empty()) break;
    for (std::uint64_t moves = dice.below(4); moves > 0; --moves) {
      const std::string key = "m" + std::to_string(dice.below(1'000));
      dice.one_in(3) ? rows.remove(key) : rows.put(key, drawn());
    }
  }
  for (const std::string& key : all) {
    if (still.contains(key) && seen[key] != 1) {
      fail_msg("%s came %d times, where '%s' order by '%s'", key.c_str(), seen[key], std::string(where).c_str(),
               std::string(order).c_str());
    }
  }
}

// QRY-3
void paging_is_exact_while_rows_change(void**) {
  Dice dice;
  for (int i = 0; i < 1'500; ++i) pages_show_each_row_that_stands_still_exactly_once(dice);
}

void an_index_follows_every_kind_of_change(void**) {
  Rows rows;
  assert_ok(rows.engine.declare("m", "a", IndexKind::ordered));
  for (int i = 0; i < 100; ++i) rows.put("k" + std::to_string(i), "{\"a\":" + std::to_string(i) + "}");
  assert_true(rows.ask("a = 7") == Keys{"k7"});
  assert_true(rows.engine.explanation().way == Way::index);
  assert_int_equal(rows.engine.explanation().looked_at, 1);
  rows.put("k7", "{\"a\":8}");
  assert_true(rows.ask("a = 7").empty());
  assert_true(rows.ask("a = 8") == (Keys{"k7", "k8"}));
  rows.remove("k8");
  assert_true(rows.ask("a = 8") == Keys{"k7"});
  rows.erase("k7");
  assert_true(rows.ask("a = 8").empty());
  rows.put("k7", "{\"a\":[1]}");
  assert_true(rows.ask("a >= 98") == (Keys{"k98", "k99"}));
  assert_true(rows.ask({.map = "m", .where = "a = 99", .known_ms = 5}) == Keys{"k99"});
  rows.put("k99", "{\"a\":99}", 3);
  assert_true(rows.ask({.map = "m", .where = "a = 99", .known_ms = 5}).empty());
  assert_true(rows.ask({.map = "m", .where = "a = 99", .known_ms = 2}) == Keys{"k99"});
}

// A superseded op in flight is in the log still.
void an_op_that_was_superseded_in_flight_is_no_row(void**) {
  Rows rows;
  assert_ok(rows.engine.declare("m", "a", IndexKind::ordered));
  for (int i = 0; i < 20; ++i) rows.put("k" + std::to_string(i), "{\"a\":" + std::to_string(i) + "}");
  const std::string one = canonical("{\"a\":100}"), two = canonical("{\"a\":100,\"b\":1}");
  rows.append({.name = {"m", "x"}, .stamp = rows.next_stamp(), .value = as_bytes(one)}, true);
  assert_ok(rows.store.share(rows.store.head()));
  rows.append({.name = {"m", "x"}, .stamp = rows.next_stamp(), .value = as_bytes(two)}, true);
  assert_true(rows.ask("a = 100") == Keys{"x"});
  assert_true(rows.ask("a = 100 and b is null").empty());
  assert_true(rows.engine.explanation().way == Way::index);
}

// BND-1
void an_index_forgets_entries_of_rows_that_were_overwritten(void**) {
  Rows rows;
  assert_ok(rows.engine.declare("m", "a", IndexKind::ordered));
  Dice dice;
  for (int i = 0; i < 30'000; ++i) {
    rows.put("k" + std::to_string(dice.below(500)), "{\"a\":" + std::to_string(dice.below(100'000)) + "}");
    if (i % 100 == 0) assert_ok(rows.engine.catch_up());
  }
  assert_ok(rows.engine.catch_up());
  assert_true(rows.engine.indexes()[0]->entries() <= 1'500);
}

// BND-1
void an_index_that_reaches_its_cap_is_switched_off_and_says_so(void**) {
  Rows rows({.index_bytes_max = 64 * 1'024});
  assert_ok(rows.engine.declare("m", "a", IndexKind::hash));
  for (int i = 0; i < 1'000; ++i) rows.put("k" + std::to_string(i), "{\"a\":" + std::to_string(i) + "}");
  assert_true(rows.ask("a = 7") == Keys{"k7"});
  assert_true(rows.engine.explanation().way == Way::index);
  for (int i = 1'000; i < 9'000; ++i) rows.put("k" + std::to_string(i), "{\"a\":" + std::to_string(i) + "}");
  assert_true(rows.ask("a = 7") == Keys{"k7"});
  assert_true(rows.engine.explanation().way == Way::scan);
  assert_string_equal(std::string(rows.engine.explanation().why_no_index).c_str(),
                      "the index on a has reached its cap and is switched off");
  assert_int_equal(rows.engine.indexes()[0]->bytes(), 0);
}

// BND-1: declared one behind the other, while none of them has an entry.
void all_indexes_share_one_cap(void**) {
  Rows rows({.index_bytes_max = 64 * 1'024});
  for (const char* field : {"a", "b", "c", "d"}) assert_ok(rows.engine.declare("m", field, IndexKind::hash));
  for (int i = 0; i < 1'200; ++i) {
    const std::string n = std::to_string(i);
    rows.put("k" + n, "{\"a\":" + n + ",\"b\":" + n + ",\"c\":" + n + ",\"d\":" + n + "}");
  }
  assert_true(rows.ask("a = 7 and b = 7 and c = 7 and d = 7") == Keys{"k7"});
  std::size_t bytes = 0;
  for (const auto& index : rows.engine.indexes()) bytes += index->bytes();
  assert_in_range(bytes, 1, 64 * 1'024);
}

void an_index_can_be_caught_up_piece_by_piece(void**) {
  Rows rows;
  assert_ok(rows.engine.declare("m", "a", IndexKind::ordered));
  for (int i = 0; i < 100; ++i) rows.put("k" + std::to_string(i), "{\"a\":" + std::to_string(i) + "}");
  int pieces = 1;
  for (Status status = rows.engine.catch_up(30); status != Status::ok; status = rows.engine.catch_up(30)) {
    assert_status(status, Status::busy);
    ++pieces;
  }
  assert_int_equal(pieces, 4);
  assert_int_equal(rows.engine.indexes()[0]->entries(), 100);
}

void a_plan_says_why_no_index_is_used(void**) {
  Rows rows;
  for (int i = 0; i < 100; ++i) rows.put("k" + std::to_string(i), "{\"a\":" + std::to_string(i % 50) + "}");
  const auto why = [&rows](std::string_view where) {
    rows.ask(where);
    return std::string(rows.engine.explanation().why_no_index);
  };
  assert_string_equal(why("a = 1").c_str(), "no index is declared for this map");
  assert_ok(rows.engine.declare("m", "a", IndexKind::hash));
  assert_string_equal(why("a > 1").c_str(), "nothing that every answer has fits the index on a");
  assert_string_equal(why("a = 1 or b = 2").c_str(), "nothing that every answer has fits the index on a");
  assert_string_equal(why("a in (1, 2, 3)").c_str(), "");
  assert_ok(rows.engine.declare("m", "a", IndexKind::ordered));
  assert_string_equal(why("a < 40").c_str(), "the index on a leaves 82 of 100 rows: a scan is cheaper");
  assert_string_equal(why("a > 40 and a <= 42").c_str(), "");
  assert_int_equal(rows.engine.explanation().looked_at, 6);  // 40 has the code that `>` begins with.
  assert_status(rows.engine.declare("m", "a.", IndexKind::hash), Status::invalid);
  assert_string_equal(rows.engine.problem(),
                      "the path of the index, column 3: the name of a field is missing; odd names "
                      "stand in double quotes: \"max temp\"");
}

void keys_narrow_a_scan(void**) {
  Rows rows;
  for (int i = 100; i < 200; ++i) rows.put("k" + std::to_string(i), "1");
  const auto looked = [&rows](std::string_view where) {
    rows.ask(where);
    return static_cast<int>(rows.engine.explanation().looked_at);
  };
  assert_int_equal(looked("$key = 'k150'"), 1);
  assert_int_equal(looked("$key starts with 'k15'"), 10);
  assert_int_equal(looked("$key >= 'k190' and $key < 'k195'"), 6);
  assert_int_equal(looked("$key between 'k150' and 'k159' and $key > 'k155'"), 5);
  assert_int_equal(looked("$key = 'k150' or $value = 1"), 100);
  rows.ask({.map = "m", .limit = 3});
  assert_int_equal(rows.engine.explanation().looked_at, 4);
}

// BND-1
void rows_that_would_have_to_be_sorted_are_bounded(void**) {
  Rows rows({.rows_bytes_max = 20'000});
  for (int i = 0; i < 500; ++i) rows.put("k" + std::to_string(i), "{\"a\":" + std::to_string(i) + "}");
  assert_true(rows.ask({.map = "m", .order = "a desc"}).empty());
  assert_status(rows.status, Status::full);
  assert_true(rows.ask({.map = "m", .order = "a desc", .limit = 2}) == (Keys{"k499", "k498"}));
  assert_ok(rows.status);
  assert_int_equal(rows.ask({.map = "m"}).size(), 500);
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(paging_is_exact_while_rows_change),
      cmocka_unit_test(an_index_follows_every_kind_of_change),
      cmocka_unit_test(an_op_that_was_superseded_in_flight_is_no_row),
      cmocka_unit_test(an_index_forgets_entries_of_rows_that_were_overwritten),
      cmocka_unit_test(an_index_that_reaches_its_cap_is_switched_off_and_says_so),
      cmocka_unit_test(all_indexes_share_one_cap),
      cmocka_unit_test(an_index_can_be_caught_up_piece_by_piece),
      cmocka_unit_test(a_plan_says_why_no_index_is_used),
      cmocka_unit_test(keys_narrow_a_scan),
      cmocka_unit_test(rows_that_would_have_to_be_sorted_are_bounded),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
