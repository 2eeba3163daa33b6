// SPDX-License-Identifier: Apache-2.0

#include "server/write_behind.h"

#include <algorithm>

#include "transport/wire.h"

namespace grid::server {

using runtime::Action;

void WriteBehind::advance(std::uint64_t now_ms, runtime::ActionList& actions) {
  if (asked_ || !has_rows()) return;
  if (oldest_at_ms_ == runtime::kNever) oldest_at_ms_ = now_ms;
  const bool many = journal_.durable_head() - drained_ >= options_.drain_rows_max;
  const bool old = now_ms >= oldest_at_ms_ + options_.drain_ms_max;
  if ((!many && !old && !hurried_) || now_ms < retry_at_ms_) return;
  asked_ = true;
  actions.add({.kind = Action::Kind::want_drain});
}

std::uint64_t WriteBehind::wake_at_ms() const {
  if (asked_ || !has_rows() || oldest_at_ms_ == runtime::kNever) return runtime::kNever;
  return std::max(retry_at_ms_, oldest_at_ms_ + options_.drain_ms_max);
}

void WriteBehind::collect(MutBytes room, runtime::ActionList& actions) {
  if (!has_rows()) {
    asked_ = false;
    return;
  }
  wire::OpsWriter writer(wire::Kind::push, {}, room);
  storage::Seq through = drained_;
  while (writer.count() < options_.drain_rows_max) {
    const Result<crdt::Op> op = journal_.store().next_op(through);
    if (!op.ok() || op->seq > journal_.durable_head()) {
      // Everything between is superseded.
      if (op.ok() || op.status() == Status::not_found) through = journal_.durable_head();
      break;
    }
    crdt::Op row{.cell = op->cell};
    row.seq = op->seq;
    if (!writer.add(row)) break;
    through = op->seq;
  }
  through = journal_.read_through(drained_, through);
  if (through == drained_) {
    blocked_at_ = journal_.durable_head();
    asked_ = false;
    return;
  }
  actions.add({.kind = Action::Kind::drain, .size = writer.finish().size(), .seq = through});
}

void WriteBehind::drained(storage::Seq through, Status status, std::uint64_t now_ms) {
  asked_ = false;
  if (status == Status::ok) {
    drained_ = std::max(drained_, through);
    oldest_at_ms_ = has_rows() ? now_ms : runtime::kNever;
    retry_ms_ = 0;
    retry_at_ms_ = 0;
    return;
  }
  retry_ms_ = retry_ms_ == 0 ? kRetryMsMin : std::min(2 * retry_ms_, kRetryMsMax);
  retry_at_ms_ = now_ms + retry_ms_;
  problem_.say("the database takes no rows (").text(name_of(status)).text("): it is tried again in ");
  problem_.number(retry_ms_).text(" ms; the journal keeps everything meanwhile");
}

}  // namespace grid::server
