// SPDX-License-Identifier: Apache-2.0

#include "server/permit.h"

#include "crdt/value.h"

namespace grid::server {

using crdt::Value;
using crdt::ValueKind;

namespace {

// What says something else than a time has passed already.
std::uint64_t expiry_of(Bytes claims) {
  const Value exp = Value(claims)["exp"];
  if (!exp.exists()) return runtime::kNever;
  if (exp.kind() == ValueKind::timestamp)
    return static_cast<std::uint64_t>(std::max<std::int64_t>(exp.timestamp_or(0), 0));
  constexpr double kSecondsMax = 1e13;
  const double seconds = exp.number_or(0);
  if (!(seconds > 0)) return 0;
  return seconds > kSecondsMax ? runtime::kNever : static_cast<std::uint64_t>(seconds * 1'000);
}

}  // namespace

void Permit::let_go() {
  if (rights_ != nullptr) access_->release(rights_);
  rights_ = nullptr;
}

Permit::Standing Permit::take(std::string_view identity, Bytes claims) {
  const bool is_legal = identity.size() <= kIdentityBytesMax && claims.size() <= kClaimsBytesMax;
  const bool are_claims = claims.empty() || (is_legal && crdt::check_value(claims) == Status::ok);
  if (!is_legal || !are_claims) return Standing::gone;
  identity_ = identity;
  claims_.assign(claims.begin(), claims.end());
  expires_ms_ = expiry_of(claims_);
  return renew();
}

Permit::Standing Permit::renew() {
  if (is_open()) return Standing::same;
  const Rights* const fresh = access_->acquire(identity_, claims_);
  const bool is_same = fresh != nullptr && rights_ != nullptr && fresh->fingerprint() == rights_->fingerprint();
  if (is_same) {
    // Views of those that are held are in use.
    access_->release(fresh);
    return Standing::same;
  }
  if (fresh == nullptr) return Standing::gone;
  let_go();
  rights_ = fresh;
  return Standing::changed;
}

RowSet Permit::rows(Right right, std::string_view map) const {
  if (is_open()) return RowSet::all();
  return rights_ == nullptr ? RowSet::none() : rights_->rows(right, map);
}

Sight Permit::sight(std::string_view map) const {
  if (is_open()) return {.whole = RowSet::all()};
  return rights_ == nullptr ? Sight{} : rights_->sight(map);
}

// Rows are told apart by predicates alone: only a subscription by predicate knows rows that enter and leave.
RowSet Permit::readable(const runtime::Scope& scope) const {
  const RowSet rows = this->rows(Right::read, scope.map);
  return rows.is_some() && scope.kind != runtime::ScopeKind::where ? RowSet::none() : rows;
}

bool Permit::may(wire::ChannelVerb verb, std::string_view name) const {
  if (is_open()) return true;
  switch (verb) {
    case wire::ChannelVerb::subscribe:
    case wire::ChannelVerb::attend:
      return may(Right::subscribe, name);
    case wire::ChannelVerb::join:
      return may(Right::subscribe, name) && may(Right::publish, name);
    case wire::ChannelVerb::publish:
    case wire::ChannelVerb::set_room_status:
    case wire::ChannelVerb::tell:
      return may(Right::publish, name);
    default:
      return false;
  }
}

}  // namespace grid::server
