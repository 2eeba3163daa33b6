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

 private:
  Replica& replica_;
  Call& call_;
};

Status Replica::edit(Call& call) {
  GRID_TRY(check_row(call));
  if (!call.value.empty()) GRID_TRY(check_value(call.value));
  Hand hand(*this, call);
  return call.edit(hand, call);
}

}  // namespace grid::runtime
