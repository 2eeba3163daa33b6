// SPDX-License-Identifier: Apache-2.0

#include "server/host/role_file.h"

#include <algorithm>
#include <array>

namespace grid::server {

namespace {

using config::At;
using config::Node;
using Kind = config::Node::Kind;

constexpr std::array<std::string_view, 6> kWords = {"app", "map", "channel", "actions", "where", "hide"};
constexpr std::array<std::string_view, kRights> kActions = {"read",    "put",     "remove", "subscribe",
                                                            "publish", "inspect", "admin"};

template <typename Words>
std::string unknown(const char* what, std::string_view word, const Words& known) {
  return std::string("unknown ") + what + " " + std::string(word.substr(0, 40)) +
         config::suggestion(word, std::vector<std::string_view>(known.begin(), known.end()));
}

class Reader {
 public:
  Reader(GrantRules& rules, std::string& problem) : rules_(rules), problem_(problem) {}

  // Roles first: whoever has one has one that there is.
  Status read(const Node& roles, const Node& users) {
    if (!roles.is(Kind::table)) return refuse(roles.at, "role is to be a table: [role.NAME]");
    if (!users.is(Kind::table)) return refuse(users.at, "user is to be a table: [user.NAME]");
    for (const Node& role : roles.items) GRID_TRY(read_role(role));
    for (const Node& user : users.items) GRID_TRY(read_user(user));
    return Status::ok;
  }

 private:
  Status refuse(const At& at, std::string_view sentence) { return config::refuse(at, sentence, problem_); }

  Status read_role(const Node& role) {
    if (!role.is(Kind::table)) return refuse(role.at, "a role is to be a table: [role.NAME]");
    rules_.add_role(role.name);
    roles_.push_back(role.name);
    for (const Node& word : role.items) {
      if (word.name != "grants") {
        return refuse(word.named_at, "a role has grants, and no " + word.name.substr(0, 40));
      }
      if (!word.is(Kind::list)) return refuse(word.at, "grants is to be a list: [{ map = \"...\", actions = [...] }]");
      for (const Node& grant : word.items) GRID_TRY(read_grant(role.name, grant));
    }
    return Status::ok;
  }

  Status read_grant(const std::string& role, const Node& node) {
    if (!node.is(Kind::table)) return refuse(node.at, "a grant is to be a table: { map = \"...\", actions = [...] }");
    Grant grant;
    for (const Node& word : node.items) GRID_TRY(read_word(word, grant));
    GrantRules::Fault fault;
    if (rules_.add(role, grant, fault) == Status::ok) return Status::ok;
    const Node* const at = node.find(fault.rule);
    return refuse(at != nullptr ? at->at : node.at,
                  "role " + role + (fault.rule.empty() ? "" : ", " + fault.rule) + ": " + fault.sentence);
  }

  Status read_word(const Node& word, Grant& grant) {
    if (word.name == "app") return read_text(word, grant.app);
    if (word.name == "map") return read_text(word, grant.map);
    if (word.name == "channel") return read_text(word, grant.channel);
    if (word.name == "where") return read_text(word, grant.where);
    if (word.name == "hide")
      return read_texts(word, [&grant](const Node& one) { return grant.hide.push_back(one.text), Status::ok; });
    if (word.name != "actions") return refuse(word.named_at, unknown("word", word.name, kWords));
    if (!word.is(Kind::list)) return refuse(word.at, "actions is to be a list of texts");
    for (const Node& action : word.items) {
      const auto known = std::find(kActions.begin(), kActions.end(), action.text);
      if (!action.is(Kind::text) || known == kActions.end())
        return refuse(action.at, unknown("action", action.text, kActions));
      grant.rights.push_back(static_cast<Right>(known - kActions.begin()));
    }
    return Status::ok;
  }

  Status read_user(const Node& user) {
    if (!user.is(Kind::table)) return refuse(user.at, "a user is to be a table: [user.NAME]");
    for (const Node& word : user.items) {
      if (word.name != "roles") return refuse(word.named_at, "a user has roles, and no " + word.name.substr(0, 40));
      GRID_TRY(read_texts(word, [&](const Node& role) { return assign(user.name, role); }));
    }
    return Status::ok;
  }

  Status assign(const std::string& user, const Node& role) {
    if (!rules_.has_role(role.text)) return refuse(role.at, unknown("role", role.text, roles_));
    return rules_.assign(user, role.text), Status::ok;
  }

  Status read_text(const Node& value, std::string& into) {
    if (value.is(Kind::text)) into = value.text;
    if (value.is(Kind::text) && into.find_first_not_of(' ') != std::string::npos) return Status::ok;
    return refuse(value.at, value.name + " is to be text that says something");
  }

  template <typename Take>
  Status read_texts(const Node& list, Take take) {
    if (!list.is(Kind::list)) return refuse(list.at, list.name + " is to be a list of texts");
    for (const Node& one : list.items) {
      if (!one.is(Kind::text) || one.text.empty()) return refuse(one.at, list.name + " is to be a list of texts");
      GRID_TRY(take(one));
    }
    return Status::ok;
  }

  GrantRules& rules_;
  std::string& problem_;
  std::vector<std::string> roles_;
};

}  // namespace

Status read_roles(const Node& roles, const Node& users, GrantRules& rules, std::string& problem) {
  return Reader(rules, problem).read(roles, users);
}

}  // namespace grid::server
