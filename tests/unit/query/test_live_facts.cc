// SPDX-License-Identifier: Apache-2.0
//
// Live Datalog: what is told adds up to what the question would be answered now. GRID_LIVE_CHANGES sets how many
// changes the property makes, GRID_LIVE_SEED where it begins.

#include <cstdlib>
#include <set>

#include "runtime/random.h"
#include "tests/unit/query/fact_bench.h"

namespace {

using namespace grid;
using test::FactBench;

// What whoever listens has been told.
struct Heard {
  std::set<std::string> rows;
  std::string last;

  static void take(void* at, bool has_entered, std::span<const crdt::Value> row) {
    auto& heard = *static_cast<Heard*>(at);
    const std::string text = test::json_of(row);
    assert_int_equal(heard.rows.count(text), has_entered ? 0 : 1);
    has_entered ? static_cast<void>(heard.rows.insert(text)) : static_cast<void>(heard.rows.erase(text));
    heard.last += (has_entered ? "+" : "-") + text;
  }
  std::string told(runtime::LiveFacts& live) {
    last.clear();
    assert_ok(live.advance({take, this}));
    return last;
  }
  std::string all() const {
    std::string text;
    for (const std::string& row : rows) text += row;
    return text;
  }
};

runtime::LiveFacts live_of(FactBench& bench, std::string_view query, std::string_view inputs = "[]") {
  return {bench.engine, "m", bench.read(query, inputs), 1 << 20};
}

void rows_enter_and_leave_with_the_facts_that_they_stand_on(void**) {
  FactBench bench;
  bench.set("1", "name", "\"ann\"");
  bench.set("1", "age", "30");
  runtime::LiveFacts live = live_of(bench, "[:find ?n ?a :where [?e :name ?n] [?e :age ?a] [(> ?a 18)]]");
  Heard heard;
  assert_string_equal(heard.told(live).c_str(), "+[\"ann\",30]");
  bench.set("2", "name", "\"bob\"");
  assert_string_equal(heard.told(live).c_str(), "");
  bench.set("2", "age", "20");
  bench.set("1", "age", "31");
  assert_string_equal(heard.told(live).c_str(), "-[\"ann\",30]+[\"ann\",31]+[\"bob\",20]");
  bench.bury("2");
  bench.set("1", "age", "3");
  assert_string_equal(heard.told(live).c_str(), "-[\"ann\",31]-[\"bob\",20]");
  assert_int_equal(live.asked_count(), 1);
}

void a_row_that_stands_on_something_else_too_stays(void**) {
  FactBench bench;
  bench.add("1", "tag", "\"a\"");
  bench.add("1", "tag", "\"b\"");
  runtime::LiveFacts live = live_of(bench, "[:find ?e :where [?e :tag _]]");
  Heard heard;
  assert_string_equal(heard.told(live).c_str(), "+[1]");
  bench.remove("1", "tag", "\"a\"");
  assert_string_equal(heard.told(live).c_str(), "");
  bench.remove("1", "tag", "\"b\"");
  assert_string_equal(heard.told(live).c_str(), "-[1]");
  assert_int_equal(live.asked_count(), 1);
}

void a_change_of_what_a_question_does_not_look_at_asks_nothing(void**) {
  FactBench bench;
  bench.set("1", "age", "1");
  runtime::LiveFacts live = live_of(bench, "[:find (sum ?a) . :where [_ :age ?a]]");
  Heard heard;
  assert_string_equal(heard.told(live).c_str(), "+[1]");
  bench.set("1", "name", "\"ann\"");
  assert_string_equal(heard.told(live).c_str(), "");
  assert_int_equal(live.asked_count(), 1);
  bench.set("2", "age", "2");
  bench.set("3", "age", "4");
  assert_string_equal(heard.told(live).c_str(), "-[1]+[7]");
  assert_int_equal(live.asked_count(), 2);
}

// DLE-2  Whoever waits is told when to look.
void a_row_leaves_when_a_fact_that_it_stands_on_expires(void**) {
  FactBench bench;
  bench.set("1", "name", "\"ann\"");
  bench.set("1", "here", "true", 5'000);
  bench.set("2", "name", "\"bob\"");
  bench.set("2", "here", "true", 6'000);
  bench.set("3", "here", "true", 7'000);
  runtime::LiveFacts flat = live_of(bench, "[:find ?n :where [?e :name ?n] [?e :here true]]");
  runtime::LiveFacts summed = live_of(bench, "[:find (count ?e) . :where [?e :here true]]");
  Heard of_flat, of_summed;
  assert_string_equal(of_flat.told(flat).c_str(), "+[\"ann\"]+[\"bob\"]");
  assert_true(bench.engine.next_expiry_ms() == UINT64_MAX);  // Nobody knows the time.
  bench.engine.observe(1'000);
  assert_string_equal(of_flat.told(flat).c_str(), "");
  assert_string_equal(of_summed.told(summed).c_str(), "+[3]");
  assert_true(bench.engine.next_expiry_ms() == 5'000);
  bench.engine.observe(5'000);
  assert_string_equal(of_flat.told(flat).c_str(), "-[\"ann\"]");
  assert_string_equal(of_summed.told(summed).c_str(), "-[3]+[2]");
  assert_true(bench.engine.next_expiry_ms() == 6'000);
  assert_int_equal(flat.asked_count(), 1);
  bench.engine.observe(9'000);
  bench.set("2", "here", "true", 10'000);
  assert_string_equal(of_flat.told(flat).c_str(), "");
  bench.engine.observe(4'000);
  assert_string_equal(of_flat.told(flat).c_str(), "+[\"ann\"]");
}

void an_answer_that_outgrows_its_memory_ends(void**) {
  FactBench bench;
  runtime::LiveFacts live(bench.engine, "m", bench.read("[:find ?n :where [_ :n ?n]]"), 1'000);
  Heard heard;
  assert_string_equal(heard.told(live).c_str(), "");
  for (int i = 0; i < 50; ++i) bench.set(std::to_string(i), "n", std::to_string(i));
  assert_status(live.advance({Heard::take, &heard}), Status::full);
}

// BND-1  Whoever looks seldom is told the difference, and it is all that is kept.
void a_row_that_is_back_where_it_was_is_not_told(void**) {
  FactBench bench;
  bench.set("1", "n", "1");
  runtime::LiveFacts live = live_of(bench, "[:find ?n :where [_ :n ?n]]");
  Heard heard;
  assert_string_equal(heard.told(live).c_str(), "+[1]");
  for (int i = 2; i < 100; ++i) {
    bench.set("1", "n", std::to_string(i));
    assert_ok(bench.engine.catch_up("m"));
  }
  bench.set("1", "n", "1");
  assert_string_equal(heard.told(live).c_str(), "");
  bench.set("1", "n", "2");
  assert_string_equal(heard.told(live).c_str(), "-[1]+[2]");
}

// What changed while there was no index is found all the same.
void an_index_that_is_read_anew_leaves_no_row_behind(void**) {
  constexpr int kMany = 100'000;
  FactBench bench({.index_bytes_max = 3u << 20});
  bench.set("1", "name", "\"ann\"");
  runtime::LiveFacts live = live_of(bench, "[:find ?e ?n :where [?e :name ?n]]");
  Heard heard;
  assert_string_equal(heard.told(live).c_str(), "+[1,\"ann\"]");
  for (int i = 0; i < kMany; ++i) bench.set("x" + std::to_string(i), "n", std::to_string(i * 7));
  assert_status(live.advance({Heard::take, &heard}), Status::full);
  std::uint8_t room[crdt::FactName::kBytesMax];
  const std::string_view sub = *crdt::FactName::write("n", false, {}, room);
  for (int i = 0; i < kMany; ++i) {
    if (i % 1'000 == 0) assert_ok(bench.store.commit());
    bench.erase({"m", "x" + std::to_string(i), sub});
  }
  bench.set("1", "name", "\"eve\"");
  assert_string_equal(heard.told(live).c_str(), "-[1,\"ann\"]+[1,\"eve\"]");
}

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

struct Asked {
  const char* query;
  const char* inputs = "[]";
};
constexpr Asked kQuestions[] = {
    {"[:find ?e ?n :where [?e :n ?n]]"},
    {"[:find ?e ?f :where [?e :to ?f] [?f :n ?n] [(< ?n 3)]]"},
    {"[:find [?n ...] :where [?e :to ?f] [?f :to ?g] [?g :n ?n]]"},
    {"[:find ?e ?a ?v :where [?e ?a ?v] [?e :n 1]]"},
    {"[:find ?e :where [?e :to ?e]]"},
    {"[:find ?e ?s :in $ [?k ...] :where [?e :n ?k] [?e :tag ?t] [(str ?t ?k) ?s]]", "[[0, 2, 4]]"},
    {"[:find ?e :where [?e :n _] (not [?e :tag \"a\"])]"},
    {"[:find ?e (count ?t) :where [?e :tag ?t]]"},
    {"[:find ?e ?f :in $ % :where (reach ?e ?f)]",
     "[\"[[(reach ?a ?b) [?a :to ?b]] [(reach ?a ?b) [?a :to ?c] (reach ?c ?b)]]\"]"},
    {"[:find ?e :where (or [?e :n 1] [?e :tag \"b\"])]"},
    {"[:find ?n . :where [1 :n ?n]]"},
    {"[:find ?e ?n :where [?e :n ?n] :order-by [?n ?e] :limit 3]"},
};

// One change of one of a few entities.
void change(FactBench& bench, runtime::Random& random) {
  const std::string key = std::to_string(random.below(6));
  const std::string other = std::to_string(random.below(6));
  const std::string number = std::to_string(random.below(5));
  const std::string tag = random.below(2) == 0 ? "\"a\"" : "\"b\"";
  const std::string ref = "{\"$ref\": \"" + other + "\"}";
  switch (random.below(13)) {
    case 0:
    case 1:
    case 2:
      return bench.set(key, "n", number);
    case 3:
      return bench.set(key, "n", "");
    case 4:
    case 5:
      return bench.add(key, "tag", tag);
    case 6:
      return bench.remove(key, "tag", tag);
    case 7:
    case 8:
      return bench.add(key, "to", ref);
    case 9:
      return bench.remove(key, "to", ref);
    case 10:
      if (random.below(2) == 0) return bench.engine.observe(random.below(4) == 0 ? 0 : random.below(100));
      return bench.set(key, "n", number, 1 + random.below(100));
    case 11:
      return bench.set(key, "other", number);
    default:
      // The next one of that number is another entity; here it is the same, which the index must stand.
      if (random.below(4) == 0) bench.bury(key);
  }
}

// DLL-1
void what_is_told_adds_up_to_what_would_be_answered(void**) {
  const std::uint64_t seed = from_environment("GRID_LIVE_SEED", 20261122);
  const std::uint64_t changes = from_environment("GRID_LIVE_CHANGES", 1'500);
  FactBench bench;
  runtime::Random random(seed);
  std::vector<std::unique_ptr<runtime::LiveFacts>> lives;
  std::vector<Heard> heard(std::size(kQuestions));
  for (const Asked& asked : kQuestions) {
    lives.push_back(
        std::make_unique<runtime::LiveFacts>(bench.engine, "m", bench.read(asked.query, asked.inputs), 1 << 20));
  }
  for (std::uint64_t i = 0; i < changes; ++i) {
    for (std::uint64_t some = random.below(4); some > 0; --some) change(bench, random);
    for (std::size_t q = 0; q < lives.size(); ++q) {
      if (random.below(3) == 0) continue;  // Not everybody looks each time.
      heard[q].told(*lives[q]);
      std::set<std::string> answer;
      const auto question = bench.read(kQuestions[q].query, kQuestions[q].inputs);
      assert_ok(bench.engine.ask("m", *question,
                                 {[](void* at, std::span<const crdt::Value> row) {
                                    static_cast<std::set<std::string>*>(at)->insert(test::json_of(row));
                                  },
                                  &answer}));
      if (answer == heard[q].rows) continue;
      fail_msg("GRID_LIVE_SEED=%llu, change %llu: %s\nwas told %s", static_cast<unsigned long long>(seed),
               static_cast<unsigned long long>(i), kQuestions[q].query, heard[q].all().c_str());
    }
  }
  for (std::size_t q = 0; q < 5; ++q) assert_int_equal(lives[q]->asked_count(), 1);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(rows_enter_and_leave_with_the_facts_that_they_stand_on),
      cmocka_unit_test(a_row_that_stands_on_something_else_too_stays),
      cmocka_unit_test(a_change_of_what_a_question_does_not_look_at_asks_nothing),
      cmocka_unit_test(a_row_leaves_when_a_fact_that_it_stands_on_expires),
      cmocka_unit_test(an_answer_that_outgrows_its_memory_ends),
      cmocka_unit_test(a_row_that_is_back_where_it_was_is_not_told),
      cmocka_unit_test(an_index_that_is_read_anew_leaves_no_row_behind),
      cmocka_unit_test(what_is_told_adds_up_to_what_would_be_answered),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
