// SPDX-License-Identifier: Apache-2.0

#include "server/grants.h"

#include <algorithm>

#include "crdt/query/compile.h"
#include "server/granted.h"
#include "server/principal.h"

namespace grid::server {

class Grants::Kept final : public Granted {
 public:
  Kept(std::vector<BoundGrant> grants, std::uint64_t number, std::string principal)
      : Granted(std::move(grants)), id(number), key(std::move(principal)) {}

  const std::uint64_t id;
  const std::string key;
  std::uint32_t uses = 0;
  std::uint64_t idle = 0;  // Its place among those that nobody holds.
  bool is_current = true;  // Of the rules that stand.
};

namespace {

void add_sized(std::string& key, std::string_view part) {
  key.append(std::to_string(part.size())).append(":").append(part);
}

// False: what the claims say makes no sense in the predicate.
bool bind_text(const std::string& text, const Principal& principal, std::vector<std::uint8_t>& program) {
  program.resize(query::Predicate::kProgramBytesMax);
  query::Trouble trouble;
  const Result<query::Predicate> made = query::compile(text, principal.parameters(), program, trouble);
  program.resize(made.ok() ? made->program().size() : 0);
  program.shrink_to_fit();
  return made.ok();
}

}  // namespace

Grants::Grants(GrantRules rules, std::string_view app, const Revocations* revocations)
    : rules_(std::move(rules)), app_(app), revocations_(revocations) {}

Grants::~Grants() = default;

// Of claims only what a rule may look at: a token that was renewed makes no other principal.
std::string Grants::key_of(std::string_view identity, Bytes claims) const {
  std::string key;
  add_sized(key, identity);
  for (const std::string& name : rules_.mentioned_) add_sized(key, as_text(crdt::Value(claims)[name].canonical()));
  return key;
}

const Rights* Grants::acquire(std::string_view identity, Bytes claims) {
  if (identity.empty() || (revocations_ != nullptr && revocations_->has(identity, claims))) return nullptr;
  std::string key = key_of(identity, claims);
  const auto known = by_principal_.find(key);
  if (known != by_principal_.end()) {
    Kept& kept = *kept_.at(known->second);
    if (kept.uses++ == 0) idle_.erase(kept.idle);
    return &kept;
  }
  const std::uint64_t id = ++last_id_;
  Kept& kept = *kept_.emplace(id, std::make_unique<Kept>(bind(identity, claims), id, key)).first->second;
  kept.uses = 1;
  by_principal_.emplace(std::move(key), id);
  return &kept;
}

std::vector<BoundGrant> Grants::bind(std::string_view identity, Bytes claims) const {
  std::vector<BoundGrant> grants;
  for (const std::string& name : rules_.roles_of(identity, claims)) {
    const auto role = rules_.roles_.find(name);
    if (role == rules_.roles_.end()) continue;
    for (const GrantRules::Compiled& one : role->second.grants) {
      if (!pattern_covers(one.grant.app, app_)) continue;
      BoundGrant bound{.map = one.grant.map.empty() ? "*" : one.grant.map, .channel = one.grant.channel};
      Principal principal(identity, claims);
      const bool has_all = std::all_of(one.where.claims.begin(), one.where.claims.end(),
                                       [&principal](const auto& claim) { return principal.add(claim.path); });
      if (!has_all || !bind_text(one.where.text, principal, bound.program)) continue;
      for (const Right right : one.grant.rights) bound.rights |= bit_of(right);
      bound.hide = one.grant.hide;
      grants.push_back(std::move(bound));
    }
  }
  return grants;
}

void Grants::release(const Rights* rights) {
  Kept& kept = *kept_.at(static_cast<const Kept*>(rights)->id);
  if (--kept.uses > 0) return;
  if (!kept.is_current) return forget(kept);
  idle_.emplace(kept.idle = ++last_idle_, kept.id);
  if (idle_.size() > kIdleMax) forget(*kept_.at(idle_.begin()->second));
}

void Grants::forget(const Kept& kept) {
  idle_.erase(kept.idle);
  if (kept.is_current) by_principal_.erase(kept.key);
  kept_.erase(std::uint64_t{kept.id});
}

// What is held stands until it is given back.
void Grants::replace(GrantRules rules) {
  rules_ = std::move(rules);
  while (!idle_.empty()) forget(*kept_.at(idle_.begin()->second));
  by_principal_.clear();
  for (auto& [id, kept] : kept_) kept->is_current = false;
}

}  // namespace grid::server
