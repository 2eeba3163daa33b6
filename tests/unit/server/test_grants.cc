// SPDX-License-Identifier: Apache-2.0
//
// Grants: who may do what by roles, patterns and predicates, and that nothing else is allowed.

#include <deque>

#include "crdt/value.h"
#include "server/grants.h"
#include "server/mask.h"
#include "tests/check.h"
#include "transport/json/value_json.h"

namespace grid::server {
namespace {

std::string canonical(std::string_view json) {
  std::string value;
  json::JsonError error;
  if (json::value_from_json(json, value, error) != Status::ok) fail_msg("%s", error.sentence.c_str());
  return value;
}

GrantRules rules_of(const std::vector<std::pair<std::string, Grant>>& grants) {
  GrantRules rules;
  GrantRules::Fault fault;
  for (const auto& [role, grant] : grants) {
    if (rules.add(role, grant, fault) != Status::ok) fail_msg("%s: %s", fault.rule.c_str(), fault.sentence.c_str());
  }
  return rules;
}

// The rights of one principal in app "farm".
class Held {
 public:
  Held(GrantRules rules, std::string_view identity, std::string_view claims = "{\"roles\": [\"r\"]}")
      : claims_(canonical(claims)),
        grants_(std::move(rules), "farm"),
        rights_(grants_.acquire(identity, as_bytes(claims_))) {}
  explicit Held(const Grant& grant, std::string_view identity = "ann", std::string_view claims = "{\"roles\": [\"r\"]}")
      : Held(rules_of({{"r", grant}}), identity, claims) {}
  ~Held() { grants_.release(rights_); }

  const Rights* operator->() const { return rights_; }
  bool has(Right right, std::string_view row, std::string_view map = "climate") const {
    const std::string value = canonical(row);
    return rights_->rows(right, map).has("k", as_bytes(value));
  }

