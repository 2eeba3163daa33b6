// SPDX-License-Identifier: Apache-2.0
//
// Live queries: what is told adds up to what the question would be answered now. GRID_LIVE_CHANGES sets how many
// changes the property makes, GRID_LIVE_SEED where it begins.

#include <cstdlib>

#include "crdt/value.h"
#include "runtime/query/live_query.h"
#include "runtime/random.h"
#include "storage/memory/memory_store.h"
#include "tests/check.h"

namespace {

using namespace grid;
using runtime::LiveDelta;
using runtime::LiveKind;
using runtime::LiveQuery;
using runtime::QueryEngine;
using runtime::Question;

std::string record(std::int64_t age, std::string_view city) {
  std::uint8_t room[256];
  crdt::ValueWriter writer(room);
  writer.begin_record();
  writer.field("age");
  writer.integer(age);
  writer.field("city");
  writer.text(city);
  writer.end_record();
  return std::string(as_text(*writer.finish()));
}

struct Rows {
  storage::MemoryStore store;
  QueryEngine engine{store};
  std::uint64_t time = 0;

  void put(std::string_view key, std::string_view value, std::uint64_t expires_ms = 0) {
    crdt::Op op{.cell = {{"m", key, {}}, crdt::Stamp::of(1'000 + ++time, 0, 7), expires_ms, as_bytes(value)}};
    assert_ok(store.append(op).status());
  }
  void remove(std::string_view key) { put(key, {}); }
  void erase(std::string_view key) {
    assert_ok(store.append({.cell = {.name = {"m", key, {}}, .stamp = {}}}).status());
  }
};

// What whoever listens has been told.
struct Heard {
  std::map<std::string, std::string> rows;
  std::string last;  // "+a ~b -c", in order of keys.

  static void take(void* at, const LiveDelta& delta) {
    auto& heard = *static_cast<Heard*>(at);
    const std::string key(delta.key);
    const std::string old(as_text(delta.old.canonical())), now(as_text(delta.now.canonical()));
    assert_int_equal(heard.rows.count(key), delta.kind == LiveKind::enter ? 0 : 1);
    assert_true(old == (delta.kind == LiveKind::enter ? "" : heard.rows[key]));
    assert_int_equal(now.empty(), delta.kind == LiveKind::leave);
    if (delta.kind == LiveKind::leave) heard.rows.erase(key);
    if (delta.kind != LiveKind::leave) heard.rows[key] = now;
    const char* const sign = delta.kind == LiveKind::enter ? "+" : delta.kind == LiveKind::update ? "~" : "-";
    heard.last += (heard.last.empty() ? "" : " ") + std::string(sign) + key;
  }
  std::string told(LiveQuery& live, std::uint64_t known_ms = 0) {
    last.clear();
    assert_ok(live.advance(known_ms, {take, this}));
    return last;
  }
};

std::map<std::string, std::string> answer_of(Rows& rows, const Question& question) {
  std::map<std::string, std::string> answer;
  assert_ok(rows.engine.ask(question, {[](void* at, const query::Row& row, const crdt::Op&) {
                                         (*static_cast<std::map<std::string, std::string>*>(at))[std::string(row.key)] =
                                             std::string(as_text(row.value.canonical()));
                                       },
                                       &answer}));
  return answer;
}

void rows_enter_change_and_leave_with_old_and_new(void**) {
  Rows rows;
  LiveQuery live(rows.store, rows.engine, 1 << 20);
  Heard heard;
  rows.put("ann", record(19, "Oslo"));
  assert_ok(live.open({.map = "m", .where = "age > 18"}));
  assert_string_equal(heard.told(live).c_str(), "+ann");
  rows.put("bob", record(3, "Oslo"));
  rows.put("ann", record(20, "Oslo"));
  rows.put("cid", record(40, "Oslo"));
  assert_string_equal(heard.told(live).c_str(), "~ann +cid");
  rows.put("ann", record(2, "Oslo"));
  rows.remove("cid");
  assert_string_equal(heard.told(live).c_str(), "-ann -cid");
  assert_string_equal(heard.told(live).c_str(), "");
  assert_int_equal(live.asked_count(), 1);
}

void a_window_is_kept_exact_at_its_edge(void**) {
  Rows rows;
  LiveQuery live(rows.store, rows.engine, 1 << 20);
  Heard heard;
  for (std::int64_t i = 0; i < 9; ++i) rows.put("k" + std::to_string(i), record(i, "Oslo"));
  assert_ok(live.open({.map = "m", .order = "age desc", .limit = 2}));
  assert_string_equal(heard.told(live).c_str(), "+k7 +k8");
  rows.put("k3", record(50, "Oslo"));
  assert_string_equal(heard.told(live).c_str(), "+k3 -k7");
  rows.remove("k8");
  assert_string_equal(heard.told(live).c_str(), "+k7 -k8");
  rows.put("k3", record(49, "Oslo"));
  assert_string_equal(heard.told(live).c_str(), "~k3");
  rows.put("k0", record(0, "Bergen"));
  assert_string_equal(heard.told(live).c_str(), "");
}

void a_row_that_expires_or_is_evicted_leaves(void**) {
  Rows rows;
  LiveQuery live(rows.store, rows.engine, 1 << 20);
  Heard heard;
  rows.put("ann", record(19, "Oslo"), 5'000);
  rows.put("bob", record(20, "Oslo"));
  assert_ok(live.open({.map = "m", .where = "age > 18", .known_ms = 4'000}));
  assert_string_equal(heard.told(live, 4'000).c_str(), "+ann +bob");
  assert_int_equal(live.next_expiry_ms(), 5'000);
  assert_string_equal(heard.told(live, 5'000).c_str(), "-ann");
  rows.erase("bob");
  live.erased({"m", "bob", {}});
  assert_string_equal(heard.told(live, 5'000).c_str(), "-bob");
}

// BND-1
void an_answer_that_does_not_fit_ends_the_query(void**) {
  Rows rows;
  LiveQuery live(rows.store, rows.engine, 4'096);
  Heard heard;
  assert_ok(live.open({.map = "m"}));
  for (int i = 0; i < 100; ++i) rows.put("k" + std::to_string(i), record(i, "Oslo"));
  assert_status(live.advance(0, {Heard::take, &heard}), Status::full);
}

// QRY-4
void what_was_told_is_the_answer_after_every_change(void**) {
  const char* const changes_text = std::getenv("GRID_LIVE_CHANGES");
  const char* const seed_text = std::getenv("GRID_LIVE_SEED");
  const std::uint64_t changes = changes_text != nullptr ? std::strtoull(changes_text, nullptr, 10) : 4'000;
  const std::uint64_t seed = seed_text != nullptr ? std::strtoull(seed_text, nullptr, 10) : 20'261'121;
  print_message("live queries, seed %llu, %llu changes\n", static_cast<unsigned long long>(seed),
                static_cast<unsigned long long>(changes));
  runtime::Random random(seed);
  const Question questions[] = {
      {.map = "m", .where = "age > 18"},
      {.map = "m", .where = "age > 5 and city != 'Oslo'", .order = "age desc", .limit = 3},
      {.map = "m", .order = "city, age", .limit = 7},
      {.map = "m", .where = "not city = 'Bergen'", .order = "$key desc", .limit = 1},
      {.map = "m", .where = "age between 10 and 20", .limit = 40},
  };
  Rows rows;
  std::vector<std::unique_ptr<LiveQuery>> live;
  std::vector<Heard> heard(std::size(questions));
  for (const Question& question : questions) {
    live.push_back(std::make_unique<LiveQuery>(rows.store, rows.engine, 1 << 20));
    assert_ok(live.back()->open(question));
  }
  const char* const cities[] = {"Oslo", "Bergen", "Narvik"};
  std::uint64_t now_ms = 10'000;
  for (std::uint64_t change = 0; change < changes; ++change) {
    // Whole ages of many rows and of few, so that windows run short; and at times rows only go, so that windows run out
    // of those that they know.
    const bool is_ebb = change / 250 % 4 == 3;
    const std::uint64_t keys = is_ebb || change / 500 % 2 == 0 ? 60 : 12;
    const std::string key = "k" + std::to_string(random.below(keys));
    const std::uint64_t drawn = random.below(10), what = is_ebb && drawn < 6 ? 6 : drawn;
    const std::uint64_t expires = random.below(8) == 0 ? now_ms + 1 + random.below(50) : 0;
    if (what < 6) rows.put(key, record(static_cast<std::int64_t>(random.below(30)), cities[random.below(3)]), expires);
    if (what == 6 || what == 7) rows.remove(key);
    if (what == 8) {
      rows.erase(key);
      for (const auto& one : live) one->erased({"m", key, {}});
    }
    if (what == 9) now_ms += random.below(20);
    for (std::size_t i = 0; i < live.size(); ++i) {
      heard[i].told(*live[i], now_ms);
      Question question = questions[i];
      question.known_ms = now_ms;
      if (heard[i].rows != answer_of(rows, question)) {
        fail_msg("after change %llu the query %zu tells something else than the answer",
                 static_cast<unsigned long long>(change), i);
      }
    }
  }
  assert_int_equal(live[0]->asked_count(), 1);
  assert_true(live[1]->asked_count() < changes / 20);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(rows_enter_change_and_leave_with_old_and_new),
      cmocka_unit_test(a_window_is_kept_exact_at_its_edge),
      cmocka_unit_test(a_row_that_expires_or_is_evicted_leaves),
      cmocka_unit_test(an_answer_that_does_not_fit_ends_the_query),
      cmocka_unit_test(what_was_told_is_the_answer_after_every_change),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
