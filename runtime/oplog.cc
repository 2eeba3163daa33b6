// SPDX-License-Identifier: Apache-2.0

#include "runtime/oplog.h"

#include <utility>

#include "crdt/facts.h"
#include "crdt/pn_counter.h"
#include "crdt/stub.h"
#include "runtime/facts.h"
#include "transport/wire.h"

namespace grid::runtime {

using crdt::CellName;
using crdt::ClockQuality;
using crdt::ClockState;
using crdt::Op;
using crdt::Seq;
using crdt::Stamp;

namespace {

Stamp after(Stamp stamp, crdt::NodeId node) { return {stamp.time + 1, node}; }

std::uint64_t moved(std::uint64_t at_ms, std::int64_t by_ms) {
  const std::int64_t sum = static_cast<std::int64_t>(at_ms) + by_ms;
  return sum > 0 ? static_cast<std::uint64_t>(sum) : 1;
}

}  // namespace

OpLog::OpLog(storage::Store& store, const Limits& limits, Arena& arena, Problem& problem, const Rules* rules)
    : store_(store),
      rules_(rules),
      limits_(limits),
      problem_(problem),
      refused_(arena.make<Seq>(in_flight_max(limits))),
      fates_(arena.make<Fate>(limits.window_ops_max)),
      members_(arena.make<Seq>(unit_ops_max(limits))),
      scratch_(arena.make<std::uint8_t>(scratch_bytes(limits))) {
  GRID_CHECK(!scratch_.empty() && !fates_.empty() && refused_.capacity() == in_flight_max(limits));
}

Result<Op> OpLog::next_local(Seq from, Seq to) {
  for (;;) {
    const Result<Op> op = store_.next_op(from);
    if (!op.ok()) return op;
    if (op->seq > to) return Status::not_found;
    if (op->local) return op;
    from = op->seq;
  }
}

Status OpLog::open(std::uint64_t fresh_node) {
  if (letters_ != nullptr) letters_->open(store_);
  crdt::NodeId node = fresh_node;
  const Result<std::uint64_t> known = number_fact(store_, facts::kNode);
  if (known.ok()) node = *known;
  if (known.status() == Status::not_found) {
    GRID_TRY(set_number_fact(store_, facts::kNode, node));
    dirty_ = true;
  } else if (!known.ok()) {
    return known.status();
  }
  ClockState state;
  const Result<Bytes> clock = store_.fact(facts::kClock);
  if (clock.ok() && clock->size() != ClockState::kBytes) return Status::corrupt;
  if (clock.ok()) state = ClockState::read(clock->data());
  clock_ = crdt::Clock(node, state, limits_.clock_lead_ms);
  if (!clock.ok()) GRID_TRY(reopen_above_all());
  durable_head_ = store_.head();
  durable_shared_ = store_.shared();
  sent_ = store_.settled();
  return each_local(store_.settled(), store_.head(), [this](const Op& op) {
    ++pending_count_;
    clock_.reopen_above(op.cell.stamp);
    return Status::ok;
  });
}

// Rot may have taken the clock's record: it goes on behind all that stands.
Status OpLog::reopen_above_all() {
  for (Seq at = 0;;) {
    const Result<Op> op = store_.next_op(at);
    if (!op.ok()) return op.status() == Status::not_found ? Status::ok : op.status();
    at = op->seq;
    clock_.reopen_above(op->cell.stamp);
  }
}

Status OpLog::save_clock() { return set_clock(clock_.state()); }

Status OpLog::close() { return set_clock(clock_.state_at_rest()); }

// What was not written calls for no commit.
Status OpLog::set_clock(const ClockState& state) {
  std::uint8_t bytes[ClockState::kBytes];
  state.write(bytes);
  const Status status = store_.set_fact(facts::kClock, bytes);
  if (status == Status::ok) dirty_ = true;
  if (status != Status::ok) problem_.say("the store takes no more: ").text(store_.problem());
  return status;
}

// Keeps the count of pending ops: a local op that was never shared goes when its cell is written again.
Status OpLog::append_one(const Op& op) {
  const Result<Op> before = store_.find(op.cell.name);
  const bool supersedes = before.ok() && is_unshared(*before);
  const Result<Seq> seq = store_.append(op);
  if (!seq.ok()) {
    problem_.say("the store takes no more: ").text(store_.problem());
    return seq.status();
  }
  if (supersedes) --pending_count_;
  if (op.local) ++pending_count_;
  dirty_ = true;
  if (listener_ != nullptr && op.cell.stamp.is_none()) listener_->erased(op.cell.name);
  return Status::ok;
}

// What may yet be refused is nothing to build on: the base is a stamp that the server has vouched for.
Op OpLog::new_op(const CellChange& cell, ClockQuality quality) {
  Op op{.cell = {cell.name, {}, cell.expires_ms, cell.value}, .quality = quality, .local = true};
  const Result<Op> before = store_.find(cell.name);
  if (before.ok()) op.base = is_pending(*before) ? before->base : before->cell.stamp;
  if (cell.base > op.base) op.base = cell.base;
  return op;
}

Result<Seq> OpLog::write(const CellChange& cell, const Timekeeper& time) {
  if (is_full_for(cell.name)) {
    problem_.say("the log of unsent ops is full: ").number(limits_.pending_ops_max).text(" ops wait for the server");
    return Status::full;
  }
  const Result<Op> before = store_.find(cell.name);
  const bool in_unit = before.ok() && is_unshared(*before) && !before->unit.is_alone();
  if (in_unit && rules_ != nullptr) return (this->*rules_->write_unit)({&cell, 1}, time);
  const crdt::Clock unmoved = clock_;
  Op op = new_op(cell, time.quality());
  bool raised = false;
  Status status = clock_.tick(time.now_ms(), op.cell.stamp, raised);
  if (status == Status::ok && wire::OpsWriter::frame_bytes(op) > limits_.frame_bytes_max) status = Status::too_large;
  // The clock first: a ceiling that is too high does no harm, while an op above the ceiling would.
  if (status == Status::ok && raised) status = save_clock();
  if (status == Status::ok) note_superseded(cell.name, store_.head() + 1);
  if (status == Status::ok) status = append(op);
  if (status != Status::ok) {
    clock_ = unmoved;
    return status;
  }
  return store_.head();
}

bool OpLog::is_full_for(const CellName& name) {
  if (pending_count_ < limits_.pending_ops_max) return false;
  const Result<Op> before = store_.find(name);
  return !before.ok() || !is_unshared(*before);
}

// A row whose earlier op is still on its way is passed over: the server does not send a device its own ops.
Result<Op> OpLog::oldest_to_drop() {
  Seq at = store_.shared() > looked_ ? store_.shared() : looked_;
  for (;;) {
    const Result<Op> next = next_local(at, store_.head());
    if (!next.ok()) return next.status() == Status::not_found ? Status::full : next.status();
    at = next->seq;
    const Result<Op> oldest = copied(at);
    if (!oldest.ok()) return oldest;
    if (crdt::CounterPart::is(oldest->cell.name.sub) || !oldest->unit.is_alone()) continue;
    const Result<bool> seen = is_under_way(oldest->cell.name);
    if (!seen.ok()) return seen.status();
    if (!*seen) return oldest;
  }
}

Result<bool> OpLog::is_under_way(const CellName& name) {
  bool found = false;
  GRID_TRY(each_local(store_.settled(), store_.shared(), [&](const Op& op) {
    found = found || op.cell.name == name;
    return Status::ok;
  }));
  return found;
}

Status OpLog::withdraw(const Op& op) {
  GRID_CHECK(is_unshared(op) && op.base.is_none());
  const Result<Op> kept = copied(op.seq);  // The name must outlive the append.
  if (!kept.ok()) return kept.status();
  return erase(kept->cell.name);
}

Status OpLog::merge(const Op& op) {
  bool raised = false;
  const crdt::Clock unmoved = clock_;
  GRID_TRY(clock_.merge(op.cell.stamp, raised));
  const Result<Op> standing = store_.find(name_over(op.cell.name));
  Status status = standing.ok() || standing.status() == Status::not_found ? Status::ok : standing.status();
  const bool is_buried = standing.ok() && standing->cell.name.sub.size() != op.cell.name.sub.size();
  const bool changes =
      !is_buried &&
      (!standing.ok() || (crdt::wins(op.cell, standing->cell) && !crdt::is_stub_of(op.cell, standing->cell)));
  if (status == Status::ok && raised) status = save_clock();
  if (status == Status::ok && changes) status = append({.cell = op.cell, .quality = op.quality});
  if (status == Status::ok && !changes && is_burial(op)) status = (this->*rules_->bury_facts)(op.cell.name);
  if (status != Status::ok) clock_ = unmoved;
  return status;
}

Status OpLog::restart() {
  GRID_TRY(sign_pending());
  // What was refused and not settled is asked again, and may be taken: its stamp counts unless it is refused again.
  forget_refusals(store_.settled());
  refused_here_ = 0;
  sent_ = store_.settled();
  in_flight_ = 0;
  shared_unsent_ = 0;
  return each_local(sent_, store_.shared(), [this](const Op&) {
    ++shared_unsent_;
    return Status::ok;
  });
}

Status OpLog::share_ahead(std::uint32_t ahead) {
  Seq mark = store_.shared();
  // What came from the server lies between local ops, and is looked at once.
  looked_ = looked_ > mark ? looked_ : mark;
  Seq unit_end = 0;
  while (shared_unsent_ < ahead || looked_ < unit_end) {
    const Result<Op> op = next_local(looked_, store_.head());
    if (op.status() == Status::not_found) {
      looked_ = store_.head();
      break;
    }
    if (!op.ok()) return op.status();
    ++shared_unsent_;
    mark = looked_ = op->seq;
    unit_end = op->seq + op->unit.left;
  }
  if (mark == store_.shared()) return Status::ok;
  dirty_ = true;
  return store_.share(mark);
}

Result<Op> OpLog::next_to_send() {
  const Seq end = durable_shared_ < durable_head_ ? durable_shared_ : durable_head_;
  for (;;) {
    Result<Op> op = store_.next_op(sent_);
    if (!op.ok()) return op;
    if (op->seq > end) return Status::not_found;
    if (!op->local) {
      sent_ = op->seq;
      continue;
    }
    // The ack covers what was refused as well, and that is no evidence that it was taken (PROTOCOL P7).
    op->was_applied = op->seq <= applied_ && refusal_of(op->seq) == refused_.size();
    return op;
  }
}

void OpLog::sent(const Op& op) {
  sent_ = op.seq;
  ++in_flight_;
  if (shared_unsent_ > 0) --shared_unsent_;
}

Status OpLog::acknowledge(Seq applied, Seq durable) {
  if (applied > sent_ || durable > applied) {
    problem_.say("the server acknowledged op ").number(applied).text(", but only ").number(sent_).text(" was sent");
    return Status::corrupt;
  }
  if (applied > applied_) applied_ = applied;
  if (durable <= store_.settled()) return Status::ok;
  std::uint64_t settled = 0;
  GRID_TRY(each_local(store_.settled(), durable, [this, &settled](const Op& op) {
    ++settled;
    if (refusal_of(op.seq) >= refused_here_) clock_.share(op.cell.stamp);
    return Status::ok;
  }));
  // The clock first: when it finds no room, the ops stay and are acknowledged again. Settled without it, they would be
  // unknown to their own node by the next start.
  GRID_TRY(save_clock());
  GRID_TRY(store_.settle(durable));
  GRID_CHECK(settled <= pending_count_ && settled <= in_flight_);
  pending_count_ -= settled;
  in_flight_ -= settled;
  forget_refusals(durable);
  return Status::ok;
}

std::size_t OpLog::refusal_of(Seq seq) const {
  std::size_t i = 0;
  while (i < refused_.size() && refused_[i] != seq) ++i;
  return i;
}

void OpLog::forget_refusals(Seq through) {
  for (std::size_t i = refused_.size(); i-- > 0;) {
    if (refused_[i] > through) continue;
    refused_.remove_at(i);
    if (i < refused_here_) --refused_here_;
  }
}

const OpLog::Fate* OpLog::fate_of(Seq seq) const {
  for (const Fate& fate : fates_) {
    if (seq != 0 && fate.seq == seq) return &fate;
  }
  return nullptr;
}

void OpLog::note_fate(Seq seq, Outcome outcome) {
  const std::size_t at = refusal_of(seq);
  const bool is_new = at == refused_.size();
  if (at < refused_here_ || (is_new && refused_.push(seq) != Status::ok)) return;
  std::swap(refused_[at], refused_[refused_here_++]);
  if (!is_new) return;  // On an earlier link.
  note_end(seq, outcome);
  if (outcome == Outcome::rejected) ++rejected_count_;
}

Result<Op> OpLog::op_at(Seq seq) {
  if (seq == 0) return Status::not_found;
  Result<Op> op = store_.next_op(seq - 1);
  if (op.ok() && op->seq != seq) return Status::not_found;
  return op;
}

Result<Op> OpLog::copied(Seq seq) {
  Result<Op> op = op_at(seq);
  if (!op.ok()) return op;
  Arena arena(scratch_);
  CellName& name = op->cell.name;
  name = {arena.keep(name.map), arena.keep(name.key), arena.keep(name.sub)};
  op->cell.value = as_bytes(arena.keep(as_text(op->cell.value)));
  return op;
}

Status OpLog::reject(Seq seq, const Op& standing, Status why, std::string_view sentence) {
  if (seq > sent_) return Status::corrupt;
  if (letters_ != nullptr) GRID_TRY(letters_->refuse(*this, seq, why, sentence));
  const Result<Op> op = op_at(seq);
  if (!op.ok() && op.status() != Status::not_found) return op.status();
  if (!op.ok() || !is_pending(*op)) return Status::ok;
  note_fate(seq, Outcome::rejected);
  const Result<Op> now = store_.find(op->cell.name);
  if (!now.ok()) return Status::ok;
  has_unburied_ = now->seq == seq && is_burial(*now);
  if (now->seq == seq) return stand_instead(*now, standing);
  return rebase(seq, now->seq, Taken::back);  // A later write of the cell stands.
}

// Sets, not merges: what the server has is older than what it refused.
Status OpLog::stand_instead(const Op& rejected, const Op& standing) {
  Op op{.cell = standing.cell, .quality = standing.quality};
  if (standing.cell.stamp.is_none()) op.cell.name = rejected.cell.name;
  if (!(op.cell.name == rejected.cell.name)) return Status::corrupt;
  const Result<Op> kept = copied(rejected.seq);  // The name must outlive the append.
  if (!kept.ok()) return kept.status();
  op.cell.name = kept->cell.name;
  vanished_ = op.cell.name;
  has_vanished_ = op.cell.stamp.is_none();
  return append(op);
}

// Not corrected here: the op joins the unshared ones, which move together and in order once nothing is in flight.
Result<Correction> OpLog::reissue(Seq seq, const Timekeeper& time) {
  if (seq > sent_) return Status::corrupt;
  Result<Op> op = copied(seq);
  if (!op.ok() && op.status() != Status::not_found) return op.status();
  if (!op.ok() || !is_pending(*op)) return Correction{};
  note_fate(seq, Outcome::superseded);
  const std::int64_t ahead_ms = static_cast<std::int64_t>(op->cell.stamp.wall_ms() - time.now_ms());
  const Correction correction{-ahead_ms, op->quality == ClockQuality::unknown};
  const Result<Op> standing = store_.find(op->cell.name);
  if (!standing.ok()) return Correction{};
  if (standing->seq != seq) {
    const Status rebased = rebase(seq, standing->seq, Taken::along);
    return rebased == Status::ok ? Result<Correction>(Correction{}) : rebased;
  }
  const Status status = write_anew(*op);
  if (status != Status::ok) return status;
  return correction;
}

// `op` is a copy.
Status OpLog::write_anew(const Op& op) {
  if (!op.unit.is_alone() && rules_ != nullptr) return (this->*rules_->renew_unit)(op);
  Op renewed = op;
  renewed.unit = {};
  bool raised = false;
  Status status = clock_.tick(0, renewed.cell.stamp, raised);
  if (status == Status::ok) status = save_clock();
  return status == Status::ok ? append(renewed) : status;
}

Status OpLog::rebase(Seq refused, Seq standing, Taken taken) {
  return rules_ == nullptr ? Status::ok : (this->*rules_->rebase_counter)(refused, standing, taken);
}

// The stamp that a wrong one becomes: moved, no later than now, and behind `highest`, so that ops keep the order in
// which they were written, accepted ones among them; above what the op overwrote.
Stamp OpLog::corrected(const Op& op, const Correcting& by) const {
  Stamp stamp = op.cell.stamp;
  const std::uint64_t wall_ms = by.concerns(op) ? moved(stamp.wall_ms(), by.correction.by_ms) : stamp.wall_ms();
  stamp =
      Stamp::of(wall_ms < by.now_ms ? wall_ms : by.now_ms, wall_ms <= by.now_ms ? stamp.counter() : 0, clock_.node());
  if (stamp <= op.base) stamp = after(op.base, clock_.node());
  return stamp <= by.highest ? after(by.highest, clock_.node()) : stamp;
}

// The clock moves first, behind the last stamp there will be: come a full batch or a crash, none of these is issued
// again.
Status OpLog::correct(const Correction& correction, std::uint64_t now_ms) {
  GRID_CHECK(!correcting());
  const Correcting begun{correction, now_ms, clock_.shared(), store_.shared(), store_.head()};
  Correcting plan = begun;
  GRID_TRY(each_local(begun.at, begun.end, [this, &plan](const Op& op) {
    plan.highest = corrected(op, plan);
    return Status::ok;
  }));
  const crdt::Clock unmoved = clock_;
  clock_.correct(plan.highest);
  const Status saved = save_clock();
  if (saved != Status::ok) {
    clock_ = unmoved;
    return saved;
  }
  correcting_ = begun;
  return go_on_correcting();
}

Status OpLog::go_on_correcting() {
  Correcting& by = correcting_;
  std::uint64_t moved_count = 0;
  const Status status = each_local(by.at, by.end, [&](const Op& op) {
    const Seq seq = op.seq;
    const Stamp was = op.cell.stamp, stamp = corrected(op, by);
    // Expiry counts from a clock that may have been behind the last stamp: then it moves as the clock does.
    const bool is_behind = by.concerns(op) && op.cell.expires_ms < was.wall_ms();
    const std::int64_t by_ms =
        is_behind ? by.correction.by_ms : static_cast<std::int64_t>(stamp.wall_ms() - was.wall_ms());
    const std::uint64_t expires_ms = op.cell.expires_ms == 0 ? 0 : moved(op.cell.expires_ms, by_ms);
    if (stamp != was) {
      if (listener_ != nullptr) listener_->erased(op.cell.name);
      GRID_TRY(store_.restamp(seq, stamp, expires_ms));
      dirty_ = true;
      ++moved_count;
    }
    by.highest = stamp;
    by.at = seq;
    return Status::ok;
  });
  if (status == Status::ok) by.at = by.end;
  if (moved_count > 0) problem_.say("the clock was corrected; unsent ops got new stamps: ").number(moved_count);
  return status;
}

crdt::Digest OpLog::digest(const Scope& scope, std::uint64_t known_ms) {
  crdt::Digest digest;
  for (Scan scan(scope);;) {
    const Result<Op> op = scan.next(store_, known_ms);
    if (!op.ok()) return digest;
    if (op->cell.is_live(known_ms) && !is_pending(*op)) digest.add(crdt::digest_of(op->cell));
  }
}

Result<std::uint64_t> OpLog::seal() {
  // With nothing pending, the next start need not look for it among what came from the server.
  if (pending_count_ == 0) {
    GRID_TRY(store_.settle(store_.head()));
    if (letters_ != nullptr) letters_->settle();
  }
  sealed_head_ = store_.head();
  sealed_shared_ = store_.shared();
  dirty_ = false;
  committing_ = true;
  return store_.seal();
}

void OpLog::durable() {
  durable_head_ = sealed_head_;
  durable_shared_ = sealed_shared_;
  committing_ = false;
}

Outcome OpLog::outcome_of(Seq seq) {
  if (const Fate* fate = fate_of(seq)) return fate->outcome;
  // Signed anew: what becomes of it is what becomes of the op that it is now.
  if (seq > reforked_from_ && seq <= reforked_to_ && store_.settled() < reforked_as_) return Outcome::pending;
  if (seq <= store_.settled()) return Outcome::durable;
  if (!op_at(seq).ok()) return Outcome::superseded;
  return seq <= applied_ ? Outcome::applied : Outcome::pending;
}

}  // namespace grid::runtime
