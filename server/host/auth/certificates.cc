// SPDX-License-Identifier: Apache-2.0

#include "server/host/auth/certificates.h"

#include <algorithm>

#include "server/host/auth/claims.h"

namespace grid::server {

namespace {

constexpr std::string_view kArrow = "->";

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// What the `*` of `pattern` stands for in `text`; without one, nothing, where both are the same.
bool match(std::string_view pattern, std::string_view text, std::string_view& star) {
  const std::size_t at = pattern.find('*');
  if (at == std::string_view::npos) return pattern == text;
  const std::string_view front = pattern.substr(0, at), back = pattern.substr(at + 1);
  if (text.size() <= front.size() + back.size() || !text.starts_with(front) || !text.ends_with(back)) return false;
  star = text.substr(front.size(), text.size() - front.size() - back.size());
  return star.find_first_of(",+=\\") == std::string_view::npos;
}

std::string filled(std::string_view pattern, std::string_view star) {
  std::string name(pattern);
  const std::size_t at = name.find('*');
  return at == std::string::npos ? name : name.replace(at, 1, star);
}

}  // namespace

Status Certificates::add(std::string_view text, std::string& problem) {
  const auto refuse = [&](const char* why) {
    problem = "the rule \"" + std::string(text.substr(0, 200)) + "\" " + why;
    return Status::invalid;
  };
  const std::size_t arrow = text.rfind(kArrow);
  if (arrow == std::string_view::npos) return refuse("is to be SUBJECT -> NAME or SUBJECT -> NAME : ROLE, ROLE");
  Rule rule{.subject = std::string(trim(text.substr(0, arrow))), .name = {}, .roles = {}};
  std::string_view right = text.substr(arrow + kArrow.size());
  const std::size_t colon = right.find(" :");
  rule.name = trim(right.substr(0, colon));
  if (std::count(rule.subject.begin(), rule.subject.end(), '*') > 1)
    return refuse("has more than one * in its subject");
  const auto stars = std::count(rule.name.begin(), rule.name.end(), '*');
  if (stars > 1 || (stars == 1 && rule.subject.find('*') == std::string::npos)) {
    return refuse("has a * in its name that stands for nothing");
  }
  if (rule.subject.empty() || !is_principal_name(rule.name)) return refuse("lacks a subject or a name");
  for (std::string_view rest = colon == std::string_view::npos ? "" : right.substr(colon + 2); !rest.empty();) {
    const std::size_t comma = rest.find(',');
    rule.roles.emplace_back(trim(rest.substr(0, comma)));
    if (!is_role(rule.roles.back())) return refuse("has a role that is none");
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
  }
  if (rule.roles.size() > kRolesMax) return refuse("has too many roles");
  if (rules_.size() == kRulesMax) return refuse("is one more than there may be");
  rules_.push_back(std::move(rule));
  return Status::ok;
}

Verdict Certificates::judge(std::string_view subject, const std::vector<std::string>& default_roles) const {
  for (const Rule& rule : rules_) {
    std::string_view star;
    if (!match(rule.subject, subject, star)) continue;
    const std::string name = filled(rule.name, star);
    if (!is_principal_name(name)) return Verdict::refuse("the name that its certificate gives it is none");
    std::vector<std::string> roles = default_roles;
    for (const std::string& role : rule.roles) {
      if (std::find(roles.begin(), roles.end(), role) == roles.end()) roles.push_back(role);
    }
    const Extra extra{.name = "certificate", .text = subject};
    return {.status = Status::ok, .reason = {}, .proven = make_proven(name, roles, kForeverS, {&extra, 1})};
  }
  return Verdict::refuse("no rule knows the subject of its certificate");
}

}  // namespace grid::server
