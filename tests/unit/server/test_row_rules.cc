// SPDX-License-Identifier: Apache-2.0
//
// The rules of rows: what each of them refuses and lets pass, and which of two rows it lets stand.

#include <deque>

#include "crdt/pn_counter.h"
#include "server/row_rules.h"
#include "tests/check.h"
#include "transport/json/value_json.h"

namespace grid::server {

using crdt::Value;

namespace {

// Rules of map "m", asked about rows as JSON; an empty text is no row.
class Asked {
 public:
  explicit Asked(const MapRules& rules) {
    RowRules::Fault fault;
    MapRules of_m = rules;
    of_m.map = "m";
    if (rules_.add(of_m, fault) != Status::ok) fail_msg("%s: %s", fault.rule.c_str(), fault.sentence.c_str());
  }

  Proposal write(std::string_view now, std::string_view next, std::string_view key = "k", std::string_view sub = {}) {
    return {.name = {"m", key, sub},
            .stamp = crdt::Stamp::of(2'000, 0, 1),
            .next = value(next),
            .now_stamp = now.empty() ? crdt::Stamp{} : crdt::Stamp::of(1'000, 0, 2),
            .now = value(now)};
  }
  Status judge(std::string_view now, std::string_view next) {
    const Proposal one = write(now, next);
    return judge({&one, 1});
  }
  Status judge(std::span<const Proposal> batch) {
    const Ruling ruling = rules_.judge(batch);
    sentence_ = ruling.sentence;
    return ruling.status;
  }
  const std::string& sentence() const { return sentence_; }
  Resolution resolve(std::string_view now, std::string_view next) { return rules_.resolve(write(now, next)); }

 private:
  Value value(std::string_view json) {
    if (json.empty()) return {};
    json::JsonError error;
    assert_ok(json::value_from_json(json, kept_.emplace_back(), error));
    return Value(as_bytes(kept_.back()));
  }

  RowRules rules_;
  std::deque<std::string> kept_;
  std::string sentence_;
};

MapRules rule_of(std::string MapRules::*rule, std::string_view text) {
  MapRules rules;
  rules.*rule = text;
  return rules;
}

MapRules immutable(std::vector<std::string> fields) {
  MapRules rules;
  rules.immutable = std::move(fields);
  return rules;
}

MapRules first_write_wins() {
  MapRules rules;
  rules.first_write_wins = true;
  return rules;
}

// The rule that add() finds no sense in.
std::string fault_of(const MapRules& rules) {
  RowRules all;
  RowRules::Fault fault{"none", {}};
  MapRules of_m = rules;
  if (of_m.map.empty()) of_m.map = "m";
  assert_status(all.add(of_m, fault), Status::invalid);
  assert_true(all.is_empty() && !fault.sentence.empty());
  return fault.rule;
}

}  // namespace

static void a_row_that_is_put_matches_what_is_required(void**) {
  Asked asked(rule_of(&MapRules::require, "temp between -60 and 125"));
  assert_ok(asked.judge("", R"({"temp": 125})"));
  assert_ok(asked.judge(R"({"temp": 1})", R"({"temp": -60.0, "more": [1]})"));
  for (const char* row : {R"({"temp": 125.5})", R"({"temp": null})", R"({"temp": "20"})", R"({"Temp": 20})", "{}", "20",
                          "null", R"({"temp": [20]})", R"({"temp": {"$number": "nan"}})"}) {
    assert_status(asked.judge("", row), Status::invalid);
    assert_string_equal(asked.sentence().c_str(), "m/k: not temp between -60 and 125");
  }
  // A removal puts no row, and what stood before the rule may go.
  assert_ok(asked.judge(R"({"temp": 400})", ""));
  assert_ok(asked.judge("", ""));
}

static void a_row_that_is_put_matches_nothing_that_is_rejected(void**) {
  Asked asked(rule_of(&MapRules::reject_if, "banned = true or $key starts with 'x/'"));
  assert_ok(asked.judge("", R"({"banned": false})"));
  assert_ok(asked.judge("", R"({"banned": null})"));
  assert_ok(asked.judge("", "{}"));
  assert_status(asked.judge("{}", R"({"banned": true})"), Status::invalid);
  assert_string_equal(asked.sentence().c_str(), "m/k: banned = true or $key starts with 'x/'");
  assert_ok(asked.judge(R"({"banned": true})", ""));
  const Proposal elsewhere = asked.write("", "{}", "x/1");
  assert_status(asked.judge({&elsewhere, 1}), Status::invalid);
}

static void a_field_keeps_the_value_that_it_got_first(void**) {
  Asked asked(immutable({"site", "place.lat"}));
  assert_ok(asked.judge("", R"({"site": "Oslo"})"));
  assert_ok(asked.judge(R"({"site": "Oslo"})", R"({"site": "Oslo", "temp": 3})"));
  for (const char* row : {R"({"site": "Bergen"})", "{}", R"({"site": null})", R"({"site": ["Oslo"]})", "3", ""}) {
    assert_status(asked.judge(R"({"site": "Oslo"})", row), Status::conflict);
    assert_string_equal(asked.sentence().c_str(), "m/k: site can't be changed");
  }
  // Not there, or null: it has none yet.
  assert_ok(asked.judge("{}", R"({"site": "Oslo"})"));
  assert_ok(asked.judge(R"({"site": null})", R"({"site": "Oslo"})"));
  assert_ok(asked.judge(R"({"site": null})", ""));
  assert_ok(asked.judge("7", R"({"site": "Oslo"})"));
  // The same number, written otherwise.
  assert_ok(asked.judge(R"({"place": {"lat": 60}})", R"({"place": {"lat": 60.0, "lon": 1}})"));
  assert_status(asked.judge(R"({"place": {"lat": 60}})", R"({"place": {"lat": 60.5}})"), Status::conflict);
  assert_status(asked.judge(R"({"place": {"lat": 60}})", R"({"place": 60})"), Status::conflict);
}

static void the_first_write_is_neither_changed_nor_removed(void**) {
  Asked asked(first_write_wins());
  assert_ok(asked.judge("", R"({"a": 1})"));
  assert_ok(asked.judge("", ""));
  assert_ok(asked.judge(R"({"a": 1})", R"({"a": 1})"));
  assert_status(asked.judge(R"({"a": 1})", R"({"a": 2})"), Status::conflict);
  assert_status(asked.judge(R"({"a": 1})", R"({"a": 1.0})"), Status::conflict);
  assert_status(asked.judge("null", "1"), Status::conflict);
  assert_status(asked.judge(R"({"a": 1})", ""), Status::conflict);
  assert_string_equal(asked.sentence().c_str(), "m/k: the first write stands");
}

// Wherever stamps would do, they decide.
static void of_two_rows_the_one_with_the_greater_field_stands_or_the_lesser(void**) {
  struct Case {
    const char* now;
    const char* next;
    Resolution most, least;
  };
  constexpr Resolution kNow = Resolution::now, kNext = Resolution::next, kStamp = Resolution::by_stamp;
  const Case cases[] = {
      {R"({"p": 1})", R"({"p": 2})", kNext, kNow},
      {R"({"p": 2})", R"({"p": 1.5})", kNow, kNext},
      {R"({"p": 2})", R"({"p": 2.0, "q": 1})", kStamp, kStamp},
      {R"({"p": "a"})", R"({"p": "b"})", kNext, kNow},
      // What is no value beats nothing,
      {R"({"p": 2})", "{}", kNow, kNow},
      {R"({"p": 2})", R"({"p": null})", kNow, kNow},
      {R"({"p": 2})", R"({"p": {"$number": "nan"}})", kNow, kNow},
      {R"({"p": 2})", "2", kNow, kNow},
      // and is beaten by any.
      {"{}", R"({"p": 2})", kNext, kNext},
      {R"({"p": null})", R"({"p": 2})", kNext, kNext},
      {R"({"p": {"$number": "nan"}})", R"({"p": -2})", kNext, kNext},
      {"{}", R"({"p": null})", kStamp, kStamp},
      {"{}", "3", kStamp, kStamp},
      // Another kind is not comparable.
      {R"({"p": 2})", R"({"p": "3"})", kNow, kNow},
      {R"({"p": "3"})", R"({"p": 2})", kNow, kNow},
      {R"({"p": 2})", R"({"p": {"$timestamp": 5}})", kNow, kNow},
      // No row.
      {"", R"({"p": 2})", kStamp, kStamp},
      {R"({"p": 2})", "", kStamp, kStamp},
  };
  for (const Case& one : cases) {
    Asked most(rule_of(&MapRules::max_wins, "p")), least(rule_of(&MapRules::min_wins, "p"));
    if (most.resolve(one.now, one.next) != one.most || least.resolve(one.now, one.next) != one.least) {
      fail_msg("%s, then %s", one.now, one.next);
    }
    assert_ok(most.judge(one.now, one.next));
  }
}

// Else a set or a counter would be built under the key of a row that no rule has seen.
static void a_map_with_rules_holds_rows_only(void**) {
  Asked asked(rule_of(&MapRules::max_wins, "p"));
  std::uint8_t part[crdt::CounterPart::kNameBytes];
  const std::string_view tag("0123456789abcdef");
  for (const std::string_view sub : {crdt::CounterPart::name(7, part), tag}) {
    for (const char* next : {R"({"p": 2})", ""}) {
      const Proposal write = asked.write("", next, "k", sub);
      assert_status(asked.judge({&write, 1}), Status::invalid);
    }
  }
  assert_string_equal(asked.sentence().c_str(), "m/k: the map has rules, and so it holds rows only");
}

// P9
static void a_batch_is_refused_for_the_first_that_breaks_a_rule(void**) {
  Asked asked(rule_of(&MapRules::require, "a > 0"));
  Proposal batch[] = {asked.write("", R"({"a": 1})", "one"), asked.write("", R"({"a": 0})", "two"),
                      asked.write("", R"({"a": -1})", "three")};
  assert_status(asked.judge(batch), Status::invalid);
  assert_string_equal(asked.sentence().c_str(), "m/two: not a > 0");
  batch[1] = asked.write("", "", "two");
  assert_status(asked.judge(batch), Status::invalid);
  assert_string_equal(asked.sentence().c_str(), "m/three: not a > 0");
  batch[2].name.map = "another";
  assert_ok(asked.judge(batch));
}

static void rules_stand_beside_one_another(void**) {
  MapRules rules = immutable({"site"});
  rules.require = "temp exists";
  rules.reject_if = "temp > 100";
  rules.max_wins = "temp";
  Asked asked(rules);
  assert_ok(asked.judge("", R"({"temp": 1, "site": "a"})"));
  assert_status(asked.judge("", R"({"site": "a"})"), Status::invalid);
  assert_status(asked.judge("", R"({"temp": 101})"), Status::invalid);
  assert_status(asked.judge(R"({"temp": 1, "site": "a"})", R"({"temp": 2, "site": "b"})"), Status::conflict);
  assert_true(asked.resolve(R"({"temp": 1, "site": "a"})", R"({"temp": 2, "site": "a"})") == Resolution::next);
}

// Of a key that could fill a frame, as much as tells it from others.
static void a_sentence_does_not_grow_with_the_key(void**) {
  Asked asked(rule_of(&MapRules::require, "a > 0"));
  const std::string key(256, 'k');
  const Proposal write = asked.write("", "{}", key);
  assert_status(asked.judge({&write, 1}), Status::invalid);
  assert_string_equal(asked.sentence().c_str(), ("m/" + std::string(40, 'k') + ": not a > 0").c_str());
}

static void rules_without_sense_are_named(void**) {
  assert_string_equal(fault_of(rule_of(&MapRules::require, "temp >")).c_str(), "require");
  assert_string_equal(fault_of(rule_of(&MapRules::reject_if, "temp > and")).c_str(), "reject_if");
  assert_string_equal(fault_of(rule_of(&MapRules::max_wins, "a b")).c_str(), "max_wins");
  assert_string_equal(fault_of(rule_of(&MapRules::min_wins, "$key")).c_str(), "min_wins");
  assert_string_equal(fault_of(immutable({"site", "a."})).c_str(), "immutable");
  MapRules rules = first_write_wins();
  rules.min_wins = "p";
  assert_string_equal(fault_of(rules).c_str(), "first_write_wins");
  rules = rule_of(&MapRules::max_wins, "p");
  rules.min_wins = "p";
  assert_string_equal(fault_of(rules).c_str(), "min_wins");
  rules = rule_of(&MapRules::map, "a/b");
  assert_string_equal(fault_of(rules).c_str(), "");
  RowRules twice;
  RowRules::Fault fault;
  rules = rule_of(&MapRules::map, "m");
  assert_ok(twice.add(rules, fault));
  assert_status(twice.add(rules, fault), Status::invalid);
  assert_true(twice.governs("m") && !twice.governs("n") && !twice.governs(""));
}

}  // namespace grid::server

int main() {
  using namespace grid::server;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_row_that_is_put_matches_what_is_required),
      cmocka_unit_test(a_row_that_is_put_matches_nothing_that_is_rejected),
      cmocka_unit_test(a_field_keeps_the_value_that_it_got_first),
      cmocka_unit_test(the_first_write_is_neither_changed_nor_removed),
      cmocka_unit_test(of_two_rows_the_one_with_the_greater_field_stands_or_the_lesser),
      cmocka_unit_test(a_map_with_rules_holds_rows_only),
      cmocka_unit_test(a_batch_is_refused_for_the_first_that_breaks_a_rule),
      cmocka_unit_test(rules_stand_beside_one_another),
      cmocka_unit_test(a_sentence_does_not_grow_with_the_key),
      cmocka_unit_test(rules_without_sense_are_named),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
