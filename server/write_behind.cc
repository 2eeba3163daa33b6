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

storage::Seq WriteBehind::collect(MutBytes room, runtime::ActionList& actions) {
  if (!has_rows()) {
    asked_ = false;
    return 0;
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
    return 0;
  }
  actions.add({.kind = Action::Kind::drain, .size = writer.finish().size(), .seq = through});
  return through;
}

void WriteBehind::drained(const runtime::Event& event) {
  asked_ = false;
  note(event);
  // Set back, or found where it stands: what it lacks is all here.
  if (event.status == Status::conflict) drained_ = event.seq, blocked_at_ = 0;
  if (event.status == Status::ok || event.status == Status::conflict) {
    drained_ = std::max(drained_, event.seq);
    oldest_at_ms_ = has_rows() ? event.now_ms : runtime::kNever;
    retry_ms_ = 0;
    retry_at_ms_ = 0;
    return;
  }
  retry_ms_ = retry_ms_ == 0 ? kRetryMsMin : std::min(2 * retry_ms_, kRetryMsMax);
  // Many gateways that lost one server don't come back as one.
  const std::uint32_t wait_ms = retry_ms_ / 2 + static_cast<std::uint32_t>(random_.below(retry_ms_ / 2 + 1));
  retry_at_ms_ = event.now_ms + wait_ms;
  problem_.say("the database takes no rows (").text(name_of(event.status)).text("): it is tried again in ");
  problem_.number(wait_ms).text(" ms; the journal keeps everything meanwhile");
}

void WriteBehind::note(const runtime::Event& event) {
  const Status status = event.status == Status::conflict ? Status::ok : event.status;
  if (status != status_ || since_wall_ms_ == 0) since_wall_ms_ = journal_.wall_ms();
  status_ = status;
  dead_letters_ = event.batch;
  if (event.bytes.empty()) return;
  last_problem_ = as_text(event.bytes).substr(0, kProblemBytesMax);
  // No half of a character.
  while (!crdt::is_utf8(last_problem_)) last_problem_.pop_back();
}

SinkFigures WriteBehind::figures(std::uint64_t now_ms) const {
  const bool has_waited = options_.has_sink && oldest_at_ms_ != runtime::kNever;
  const storage::Seq durable = journal_.durable_head();
  return {status_,
          since_wall_ms_,
          last_problem_,
          options_.has_sink && durable > drained_ ? durable - drained_ : 0,
          has_waited && now_ms > oldest_at_ms_ ? now_ms - oldest_at_ms_ : 0,
          dead_letters_};
}

}  // namespace grid::server
