// SPDX-License-Identifier: Apache-2.0
//
// The part of OpLog that knows units: ops that are written, sent and judged together (PROTOCOL P9).

#include "runtime/oplog.h"
#include "transport/wire.h"

namespace grid::runtime {

using crdt::CellName;
using crdt::Op;
using crdt::Seq;
using crdt::Unit;

namespace {

Unit place_of(std::size_t index, std::size_t count) {
  return {static_cast<std::uint8_t>(index), static_cast<std::uint8_t>(count - 1 - index)};
}

// As large as it will be.
Op as_op(const CellChange& cell) {
  constexpr crdt::Stamp kAny{1, 1};
  return {.seq = UINT64_MAX, .cell = {cell.name, kAny, cell.expires_ms, cell.value}, .base = kAny, .unit = {1, 1}};
}

std::size_t name_bytes(const CellName& name) { return name.map.size() + name.key.size() + name.sub.size(); }

}  // namespace

void OpLog::Load::add(const Op& op) {
  ++count;
  store_bytes += name_bytes(op.cell.name) + op.cell.value.size();
  frame_bytes += wire::OpsWriter::frame_bytes(op) - wire::OpsWriter::kHeadBytesMax;
}

bool OpLog::fits_a_frame(const Load& load) const {
  return load.count <= members_.capacity() &&
         load.frame_bytes + wire::OpsWriter::kHeadBytesMax <= limits_.frame_bytes_max;
}

// The ops of a member's unit that still stand, in order; the others are gone.
template <typename Visit>
Status OpLog::each_member(const Member& op, Visit visit) {
  const Seq first = op.seq - op.unit.before, last = op.seq + op.unit.left;
  return each_seq(first - 1, last, [&](Seq seq) {
    const Result<Op> member = op_at(seq);
    if (!member.ok()) return member.status();
    const Result<Op> standing = store_.find(member->cell.name);
    return standing.ok() && standing->seq == seq ? visit(seq) : Status::ok;
  });
}

Status OpLog::check_unit(std::span<const CellChange> cells) {
  Load load;
  for (const CellChange& cell : cells) load.add(as_op(cell));
  if (fits_a_frame(load)) return Status::ok;
  problem_.say("a batch of ").number(load.count).text(" writes takes ").number(load.frame_bytes);
  problem_.text(" bytes; what belongs together must fit one frame of ").number(limits_.frame_bytes_max);
  return Status::too_large;
}

Status OpLog::add_member(Seq seq, Load& load, std::span<const CellChange> instead) {
  const Result<Op> member = op_at(seq);
  if (!member.ok()) return member.status();
  for (const CellChange& cell : instead) {
    if (cell.name == member->cell.name) return Status::ok;
  }
  for (const Seq known : members_) {
    if (known == seq) return Status::ok;
  }
  load.add(*member);
  return fits_a_frame(load) ? members_.push(seq) : Status::ok;
}

// The members of earlier units that must go with `cells`, because those take the place of others of theirs. When all
// of that would not fit a frame they stay where they are, and travel before: what was handed to a link is not
// superseded.
Status OpLog::gather(std::span<const CellChange> cells, Load& load) {
  members_.clear();
  GRID_TRY(check_unit(cells));
  for (const CellChange& cell : cells) load.add(as_op(cell));
  Seq last = 0;
  for (const CellChange& cell : cells) {
    const Result<Op> before = store_.find(cell.name);
    if (!before.ok() || !is_unshared(*before) || before->unit.is_alone()) continue;
    const Member met{before->seq, before->unit};
    GRID_TRY(each_member(met, [&](Seq seq) { return add_member(seq, load, cells); }));
    const Seq end = met.seq + met.unit.left;
    last = end > last ? end : last;
  }
  if (fits_a_frame(load)) return Status::ok;
  members_.clear();
  return store_.share(last);
}

Result<Seq> OpLog::write_unit(std::span<const CellChange> cells, const Timekeeper& time) {
  Load load;
  GRID_TRY(gather(cells, load));
  const std::size_t along = members_.size(), count = along + cells.size();
  for (std::size_t i = 0; i < cells.size(); ++i) note_superseded(cells[i].name, store_.head() + 1 + along + i);
  GRID_TRY(store_.has_room(count, load.store_bytes));
  GRID_TRY(tick_ahead(cells.size(), time.now_ms()));
  for (std::size_t i = 0; i < along; ++i) {
    Result<Op> op = copied(members_[i]);
    if (!op.ok()) return op.status();
    op->unit = place_of(i, count);
    GRID_TRY(append(*op));
  }
  Seq last = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    Op op = new_op(cells[i], time.quality());
    op.unit = place_of(along + i, count);
    bool raised = false;
    GRID_TRY(clock_.tick(time.now_ms(), op.cell.stamp, raised));
    last = store_.head() + 1;  // Behind a marker come the facts that it takes with it.
    GRID_TRY(append(op));
  }
  return last;
}

// The clock first: what is behind it must not fail halfway for want of room.
Status OpLog::tick_ahead(std::size_t count, std::uint64_t now_ms) {
  const crdt::Clock unmoved = clock_;
  bool raised = false;
  crdt::Stamp stamp;
  Status status = Status::ok;
  for (std::size_t i = 0; i < count && status == Status::ok; ++i) status = clock_.tick(now_ms, stamp, raised);
  if (status == Status::ok && raised) status = save_clock();
  clock_ = unmoved;
  return status;
}

// Writes anew, in order, what still stands of the unit of `op`.
Status OpLog::renew_unit(const Op& op) {
  Load load;
  members_.clear();
  GRID_TRY(each_member(Member{op.seq, op.unit}, [&](Seq seq) { return add_member(seq, load, {}); }));
  const std::size_t count = members_.size();
  GRID_TRY(store_.has_room(count, load.store_bytes));
  GRID_TRY(tick_ahead(count, 0));
  for (std::size_t i = 0; i < count; ++i) {
    Result<Op> renewed = copied(members_[i]);
    if (!renewed.ok()) return renewed.status();
    renewed->unit = place_of(i, count);
    bool raised = false;
    GRID_TRY(clock_.tick(0, renewed->cell.stamp, raised));
    GRID_TRY(append(*renewed));
  }
  return Status::ok;
}

std::size_t OpLog::left_of_unit(const Op& op) {
  std::size_t left = 0;
  const Status counted = each_seq(op.seq, op.seq + op.unit.left, [&left](Seq) {
    ++left;
    return Status::ok;
  });
  return counted == Status::ok ? left : 0;
}

}  // namespace grid::runtime
