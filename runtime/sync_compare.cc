// SPDX-License-Identifier: Apache-2.0
//
// What SyncSession does about comparisons: when one is due, and what its end means.

#include "runtime/sync_session.h"

namespace grid::runtime {

using wire::Kind;

// A digest says something only while nothing is on its way: otherwise the check is asked for again later.
void SyncSession::judge_check(Pull& pull, const crdt::Digest& theirs) {
  if (pull.check != Pull::Check::wanted && pull.check != Pull::Check::asked) return;
  pull.check = Pull::Check::wanted;
  if (log_.pending_count() > 0 || owes()) return;
  if (log_.digest(pull.scope.get(), time_.known_ms()) == theirs) {
    pull.check = Pull::Check::equal;
    // Equal, and on the server's disk. When it can't be noted, the comparison is made once more.
    [[maybe_unused]] const Status noted = pulls_.set_unhealed(pull, false);
  } else if (pull.compared == kComparisonsMax) {
    pull.check = Pull::Check::different;
    problem_.say("after ").number(kComparisonsMax).text(" comparisons this replica still differs from the server");
  } else {
    ++pull.compared;
    pull.compare_due = true;
  }
}

Status SyncSession::receive_digests(Kind kind, Bytes frame) {
  wire::DigestsReader reader;
  GRID_TRY(reader.open(frame));
  if (!walk_.active() || reader.id() != walk_.id()) {
    Pull* pull = pulls_.find(reader.id());
    if (pull != nullptr && reader.last()) pull->answer_due = false;
    return Status::ok;
  }
  return kind == Kind::lacks ? walk_.receive_lacks(reader) : walk_.receive_reply(reader, time_.known_ms());
}

void SyncSession::walk_ended() {
  Pull* pull = pulls_.find(walk_.id());
  if (pull == nullptr || pull->phase != Pull::Phase::comparing) return;
  pull->phase = Pull::Phase::streaming;
  if (walk_.unconfirmed_count() > 0) {
    problem_.say("the server lacks cells that this replica holds and may not give back: ");
    problem_.number(walk_.unconfirmed_count());
  }
  pull->partial = walk_.was_cut_short();
  if (pull->partial) return go_on_comparing(*pull);
  pull->current = true;
  if (partial_ != nullptr && partial_->sweep(log_, pulls_, pull->id) != Status::ok) return;
  if (pull->compared_cursor.size > 0 && pulls_.save_cursor(*pull, pull->compared_cursor.view()) != Status::ok) return;
  pull->compared_cursor = {};
}

// What a comparison had no room for is looked for by the next one, as long as they find something. Until one has room
// for all, the stored cursor stays the old one, and whoever looks sees a replica that is not current.
void SyncSession::go_on_comparing(Pull& pull) {
  if (!walk_.goes_on()) ++pull.compared;
  pull.compare_due = pull.compared < kComparisonsMax;
  if (pull.compare_due) return;
  pull.check = Pull::Check::different;
  problem_.say("a comparison had no room for all that differs");
  if (walk_.lacks_maps())
    problem_.text(": subscribe to fewer maps than there are, ").number(limits_.maps_max).text(" fit");
}

}  // namespace grid::runtime
