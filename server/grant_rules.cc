// SPDX-License-Identifier: Apache-2.0
//
// The half of Grants that reads what is configured, and says what makes no sense in it.

#include <algorithm>

#include "crdt/query/compile.h"
#include "crdt/query/lexer.h"
#include "server/grants.h"
#include "server/principal.h"
#include "transport/wire_topic.h"

namespace grid::server {

using query::Lexer;
using query::TokenKind;
using query::Word;

namespace {

bool has_any(const Grant& grant, std::initializer_list<Right> rights) {
  return std::any_of(rights.begin(), rights.end(), [&grant](Right right) {
    return std::find(grant.rights.begin(), grant.rights.end(), right) != grant.rights.end();
  });
}

// A name, or one that ends in `*` and stands for all that begin so.
bool is_pattern(std::string_view text) {
  if (text == "*") return true;
  return crdt::check_map_name(text.substr(0, text.size() - (text.ends_with('*') ? 1 : 0))) == Status::ok;
}

constexpr const char* kPattern = "1 to 64 of A-Z a-z 0-9 _ . -, and perhaps * as the last: all that begin so";

// What stands in the way of the grant, in a word of it and a sentence; nothing when it makes sense.
bool find_fault(const Grant& grant, GrantRules::Fault& fault) {
  const bool of_rows = has_any(grant, {Right::read, Right::put, Right::remove});
  const bool of_map = of_rows || has_any(grant, {Right::inspect});
  const bool of_channel = has_any(grant, {Right::subscribe, Right::publish});
  const auto refuse = [&fault](const char* rule, const char* sentence) {
    fault = {rule, sentence};
    return true;
  };
  if (grant.rights.empty()) return refuse("actions", "a grant allows something: give it one action at least");
  if (!is_pattern(grant.app)) return refuse("app", kPattern);
  if (!grant.map.empty() && !is_pattern(grant.map)) return refuse("map", kPattern);
  if (of_rows && grant.map.empty()) return refuse("", "read, put and remove are about a map: say which, or \"*\"");
  if (!grant.map.empty() && !of_map)
    return refuse("map",
                  "none of the actions is about a map: these are read, put, "
                  "remove and inspect");
  if (of_channel && grant.channel.empty()) {
    return refuse("",
                  "subscribe and publish are about channels: say which, or \"#\"; a map is subscribed to by who may "
                  "read it");
  }
  if (!grant.channel.empty() && !of_channel) {
    return refuse("channel", "none of the actions is about channels: these are subscribe and publish");
  }
  if (!grant.channel.empty() && wire::check_filter(grant.channel) != Status::ok) {
    return refuse("channel", "a filter of topics has levels with / between them; + is any one, # any more, the last");
  }
  if (!grant.where.empty() && (!of_rows || of_channel || has_any(grant, {Right::inspect, Right::admin}))) {
    return refuse("where", "rows are told apart by read, put and remove only: give the rest a grant of its own");
  }
  if (grant.hide.empty()) return false;
  if (!has_any(grant, {Right::read})) return refuse("hide", "only who may read does not see something of it");
  if (has_any(grant, {Right::put})) return refuse("hide", "who does not see whole records can't put whole records");
  const auto is_bad = [](const std::string& name) { return name.empty() || !crdt::is_utf8(name); };
  return std::any_of(grant.hide.begin(), grant.hide.end(), is_bad) && refuse("hide", "a field has a name");
}

}  // namespace

const char* name_of(Right right) {
  constexpr const char* kNames[] = {"read", "put", "remove", "subscribe", "publish", "inspect", "admin"};
  return kNames[static_cast<std::uint8_t>(right)];
}

Status GrantRules::add(const std::string& role, const Grant& grant, Fault& fault) {
  if (find_fault(grant, fault)) return Status::invalid;
  if (count_ == kGrantsMax) {
    fault = {"", "there are more grants than " + std::to_string(kGrantsMax)};
    return Status::invalid;
  }
  Compiled compiled{grant, {}};
  std::string problem;
  if (!read_condition(grant.where, compiled.where, problem)) {
    fault = {"where", problem};
    return Status::invalid;
  }
  for (const Condition::Claim& claim : compiled.where.claims) mentioned_.insert(claim.path.front());
  roles_[role].grants.push_back(std::move(compiled));
  ++count_;
  return Status::ok;
}

// With texts in the place of claims, or lists of them, as they are used: what is wrong with it now is so whatever they
// say.
bool GrantRules::read_condition(const std::string& text, Condition& condition, std::string& problem) {
  condition.text = text;
  if (!read_claims(condition, problem)) return false;
  Principal sample("x", {});
  for (const Condition::Claim& claim : condition.claims) sample.add_sample(claim.is_list);
  std::vector<std::uint8_t> room(query::Predicate::kProgramBytesMax);
  query::Trouble trouble;
  const Result<query::Predicate> made = query::compile(condition.text, sample.parameters(), room, trouble);
  if (made.ok()) return true;
  char sentence[256];
  problem = trouble.sentence(sentence);
  return false;
}

// `$claim.a.b` becomes a parameter without points, with spaces for the rest of it: columns stay what they were.
bool GrantRules::read_claims(Condition& condition, std::string& problem) {
  const std::string text = condition.text;
  Word before = Word::none;
  for (Lexer lexer(text); lexer.token().kind != TokenKind::end;) {
    const query::Token token = lexer.token();
    const Word behind = before;
    before = token.word;
    lexer.take();
    if (token.kind == TokenKind::wrong) return true;  // The compiler says it better.
    if (token.kind != TokenKind::parameter || token.text == "key" || token.text == "value") continue;
    const std::string column = "column " + std::to_string(token.at + 1) + ": ";
    if (behind == Word::like) {
      problem = column + "what somebody else says is no pattern: use starts with, or contains";
      return false;
    }
    if (token.text == "user") continue;
    Path path;
    std::size_t end = token.at;
    while (token.text == "claim" && lexer.token().word == Word::point) {
      lexer.take();
      std::uint8_t room[query::kPathNameBytesMax];
      const bool is_quoted = lexer.token().kind == TokenKind::quoted_name;
      if (!is_quoted && lexer.token().kind != TokenKind::name) break;
      const auto name = query::unquoted(lexer.token().text, '"', room);
      if (!name.ok() || name->empty()) break;
      path.emplace_back(*name);
      end = lexer.token().at + lexer.token().text.size() + (is_quoted ? 2 : 0);
      lexer.take();
    }
    if (path.empty() || lexer.token().word == Word::point || condition.claims.size() == kClaimsMax) {
      problem = column + (condition.claims.size() == kClaimsMax
                              ? "a predicate looks at " + std::to_string(kClaimsMax) + " claims at most"
                              : "there are $key, $value, $user and $claim.NAME");
      return false;
    }
    std::string name = "$c" + std::to_string(condition.claims.size());
    name.resize(end - token.at, ' ');
    condition.text.replace(token.at, name.size(), name);
    condition.claims.push_back({std::move(path), behind == Word::in});
  }
  return true;
}

std::set<std::string> GrantRules::roles_of(std::string_view identity, Bytes claims) const {
  std::set<std::string> roles;
  const auto user = users_.find(identity);
  if (user != users_.end()) roles.insert(user->second.begin(), user->second.end());
  const crdt::Value named = crdt::Value(claims)["roles"];
  if (named.kind() == crdt::ValueKind::text) roles.emplace(named.text_or({}));
  if (named.kind() != crdt::ValueKind::list) return roles;
  for (crdt::Value::Walk walk(named); walk.next();) {
    if (walk.value().kind() == crdt::ValueKind::text) roles.emplace(walk.value().text_or({}));
  }
  return roles;
}

}  // namespace grid::server
