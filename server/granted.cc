// SPDX-License-Identifier: Apache-2.0

#include "server/granted.h"

#include <algorithm>

#include "crdt/hash.h"
#include "runtime/query/join.h"
#include "transport/wire_topic.h"

namespace grid::server {

namespace {

std::uint64_t fingerprint_of(const std::vector<BoundGrant>& grants) {
  crdt::Hash64 hash;
  for (const BoundGrant& grant : grants) {
    hash.add_sized(grant.map).add_sized(grant.channel).add_number(grant.rights);
    hash.add_number(grant.program.size()).add(grant.program).add_number(grant.hide.size());
    for (const std::string& field : grant.hide) hash.add_sized(field);
  }
  return hash.value();
}

}  // namespace

bool pattern_covers(std::string_view pattern, std::string_view name) {
  if (!pattern.ends_with('*')) return pattern == name && !pattern.empty();
  return name.starts_with(pattern.substr(0, pattern.size() - 1));
}

bool filter_covers(std::string_view pattern, std::string_view filter) {
  for (;;) {
    if (pattern == "#") return true;
    if (pattern.empty() || filter.empty()) return pattern.empty() && filter.empty();
    const std::string_view wide = wire::take_level(pattern);
    const std::string_view narrow = wire::take_level(filter);
    if (narrow == "#" || (wide != "+" && wide != narrow)) return false;
  }
}

Granted::Granted(std::vector<BoundGrant> grants) : grants_(std::move(grants)), fingerprint_(fingerprint_of(grants_)) {}

const Granted::Joined& Granted::joined(Right right, std::string_view map, bool is_masked) const {
  std::vector<std::size_t> matching;
  for (std::size_t i = 0; i < grants_.size(); ++i) {
    const BoundGrant& grant = grants_[i];
    const bool is_of_kind =
        (grant.rights & bit_of(right)) != 0 && (right != Right::read || grant.hide.empty() != is_masked);
    if (is_of_kind && pattern_covers(grant.map, map)) matching.push_back(i);
  }
  const auto known = joined_.find(matching);
  return known != joined_.end() ? known->second : joined_.emplace(matching, join(matching)).first->second;
}

// A predicate that finds no room beside the others gives nothing.
Granted::Joined Granted::join(const std::vector<std::size_t>& matching) const {
  Joined all;
  for (const std::size_t at : matching) {
    const BoundGrant& grant = grants_[at];
    if (!all.is_any) {
      all.program = grant.program;
    } else if (auto both = runtime::join(all.program, runtime::Joint::either, grant.program); both.ok()) {
      all.program = std::move(*both);
    } else {
      continue;
    }
    all.is_any = true;
    all.hidden.insert(all.hidden.end(), grant.hide.begin(), grant.hide.end());
  }
  return all;
}

// Who is shown parts of records cannot put whole ones (PROTOCOL P21).
RowSet Granted::rows(Right right, std::string_view map) const {
  const bool is_blind =
      right == Right::put && joined(Right::read, map, true).is_any && !joined(Right::read, map, false).is_any;
  return is_blind ? RowSet::none() : joined(right, map, false).rows();
}

Sight Granted::sight(std::string_view map) const {
  const Joined& masked = joined(Right::read, map, true);
  return {.whole = rows(Right::read, map), .masked = masked.rows(), .hidden = masked.hidden};
}

bool Granted::may(Right right, std::string_view channel) const {
  return std::any_of(grants_.begin(), grants_.end(), [&](const BoundGrant& grant) {
    return (grant.rights & bit_of(right)) != 0 && !grant.channel.empty() && filter_covers(grant.channel, channel);
  });
}

bool Granted::may(Right right) const {
  return std::any_of(grants_.begin(), grants_.end(),
                     [right](const BoundGrant& grant) { return (grant.rights & bit_of(right)) != 0; });
}

}  // namespace grid::server
