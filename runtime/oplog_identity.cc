// SPDX-License-Identifier: Apache-2.0
//
// The part of OpLog that knows whose log it is: whether it went on from where the server saw it last, and what becomes
// of pending ops when the node takes another id (PROTOCOL P1).

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
using crdt::Stamp;
using crdt::Sums;
using crdt::Value;

namespace {

// A tag is its adder's, a part its counter's. Who buries a tag of somebody else goes by that one's name.
bool is_named_after_node(const crdt::Cell& cell) {
  return CounterPart::is(cell.name.sub) || (OrTag::is(cell.name.sub) && !cell.is_tombstone());
}

}  // namespace

// Pending ops that an earlier name has signed go out as others. What they were is settled when all of them are done.
// They are counted too: the medium may have lost some.
Status OpLog::sign_pending() {
  Seq last = 0;
  std::uint64_t count = 0;
  GRID_TRY(each_local(store_.settled(), store_.head(), [&](const Op& op) {
    ++count;
    if (op.cell.stamp.node != clock_.node()) last = op.seq;
    return Status::ok;
  }));
  pending_count_ = count;
  if (last == 0) return Status::ok;
  const Status status = each_seq(store_.settled(), last, [this](Seq seq) { return sign(seq); });
  if (status == Status::ok) {
    if (store_.settled() >= reforked_as_) reforked_from_ = store_.settled();  // Else some are signed for a second time.
    reforked_to_ = last;
    reforked_as_ = store_.head();
    GRID_TRY(store_.settle(last));
  }
  GRID_TRY(count_pending());
  return status;
}

Status OpLog::sign(Seq seq) {
  Result<Op> op = copied(seq);
  if (!op.ok()) return op.status();
  const Result<Op> standing = store_.find(op->cell.name);
  if (!standing.ok() || standing->seq != seq) return Status::ok;
  op->cell.stamp.node = clock_.node();
  op->unit = {};
  dirty_ = true;
  if (is_named_after_node(op->cell)) return sign_renamed(*op);
  return store_.append(*op).status();
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

Result<bool> OpLog::names_itself() {
  bool found = false;
  GRID_TRY(each_local(store_.settled(), store_.head(), [&](const Op& op) {
    found = found || is_named_after_node(op.cell);
    return Status::ok;
  }));
  return found;
}

// A later op of the part has in its sums what the refused one brought: taken back it must not count any more (PROTOCOL
// P25), taken along it is the later op's own.
Status OpLog::rebase_counter(Seq refused, Seq standing, Taken taken) {
  const Result<Op> op = op_at(refused);
  if (!op.ok() || !CounterPart::is(op->cell.name.sub)) return op.status();
  const Sums brought = CounterPart::read(Value(op->cell.value)).fresh;
  Result<Op> now = copied(standing);
  if (!now.ok()) return now.status();
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
  bool raised = false;
  const crdt::Clock unmoved = clock_;
  Status status = clock_.tick(0, now->cell.stamp, raised);
  if (status == Status::ok) status = save_clock();
  if (status == Status::ok) status = append(*now);
  if (status != Status::ok) clock_ = unmoved;
  return status;
}

Status OpLog::count_pending() {
  pending_count_ = 0;
  return each_local(store_.settled(), store_.head(), [this](const Op&) {
    ++pending_count_;
    return Status::ok;
  });
}

Status OpLog::rename(crdt::NodeId node) {
  const crdt::Clock before = clock_;
  clock_ = crdt::Clock(node, before.state(), limits_.clock_lead_ms);
  Status status = save_clock();
  if (status == Status::ok) status = set_number_fact(store_, facts::kNode, node);
  if (status != Status::ok) clock_ = before;
  return status;
}

Result<bool> OpLog::knows(std::uint64_t taken_time, std::uint64_t taken_digest) {
  if (taken_time <= shared_time()) return true;
  Seq taken = 0;
  GRID_TRY(each_local(store_.settled(), store_.head(), [&](const Op& op) {
    const bool is_it = op.cell.stamp == Stamp{taken_time, node()};
    if (is_it && crdt::digest_of(op.cell) == taken_digest) taken = op.seq + op.unit.left;
    return Status::ok;
  }));
  // When the store was set back since, it does not know itself that they have been handed to a link (PROTOCOL P4).
  if (taken > store_.shared()) {
    dirty_ = true;
    GRID_TRY(store_.share(taken));
  }
  return taken != 0;
}

Status OpLog::refork(crdt::NodeId node, std::uint64_t taken_time) {
  if (correcting()) GRID_TRY(go_on_correcting());
  GRID_TRY(rename(node));
  reforked_taken_ = taken_time;
  return restart();
}

}  // namespace grid::runtime
