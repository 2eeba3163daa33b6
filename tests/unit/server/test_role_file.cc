// SPDX-License-Identifier: Apache-2.0
//
// Roles as a configuration says them: what is read, and where what is wrong stands.

#include <cctype>

#include "crdt/value.h"
#include "server/host/role_file.h"
#include "tests/check.h"
#include "tests/unit/crdt/dice.h"

namespace grid::server {
namespace {

using test::Dice;

constexpr std::string_view kWhole = R"toml([role.grower]
grants = [
  { app = "farm", map = "climate", actions = ["read", "put"], where = "owner = $user or site in $claim.sites" },
  { map = "price*", actions = ["read"], hide = ["cost"] },
  { channel = "alarm/#", actions = ["subscribe", "publish"] },
]
[role.keeper]
grants = [{ map = "*", actions = ["read", "put", "remove"] }, { actions = ["inspect", "admin"] }]
[role.nobody]
[user.ann]
roles = ["keeper"]
[user."bob@example.com"]
roles = ["grower"]
)toml";

Status read(const std::string& text, GrantRules& rules, std::string& problem) {
  config::Node root;
  const config::Node none;
  const Status parsed = config::parse("roles.toml", text, root, problem);
  if (parsed != Status::ok) return parsed;
  const auto table = [&](std::string_view name) -> const config::Node& {
    const config::Node* const found = root.find(name);
    return found == nullptr ? none : *found;
  };
  return read_roles(table("role"), table("user"), rules, problem);
}

void a_whole_file_is_read(void**) {
  GrantRules rules;
  std::string problem;
  if (read(std::string(kWhole), rules, problem) != Status::ok) fail_msg("%s", problem.c_str());
  Grants grants(rules, "farm");
  const Rights* const ann = grants.acquire("ann", {});
  assert_true(ann->rows(Right::remove, "anything").is_all() && ann->may(Right::admin));
  assert_false(ann->may(Right::publish, "alarm/hall"));
  const Rights* const bob = grants.acquire("bob@example.com", {});
  assert_true(bob->may(Right::publish, "alarm/hall") && !bob->may(Right::inspect));
  // Its predicate looks at a claim that bob does not have.
  assert_true(bob->rows(Right::read, "climate").is_none() && bob->sight("prices").masked.is_all());
  const Rights* const eve = grants.acquire("eve", {});
  assert_true(eve->rows(Right::read, "climate").is_none());
  for (const Rights* one : {ann, bob, eve}) grants.release(one);
}

void assert_problem(const std::string& text, const char* sentence) {
  GrantRules rules;
  std::string problem;
  assert_status(read(text, rules, problem), Status::invalid);
  assert_string_equal(problem.c_str(), sentence);
}

void what_is_wrong_is_told_with_its_place(void**) {
  assert_problem("[role.r]\ngrant = []", "roles.toml:2:1: a role has grants, and no grant");
  assert_problem("[role.r]\ngrants = 1",
                 "roles.toml:2:10: grants is to be a list: [{ map = \"...\", actions = [...] }]");
  assert_problem("role = 1", "roles.toml:1:8: role is to be a table: [role.NAME]");
  assert_problem("[role.r]\ngrants = [{ mop = \"m\" }]", "roles.toml:2:13: unknown word mop; did you mean map?");
  assert_problem("[role.r]\ngrants = [{ map = \"m\", actions = [\"raed\"] }]",
                 "roles.toml:2:35: unknown action raed; did you mean read?");
  assert_problem("[role.r]\ngrants = [{ map = \"m\", actions = [\"read\"], where = \"a ~ 1\" }]",
                 "roles.toml:2:52: role r, where: column 3: a comparison is to come behind the field, but there is ~");
  assert_problem("[role.r]\ngrants = [{ actions = [\"read\"] }]",
                 "roles.toml:2:11: role r: read, put and remove are about a map: say which, or \"*\"");
  assert_problem("[role.reader]\n[user.ann]\nroles = [\"raeder\"]",
                 "roles.toml:3:10: unknown role raeder; did you mean reader?");
  assert_problem("[user.ann]\nrole = 1", "roles.toml:2:1: a user has roles, and no role");
}

bool begins_with_a_place(const std::string& problem) {
  const std::string_view file = "roles.toml:";
  return problem.starts_with(file) && problem.size() > file.size() &&
         std::isdigit(static_cast<unsigned char>(problem[file.size()])) != 0;
}

// Whatever becomes of a file, it is read, or refused with the place.
void a_damaged_file_is_read_or_refused_where_it_is_wrong(void**) {
  Dice dice;
  constexpr std::string_view kBytes = "[]{}=\",.#$'* \n\\a1";
  for (int round = 0; round < 3'000; ++round) {
    std::string text(kWhole);
    for (std::uint64_t left = 1 + dice.below(4); left > 0; --left) {
      const std::size_t at = dice.below(text.size());
      switch (dice.below(3)) {
        case 0:
          text[at] = kBytes[dice.below(kBytes.size())];
          break;
        case 1:
          text.erase(at, 1 + dice.below(12));
          break;
        default:
          text.insert(at, 1, kBytes[dice.below(kBytes.size())]);
          break;
      }
      if (text.empty()) break;
    }
    GrantRules rules;
    std::string problem;
    const Status status = read(text, rules, problem);
    if (status != Status::ok && !begins_with_a_place(problem)) fail_msg("%s\nof\n%s", problem.c_str(), text.c_str());
  }
}

}  // namespace
}  // namespace grid::server

int main() {
  using namespace grid::server;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_whole_file_is_read),
      cmocka_unit_test(what_is_wrong_is_told_with_its_place),
      cmocka_unit_test(a_damaged_file_is_read_or_refused_where_it_is_wrong),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
