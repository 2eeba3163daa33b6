// SPDX-License-Identifier: Apache-2.0
//
// The part of Session that goes by the app's quota: what grows beyond it is refused, and what comes faster than it is
// acknowledged later.

#include "server/session.h"

namespace grid::server {

using crdt::Op;

// As one (PROTOCOL P9), on what all of it would add. The newest op that was taken here passes, as in ask_policy().
// Others may hold what was taken before and lost here since: to them the refusal comes as a newer write (PROTOCOL P7).
Status Session::ask_quota(wire::OpsReader behind, Op op, Verdict& unit) const {
  const Policy* const policy = shared_.options.policy;
  Journal::Held growth;
  for (std::size_t i = 0;; ++i) {
    const bool is_known = op.cell.stamp.time == peer_.taken_time && crdt::digest_of(op.cell) == peer_.taken_digest;
    if (!is_known && unit.judged[i].late != Lateness::moot) {
      const bool is_decided = policy != nullptr && policy->governs(op.cell.name.map);
      const Result<Journal::Held> one = shared_.journal.growth_by(op, is_decided);
      if (!one.ok()) return one.status();
      growth.cells += one->cells;
      growth.bytes += one->bytes;
    }
    if (i + 1 == unit.left || !behind.next(op)) break;
  }
  unit.status = shared_.quota.judge(growth, unit.sentence);
  unit.is_ruled = unit.status != Status::ok && peer_.taken_digest != 0;
  return Status::ok;
}

// The op that is being taken. It counts, whatever became of it; the window bounds how many wait. One that comes again
// is as one of those that are here: it waits for them, so that a new link is no way around, and pays for no second
// time.
void Session::note_unpaid(bool is_again) {
  const std::uint64_t op = is_again ? shared_.quota.taken() : shared_.quota.take();
  if (op > shared_.quota.paid()) unpaid_.push_back({last_seq_, taken_, op});
}

void Session::settle_paid() {
  while (!unpaid_.empty() && unpaid_.front().op <= shared_.quota.paid()) unpaid_.pop_front();
  settle();
}

}  // namespace grid::server
