// SPDX-License-Identifier: Apache-2.0
//
// The part of Replica that lends itself to edits (edit.h).

#include "runtime/replica.h"

namespace grid::runtime {

using crdt::CellName;
using crdt::Op;

class Replica::Hand final : public Editor {
 public:
  Hand(Replica& replica, Call& call) : replica_(replica), call_(call) {}

  Result<Op> standing(const CellName& name) override { return replica_.store_.find(name); }
  Result<Op> behind(const CellName& name) override { return replica_.store_.next_cell(name); }
  bool is_unshared(const Op& op) const override { return replica_.log_.is_unshared(op); }
  bool is_pending(const Op& op) const override { return replica_.log_.is_pending(op); }
  crdt::NodeId node() const override { return replica_.log_.node(); }
  crdt::Seq next_seq() const override { return replica_.store_.head() + 1; }
  std::uint64_t known_ms() const override { return replica_.time_.known_ms(); }
  Status put_cell(const CellName& name, Bytes value, std::uint64_t ttl_ms) override {
    return replica_.write_cell(name, value, ttl_ms, call_);
  }
  Status withdraw(const Op& op) override { return replica_.log_.withdraw(op); }
  Problem& problem() override { return replica_.problem_; }
  LetterBox* letters() override { return replica_.options_.letters; }
  bool knows_facts() const override { return replica_.options_.views->log->bury_facts != nullptr; }
  storage::Store& store() override { return replica_.store_; }
  Random& chance() override { return replica_.random_; }
  void touch() override { replica_.log_.touch(); }

  std::string_view app() const override { return replica_.options_.app; }
  std::uint64_t expiry_of(std::uint64_t ttl_ms) const override {
    return runtime::expiry_of(ttl_ms, replica_.time_.now_ms());
  }
  Status check_row(const RowWrite& row) override {
    const Call one{.scope = {ScopeKind::key, row.map, row.key}, .value = row.value};
    GRID_TRY(replica_.check_row(one));
    return row.value.empty() ? Status::ok : replica_.check_value(row.value);
  }
  Status check_unit(std::span<const CellChange> cells) override { return replica_.log_.check_unit(cells); }
  Status has_room(std::size_t rows, std::size_t units, std::size_t bytes) override {
    const Limits& limits = *replica_.options_.limits;
    if (replica_.log_.pending_count() + rows > limits.pending_ops_max) {
      replica_.problem_.say("the log of unsent ops has no room for a batch of ").number(rows);
      return Status::full;
    }
    const std::size_t along = units * OpLog::unit_ops_max(limits);
    const Status status = replica_.store_.has_room(rows + along, bytes + units * limits.frame_bytes_max);
    if (status != Status::ok) replica_.problem_.say("the store takes no more: ").text(replica_.store_.problem());
    return status;
  }
  Status put_unit(std::span<const CellChange> cells) override {
    const Result<crdt::Seq> seq = replica_.log_.write_unit(cells, replica_.time_);
    if (seq.ok()) call_.seq = *seq;
    if (seq.status() == Status::io) replica_.stop(Status::io);
    return seq.status();
  }

 private:
  Replica& replica_;
  Call& call_;
};

Status Replica::edit(Replica& replica, Call& call) {
  const bool is_of_row = call.rows.empty() && call.facts.empty() && call.room.empty();
  if (is_of_row) GRID_TRY(replica.check_row(call));
  if (!call.value.empty()) GRID_TRY(replica.check_value(call.value));
  Hand hand(replica, call);
  return call.edit(hand, call);
}

const Views kViews{&OpLog::kRules, &Replica::edit};

}  // namespace grid::runtime
