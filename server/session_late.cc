// SPDX-License-Identifier: Apache-2.0
//
// The part of Session that judges ops which come late: deletions that they don't know of may be collected (PROTOCOL
// P17).

#include <algorithm>

#include "crdt/facts.h"
#include "crdt/hash.h"
#include "crdt/pn_counter.h"
#include "runtime/entity.h"
#include "server/session.h"

namespace grid::server {

using crdt::Op;

namespace {

std::uint64_t hash_of_entity(const crdt::CellName& name) {
  return crdt::Hash64().add_sized(name.map).add_sized(name.key).value();
}

}  // namespace

// Whether a subscription of this link has told of all that is collected of such a name.
bool Session::is_told_of_deletions(const crdt::CellName& name) const {
  return std::any_of(subscriptions_.begin(), subscriptions_.end(), [&](const auto& one) {
    return one->is_told_of_all() && one->scope().matches(name) && !is_behind(*one);
  });
}

// An op that a collected deletion may be newer than. What lies above all of them is judged by its stamp as ever, and so
// is what goes on from what stands here. Of the rest, an op that builds on something that is here no more, be it
// itself, is refused, unless its writer has acknowledged the floor, and so knew of all that is collected. A new key is
// taken, but not under its stamp: other devices may still hold the deletion, and would pass it over. A removal of what
// is not here is done already.
Result<Session::Lateness> Session::lateness_of(const Op& op) const {
  const Floor& floor = shared_.journal.floor();
  const bool is_fact = crdt::is_fact_sub(op.cell.name.sub);
  const bool is_covered = floor.covers(op.cell.stamp);
  const bool in_question = floor.position > 0 && (is_covered || is_fact);
  if (!in_question || crdt::CounterPart::is(op.cell.name.sub)) return Lateness::none;
  const bool taken_before = op.was_applied || op.cell.stamp.time <= peer_.taken_time;
  const crdt::Stamp base = taken_before ? op.cell.stamp : base_of(op);
  if (is_fact) {
    const Result<bool> is_known = is_entity_known(op.cell.name, base);
    if (!is_known.ok()) return is_known.status();
    if (!is_covered) return lateness_of_young_fact(op, base, *is_known);
    if (*is_known && !taken_before) return lateness_of_fact(op);
  }
  const Result<Op> standing = shared_.journal.store().find(op.cell.name);
  if (!standing.ok() && standing.status() != Status::not_found) return standing.status();
  if (standing.ok() && standing->cell.stamp >= base) return Lateness::none;
  if (op.cell.is_tombstone()) return standing.ok() ? Lateness::none : Lateness::moot;
  if (!base.is_none() && !is_told_of_deletions(op.cell.name)) return Lateness::refused;
  return standing.ok() ? Lateness::none : Lateness::renewed;
}

// Whose fact of an entity came too late is too late with the others: they were written upon it, or beside it, while it
// was on its way, and so was nothing to build on. Any that stands says that somebody has begun anew.
crdt::Stamp Session::base_of(const Op& op) const {
  constexpr crdt::Stamp kAnything{1, 0};
  if (!op.base.is_none() || gone_.empty() || !crdt::is_fact_sub(op.cell.name.sub)) return op.base;
  return gone_.contains(hash_of_entity(op.cell.name)) ? kAnything : op.base;
}

void Session::note_gone(const crdt::CellName& name) {
  if (crdt::is_fact_sub(name.sub) && gone_.size() < kGoneMax) gone_.insert(hash_of_entity(name));
}

// Whether something of the entity stands that is no older than what the writer held of it: then it was not deleted
// since. Its marker, if that is what stands, is not collected, and judges for itself. To a marker all is older.
Result<bool> Session::is_entity_known(const crdt::CellName& name, const crdt::Stamp& base) const {
  const Result<Op> marker = shared_.journal.store().find(crdt::marker_of(name));
  if (marker.ok()) return true;
  if (marker.status() != Status::not_found) return marker.status();
  const bool any = crdt::is_marker(name.sub);
  if (base.is_none() && !any) return false;
  std::string sub(crdt::kMarker);
  for (;;) {
    const Result<Op> fact = runtime::next_fact_behind(shared_.journal.store(), {name.map, name.key, sub});
    if (!fact.ok()) return fact.status() == Status::not_found ? Result<bool>(false) : fact.status();
    if (any || fact->cell.stamp >= base) return true;
    sub = fact->cell.name.sub;
  }
}

// Above all stamps that are collected: no protection to a fact, since its entity's deletion wins whatever its stamp.
// But from who shows that this gateway was set back: then what it builds on may be lost, and is about to be given back,
// unless it is of what take_healed() refuses too.
Result<Session::Lateness> Session::lateness_of_young_fact(const Op& op, const crdt::Stamp& base, bool is_known) const {
  const bool may_be_lost = lost_ && !shared_.journal.floor().covers(base);
  const bool is_fine = is_known || base.is_none() || may_be_lost || is_told_of_deletions(op.cell.name);
  if (is_fine || crdt::is_marker(op.cell.name.sub)) return Lateness::none;
  if (!op.cell.is_tombstone()) return Lateness::refused;
  // Taken, it would stand for an entity that lives.
  const Result<Op> standing = shared_.journal.store().find(op.cell.name);
  if (!standing.ok() && standing.status() != Status::not_found) return standing.status();
  return standing.ok() ? Lateness::none : Lateness::moot;
}

// Of an entity that lives. What is not here may be a fact that was removed, and of which others still hold that.
Result<Session::Lateness> Session::lateness_of_fact(const Op& op) const {
  const Result<Op> standing = runtime::standing_for(shared_.journal.store(), op.cell.name);
  if (!standing.ok() && standing.status() != Status::not_found) return standing.status();
  if (standing.ok() || crdt::is_marker(op.cell.name.sub)) return Lateness::none;
  return op.cell.is_tombstone() ? Lateness::moot : Lateness::renewed;
}

}  // namespace grid::server
