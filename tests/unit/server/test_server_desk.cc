// SPDX-License-Identifier: Apache-2.0
//
// What who has no replica may ask of a gateway, and write there (server/desk.h).

#include "server/desk.h"
#include "server/row_rules.h"
#include "tests/unit/server/access_story.h"

namespace grid::server {
namespace {

using namespace test;

struct Asked {
  Status status = Status::ok;
  std::string rows{};  // "key=JSON", in their order.
  std::string cursor{};
  std::string problem{};
};

Asked ask(Story& story, std::string_view who, const runtime::Question& question) {
  Asked asked;
  const auto visit = [](void* at, const DeskRow& row) {
    std::string& rows = *static_cast<std::string*>(at);
    rows.append(rows.empty() ? "" : " ").append(row.key).append("=");
    json::append_json(rows, crdt::Value(row.value));
  };
  const std::string claims = value_of("{}");
  asked.status = story.bench.coordinator->ask(who, as_bytes(claims), question, {visit, &asked.rows});
  if (asked.status == Status::ok) asked.cursor = story.bench.coordinator->desk().cursor();
  if (asked.status != Status::ok) asked.problem = story.bench.coordinator->desk().problem();
  return asked;
}

std::string rows(Story& story, std::string_view who, std::string_view where = {}) {
  const Asked asked = ask(story, who, {.map = "climate", .where = where});
  return asked.status == Status::ok ? asked.rows : std::string(name_of(asked.status)) + ": " + asked.problem;
}

// Empty: it was taken.
std::string write(Story& story, std::string_view who, std::string_view key, std::string_view json) {
  const std::string claims = value_of("{}");
  const std::string value = json.empty() ? std::string() : value_of(json);
  runtime::Call call;
  call.verb = json.empty() ? runtime::Call::Verb::remove : runtime::Call::Verb::put;
  call.scope = {runtime::ScopeKind::key, "climate", key};
  call.value = as_bytes(value);
  story.bench.step({.kind = Event::Kind::call, .bytes = as_bytes(claims), .identity = who, .call = &call});
  story.bench.flush();
  if (call.status == Status::ok) return {};
  return std::string(name_of(call.status)) + ": " + story.bench.coordinator->desk().problem();
}

constexpr const char* kAnns = R"(anns={"owner":"ann"})";
constexpr const char* kBobs = R"(bobs={"note":"only for bob","owner":"bob"})";

void who_may_read_a_map_is_shown_its_rows(void**) {
  Story story({});
  assert_string_equal(rows(story, "root").c_str(), (std::string(kAnns) + " " + kBobs).c_str());
  assert_string_equal(rows(story, "root", "note exists").c_str(), kBobs);
}

void who_has_no_grant_is_shown_nothing(void**) {
  Story story({{.map = "other", .rights = {Right::read}}});
  assert_string_equal(rows(story, "ann").c_str(), "denied: no grant to read this in map climate");
  assert_string_equal(rows(story, "").c_str(), "denied: you have no business here");
  assert_string_equal(rows(story, "mallory").c_str(), "denied: no grant to read this in map climate");
}

void a_grant_of_some_rows_shows_these_whatever_is_asked(void**) {
  Story story({{.map = "climate", .rights = {Right::read}, .where = "owner = $user"}});
  assert_string_equal(rows(story, "ann").c_str(), kAnns);
  assert_string_equal(rows(story, "ann", "owner = 'bob' or owner exists").c_str(), kAnns);
  assert_string_equal(rows(story, "ann", "note exists").c_str(), "");
}

void hidden_fields_are_neither_shown_nor_asked_about(void**) {
  Story story({{.map = "climate", .rights = {Right::read}, .hide = {"note"}}});
  assert_string_equal(rows(story, "ann").c_str(), R"(anns={"owner":"ann"} bobs={"owner":"bob"})");
  assert_string_equal(rows(story, "ann", "note exists").c_str(), "");
  assert_string_equal(rows(story, "ann", "note starts with 'only'").c_str(), "");
  assert_string_equal(rows(story, "ann", "not note exists and owner = 'bob'").c_str(), R"(bobs={"owner":"bob"})");
  const Asked asked = ask(story, "ann", {.map = "climate", .order = "note"});
  assert_status(asked.status, Status::denied);
}

std::string facts(Story& story, std::string_view who) {
  const std::string claims = value_of("{}");
  const Status status = story.bench.coordinator->may_ask_facts(who, as_bytes(claims), "climate");
  return status == Status::ok ? "ok" : std::string(name_of(status)) + ": " + story.bench.coordinator->desk().problem();
}

void a_question_about_facts_takes_a_grant_of_all_rows(void**) {
  constexpr const char* kInPart =
      "denied: rows of map climate are shown to you in part, and a question about facts looks at all of it";
  Story whole({{.map = "climate", .rights = {Right::read}}});
  assert_string_equal(facts(whole, "ann").c_str(), "ok");
  Story some({{.map = "climate", .rights = {Right::read}, .where = "owner = $user"}});
  assert_string_equal(facts(some, "ann").c_str(), kInPart);
  Story masked({{.map = "climate", .rights = {Right::read}, .hide = {"note"}}});
  assert_string_equal(facts(masked, "ann").c_str(), kInPart);
  Story none({{.map = "climate", .rights = {Right::put}}});
  assert_string_equal(facts(none, "ann").c_str(), "denied: no grant to read this in map climate");
  assert_string_equal(facts(none, "").c_str(), "denied: you have no business here");
}

void rows_of_ones_own_are_whole_where_others_are_masked(void**) {
  Story story({{.map = "climate", .rights = {Right::read}, .where = "owner = $user"},
               {.map = "climate", .rights = {Right::read}, .hide = {"note"}}});
  assert_string_equal(write(story, "root", "mine", R"({"owner": "ann", "note": "hers"})").c_str(), "");
  assert_string_equal(rows(story, "ann").c_str(),
                      R"(anns={"owner":"ann"} bobs={"owner":"bob"} mine={"note":"hers","owner":"ann"})");
  assert_string_equal(rows(story, "ann", "note exists").c_str(), R"(mine={"note":"hers","owner":"ann"})");
}

void pages_end_where_the_rows_do(void**) {
  Story story({});
  Asked asked = ask(story, "root", {.map = "climate", .limit = 1});
  assert_string_equal(asked.rows.c_str(), kAnns);
  asked = ask(story, "root", {.map = "climate", .limit = 1, .after = asked.cursor});
  assert_string_equal(asked.rows.c_str(), kBobs);
  if (asked.cursor.empty()) return;
  const std::string cursor = asked.cursor;
  asked = ask(story, "root", {.map = "climate", .limit = 1, .after = cursor});
  assert_string_equal(asked.rows.c_str(), "");
}

// One turn looks at some thousand rows, whatever it finds; the cursor leads on, and what lies beside a row is passed.
void a_large_map_is_gone_through_in_pieces(void**) {
  Story story({});
  for (int i = 0; i < 9'000; ++i) {
    const std::string key = "row/" + std::to_string(10'000 + i);
    story.put(kRoot, key, i % 4'000 == 3'999 ? R"({"rare": 1})" : R"({"often": 1})");
    if (i % 1'000 == 0) story.put(kRoot, key, "1", "beside");
  }
  std::string found;
  std::string cursor;
  int turns = 0;
  do {
    const Asked asked = ask(story, "root", {.map = "climate", .where = "rare exists", .limit = 5, .after = cursor});
    assert_status(asked.status, Status::ok);
    found += asked.rows + ";";
    cursor = asked.cursor;
    ++turns;
  } while (!cursor.empty() && turns < 100);
  assert_int_equal(turns, 3);
  assert_string_equal(found.c_str(), "row/13999={\"rare\":1};row/17999={\"rare\":1};;");
}

void a_key_with_more_beside_it_than_one_turn_looks_at_is_passed(void**) {
  Story story({});
  story.put(kRoot, "x", "1");
  for (int i = 0; i < 5'000; ++i) story.put(kRoot, "x", "1", "beside/" + std::to_string(i));
  story.put(kRoot, "y", "2");
  story.put(kRoot, "z", "3");
  std::string found;
  std::string cursor;
  int turns = 0;
  do {
    const Asked asked = ask(story, "root", {.map = "climate", .where = "$key >= 'x'", .after = cursor});
    assert_status(asked.status, Status::ok);
    found += asked.rows + ";";
    cursor = asked.cursor;
  } while (!cursor.empty() && ++turns < 100);
  assert_string_equal(found.c_str(), "x=1;y=2;z=3;");
}

// PROTOCOL P21
void a_cursor_names_no_row_that_is_hidden(void**) {
  std::string cursors[2];
  for (const bool is_there : {false, true}) {
    Story story({{.map = "climate", .rights = {Right::read}, .where = "owner = $user"}});
    story.put(kRoot, "x", R"({"owner": "ann"})");
    if (is_there) story.put(kRoot, "y", R"({"owner": "bob"})");
    story.put(kRoot, "z", R"({"owner": "ann"})");
    const Asked asked = ask(story, "ann", {.map = "climate", .where = "$key >= 'x'", .limit = 1});
    assert_status(asked.status, Status::ok);
    cursors[is_there] = asked.cursor;
  }
  assert_false(cursors[0].empty());
  assert_string_equal(cursors[0].c_str(), cursors[1].c_str());
}

void a_question_that_makes_no_sense_is_refused_with_a_sentence(void**) {
  Story story({});
  const Asked asked = ask(story, "root", {.map = "climate", .where = "owner = "});
  assert_status(asked.status, Status::invalid);
  assert_true(asked.problem.starts_with("column "));
}

void what_is_written_stands_for_devices_too(void**) {
  Story story({{.map = "climate", .rights = {Right::read, Right::put, Right::remove}, .where = "owner = $user"}});
  story.ann();
  story.bench.send(kAnn, subscribe(1, {}, false, {wire::ScopeKind::where, "climate", "owner exists"}));
  story.told();
  assert_string_equal(write(story, "ann", "new", R"({"owner": "ann"})").c_str(), "");
  assert_string_equal(story.rows().c_str(), "new");
  assert_string_equal(write(story, "ann", "new", "").c_str(), "");
  assert_string_equal(rows(story, "ann").c_str(), kAnns);
}

void writes_are_held_against_the_row_as_it_was_and_as_it_would_be(void**) {
  Story story({{.map = "climate", .rights = {Right::read, Right::put, Right::remove}, .where = "owner = $user"}});
  constexpr const char* kNo = "denied: no grant to put this in map climate";
  assert_string_equal(write(story, "ann", "bobs", R"({"owner": "ann"})").c_str(), kNo);
  assert_string_equal(write(story, "ann", "anns", R"({"owner": "bob"})").c_str(), kNo);
  assert_string_equal(write(story, "ann", "bobs", "").c_str(), "denied: no grant to remove this in map climate");
  assert_string_equal(write(story, "mallory", "x", R"({"owner": "mallory"})").c_str(), kNo);
  assert_string_equal(rows(story, "root").c_str(), (std::string(kAnns) + " " + kBobs).c_str());
}

void rules_of_maps_hold_here_as_they_do_for_devices(void**) {
  Story story({});
  RowRules rules;
  RowRules::Fault fault;
  assert_ok(rules.add({.map = "climate",
                       .require = "owner exists",
                       .reject_if = {},
                       .immutable = {"owner"},
                       .max_wins = {},
                       .min_wins = {}},
                      fault));
  story.bench.options.policy = &rules;
  story.bench.restart();
  assert_true(write(story, "root", "x", "{}").starts_with("invalid: "));
  assert_true(write(story, "root", "anns", R"({"owner": "bob"})").starts_with("conflict: ") ||
              write(story, "root", "anns", R"({"owner": "bob"})").starts_with("invalid: "));
  assert_string_equal(write(story, "root", "anns", R"({"owner": "ann", "n": 1})").c_str(), "");
}

void names_and_sizes_are_checked(void**) {
  Story story({});
  story.bench.options.value_bytes_max = 64;
  story.bench.restart();
  assert_true(write(story, "root", "", "1").starts_with("invalid: "));
  const std::string large = "\"" + std::string(100, 'x') + "\"";
  assert_string_equal(write(story, "root", "x", large).c_str(), "too_large: the value is larger than 64 bytes");
  assert_string_equal(write(story, "root", "gone", "").c_str(), "");
}

}  // namespace
}  // namespace grid::server

using namespace grid::server;

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(who_may_read_a_map_is_shown_its_rows),
      cmocka_unit_test(who_has_no_grant_is_shown_nothing),
      cmocka_unit_test(a_grant_of_some_rows_shows_these_whatever_is_asked),
      cmocka_unit_test(hidden_fields_are_neither_shown_nor_asked_about),
      cmocka_unit_test(a_question_about_facts_takes_a_grant_of_all_rows),
      cmocka_unit_test(rows_of_ones_own_are_whole_where_others_are_masked),
      cmocka_unit_test(pages_end_where_the_rows_do),
      cmocka_unit_test(a_large_map_is_gone_through_in_pieces),
      cmocka_unit_test(a_key_with_more_beside_it_than_one_turn_looks_at_is_passed),
      cmocka_unit_test(a_cursor_names_no_row_that_is_hidden),
      cmocka_unit_test(a_question_that_makes_no_sense_is_refused_with_a_sentence),
      cmocka_unit_test(what_is_written_stands_for_devices_too),
      cmocka_unit_test(writes_are_held_against_the_row_as_it_was_and_as_it_would_be),
      cmocka_unit_test(rules_of_maps_hold_here_as_they_do_for_devices),
      cmocka_unit_test(names_and_sizes_are_checked),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