 private:
  std::string claims_;
  Grants grants_;
  const Rights* rights_;
};

GrantRules::Fault fault_of(const Grant& grant) {
  GrantRules rules;
  GrantRules::Fault fault;
  assert_status(rules.add("r", grant, fault), Status::invalid);
  return fault;
}

constexpr Right kAll[] = {Right::read,    Right::put,     Right::remove, Right::subscribe,
                          Right::publish, Right::inspect, Right::admin};

// SEC-1
void what_no_grant_says_is_denied(void**) {
  const Held nobody(GrantRules{}, "ann");
  for (const Right right : kAll) {
    assert_true(nobody->rows(right, "climate").is_none());
    assert_true(nobody->rows(right, "").is_none());
    assert_false(nobody->may(right));
    assert_false(nobody->may(right, "alarm"));
  }
  // Each right by itself, and none beside it.
  for (const Right given : kAll) {
    const bool is_of_map = given <= Right::remove, is_of_channel = given == Right::subscribe || given == Right::publish;
    const Held held(
        Grant{.map = is_of_map ? "climate" : "", .channel = is_of_channel ? "alarm" : "", .rights = {given}});
    for (const Right right : kAll) {
      assert_int_equal(held->may(right), right == given);
      assert_int_equal(held->rows(right, "climate").is_all(), right == given);
      assert_int_equal(held->may(right, "alarm"), right == given && is_of_channel);
    }
    assert_true(!is_of_map || held->rows(given, "climates").is_none());
    assert_false(held->may(given, "alarms"));
  }
}

void a_pattern_stands_for_all_that_begin_so(void**) {
  const Held some(Grant{.map = "sensor.*", .rights = {Right::read}});
  assert_true(some->rows(Right::read, "sensor.1").is_all() && some->rows(Right::read, "sensor.").is_all());
  assert_true(some->rows(Right::read, "sensor").is_none() && some->rows(Right::read, "sensors").is_none());
  assert_true(some->rows(Right::read, "").is_none());
  const Held all(Grant{.map = "*", .rights = {Right::read}});
  assert_true(all->rows(Right::read, "x").is_all() && all->rows(Right::read, "").is_all());
  const auto in_app = [](const char* app) {
    return Held(Grant{.app = app, .map = "*", .rights = {Right::read}})->rows(Right::read, "m").is_all();
  };
  assert_true(in_app("farm") && in_app("fa*") && in_app("*"));
  assert_false(in_app("far") || in_app("farms") || in_app("b*"));
}

void a_channel_is_granted_by_a_filter_that_has_all_of_it(void**) {
  constexpr struct {
    const char* pattern;
    const char* name;
    bool is_covered;
  } kCases[] = {{"#", "a/b", true},        {"#", "#", true},     {"#", "+/+", true},      {"a/#", "a", true},
                {"a/#", "a/b/c", true},    {"a/#", "a/+", true}, {"a/#", "a/#", true},    {"a/#", "#", false},
                {"a/#", "+/b", false},     {"a/#", "ab", false}, {"a/+", "a/b", true},    {"a/+", "a/+", true},
                {"a/+", "a/#", false},     {"a/+", "a", false},  {"a/+", "a/b/c", false}, {"a/+/c", "a/b/c", true},
                {"a/+/c", "a/+/+", false}, {"a/b", "a/b", true}, {"a/b", "a/+", false},   {"a/b", "a/b/c", false},
                {"a/+/#", "a/b", true},    {"a/+/#", "a", false}};
  for (const auto& one : kCases) {
    const Held held(Grant{.channel = one.pattern, .rights = {Right::subscribe}});
    if (held->may(Right::subscribe, one.name) != one.is_covered) fail_msg("%s of %s", one.name, one.pattern);
    assert_false(held->may(Right::publish, one.name));
  }
}

void rows_are_told_apart_by_who_asks(void**) {
  const Grant own{.map = "climate", .rights = {Right::read, Right::put}, .where = "owner = $user"};
  const Held ann(own), bob(own, "bob");
  assert_true(ann.has(Right::read, R"({"owner": "ann"})") && !ann.has(Right::read, R"({"owner": "bob"})"));
  assert_true(bob.has(Right::put, R"({"owner": "bob"})") && !bob.has(Right::put, R"({"owner": "ann"})"));
  assert_false(ann.has(Right::remove, R"({"owner": "ann"})"));
  assert_true(ann->rows(Right::read, "climate").is_some());
  assert_true(ann->fingerprint() != bob->fingerprint());
  const Held team(Grant{.map = "*", .rights = {Right::read}, .where = "team in $claim.org.teams and not $key = 'k0'"},
                  "ann", R"({"roles": "r", "org": {"teams": ["a", "b"]}})");
  assert_true(team.has(Right::read, R"({"team": "b"})") && !team.has(Right::read, R"({"team": "c"})"));
  const Held odd(Grant{.map = "*", .rights = {Right::read}, .where = "site = $claim.\"the site\" or $claim.all = true"},
                 "ann", R"({"roles": ["r"], "the site": 7, "all": false})");
  assert_true(odd.has(Right::read, R"({"site": 7})") && !odd.has(Right::read, R"({"site": 8})"));
}

// SEC-1  What a claim says is a value, whatever it looks like.
void nothing_that_a_claim_says_is_read_as_a_predicate(void**) {
  const Grant own{.map = "climate", .rights = {Right::read}, .where = "owner = $user and site = $claim.site"};
  for (const std::string evil : {"x' or 'a' = 'a", "x or true", "$user", "$key", "') or (owner exists", "\"owner\"",
                                 "x' or owner like '%", "%", "a\nb", "--", "\\"}) {
    const std::string row = "{\"owner\": \"bob\", \"site\": \"s\"}";
    std::string claims;
    for (const char c : evil)
      claims += c == '"' || c == '\\' ? std::string("\\") + c : c == '\n' ? "\\n" : std::string(1, c);
    const Held as_name(own, evil, R"({"roles": ["r"], "site": "s"})");
    assert_false(as_name.has(Right::read, row));
    const Held as_claim(own, "bob", "{\"roles\": [\"r\"], \"site\": \"" + claims + "\"}");
    assert_false(as_claim.has(Right::read, row));
    assert_true(as_claim.has(Right::read, "{\"owner\": \"bob\", \"site\": \"" + claims + "\"}"));
  }
}

// SEC-1
void a_grant_gives_nothing_where_the_claims_make_no_sense_in_it(void**) {
  const auto some = [](const char* where, const char* claims) {
    return !Held(Grant{.map = "m", .rights = {Right::read}, .where = where}, "ann", claims)
                ->rows(Right::read, "m")
                .is_none();
  };
  assert_true(some("site = $claim.site", R"({"roles": ["r"], "site": "s"})"));
  assert_false(some("site = $claim.site", R"({"roles": ["r"]})"));
  assert_false(some("not site = $claim.site", R"({"roles": ["r"]})"));
  assert_false(some("site != $claim.site", R"({"roles": ["r"], "site": null})"));
  assert_false(some("site in $claim.sites", R"({"roles": ["r"], "sites": "s"})"));
  assert_true(some("site in $claim.sites", R"({"roles": ["r"], "sites": ["s"]})"));
  assert_false(some("site starts with $claim.site", R"({"roles": ["r"], "site": 7})"));
  assert_false(some("site = $claim.a.b", R"({"roles": ["r"], "a": "b"})"));
}

void roles_come_from_claims_and_from_configuration(void**) {
  const Grant read{.map = "m", .rights = {Right::read}}, put{.map = "m", .rights = {Right::put}};
  GrantRules rules = rules_of({{"reader", read}, {"writer", put}});
  const auto rights = [&rules](const char* identity, const char* claims) {
    const Held held(rules, identity, claims);
    return std::string(held->rows(Right::read, "m").is_all() ? "r" : "") +
           (held->rows(Right::put, "m").is_all() ? "w" : "");
  };
  assert_string_equal(rights("ann", "{}").c_str(), "");
  assert_string_equal(rights("ann", R"({"roles": ["reader", "writer", "king", 7]})").c_str(), "rw");
  assert_string_equal(rights("ann", R"({"roles": "writer"})").c_str(), "w");
  assert_string_equal(rights("ann", R"({"roles": {"writer": true}})").c_str(), "");
  rules.assign("ann", "writer");
  assert_string_equal(rights("ann", "{}").c_str(), "w");
  assert_string_equal(rights("bob", "{}").c_str(), "");
  Grants grants(rules, "farm");
  assert_null(grants.acquire("", {}));
}

void grants_add_up(void**) {
  const Held held(rules_of({{"r", {.map = "*", .rights = {Right::read}, .where = "public = true"}},
                            {"r", {.map = "c*", .rights = {Right::read}, .where = "owner = $user"}},
                            {"r", {.map = "climate", .rights = {Right::put}}},
                            {"s", {.map = "climate", .rights = {Right::remove}}}}),
                  "ann");
  assert_true(held.has(Right::read, R"({"owner": "ann"})") && held.has(Right::read, R"({"public": true})"));
  assert_false(held.has(Right::read, R"({"owner": "bob"})") || held.has(Right::read, R"({"owner": "ann"})", "people"));
  assert_true(held->rows(Right::read, "").is_some());
  assert_true(held->rows(Right::put, "climate").is_all() && held->rows(Right::remove, "climate").is_none());
}

// PROTOCOL P21
void who_is_shown_parts_of_records_holds_and_puts_none(void**) {
  const std::vector<std::pair<std::string, Grant>> masked = {
      {"r", {.map = "m", .rights = {Right::read}, .hide = {"price", "cost"}}},
      {"w", {.map = "m", .rights = {Right::put, Right::remove}}},
      {"all", {.map = "m", .rights = {Right::read}, .where = "owner = $user"}}};
  const Held held(rules_of(masked), "ann", R"({"roles": ["r", "w"]})");
  assert_true(held->rows(Right::read, "m").is_none() && held->rows(Right::put, "m").is_none());
  assert_true(held->rows(Right::remove, "m").is_all());
  const Sight sight = held->sight("m");
  assert_true(sight.whole.is_none() && sight.masked.is_all() && sight.hidden.size() == 2);
  // Who holds some rows whole may put.
  const Held both(rules_of(masked), "ann", R"({"roles": ["r", "w", "all"]})");
  assert_true(both->rows(Right::read, "m").is_some() && both->rows(Right::put, "m").is_all());
  assert_true(both->sight("m").whole.is_some() && both->sight("m").masked.is_all());
  // Who may read nothing may write all the same.
  const Held blind(rules_of(masked), "ann", R"({"roles": ["w"]})");
  assert_true(blind->rows(Right::put, "m").is_all() && blind->sight("m").masked.is_none());
}

// PROTOCOL P21
void a_masked_row_has_no_hidden_field_to_ask_about(void**) {
  const Held held(rules_of({{"r", {.map = "m", .rights = {Right::read}, .where = "open = true", .hide = {"price"}}},
                            {"r", {.map = "m", .rights = {Right::read}, .where = "owner = $user"}}}),
                  "ann");
  const Sight sight = held->sight("m");
  const auto seen = [&sight](const char* json) {
    const std::string value = canonical(json);
    std::uint8_t room[128];
    const Result<crdt::Value> row = shown(sight, "k", crdt::Value(as_bytes(value)), room);
    assert_ok(row.status());
    return std::string(as_text(row->canonical()));
  };
  assert_true(seen(R"({"open": true, "price": 7, "a": {"price": 8}})") ==
              canonical(R"({"open": true, "a": {"price": 8}})"));
  assert_true(seen(R"({"owner": "ann", "price": 7})") == canonical(R"({"owner": "ann", "price": 7})"));
  assert_true(seen(R"({"owner": "ann", "open": true, "price": 7})") ==
              canonical(R"({"owner": "ann", "open": true, "price": 7})"));
  assert_true(seen(R"({"owner": "bob", "price": 7})").empty());
  std::uint8_t little[4];
  const std::string value = canonical(R"({"open": true, "price": 7})");
  assert_status(shown(sight, "k", crdt::Value(as_bytes(value)), little).status(), Status::full);
}

void what_makes_no_sense_is_refused_with_its_word(void**) {
  const auto word = [](const Grant& grant) { return fault_of(grant).rule; };
  const std::vector<Right> read{Right::read}, publish{Right::publish};
  assert_string_equal(word({.map = "m"}).c_str(), "actions");
  assert_string_equal(word({.rights = read}).c_str(), "");
  assert_string_equal(word({.rights = publish}).c_str(), "");
  assert_string_equal(word({.app = "a b", .map = "m", .rights = read}).c_str(), "app");
  for (const char* map : {"a b", "a*b", "**", "*a", "a/"})
    assert_string_equal(word({.map = map, .rights = read}).c_str(), "map");
  assert_string_equal(word({.map = "m", .channel = "c", .rights = publish}).c_str(), "map");
  assert_string_equal(word({.map = "m", .channel = "c", .rights = read}).c_str(), "channel");
  assert_string_equal(word({.channel = "a//b", .rights = publish}).c_str(), "channel");
  assert_string_equal(word({.channel = "c", .rights = publish, .where = "a = 1"}).c_str(), "where");
  assert_string_equal(word({.map = "m", .rights = {Right::read, Right::inspect}, .where = "a = 1"}).c_str(), "where");
  assert_string_equal(word({.map = "m", .rights = {Right::put}, .hide = {"a"}}).c_str(), "hide");
  assert_string_equal(word({.map = "m", .rights = {Right::read, Right::put}, .hide = {"a"}}).c_str(), "hide");
  assert_string_equal(word({.map = "m", .rights = read, .hide = {""}}).c_str(), "hide");
  const auto where = [&read](const char* text) {
    return fault_of({.map = "m", .rights = read, .where = text}).sentence;
  };
  assert_string_equal(where("owner ~ $user").c_str(), where("owner ~ 'x'").c_str());
  assert_string_equal(where("a = $claim.b and c ~ 1").c_str(), where("a = '123456' and c ~ 1").c_str());
  assert_string_equal(where("owner = $usr").c_str(), "column 9: there are $key, $value, $user and $claim.NAME");
  assert_string_equal(where("owner = $claim").c_str(), "column 9: there are $key, $value, $user and $claim.NAME");
  assert_string_equal(where("owner = $claim.").c_str(), "column 9: there are $key, $value, $user and $claim.NAME");
  assert_string_equal(where("owner like $claim.x").c_str(),
                      "column 12: what somebody else says is no pattern: use starts with, or contains");
  std::string many = "a = $claim.a";
  for (std::size_t i = 0; i < GrantRules::kClaimsMax; ++i) many += " or a = $claim.a";
  assert_true(where(many.c_str()).find("10 claims at most") != std::string::npos);
}

void rights_are_made_once_for_each_principal(void**) {
  GrantRules rules = rules_of({{"r", {.map = "m", .rights = {Right::read}, .where = "site = $claim.site"}}});
  Grants grants(rules, "farm");
  const std::string now = canonical(R"({"roles": ["r"], "site": 1, "exp": 10})");
  const std::string later = canonical(R"({"roles": ["r"], "site": 1, "exp": 20, "jti": "x"})");
  const std::string elsewhere = canonical(R"({"roles": ["r"], "site": 2, "exp": 20})");
  const Rights* first = grants.acquire("ann", as_bytes(now));
  assert_ptr_equal(first, grants.acquire("ann", as_bytes(later)));
  const Rights* other = grants.acquire("ann", as_bytes(elsewhere));
  assert_true(other != first && other->fingerprint() != first->fingerprint());
  assert_int_equal(grants.kept_count(), 2);
  // Rules that are others, and then the same again: what is held stands.
  grants.replace(GrantRules{});
  const Rights* none = grants.acquire("ann", as_bytes(now));
  assert_true(none->rows(Right::read, "m").is_none() && first->rows(Right::read, "m").is_some());
  grants.replace(rules);
  const Rights* again = grants.acquire("ann", as_bytes(now));
  assert_true(again != first && again->fingerprint() == first->fingerprint());
  for (const Rights* one : {first, first, other, none}) grants.release(one);
  assert_int_equal(grants.kept_count(), 1);
  grants.release(again);
}

// BND-1
void rights_that_nobody_holds_are_kept_up_to_a_limit(void**) {
  Grants grants(rules_of({{"r", {.map = "m", .rights = {Right::read}}}}), "farm");
  for (std::size_t i = 0; i < Grants::kIdleMax + 10; ++i)
    grants.release(grants.acquire("user" + std::to_string(i), {}));
  assert_int_equal(grants.kept_count(), Grants::kIdleMax);
}

class Banned final : public Revocations {
 public:
  bool has(std::string_view identity, Bytes) const override { return identity == "mallory"; }
};

void who_was_banned_has_no_rights(void**) {
  const Banned banned;
  GrantRules rules = rules_of({{"r", {.map = "m", .rights = {Right::read}}}});
  rules.assign("ann", "r");
  rules.assign("mallory", "r");
  Grants grants(rules, "farm", &banned);
  assert_null(grants.acquire("mallory", {}));
  const Rights* ann = grants.acquire("ann", {});
  assert_non_null(ann);
  grants.release(ann);
}

}  // namespace
}  // namespace grid::server

int main() {
  using namespace grid::server;
  const CMUnitTest tests[] = {
      cmocka_unit_test(what_no_grant_says_is_denied),
      cmocka_unit_test(a_pattern_stands_for_all_that_begin_so),
      cmocka_unit_test(a_channel_is_granted_by_a_filter_that_has_all_of_it),
      cmocka_unit_test(rows_are_told_apart_by_who_asks),
      cmocka_unit_test(nothing_that_a_claim_says_is_read_as_a_predicate),
      cmocka_unit_test(a_grant_gives_nothing_where_the_claims_make_no_sense_in_it),
      cmocka_unit_test(roles_come_from_claims_and_from_configuration),
      cmocka_unit_test(grants_add_up),
      cmocka_unit_test(who_is_shown_parts_of_records_holds_and_puts_none),
      cmocka_unit_test(a_masked_row_has_no_hidden_field_to_ask_about),
      cmocka_unit_test(what_makes_no_sense_is_refused_with_its_word),
      cmocka_unit_test(rights_are_made_once_for_each_principal),
      cmocka_unit_test(rights_that_nobody_holds_are_kept_up_to_a_limit),
      cmocka_unit_test(who_was_banned_has_no_rights),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
