// SPDX-License-Identifier: Apache-2.0
//
// The part of Session that asks the policy: what it is shown of a push, and what its word comes to; and of refusing.

#include <deque>

#include "server/session.h"

namespace grid::server {

using crdt::Op;
using crdt::Value;

namespace {

// What a write meets; one that has expired on its way removes. What stands is a copy in `values`: the store's view ends
// with the next look into it.
Result<Proposal> proposal_of(Journal& journal, const Op& op, std::deque<std::string>& values) {
  Proposal write{.name = op.cell.name,
                 .stamp = op.cell.stamp,
                 .next = op.cell.is_live(journal.wall_ms()) ? Value(op.cell.value) : Value(),
                 .now_stamp = {},
                 .now = {},
                 .was_applied = op.was_applied};
  const Result<Op> standing = journal.store().find(op.cell.name);
  if (standing.status() == Status::not_found) return write;
  if (!standing.ok()) return standing.status();
  write.now_stamp = standing->cell.stamp;
  if (!standing->cell.is_live(journal.wall_ms())) return write;
  values.emplace_back(as_text(standing->cell.value));
  write.now = Value(as_bytes(values.back()));
  return write;
}

}  // namespace

// As one, on what it would leave behind (PROTOCOL P9). What stands here under the very stamp has passed before, and so
// has the newest op that was taken here: refused now, its node could not know that op any more, and would seem to be an
// image of itself (PROTOCOL P1).
Status Session::ask_policy(wire::OpsReader behind, Op op, Verdict& unit) const {
  Policy& policy = *shared_.options.policy;
  std::vector<Proposal> batch;
  std::deque<std::string> values;
  for (std::uint32_t left = unit.left;;) {
    const bool is_known = op.cell.stamp.time == peer_.taken_time && crdt::digest_of(op.cell) == peer_.taken_digest;
    if (!is_known && policy.governs(op.cell.name.map)) {
      const Result<Proposal> write = proposal_of(shared_.journal, op, values);
      if (!write.ok()) return write.status();
      if (write->now_stamp != op.cell.stamp) batch.push_back(*write);
    }
    if (--left == 0 || !behind.next(op)) break;
  }
  if (batch.empty()) return Status::ok;
  const Ruling ruling = policy.judge(batch);
  if (ruling.status == Status::ok) return Status::ok;
  unit.status = ruling.status;
  unit.is_ruled = true;
  unit.sentence = ruling.sentence;
  return Status::ok;
}

// What this node was known to have been taken up to has been resolved before, and may have been changed since.
Result<Resolution> Session::resolve(const Op& op) const {
  Policy* policy = shared_.options.policy;
  const bool is_again = op.cell.stamp.time <= peer_.taken_time;
  if (policy == nullptr || is_again || !policy->governs(op.cell.name.map)) return Resolution::by_stamp;
  std::deque<std::string> values;
  const Result<Proposal> write = proposal_of(shared_.journal, op, values);
  if (!write.ok()) return write.status();
  const Resolution resolution = policy->resolve(*write);
  const bool wins = op.cell.stamp > write->now_stamp;
  // Where stamps would give the same, the writer's own stamp stands.
  const bool is_given = (resolution == Resolution::next && wins) || (resolution == Resolution::now && !wins);
  return is_given || !write->now.exists() ? Resolution::by_stamp : resolution;
}

// PROTOCOL P10: what stamps alone would not give is written here, above both.
Result<bool> Session::decide(const Op& op) {
  const Result<Resolution> resolution = resolve(op);
  if (!resolution.ok()) return resolution.status();
  if (*resolution == Resolution::by_stamp) return false;
  const Status written = *resolution == Resolution::now
                             ? shared_.author.renew(op.cell.name, op.cell.stamp)
                             : shared_.author.write(op.cell.name, op.cell.value, op.cell.expires_ms, op.cell.stamp);
  return written == Status::ok ? Result<bool>(true) : written;
}

// PROTOCOL P7: others may hold what was taken here before; to them the refusal comes as a newer write. Never above a
// stamp that the judge would not take: all clocks would follow it. What stands above it already is heard of anyway.
Result<bool> Session::wants_renewal(const Op& op, const Verdict& unit) const {
  if (!unit.is_ruled || !op.was_applied) return false;
  if (shared_.journal.judge(op.cell.stamp, shared_.options.drift_ms_max) != Status::ok) return false;
  if (unit.status != Status::denied || permit_.is_open()) return true;
  const Result<Op> standing = shared_.journal.store().find(op.cell.name);
  if (standing.status() == Status::not_found) return true;
  return standing.ok() ? Result<bool>(standing->cell.stamp < op.cell.stamp) : standing.status();
}

Status Session::reject(const Op& op, const Verdict& unit) {
  const Result<bool> is_renewed = wants_renewal(op, unit);
  if (!is_renewed.ok()) return is_renewed.status();
  if (*is_renewed) GRID_TRY(shared_.author.renew(op.cell.name, op.cell.stamp));
  ++shared_.figures.ops_rejected;
  ++shared_.figures.rejected_by[static_cast<std::size_t>(unit.status)];
  // A name that breaks the rules could not travel back: the sequence says which op it was.
  const bool is_legal = crdt::check_name(op.cell.name) == Status::ok;
  rejected_.push_back(
      {op.seq, unit.status, KeptName(is_legal ? op.cell.name : crdt::CellName{}), unit.sentence, unit.renew_above});
  return Status::ok;
}

}  // namespace grid::server
