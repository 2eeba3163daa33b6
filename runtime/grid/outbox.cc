// SPDX-License-Identifier: Apache-2.0

#include "runtime/grid/outbox.h"

#include <algorithm>

namespace grid {

Outbox::Outbox(Node& node, std::span<Waiting> room)
    : Attendant([](Attendant& self, std::uint64_t now_ms) { static_cast<Outbox&>(self).turn(now_ms); }),
      driver_(node.driver()),
      waiting_(room) {
  driver_.attendants().add(*this);
}

Outbox::~Outbox() { driver_.attendants().remove(*this); }

Status Outbox::expect(const Write& write, Concern concern, std::uint32_t timeout_ms, FateCallback callback) {
  if (write.status() != Status::ok) return write.status();
  if (count_ == waiting_.size()) {
    driver_.complain("the outbox waits for as many writes as it has room for: this one is not told of");
    return Status::full;
  }
  waiting_[count_++] = {write.seq(), UINT64_MAX, timeout_ms, concern, callback};
  has_new_ = true;
  driver_.want_turn();
  return Status::ok;
}

Status Outbox::watch_level(std::uint64_t high, std::uint64_t low, LevelCallback callback) {
  if (low >= high) {
    driver_.complain("the low mark of the log must be below the high one");
    return Status::invalid;
  }
  high_ = high;
  low_ = low;
  is_high_ = false;
  level_callback_ = callback;
  driver_.want_turn();
  return Status::ok;
}

void Outbox::turn(std::uint64_t now_ms) {
  const runtime::ReplicaStatus status = driver_.replica_status();
  tell_level(status.ops_pending);
  const Marks marks{status.head,        status.applied,          status.durable,
                    status.ops_pending, status.figures.rejected, status.figures.dropped};
  const bool is_news = std::exchange(has_new_, false) || !(marks == seen_);
  seen_ = marks;
  wake_at_ms_ = UINT64_MAX;
  // A callback may expect more: those stand behind `end` and have a turn of their own.
  std::size_t end = count_;
  for (std::size_t at = 0; at < end;) {
    Fate fate{.seq = waiting_[at].seq};
    if (!is_over(waiting_[at], is_news, now_ms, fate)) {
      wake_at_ms_ = std::min(wake_at_ms_, waiting_[at++].late_at_ms);
      continue;
    }
    FateCallback callback = waiting_[at].callback;
    std::move(waiting_.begin() + static_cast<std::ptrdiff_t>(at) + 1,
              waiting_.begin() + static_cast<std::ptrdiff_t>(count_),
              waiting_.begin() + static_cast<std::ptrdiff_t>(at));
    --count_;
    --end;
    callback(fate);
  }
}

bool Outbox::is_over(Waiting& waiting, bool is_news, std::uint64_t now_ms, Fate& fate) {
  if (waiting.timeout_ms != 0) waiting.late_at_ms = now_ms + std::exchange(waiting.timeout_ms, 0);
  fate.is_late = now_ms >= waiting.late_at_ms;
  if (!is_news && !fate.is_late) return false;
  fate.outcome = driver_.outcome_of(waiting.seq);
  const bool is_reached =
      fate.outcome > Outcome::applied || (fate.outcome == Outcome::applied && waiting.concern == Concern::applied);
  if (is_reached) fate.is_late = false;
  return is_reached || fate.is_late;
}

void Outbox::tell_level(std::uint64_t pending) {
  if (!level_callback_ || (is_high_ ? pending > low_ : pending < high_)) return;
  is_high_ = !is_high_;
  LevelCallback callback = level_callback_;
  callback({is_high_, pending});
}

}  // namespace grid
