// SPDX-License-Identifier: Apache-2.0
//
// Grants: the access that is configured: roles, what each of them may do, and who has which.
//
// Place     Above access.h and crdt/query. Knows no file: server/host/role_file.h reads one.
// Promises  SEC-1  Default deny: a grant that does not apply, or that makes no sense for the claims at hand, gives
// nothing.
//           What stands in a claim is bound as a value when a principal's rights are made, never read as a predicate.
//           Bounded by its configuration, by the links that hold rights, and by kIdleMax of those that nobody holds.
//
// docs/roles.md is the reference of a grant.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "server/granted.h"

namespace grid::server {

// As text. Names of apps and maps end in `*` when they stand for all that begin so.
struct Grant {
  std::string app = "*";
  std::string map{};                // Of read, put and remove; of inspect, all if empty.
  std::string channel{};            // Of subscribe and publish: a filter of topics.
  std::vector<Right> rights{};      // 1 at least.
  std::string where{};              // Of read, put and remove: these rows only. $user, $claim.NAME
  std::vector<std::string> hide{};  // Of read: without these fields.
};

class GrantRules {
 public:
  static constexpr std::size_t kGrantsMax = 1'024;  // Of all roles together.
  static constexpr std::size_t kClaimsMax = 10;     // In one predicate.

  // The word of a grant that makes no sense, and why.
  struct Fault {
    std::string rule;
    std::string sentence;
  };

  //   invalid  `fault` says what.
  Status add(const std::string& role, const Grant& grant, Fault& fault);
  // A role that may do nothing is a role all the same.
  void add_role(const std::string& role) { roles_.try_emplace(role); }
  bool has_role(std::string_view role) const { return roles_.contains(role); }
  // Who has proven to be `user` has `role`, beside those that the claim `roles` names.
  void assign(const std::string& user, const std::string& role) { users_[user].insert(role); }

 private:
  friend class Grants;
  using Path = std::vector<std::string>;
  // A predicate whose parameters are yet to be bound.
  struct Condition {
    struct Claim {
      Path path;
      bool is_list;  // As it is used.
    };
    std::string text;           // With $c0, $c1 ... in the place of
    std::vector<Claim> claims;  // these.
  };
  struct Compiled {
    Grant grant;
    Condition where;
  };
  struct Role {
    std::vector<Compiled> grants;
  };

  static bool read_condition(const std::string& text, Condition& condition, std::string& problem);
  static bool read_claims(Condition& condition, std::string& problem);
  std::set<std::string> roles_of(std::string_view identity, Bytes claims) const;

  std::map<std::string, Role, std::less<>> roles_;
  std::map<std::string, std::set<std::string>, std::less<>> users_;
  std::set<std::string> mentioned_{"roles"};  // Claims that make a difference.
  std::size_t count_ = 0;
};

// Who was let in once and is not to be any more.
class Revocations {
 public:
  virtual bool has(std::string_view identity, Bytes claims) const = 0;

 protected:
  ~Revocations() = default;
};

// Of one app.
class Grants final : public Access {
 public:
  static constexpr std::size_t kIdleMax = 1'024;

  Grants(GrantRules rules, std::string_view app, const Revocations* revocations = nullptr);
  ~Grants();
  Grants(const Grants&) = delete;
  Grants& operator=(const Grants&) = delete;

  // Who holds rights is to be told: Event::grants_changed.
  void replace(GrantRules rules);

  const Rights* acquire(std::string_view identity, Bytes claims) override;
  void release(const Rights* rights) override;

  std::size_t kept_count() const { return kept_.size(); }

 private:
  class Kept;

  std::string key_of(std::string_view identity, Bytes claims) const;
  std::vector<BoundGrant> bind(std::string_view identity, Bytes claims) const;
  void forget(const Kept& kept);

  GrantRules rules_;
  const std::string app_;
  const Revocations* revocations_;
  std::map<std::uint64_t, std::unique_ptr<Kept>> kept_;  // By the order in which they were made.
  std::map<std::string, std::uint64_t, std::less<>> by_principal_;
  std::map<std::uint64_t, std::uint64_t> idle_;  // By the order in which they were given back.
  std::uint64_t last_id_ = 0;
  std::uint64_t last_idle_ = 0;
};

}  // namespace grid::server
