// SPDX-License-Identifier: Apache-2.0
//
// Datalog over a store: answers are of what stands, however it came and went.

#include <set>

#include "runtime/random.h"
#include "tests/unit/query/fact_bench.h"

namespace {

using namespace grid;
using test::FactBench;

constexpr std::string_view kNames = "[:find ?e ?n :where [?e :name ?n]]";

void what_stands_is_answered_from_before_and_behind_the_first_question(void**) {
  FactBench bench;
  bench.set("1", "name", "\"ann\"");
  bench.set("bob", "name", "\"bob\"");
  assert_string_equal(bench.ask(kNames).c_str(), "[1,\"ann\"][\"bob\",\"bob\"]");
  bench.set("1", "name", "\"eve\"");
  bench.set("bob", "name", "");
  bench.set("\"7\"", "name", "\"text\"");
  assert_string_equal(bench.ask(kNames).c_str(), "[1,\"eve\"][\"7\",\"text\"]");
}

void objects_of_many_come_and_go_one_by_one(void**) {
  FactBench bench;
  const std::string longer = "\"" + std::string(100, 'x') + "\"";
  constexpr std::string_view kTags = "[:find [?t ...] :where [1 :tag ?t]]";
  bench.add("1", "tag", "\"a\"");
  bench.add("1", "tag", longer);
  assert_string_equal(bench.ask(kTags).c_str(), ("[\"a\"][" + longer + "]").c_str());
  bench.remove("1", "tag", longer);
  bench.add("1", "tag", "{\"$ref\": \"2\"}");
  assert_string_equal(bench.ask(kTags).c_str(), "[2][\"a\"]");
  bench.remove("1", "tag", "{\"$ref\": \"2\"}");
  bench.remove("1", "tag", "\"a\"");
  assert_string_equal(bench.ask(kTags).c_str(), "");
}

// TRI-1
void a_deleted_entity_is_in_no_answer(void**) {
  FactBench bench;
  bench.set("1", "name", "\"ann\"");
  bench.add("1", "tag", "\"a\"");
  bench.set("2", "knows", "{\"$ref\": \"1\"}");
  assert_string_equal(bench.ask(kNames).c_str(), "[1,\"ann\"]");
  bench.bury("1");
  assert_string_equal(bench.ask(kNames).c_str(), "");
  assert_string_equal(bench.ask("[:find ?t :where [_ :tag ?t]]").c_str(), "");
  assert_string_equal(bench.ask("[:find ?n :where [2 :knows ?e] [?e :name ?n]]").c_str(), "");
}

void what_is_erased_without_a_record_is_in_no_answer(void**) {
  FactBench bench;
  bench.set("1", "name", "\"ann\"");
  bench.set("2", "name", "\"bob\"");
  assert_string_equal(bench.ask(kNames).c_str(), "[1,\"ann\"][2,\"bob\"]");
  std::uint8_t room[crdt::FactName::kBytesMax];
  bench.erase({"m", "1", *crdt::FactName::write("name", false, {}, room)});
  assert_string_equal(bench.ask(kNames).c_str(), "[2,\"bob\"]");
}

// DLE-2
void what_has_expired_is_in_no_answer_whichever_way_the_time_goes(void**) {
  FactBench bench;
  const auto answer_at = [&bench](std::uint64_t known_ms) {
    bench.engine.observe(known_ms);
    return bench.ask(kNames);
  };
  bench.set("1", "name", "\"ann\"", 5'000);
  bench.set("2", "name", "\"bob\"");
  assert_string_equal(answer_at(0).c_str(), "[1,\"ann\"][2,\"bob\"]");
  assert_string_equal(answer_at(4'999).c_str(), "[1,\"ann\"][2,\"bob\"]");
  assert_string_equal(answer_at(5'000).c_str(), "[2,\"bob\"]");
  bench.set("3", "name", "\"eve\"", 5'500);
  assert_string_equal(answer_at(5'001).c_str(), "[2,\"bob\"][3,\"eve\"]");
  assert_string_equal(answer_at(6'000).c_str(), "[2,\"bob\"]");
  assert_string_equal(answer_at(5'200).c_str(), "[2,\"bob\"][3,\"eve\"]");
  assert_string_equal(answer_at(0).c_str(), "[1,\"ann\"][2,\"bob\"][3,\"eve\"]");
  bench.engine.let_go("m");
  assert_string_equal(answer_at(5'200).c_str(), "[2,\"bob\"][3,\"eve\"]");
}

void a_fact_that_is_written_again_expires_when_the_new_one_does(void**) {
  FactBench bench;
  bench.set("1", "name", "\"ann\"", 5'000);
  bench.engine.observe(1'000);
  assert_string_equal(bench.ask(kNames).c_str(), "[1,\"ann\"]");
  bench.set("1", "name", "\"ann\"", 9'000);
  bench.engine.observe(5'000);
  assert_string_equal(bench.ask(kNames).c_str(), "[1,\"ann\"]");
  bench.engine.observe(9'000);
  assert_string_equal(bench.ask(kNames).c_str(), "");
  bench.set("1", "name", "\"ann\"");
  assert_string_equal(bench.ask(kNames).c_str(), "[1,\"ann\"]");
  bench.engine.observe(UINT64_MAX);
  assert_string_equal(bench.ask(kNames).c_str(), "[1,\"ann\"]");
}

// BND-1
void what_is_kept_of_facts_that_expire_is_bounded(void**) {
  constexpr std::size_t kBytesMax = 2u << 20;
  for (const bool are_many : {false, true}) {
    FactBench bench({.index_bytes_max = kBytesMax});
    for (int i = 0; i < (are_many ? 20'000 : 1'000); ++i) bench.set("x" + std::to_string(i), "n", "1", 5'000);
    const auto question = bench.read("[:find (count ?e) . :where [?e :n]]");
    const runtime::FactEngine::Visitor nobody{[](void*, std::span<const crdt::Value>) {}, nullptr};
    assert_status(bench.engine.ask("m", *question, nobody), are_many ? Status::full : Status::ok);
  }
}

// DLE-1, DLE-2  By the store's own word of what lives.
void what_is_answered_is_what_lives_whatever_is_written_and_however_the_time_goes(void**) {
  constexpr const char* kAll = "[:find ?e ?a ?v :where [?e ?a ?v]]";
  FactBench bench;
  runtime::Random random(20261122);
  for (int round = 0; round < 3'000; ++round) {
    const std::string key = std::to_string(random.below(12)), number = std::to_string(random.below(4));
    const std::uint64_t expires_ms = random.below(3) == 0 ? 0 : 1 + random.below(100);
    const std::uint64_t what = random.below(16);
    if (what < 6) bench.set(key, "n", number, expires_ms);
    if (what == 6) bench.set(key, "n", "");
    if (what > 6 && what < 12) bench.add(key, "tag", number, expires_ms);
    if (what == 12) bench.remove(key, "tag", number);
    if (what == 13 && random.below(4) == 0) bench.bury(std::to_string(round % 12));
    const std::uint64_t known_ms = random.below(8) == 0 ? 0 : random.below(120);
    if (what > 13) bench.engine.observe(known_ms);
    if (what != 15) continue;
    std::multiset<std::string> lives, answered;
    for (std::string entity, sub;;) {
      const Result<crdt::Op> op = bench.store.next_cell({"m", entity, sub});
      if (!op.ok()) break;
      entity = op->cell.name.key;
      sub = op->cell.name.sub;
      const auto name = crdt::FactName::read(sub);
      if (name.ok() && op->cell.is_live(known_ms) && !bench.store.find({"m", entity, crdt::kMarker}).ok())
        lives.insert(entity + std::string(name->predicate) + test::json_of({{crdt::Value(op->cell.value)}}));
    }
    const auto question = bench.read(kAll);
    const auto take = [](void* at, std::span<const crdt::Value> row) {
      const std::string entity = json::json_from_value(row[0]);
      static_cast<std::multiset<std::string>*>(at)->insert(entity + std::string(row[1].text_or({})) +
                                                           test::json_of(row.subspan(2)));
    };
    assert_ok(bench.engine.ask("m", *question, {take, &answered}));
    assert_true(lives == answered);
  }
}

void other_maps_and_other_views_have_no_part_in_an_answer(void**) {
  FactBench bench;
  bench.set("1", "name", "\"ann\"");
  assert_ok(bench.store.append({.cell = {{"m", "2", {}}, crdt::Stamp::of(9, 0, 7), 0, as_bytes("\x18\x02")}}).status());
  assert_ok(bench.store.append({.cell = {{"z", "1", {}}, crdt::Stamp::of(9, 0, 7), 0, as_bytes("\x18\x02")}}).status());
  assert_string_equal(bench.ask("[:find ?e ?a ?v :where [?e ?a ?v]]").c_str(), "[1,\"name\",\"ann\"]");
}

void limits_of_memory_and_of_steps_are_said(void**) {
  FactBench small({.index_bytes_max = 3u << 20});
  FactBench few({.steps_max = 1'000});
  for (int i = 0; i < 100'000; ++i) small.set(std::to_string(i), "n", std::to_string(i * 7));
  for (int i = 0; i < 100; ++i) few.set(std::to_string(i), "n", std::to_string(i));
  const auto question = small.read("[:find ?a ?b :where [?a :n _] [?b :n _]]");
  const runtime::FactEngine::Visitor nobody{[](void*, std::span<const crdt::Value>) {}, nullptr};
  assert_status(small.engine.ask("m", *question, nobody), Status::full);
  assert_non_null(std::strstr(small.engine.problem(), "limit: the facts of m take more than 3 MiB"));
  assert_status(few.engine.ask("m", *question, nobody), Status::full);
  assert_non_null(std::strstr(few.engine.problem(), "limit"));
}

// As a pull may give one.
void an_input_that_nests_too_deep_is_refused(void**) {
  std::string value = test::canonical("1");
  for (std::size_t depth = 0; depth <= kValueDepthMax; ++depth) {
    std::uint8_t room[256];
    crdt::ValueWriter writer(room);
    writer.begin_list();
    writer.nested(crdt::Value(as_bytes(value)));
    writer.end_list();
    value = as_text(*writer.finish());
  }
  const crdt::Value deep(as_bytes(value));
  std::string problem;
  assert_null(runtime::FactQuestion::read("[:find ?x :in $ ?x]", {&deep, 1}, problem).get());
  assert_non_null(std::strstr(problem.c_str(), "input 1"));
}

void a_question_says_which_attributes_it_looks_at(void**) {
  FactBench bench;
  const auto text_of = [&](std::string_view query, std::string_view inputs = "[]") {
    std::string text;
    const runtime::Scope scope = bench.read(query, inputs)->attributes().scope("m", text);
    return scope.kind == runtime::ScopeKind::map ? std::string("*") : std::string(scope.text);
  };
  assert_string_equal(text_of("[:find ?n :where [?e :b ?n] [?e \"a\" 1]]").c_str(), "a\nb");
  assert_string_equal(text_of("[:find ?e :where [?e :a] (or [?e :b] (and [?e :c] (not [?e :d])))]").c_str(),
                      "a\nb\nc\nd");
  assert_string_equal(text_of("[:find ?v :where [?e :a] [(get-else $ ?e :b 0) ?v] [(missing? $ ?e :c)]]").c_str(),
                      "a\nb\nc");
  assert_string_equal(
      text_of("[:find ?e :in $ % :where (r ?e)]", "[\"[[(r ?x) [?x :a]] [(r ?x) [?x :b ?y] (r ?y)]]\"]").c_str(),
      "a\nb");
  assert_string_equal(text_of("[:find (pull ?e [:c {:d [:f]} :_g]) :where [?e :a]]").c_str(), "a\nc\nd\nf\ng");
  assert_string_equal(text_of("[:find (pull ?e [*]) :where [?e :a]]").c_str(), "*");
  assert_string_equal(text_of("[:find ?a :where [1 ?a _]]").c_str(), "*");
}

// What was answered is told again for nothing, until a fact changes that the question looks at.
void an_answer_is_kept_until_something_that_it_looks_at_changes(void**) {
  FactBench bench;
  const char* const names = "[:find ?n :in $ ?a :where [?p :age ?a] [?p :name ?n]]";
  bench.set("1", "name", "\"ann\"");
  bench.set("1", "age", "3");
  const auto again = [&](std::string_view inputs) {
    const auto question = bench.read(names, inputs);
    std::string rows;
    assert_ok(bench.engine.answer(
        "m", *question,
        {[](void* at, std::span<const crdt::Value> row) { *static_cast<std::string*>(at) += test::json_of(row); },
         &rows}));
    return std::string(bench.engine.steps() == 0 ? "kept " : "anew ") + rows;
  };
  assert_string_equal(again("[3]").c_str(), "anew [\"ann\"]");
  assert_string_equal(again("[3]").c_str(), "kept [\"ann\"]");
  assert_string_equal(again("[4]").c_str(), "anew ");
  bench.set("1", "city", "\"Oslo\"");
  assert_string_equal(again("[3]").c_str(), "kept [\"ann\"]");
  bench.set("2", "name", "\"bob\"");
  assert_string_equal(again("[3]").c_str(), "anew [\"ann\"]");
  bench.set("2", "age", "3");
  assert_string_equal(again("[3]").c_str(), "anew [\"ann\"][\"bob\"]");
  bench.bury("1");
  assert_string_equal(again("[3]").c_str(), "anew [\"bob\"]");
  assert_string_equal(again("[3]").c_str(), "kept [\"bob\"]");
  bench.set("2", "age", "3", 5'000);
  bench.engine.observe(4'999);
  again("[3]");
  assert_string_equal(again("[3]").c_str(), "kept [\"bob\"]");
  bench.engine.observe(5'000);
  assert_string_equal(again("[3]").c_str(), "anew ");
}

void kept_answers_stay_within_their_bytes(void**) {
  FactBench bench({.answers_bytes_max = 4'096});
  for (int i = 0; i < 100; ++i) bench.set(std::to_string(i), "n", std::to_string(i));
  const auto is_kept = [&bench](std::string_view query, std::string_view inputs) {
    const auto question = bench.read(query, inputs);
    const runtime::FactEngine::Visitor nobody{[](void*, std::span<const crdt::Value>) {}, nullptr};
    assert_ok(bench.engine.answer("m", *question, nobody));
    return bench.engine.steps() == 0;
  };
  const char* const one = "[:find ?e :in $ ?n :where [?e :n ?n]]";
  assert_false(is_kept(one, "[1]"));
  assert_true(is_kept(one, "[1]"));
  for (int i = 2; i < 50; ++i) assert_false(is_kept(one, "[" + std::to_string(i) + "]"));
  assert_true(is_kept(one, "[49]"));
  assert_false(is_kept(one, "[1]"));  // The oldest went.
  assert_false(is_kept("[:find ?e ?n :where [?e :n ?n]]", "[]"));
  assert_false(is_kept("[:find ?e ?n :where [?e :n ?n]]", "[]"));  // Larger than its share.
}

// Facts of a question's attributes are all that an answer goes by: what else is known of whom makes no difference.
void who_holds_the_attributes_of_a_question_answers_as_who_holds_all(void**) {
  FactBench whole, part;
  for (FactBench* bench : {&whole, &part}) {
    bench->set("1", "name", "\"ann\"");
    bench->add("1", "friend", R"({"$ref": "2"})");
    bench->add("1", "friend", R"({"$ref": "9"})");
    bench->set("1", "boss", R"({"$ref": "3"})");
  }
  whole.set("2", "age", "4");
  whole.set("3", "age", "5");
  const char* const queries[] = {
      "[:find (pull ?e [:name :friend :boss]) :where [?e :name]]",
      "[:find (pull ?e [{:friend [:db/id :name]} {:boss [:name]}]) :where [?e :name]]",
      "[:find (pull ?f [:db/id (:name :default 0)]) :where [_ :friend ?f]]",
      "[:find ?e ?b :where [?e :name] (not [(missing? $ ?e :boss)]) [(get-else $ ?e :boss 0) ?b]]",
  };
  for (const char* query : queries) assert_string_equal(part.ask(query).c_str(), whole.ask(query).c_str());
  assert_string_equal(whole.ask(queries[0]).c_str(),
                      R"([{"boss":{"db/id":3},"friend":[{"db/id":2},{"db/id":9}],"name":"ann"}])");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(what_stands_is_answered_from_before_and_behind_the_first_question),
      cmocka_unit_test(objects_of_many_come_and_go_one_by_one),
      cmocka_unit_test(a_deleted_entity_is_in_no_answer),
      cmocka_unit_test(what_is_erased_without_a_record_is_in_no_answer),
      cmocka_unit_test(what_has_expired_is_in_no_answer_whichever_way_the_time_goes),
      cmocka_unit_test(a_fact_that_is_written_again_expires_when_the_new_one_does),
      cmocka_unit_test(what_is_kept_of_facts_that_expire_is_bounded),
      cmocka_unit_test(what_is_answered_is_what_lives_whatever_is_written_and_however_the_time_goes),
      cmocka_unit_test(other_maps_and_other_views_have_no_part_in_an_answer),
      cmocka_unit_test(limits_of_memory_and_of_steps_are_said),
      cmocka_unit_test(an_input_that_nests_too_deep_is_refused),
      cmocka_unit_test(a_question_says_which_attributes_it_looks_at),
      cmocka_unit_test(an_answer_is_kept_until_something_that_it_looks_at_changes),
      cmocka_unit_test(kept_answers_stay_within_their_bytes),
      cmocka_unit_test(who_holds_the_attributes_of_a_question_answers_as_who_holds_all),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
