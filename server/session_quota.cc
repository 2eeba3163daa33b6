// SPDX-License-Identifier: Apache-2.0
//
// The part of Session that goes by the app's quota: what grows beyond it is refused, and what comes faster than it is
// acknowledged later; and what may be acknowledged, with all that an acknowledgement waits for.

#include <algorithm>

#include "server/session.h"

namespace grid::server {

using crdt::Op;

// As one (PROTOCOL P9), on what all of it would add. The newest op that was taken here passes, as in ask_policy().
// Others may hold what was taken before and lost here since, be it the first op of its node: to them the refusal comes
// as a newer write (PROTOCOL P7). Who is asked here has the right to write. What was taken before is not decided anew.
Status Session::ask_quota(wire::OpsReader behind, Op op, Verdict& unit) const {
  const Policy* const policy = shared_.options.policy;
  Journal::Held growth;
  for (std::size_t i = 0;; ++i) {
    const bool is_known = op.cell.stamp.time == peer_.taken_time && crdt::digest_of(op.cell) == peer_.taken_digest;
    if (!is_known && unit.judged[i].late != Lateness::moot) {
      const bool is_again = op.cell.stamp.time <= peer_.taken_time;
      const bool is_decided = !is_again && policy != nullptr && policy->governs(op.cell.name.map);
      const Result<Journal::Held> one = shared_.journal.growth_by(op, is_decided);
      if (!one.ok()) return one.status();
      growth.cells += one->cells;
      growth.bytes += one->bytes;
    }
    if (i + 1 == unit.left || !behind.next(op)) break;
  }
  unit.status = shared_.quota.judge(growth, unit.sentence);
  unit.is_ruled = unit.status != Status::ok;
  return Status::ok;
}

// The op that is being taken, with a stamp of this time. It counts, whatever became of it; the window bounds how many
// wait. One that comes again waits where it stood, so that a new link is no way around, and pays for no second time.
void Session::note_unpaid(std::uint64_t time, bool is_again) {
  Quota& quota = shared_.quota;
  const std::uint64_t op = is_again ? quota.op_of(node_, time) : quota.take(node_, peer_.taken_time);
  if (op > quota.paid()) unpaid_.push_back({last_seq_, taken_, op});
}

bool Session::drained(storage::Seq through) {
  if (owed_.empty()) return false;
  owed_.remove_if([through](const Owed& owed) { return owed.position <= through; });
  settle();
  return ack_due();
}

std::uint64_t Session::in_flight() const {
  std::uint64_t kept = taken_on_disk_;
  if (!owed_.empty()) kept = std::min(kept, owed_.front().taken);
  if (!unpaid_.empty()) kept = std::min(kept, unpaid_.front().taken);
  return taken_ - kept;
}

void Session::settle() {
  crdt::Seq kept = on_disk_;
  if (!owed_.empty()) kept = std::min(kept, owed_.front().before);
  if (!unpaid_.empty()) kept = std::min(kept, unpaid_.front().before);
  durable_ = std::max(durable_, kept);
}

void Session::settle_paid() {
  while (!unpaid_.empty() && unpaid_.front().op <= shared_.quota.paid()) unpaid_.pop_front();
  settle();
}

}  // namespace grid::server
