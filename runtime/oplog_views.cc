// SPDX-License-Identifier: Apache-2.0
//
// The part of OpLog that knows cells beyond rows: tags and parts that bear their node's id (PROTOCOL P1, P25). A device
// that was opened without views does not link it, nor oplog_unit.cc.

#include "crdt/or_map.h"
#include "crdt/pn_counter.h"
#include "runtime/facts.h"
#include "runtime/oplog.h"

namespace grid::runtime {

using crdt::CellName;
using crdt::CounterPart;
using crdt::Op;
using crdt::OrTag;
using crdt::Seq;
using crdt::Sums;
using crdt::Value;

// A tag is its adder's, a part its counter's. Who buries a tag of somebody else goes by that one's name.
bool OpLog::is_named_after_node(const crdt::Cell& cell) {
  return CounterPart::is(cell.name.sub) || (OrTag::is(cell.name.sub) && !cell.is_tombstone());
}

// Both rows or none: halfway, the next try would count a part twice. What the server took under the old id, from who
// went on with it, is not brought a second time: it comes from there.
Status OpLog::sign_renamed(const Op& op) {
  Op renamed = op;
  std::uint8_t tag[OrTag::kBytes], part[CounterPart::kNameBytes], value[CounterPart::kValueBytesMax];
  GRID_TRY(store_.has_room(2, 2 * kNameBytesMax + sizeof(value) + op.cell.value.size()));
  if (OrTag::is(op.cell.name.sub)) {
    renamed.cell.name.sub = OrTag{node(), store_.head() + 1}.write(tag);
  } else {
    const Result<Sums> before = counted_before(op.cell.name);
    if (!before.ok()) return before.status();
    const Sums all = CounterPart::read(Value(op.cell.value)).all.minus(*before);
    renamed.cell.name.sub = CounterPart::name(node(), part);
    renamed.cell.value = CounterPart{all, all}.write(value);
  }
  renamed.base = {};
  if (op.cell.stamp.time > reforked_taken_) GRID_TRY(store_.append(renamed).status());
  return store_.append({.cell = {op.cell.name, {}, 0, {}}}).status();
}

// By ops that the server has.
Result<Sums> OpLog::counted_before(const CellName& name) {
  Sums counted;
  bool is_known = false;
  GRID_TRY(each_local(store_.settled(), store_.head(), [&](const Op& op) {
    if (op.cell.name != name) return Status::ok;
    const CounterPart part = CounterPart::read(Value(op.cell.value));
    const bool is_taken = op.cell.stamp.time <= reforked_taken_;
    if (is_taken) counted = part.all;
    if (!is_taken && !is_known) counted = part.all.minus(part.fresh);
    is_known = true;
    return Status::ok;
  }));
  return counted;
}

// A later op of the part has in its sums what the refused one brought: taken back it must not count any more (PROTOCOL
// P25), taken along it is the later op's own. Once for each: refusals come in the order of the log, and may come again
// behind a power cut. What came from the server since has nothing of it.
Status OpLog::rebase_counter(Seq refused, Seq standing, Taken taken) {
  const Result<Op> op = op_at(refused);
  if (!op.ok() || !CounterPart::is(op->cell.name.sub)) return op.status();
  const Sums brought = CounterPart::read(Value(op->cell.value)).fresh;
  if (brought.up == 0 && brought.down == 0) return Status::ok;  // Else two that are refused renew one another for ever.
  const Result<std::uint64_t> rebased = number_fact(store_, facts::kRebased);
  if (!rebased.ok() && rebased.status() != Status::not_found) return rebased.status();
  if (rebased.ok() && refused <= *rebased) return Status::ok;
  Result<Op> now = copied(standing);
  if (!now.ok() || !now->local) return now.status();
  CounterPart part = CounterPart::read(Value(now->cell.value));
  const bool is_in_flight = !is_unshared(*now);
  if (taken == Taken::along) {
    if (is_in_flight) return Status::ok;
    part.fresh = {part.fresh.up + brought.up, part.fresh.down + brought.down};
  } else {
    part.all = part.all.minus(brought);
    if (is_in_flight) part.fresh = {};
  }
  std::uint8_t value[CounterPart::kValueBytesMax];
  now->cell.value = part.write(value);
  GRID_TRY(store_.has_room(2, kNameBytesMax + sizeof(value)));
  bool raised = false;
  const crdt::Clock unmoved = clock_;
  Status status = clock_.tick(0, now->cell.stamp, raised);
  if (status == Status::ok) status = save_clock();
  if (status == Status::ok) status = append(*now);
  if (status != Status::ok) clock_ = unmoved;
  return status == Status::ok ? set_number_fact(store_, facts::kRebased, refused) : status;
}

const OpLog::Rules OpLog::kRules{is_named_after_node, &OpLog::sign_renamed, &OpLog::rebase_counter, &OpLog::write_unit,
                                 &OpLog::renew_unit};

}  // namespace grid::runtime
