// SPDX-License-Identifier: Apache-2.0
//
// The part of Session that takes back what was lost here, from devices with evidence of it (PROTOCOL P19), and notes
// who gave it.

#include "crdt/facts.h"
#include "crdt/pn_counter.h"
#include "server/session.h"

namespace grid::server {

using crdt::Op;

Status Session::receive_heal(Bytes frame) {
  wire::OpsReader reader;
  GRID_TRY(reader.open(frame));
  Subscription* subscription = find(reader.head().id);
  if (subscription == nullptr || !subscription->heal) return Status::ok;
  const bool is_first = subscription->healed_through == 0;
  const std::uint64_t before = shared_.figures.cells_healed;
  const Status taken = take_healed(reader, *subscription);
  const Status noted = note_healed(shared_.figures.cells_healed - before, is_first);
  return taken == Status::ok ? noted : taken;
}

Status Session::take_healed(wire::OpsReader& reader, Subscription& subscription) {
  for (Op op; reader.next(op);) {
    GRID_TRY(reader.status());
    if (op.cell.stamp.is_none() || !subscription.scope().matches(op.cell.name)) return Status::corrupt;
    if (crdt::is_fact_sub(op.cell.name.sub) && crdt::check_fact(op.cell) != Status::ok) return Status::corrupt;
    // A cell that a device from behind the floor gives back may be what a collected deletion was of (PROTOCOL P17).
    // No device takes a part of a counter away.
    const bool may_be_deleted = is_behind(subscription) && shared_.journal.floor().covers(op.cell.stamp);
    if (may_be_deleted && !crdt::CounterPart::is(op.cell.name.sub)) continue;
    const Result<bool> may = may_give_back(op);
    if (!may.ok()) return may.status();
    const Result<bool> won = *may ? shared_.journal.heal(op) : false;
    if (!won.ok()) return won.status();
    if (!*won) continue;
    subscription.healed_through = shared_.journal.store().head();
    own_.add(subscription.healed_through);
    ++shared_.figures.cells_healed;
  }
  return Status::ok;
}

// In one batch with the cells. Told once a subscription: what healed says little of what was lost, who did says a lot.
Status Session::note_healed(std::uint64_t cells, bool is_first) {
  if (cells == 0) return Status::ok;
  if (is_first) {
    shared_.problem.say("what this gateway has lost is given back by device ").text(hex_of(node_));
    if (!permit_.identity().empty()) shared_.problem.text(" of ").text(permit_.identity());
  }
  Result<Healed> healed = load_healed(shared_.journal.store(), node_);
  if (!healed.ok()) return healed.status();
  healed->cells += cells;
  healed->at_ms = shared_.journal.wall_ms();
  return save_healed(shared_.journal.store(), node_, *healed);
}

}  // namespace grid::server
