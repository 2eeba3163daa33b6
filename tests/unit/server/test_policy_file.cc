// SPDX-License-Identifier: Apache-2.0
//
// Policy files that are damaged: each is read, or refused where it is wrong.

#include <cctype>

#include "server/host/policy_file.h"
#include "tests/check.h"
#include "tests/unit/crdt/dice.h"

namespace {

using namespace grid;
using namespace grid::server;
using grid::test::Dice;

constexpr std::string_view kWhole = R"toml([map.climate]
require = "temp between -60 and 125 and (site = 'Oslo' or tags contains 'x')"
reject_if = "fan exists and not fan = true"
immutable = ["site", "a.b"]
max_wins = "points"
durable = "database"
index = ["temp", {field = "site", kind = "hash"}, { field = "$key", kind = "ordered" }]
[map."seats"]
first_write_wins = true
durable = "journal"
index = [ "row.number" ]
)toml";

bool begins_with_a_place(const std::string& problem) {
  const std::string_view file = "rules.toml:";
  if (!problem.starts_with(file)) return false;
  std::size_t at = file.size();
  for (int number = 0; number < 2; ++number) {
    const std::size_t from = at;
    while (at < problem.size() && std::isdigit(static_cast<unsigned char>(problem[at])) != 0) ++at;
    if (at == from || at >= problem.size() || problem[at++] != ':') return false;
  }
  return at + 1 < problem.size() && problem[at] == ' ';
}

Status read_policy(const std::string& file, const std::string& text, MapPolicies& policies, std::string& problem) {
  config::Node root;
  const Status parsed = config::parse(file, text, root, problem);
  if (parsed != Status::ok) return parsed;
  const config::Node* const maps = root.find("map");
  return maps == nullptr ? Status::ok : read_policies(*maps, policies, problem);
}

// Whether it was taken.
bool read(const std::string& text) {
  MapPolicies policies;
  std::string problem;
  const Status status = read_policy("rules.toml", text, policies, problem);
  if (status == Status::ok) return true;
  assert_status(status, Status::invalid);
  if (!begins_with_a_place(problem)) fail_msg("%s\nof\n%s", problem.c_str(), text.c_str());
  return false;
}

void a_whole_file_is_read(void**) {
  MapPolicies policies;
  std::string problem;
  assert_ok(read_policy("rules.toml", std::string(kWhole), policies, problem));
  assert_true(policies.rules.governs("climate") && policies.rules.governs("seats"));
  assert_int_equal(policies.indexes.size(), 4);
  assert_true(policies.through_maps == std::vector<std::string>{"climate"});
  assert_true(policies.indexes[1] == (IndexedField{"climate", "site", runtime::IndexKind::hash}));
  assert_true(policies.indexes[2] == (IndexedField{"climate", "$key", runtime::IndexKind::ordered}));
}

void a_map_with_nothing_but_indexes_has_no_rules(void**) {
  MapPolicies policies;
  std::string problem;
  assert_ok(read_policy("rules.toml", "[map.m]\nindex = ['a']\n", policies, problem));
  assert_true(policies.rules.is_empty());
  assert_int_equal(policies.indexes.size(), 1);
}

void a_map_through_the_database_needs_no_rules(void**) {
  MapPolicies policies;
  std::string problem;
  assert_ok(read_policy("rules.toml", "[map.m]\ndurable = 'database'\n", policies, problem));
  assert_true(policies.rules.is_empty());
  assert_true(policies.through_maps == std::vector<std::string>{"m"});
  for (const char* wrong : {"durable = 'disk'", "durable = true", "durable = ['database']"}) {
    if (read(std::string("[map.m]\n") + wrong + "\n")) fail_msg("%s is taken", wrong);
  }
}

void indexes_without_sense_are_refused_where_they_stand(void**) {
  for (const char* wrong : {"index = 'a'", "index = [7]", "index = ['']", "index = ['a', 'a']", "index = [{}]",
                            "index = [{kind = 'hash'}]", "index = [{field = 'a', kind = 'tree'}]",
                            "index = [{field = 'a', sort = 'up'}]", "index = ['a b']", "index = [['a']]"}) {
    if (read(std::string("[map.m]\n") + wrong + "\n")) fail_msg("%s is taken", wrong);
  }
  std::string many = "[map.m]\nindex = [";
  for (std::size_t i = 0; i <= kIndexesMax; ++i) many += "'f" + std::to_string(i) + "',";
  assert_false(read(many + "]\n"));
}

void a_file_that_is_cut_off_is_read_or_refused_where_it_ends(void**) {
  std::size_t refused = 0;
  for (std::size_t size = 0; size < kWhole.size(); ++size) refused += !read(std::string(kWhole.substr(0, size)));
  assert_true(refused > kWhole.size() / 2);
}

void a_file_with_damage_anywhere_is_read_or_refused(void**) {
  constexpr std::string_view kPieces[] = {"[",      "]",  "{",   "}",          "=",   "'",     "\"",   ",",
                                          ".",      "\n", "#",   "index",      "map", "1e999", "true", "\\u",
                                          "\"\"\"", "[[", "inf", "2026-11-22", "not", "(",     "$",    "0x"};
  Dice dice;
  std::size_t taken = 0;
  for (int i = 0; i < 10'000; ++i) {
    std::string text(kWhole);
    for (std::uint64_t changes = 1 + dice.below(3); changes > 0; --changes) {
      const std::size_t at = dice.below(text.size());
      const std::size_t size = dice.below(8);
      switch (dice.below(4)) {
        case 0:
          text[at] = static_cast<char>(dice.below(256));
          break;
        case 1:
          text.erase(at, size);
          break;
        case 2:
          text.insert(at, kPieces[dice.below(std::size(kPieces))]);
          break;
        default:
          text.insert(at, text.substr(dice.below(text.size()), size * 8));
      }
    }
    taken += read(text);
  }
  assert_in_range(taken, 1, 9'999);
}

void a_file_that_nests_without_end_is_refused(void**) {
  for (const char* piece : {"[", "{a=", "("}) {
    std::string deep = std::string("[map.m]\n") + (*piece == '(' ? "require = \"" : "index = ");
    for (int i = 0; i < 20'000; ++i) deep += piece;
    assert_false(read(deep + (*piece == '(' ? "\"" : "")));
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_whole_file_is_read),
      cmocka_unit_test(a_map_with_nothing_but_indexes_has_no_rules),
      cmocka_unit_test(a_map_through_the_database_needs_no_rules),
      cmocka_unit_test(indexes_without_sense_are_refused_where_they_stand),
      cmocka_unit_test(a_file_that_is_cut_off_is_read_or_refused_where_it_ends),
      cmocka_unit_test(a_file_with_damage_anywhere_is_read_or_refused),
      cmocka_unit_test(a_file_that_nests_without_end_is_refused),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
