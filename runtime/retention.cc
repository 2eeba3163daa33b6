// SPDX-License-Identifier: Apache-2.0

#include "runtime/retention.h"

#include <algorithm>

#include "runtime/oplog.h"
#include "runtime/pulls.h"

namespace grid::runtime {

using crdt::Op;

std::uint64_t Retention::slack_of(const Keep& keep) const {
  if (keep.rows_max == UINT32_MAX) return kNever;
  return std::min<std::uint64_t>(keep.rows_max / 8, oldest_.size() - 1);
}

// Not at once: the application is about to say what it subscribes to.
void Retention::start(OpLog& log, std::uint64_t now_ms) {
  started_ = true;
  followed_ = log.store().settled();
  for (Rule& rule : rules_) rule.due_at_ms = now_ms + kPeriodMsMin;
}

// What finds no room now is found behind the next commit.
Status Retention::advance(const Upkeep::Wards& wards) {
  if (!started_) start(wards.log, wards.now_ms);
  GRID_TRY(follow(wards.log));
  if (rule_ == nullptr) begin(wards.now_ms);
  if (rule_ == nullptr) return Status::ok;
  const Status status = look_through(wards);
  if (status == Status::full) wards.log.touch();
  if (status == Status::full) wake_at_ms_ = wards.now_ms + kPeriodMsMin;
  return status;
}

// Up to the first op that is not durable at the server: the rest is counted when it may go.
Status Retention::follow(OpLog& log) {
  is_behind_ = false;
  if (rules_.empty()) return Status::ok;
  for (std::uint32_t looks = 0; followed_ < log.store().head(); ++looks) {
    is_behind_ = looks == kLooksMax;
    if (is_behind_) return Status::ok;
    const Result<Op> op = log.store().next_op(followed_);
    if (op.status() == Status::not_found) followed_ = log.store().head();
    if (!op.ok()) return op.status() == Status::not_found ? Status::ok : op.status();
    if (log.is_pending(*op)) return Status::ok;
    followed_ = op->seq;
    for (Rule& rule : rules_) {
      if (rule.keep.map == op->cell.name.map) ++rule.fresh;
    }
  }
  return Status::ok;
}

void Retention::begin(std::uint64_t now_ms) {
  wake_at_ms_ = kNever;
  for (Rule& rule : rules_) {
    const bool is_due = now_ms >= rule.due_at_ms || rule.fresh > slack_of(rule.keep);
    wake_at_ms_ = std::min(wake_at_ms_, rule.due_at_ms);
    if (!is_due || rule_ != nullptr) continue;
    rule_ = &rule;
    rule.fresh = 0;
    rule.due_at_ms = now_ms + std::clamp(rule.keep.age_ms_max / 8, kPeriodMsMin, kPeriodMsMax);
    scan_ = Scan({ScopeKind::map, rule.keep.map, {}});
    seen_all_ = forgot_cursors_ = false;
    rows_ = oldest_count_ = gone_count_ = 0;
  }
}

Status Retention::look_through(const Upkeep::Wards& wards) {
  for (std::uint32_t looks = 0; !seen_all_; ++looks) {
    if (looks == kLooksMax) return Status::ok;
    if (goes_ != 0) GRID_TRY(evict(wards, goes_));
    goes_ = 0;
    const Result<Op> op = scan_.next(wards.log.store());
    if (!op.ok() && op.status() != Status::not_found) return op.status();
    seen_all_ = !op.ok();
    if (!seen_all_) look_at(wards, *op);
  }
  return end(wards);
}

void Retention::look_at(const Upkeep::Wards& wards, const Op& op) {
  const bool is_row = op.cell.name.sub.empty();
  if (!is_row || wards.log.is_pending(op) || wards.pulls.want(op.cell)) return;
  const std::uint64_t written_ms = op.cell.stamp.wall_ms();
  const bool is_old = wards.known_ms > written_ms && wards.known_ms - written_ms > rule_->keep.age_ms_max;
  if (is_old || !op.cell.is_live(wards.known_ms)) {
    goes_ = op.seq;
  } else {
    count(op.seq);
  }
}

void Retention::count(crdt::Seq seq) {
  ++rows_;
  const auto begin = oldest_.begin();
  if (oldest_count_ == oldest_.size()) {
    if (seq > *begin) return;
    std::pop_heap(begin, oldest_.end());
    --oldest_count_;
  }
  oldest_[oldest_count_++] = seq;
  std::push_heap(begin, begin + static_cast<std::ptrdiff_t>(oldest_count_));
}

Status Retention::end(const Upkeep::Wards& wards) {
  if (gone_count_ == 0) std::sort_heap(oldest_.begin(), oldest_.begin() + static_cast<std::ptrdiff_t>(oldest_count_));
  for (; gone_count_ < oldest_count_ && rows_ > rule_->keep.rows_max; ++gone_count_, --rows_) {
    GRID_TRY(evict(wards, oldest_[gone_count_]));
  }
  if (rows_ > rule_->keep.rows_max) rule_->due_at_ms = 0;  // Once more.
  rule_ = nullptr;
  wake_at_ms_ = 0;
  return Status::ok;
}

// The cursors of scopes that nobody subscribes to any more go first: they cover what will be here no more.
Status Retention::evict(const Upkeep::Wards& wards, crdt::Seq seq) {
  const Result<Op> op = wards.log.op_at(seq);
  if (!op.ok()) return op.status() == Status::not_found ? Status::ok : op.status();
  if (wards.log.is_pending(*op) || wards.pulls.want(op->cell)) return Status::ok;
  if (!forgot_cursors_) GRID_TRY(wards.pulls.drop_idle_cursors());
  forgot_cursors_ = true;
  GRID_TRY(wards.log.erase(seq));
  ++evicted_count_;
  return Status::ok;
}

}  // namespace grid::runtime
