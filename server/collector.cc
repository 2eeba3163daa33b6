// SPDX-License-Identifier: Apache-2.0

#include "server/collector.h"

#include <algorithm>

#include "crdt/base/check.h"

namespace grid::server {

namespace {

constexpr std::string_view kArrivals = "arrivals";  // Marks: position and wall time, 8 bytes each.
constexpr std::size_t kMarkBytes = 16;

// Whether `span_ms` have gone by since then.
bool is_past(std::uint64_t since_ms, std::uint64_t span_ms, std::uint64_t wall_ms) {
  return wall_ms >= since_ms && wall_ms - since_ms >= span_ms;
}

}  // namespace

Status Collector::open() {
  const Result<Bytes> bytes = journal_.store().fact(kArrivals);
  if (!bytes.ok()) return bytes.status() == Status::not_found ? Status::ok : bytes.status();
  if (bytes->size() % kMarkBytes != 0) return Status::corrupt;
  for (std::size_t at = 0; at < bytes->size(); at += kMarkBytes) {
    marks_.push_back({load_be(bytes->data() + at), load_be(bytes->data() + at + 8)});
  }
  return Status::ok;
}

std::uint64_t Collector::step_ms() const {
  const std::uint64_t span = std::min(keeping_.retention_ms, std::max<std::uint64_t>(1, keeping_.backup_horizon_ms));
  return std::clamp(span / 16, kStepMsMin, kStepMsMax);
}

// Without the time nothing is judged by it (PROTOCOL P20).
Result<bool> Collector::advance(std::uint64_t now_ms, std::uint64_t wall_ms, storage::Seq through, Readers& readers) {
  if (wall_ms == 0 || journal_.dead_count() == 0) {
    next_at_ms_ = runtime::kNever;
    return false;
  }
  if (next_at_ms_ == runtime::kNever) next_at_ms_ = now_ms + step_ms();
  if (now_ms < next_at_ms_) return false;
  next_at_ms_ = now_ms + step_ms();
  if (!goes_on_) {
    GRID_TRY(mark(wall_ms));
    GRID_TRY(count_devices(wall_ms, readers));
  }
  goes_on_ = false;
  due_.clear();
  next_ = journal_.floor();
  GRID_TRY(gather_removed(wall_ms, through, readers));
  GRID_TRY(gather_expired(wall_ms, through, readers));
  if (goes_on_) next_at_ms_ = now_ms;
  if (due_.empty()) return false;
  GRID_TRY(collect(readers));
  return true;
}

// Goes with a batch that is written anyhow: without it, what arrived seems younger than it is.
Status Collector::mark(std::uint64_t wall_ms) {
  const storage::Seq head = journal_.head();
  if (!marks_.empty() && marks_.back().position == head) return Status::ok;
  if (!marks_.empty()) wall_ms = std::max(wall_ms, marks_.back().wall_ms);
  if (marks_.size() == kMarksMax) {
    std::size_t kept = 0;
    for (std::size_t i = 1; i < marks_.size(); i += 2) marks_[kept++] = marks_[i];
    marks_.resize(kept);
  }
  marks_.push_back({head, wall_ms});
  std::uint8_t bytes[kMarksMax * kMarkBytes];
  for (std::size_t i = 0; i < marks_.size(); ++i) {
    store_be(marks_[i].position, bytes + i * kMarkBytes);
    store_be(marks_[i].wall_ms, bytes + i * kMarkBytes + 8);
  }
  const Status status = journal_.store().set_fact(kArrivals, Bytes(bytes).first(marks_.size() * kMarkBytes));
  return status == Status::full ? Status::ok : status;
}

std::uint64_t Collector::arrived_by(storage::Seq seq) const {
  const auto at = std::partition_point(marks_.begin(), marks_.end(), [seq](const Mark& m) { return m.position < seq; });
  return at == marks_.end() ? runtime::kNever : at->wall_ms;
}

Status Collector::count_devices(std::uint64_t wall_ms, const Readers& readers) {
  enrolled_count_ = lapsed_count_ = 0;
  enrolled_through_ = UINT64_MAX;
  return each_peer(journal_.store(), [&](crdt::NodeId node, const Peer& peer) {
    if (peer.acked_epoch == 0) return;  // It holds nothing that it was sent.
    const bool linked = readers.is_linked(node);
    const bool enrolled = linked || !is_past(peer.heard_ms, keeping_.enroll_lapse_ms, wall_ms);
    ++(enrolled ? enrolled_count_ : lapsed_count_);
    if (enrolled && !linked) enrolled_through_ = std::min(enrolled_through_, peer.acked_position);
  });
}

bool Collector::is_due(const crdt::Op& op, std::uint64_t since_ms, std::uint64_t wall_ms,
                       const Readers& readers) const {
  if (!is_past(since_ms, keeping_.backup_horizon_ms, wall_ms)) return false;
  if (is_past(since_ms, keeping_.retention_ms, wall_ms)) return true;
  return op.seq <= enrolled_through_ && readers.have_seen(op.cell.name, op.seq);
}

void Collector::take(const crdt::Op& op) {
  const crdt::CellName& name = op.cell.name;
  due_.push_back({std::string(name.map), std::string(name.key), std::string(name.sub), op.seq});
  next_.gone = std::max(next_.gone, op.seq);
  next_.position = std::max(next_.position, op.seq);
  next_.greatest = std::max(next_.greatest, op.cell.stamp);
  ++next_.count;
}

// In order of arrival, so that behind the first that stays none goes.
Status Collector::gather_removed(std::uint64_t wall_ms, storage::Seq through, const Readers& readers) {
  for (std::uint32_t looks = 0;; ++looks) {
    goes_on_ = looks == kLooksMax || due_.size() == kBatchMax;
    if (goes_on_) return Status::ok;
    const Result<crdt::Op> op = journal_.store().next_op(looked_);
    if (op.status() == Status::not_found) return Status::ok;
    if (!op.ok()) return op.status();
    if (op->seq > through) return Status::ok;
    if (op->cell.is_tombstone()) {
      if (!is_due(*op, arrived_by(op->seq), wall_ms, readers)) return Status::ok;
      take(*op);
    }
    looked_ = op->seq;
  }
}

// In the order in which they expired. Only up to where the removals are gone: the floor stands for both.
Status Collector::gather_expired(std::uint64_t wall_ms, storage::Seq through, const Readers& readers) {
  for (const auto& [at_ms, seq] : journal_.partitions().expired()) {
    if (due_.size() == kBatchMax) {
      goes_on_ = true;
      return Status::ok;
    }
    const Result<crdt::Op> op = journal_.store().next_op(seq - 1);
    if (!op.ok()) return op.status();
    GRID_CHECK(op->seq == seq);
    const bool in_reach = seq <= looked_ && seq <= through;
    if (!in_reach || !is_due(*op, std::max(at_ms, arrived_by(seq)), wall_ms, readers)) return Status::ok;
    take(*op);
    next_.expired_ms = std::max(next_.expired_ms, at_ms);
  }
  return Status::ok;
}

// The floor first: when an erasure finds no room behind it, a floor that is too high costs a comparison.
Status Collector::collect(Readers& readers) {
  Status status = journal_.raise_floor(next_);
  for (const Due& due : due_) {
    if (status != Status::ok) break;
    status = journal_.erase(due.name());
    if (status == Status::ok) readers.passed(due.name(), due.seq);
  }
  if (status == Status::ok) return Status::ok;
  looked_ = 0;  // What is left is found again.
  journal_.touch();
  return status == Status::full ? Status::ok : status;
}

}  // namespace grid::server
