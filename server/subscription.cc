// SPDX-License-Identifier: Apache-2.0

#include "server/subscription.h"

#include <algorithm>

#include "server/scope_walk.h"

namespace grid::server {

void OwnArrivals::add(storage::Seq seq) {
  if (seqs_.size() == kOwnMax) seqs_.pop_front();
  seqs_.push_back(seq);
}

bool OwnArrivals::contains(storage::Seq seq) const { return std::binary_search(seqs_.begin(), seqs_.end(), seq); }

void OwnArrivals::forget_through(storage::Seq seq) {
  while (!seqs_.empty() && seqs_.front() <= seq) seqs_.pop_front();
}

bool RowsHeld::add(std::string_view key) {
  if (keys_.size() >= rows_max_ && !has(key)) return knows_all_ = false;
  keys_.insert(hash_of(key));
  return true;
}

bool Subscription::wants_row(const crdt::Cell& row) const {
  return scope().matches(row.name) && (test_ == nullptr || test_->runtime::RowTest::accepts(row));
}

std::uint64_t Subscription::scope_hash() const {
  if (granted_ == nullptr) return scope().hash();
  return crdt::Hash64().add_number(scope().hash()).add(granted_->predicate().program()).value();
}

Status Subscription::know_rows(Journal& journal, storage::Seq position, std::size_t rows_max, bool by_comparison) {
  if (test_ == nullptr) return Status::ok;
  held_.limit(rows_max);
  partly_held_.limit(rows_max);
  remains_.limit(rows_max);
  if (position == 0) return Status::ok;
  for (ScopeWalk walk(scope(), journal.store(), journal.finder());;) {
    const Result<crdt::Op> op = walk.next();
    if (op.status() == Status::not_found) break;
    if (!op.ok()) return op.status();
    if (!op->cell.name.sub.empty() || op->seq > position) continue;
    RowsHeld& rows = by_comparison && op->cell.expires_ms != 0 ? partly_held_ : held_;
    if (!rows.add(op->cell.name.key)) break;
  }
  return Status::ok;
}

Status Subscription::show(Journal& journal, std::string_view key) {
  if (test_ == nullptr || held_.has(key)) return Status::ok;
  partly_held_.add(key);
  if (!leaps_.is_on()) return Status::ok;
  const Result<crdt::Op> row = journal.store().find({map_, key, {}});
  if (row.ok()) leaps_.note(row->seq);
  return row.status() == Status::not_found ? Status::ok : row.status();
}

void Subscription::leap(const Journal& journal) {
  if (test_ != nullptr && journal.finder() != nullptr) leaps_.begin(*journal.finder(), map_, test_->predicate());
}

void Subscription::touch(storage::Seq before, storage::Seq gone) {
  if (stale_ && gone > position_) ++coalesced_count_;
  if (!stale_) position_ = std::max(position_, before);
  stale_ = true;
}

void Subscription::start(storage::Seq position, storage::Seq head, bool skips_tombstones, storage::Seq seen) {
  position_ = told_ = position;
  acked_ = seen;
  awaits_ack_ = true;
  live_only_through_ = skips_tombstones ? head : 0;
  current_due = stale_ = true;
}

void Subscription::resume(const PullCursor& cursor) {
  start(cursor.position, 0, false, cursor.position);
  awaits_ack_ = false;
  shown_ = cursor;
}

Bytes Subscription::cursor(const Journal& journal, std::uint64_t epoch, std::uint8_t (&bytes)[PullCursor::kBytes]) {
  const storage::Seq before = told_;
  told_ = journal.read_through(told_, position_);
  awaits_ack_ = awaits_ack_ || told_ != before;
  PullCursor{epoch, told_, scope_hash()}.write(bytes);
  return bytes;
}

Bytes Subscription::news(const Journal& journal, std::uint64_t epoch, std::uint8_t (&bytes)[PullCursor::kBytes]) {
  const Bytes now = cursor(journal, epoch, bytes);
  return shown_.epoch == epoch && shown_.position == told_ ? Bytes{} : now;
}

bool Subscription::wants(const crdt::Op& op, const OwnArrivals& own) const {
  // Who holds nothing has let go of what it wrote itself.
  if (op.seq <= live_only_through_) return !op.cell.is_tombstone();
  return !own.contains(op.seq);
}

// Only what not even a stub fits of is passed over: no frame that a device could work with is that small.
Subscription::Step Subscription::add(const crdt::Op& op, const Writing& to) {
  const crdt::Op entry{.cell = op.cell, .quality = op.quality};
  return to.writer.add(entry) || to.writer.count() == 0 ? Step::done : Step::full;
}

Result<Subscription::Step> Subscription::take(const crdt::Op& op, const Writing& to) {
  if (!scope().matches(op.cell.name)) return Step::done;
  // What is left of an entity that is being deleted: who comes now may not be told of the marker.
  if (to.journal.is_burying(op.cell.name)) return Step::done;
  if (test_ == nullptr) return wants(op, to.own) ? add(op, to) : Step::done;
  if (op.cell.name.sub.empty()) return take_row(op, to);
  if (!wants(op, to.own)) return Step::done;
  // Of a row that is not held yet, it goes with the row when that comes.
  if (held_.has(op.cell.name.key)) return granted_ == nullptr ? add(op, to) : take_held(op, to);
  if (partly_held_.has(op.cell.name.key)) return complete(op.cell.name.key, to);
  return held_.knows_all() ? Step::done : take_beside(op, to);
}

// Under a grant, only while the row as it stands is in it: its leaving may be further on.
Result<Subscription::Step> Subscription::take_held(const crdt::Op& op, const Writing& to) {
  const std::string key(op.cell.name.key);
  const storage::Seq seq = op.seq;
  const Result<crdt::Op> row = to.journal.store().find({map_, key, {}});
  if (row.status() == Status::not_found) return Step::done;
  if (!row.ok()) return row.status();
  if (!test_->runtime::RowTest::accepts(row->cell)) return Step::done;
  const Result<crdt::Op> again = to.journal.store().next_op(seq - 1);
  return again.ok() ? Result<Step>(add(*again, to)) : again.status();
}

// Nobody can tell what it lacks of the row: if that is in its scope, it is sent whole.
Result<Subscription::Step> Subscription::complete(std::string_view key, const Writing& to) {
  const std::string name(key);
  const Result<crdt::Op> row = to.journal.store().find({map_, name, {}});
  if (row.status() == Status::not_found) return Step::done;
  if (!row.ok()) return row.status();
  return test_->runtime::RowTest::accepts(row->cell) ? enter(*row, to) : Step::done;
}

// Of more rows than are remembered: the row is held when it was passed before.
Result<Subscription::Step> Subscription::take_beside(const crdt::Op& op, const Writing& to) {
  const std::string key(op.cell.name.key);
  const storage::Seq seq = op.seq;
  const Result<crdt::Op> row = to.journal.store().find({map_, key, {}});
  if (row.status() == Status::not_found) return Step::done;
  if (!row.ok()) return row.status();
  if (row->seq > seq || !test_->runtime::RowTest::accepts(row->cell)) return Step::done;
  const Result<crdt::Op> again = to.journal.store().next_op(seq - 1);
  return again.ok() ? Result<Step>(add(*again, to)) : again.status();
}

// A row that enters is sent with all that it holds, whatever its arrival (PROTOCOL P13). One that leaves is told only
// when it is held (P21), and when no other subscription of the device wants it (P22).
Result<Subscription::Step> Subscription::take_row(const crdt::Op& op, const Writing& to) {
  ++judged_count_;
  const bool is_held = held_.has(op.cell.name.key);
  if (test_->runtime::RowTest::accepts(op.cell)) {
    if (!is_held) return enter(op, to);
    // Under what has expired a comparison that is under way finds nothing.
    if (!op.cell.is_live(to.journal.wall_ms()) && held_.remove(op.cell.name.key)) partly_held_.add(op.cell.name.key);
    return wants(op, to.own) ? add(op, to) : Step::done;
  }
  const bool is_shown = partly_held_.has(op.cell.name.key);
  if (!is_held && !is_shown && !(held_.knows_all() && partly_held_.knows_all())) {
    compare_due = true;
    if (untold_ == 0) untold_ = op.seq;
  }
  return is_held || is_shown ? leave(op, to) : Step::done;
}

Result<Subscription::Step> Subscription::enter(const crdt::Op& row, const Writing& to) {
  if (entering_ != row.seq) entered_sub_.clear();
  const bool goes_on = entering_ == row.seq;
  entering_ = row.seq;
  const std::string key(row.cell.name.key);
  if (!goes_on && begin_row(row, to) == Step::full) return entering_ = 0, Step::full;
  for (;;) {
    const Result<crdt::Op> op = to.journal.store().next_cell({map_, key, entered_sub_});
    if (!op.ok() && op.status() != Status::not_found) return op.status();
    if (!op.ok() || op->cell.name.key != key || op->cell.name.map != map_) break;
    // What the device wrote of it itself may have been evicted since.
    const bool is_due = op->seq > live_only_through_ || !op->cell.is_tombstone();
    if (is_due && add(*op, to) == Step::full) return Step::full;
    entered_sub_ = op->cell.name.sub;
  }
  entering_ = 0;
  partly_held_.remove(key);
  remains_.remove(key);
  held_.add(key);
  return Step::done;
}

// What the device has of a row that was collected here meanwhile goes first: nobody can tell what of it is gone.
Subscription::Step Subscription::begin_row(const crdt::Op& row, const Writing& to) {
  const bool is_anew = remains_.has(row.cell.name.key);
  const wire::OpsWriter::Mark mark = to.writer.mark();
  const crdt::Op word{.cell = {.name = row.cell.name, .stamp = {}}, .evicted = true};
  if (is_anew && !to.writer.add(word) && to.writer.count() > 0) return Step::full;
  if ((!is_anew && !wants(row, to.own)) || add(row, to) == Step::done) return Step::done;
  to.writer.cut(mark);
  return Step::full;
}

// A row that is removed goes as what it is, a tombstone; the rest of it is evicted. What the device wrote itself is
// told behind its acknowledgement, by the session.
Subscription::Step Subscription::leave(const crdt::Op& row, const Writing& to) {
  const wire::OpsWriter::Mark mark = to.writer.mark();
  const bool is_own = to.own.contains(row.seq);
  // Of rows that it may not see, the device is not told that they are removed.
  const bool was_seen = granted_ == nullptr || held_.has(row.cell.name.key);
  if (!is_own && was_seen && row.cell.is_tombstone() && add(row, to) == Step::full) return Step::full;
  const crdt::Op word{.cell = {.name = row.cell.name, .stamp = {}}, .evicted = true};
  if (!is_own && !to.wanted(row.cell) && !to.writer.add(word) && to.writer.count() > 0) {
    to.writer.cut(mark);
    return Step::full;
  }
  held_.remove(row.cell.name.key);
  partly_held_.remove(row.cell.name.key);
  return Step::done;
}

Result<Bytes> Subscription::write(Journal& journal, const OwnArrivals& own, const Wanted& wanted, std::uint64_t epoch,
                                  MutBytes room, bool& more) {
  storage::Store& store = journal.store();
  wire::OpsWriter writer(wire::Kind::delta, {.id = id_, .map = map_}, room, value_bytes_max_);
  const Writing to{journal, own, wanted, writer};
  more = true;
  if (!stale_) position_ = std::max(position_, store.head());
  for (std::uint32_t looks = 0; looks < kLooksMax; ++looks) {
    if (leaps_.is_on()) position_ = leaps_.leap(position_, map_, predicate());
    const Result<crdt::Op> next = store.next_op(position_);
    if (next.status() == Status::not_found) {
      position_ = std::max(position_, store.head());
      more = stale_ = false;
      break;
    }
    if (!next.ok()) return next.status();
    const storage::Seq seq = next->seq;
    const Result<Step> step = take(*next, to);
    if (!step.ok()) return step.status();
    if (*step == Step::full) break;
    position_ = seq;
  }
  if (writer.count() == 0) return Bytes{};
  sent_count_ += writer.count();
  std::uint8_t bytes[PullCursor::kBytes];
  return writer.finish(cursor(journal, epoch, bytes));
}

}  // namespace grid::server
