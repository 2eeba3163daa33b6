// SPDX-License-Identifier: Apache-2.0

#include "server/subscription.h"

#include <algorithm>

namespace grid::server {

void OwnArrivals::add(storage::Seq seq) {
  if (seqs_.size() == kOwnMax) seqs_.pop_front();
  seqs_.push_back(seq);
}

bool OwnArrivals::contains(storage::Seq seq) const { return std::binary_search(seqs_.begin(), seqs_.end(), seq); }

void OwnArrivals::forget_through(storage::Seq seq) {
  while (!seqs_.empty() && seqs_.front() <= seq) seqs_.pop_front();
}

void Subscription::start(storage::Seq position, storage::Seq head, bool skips_tombstones, storage::Seq seen) {
  position_ = told_ = position;
  acked_ = seen;
  awaits_ack_ = true;
  live_only_through_ = skips_tombstones ? head : 0;
  current_due = true;
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
  PullCursor{epoch, told_, scope().hash()}.write(bytes);
  return bytes;
}

Bytes Subscription::news(const Journal& journal, std::uint64_t epoch, std::uint8_t (&bytes)[PullCursor::kBytes]) {
  const Bytes now = cursor(journal, epoch, bytes);
  return shown_.epoch == epoch && shown_.position == told_ ? Bytes{} : now;
}

bool Subscription::wants(const crdt::Op& op, const OwnArrivals& own) const {
  if (!scope().matches(op.cell.name) || own.contains(op.seq)) return false;
  return op.seq > live_only_through_ || !op.cell.is_tombstone();
}

Result<Bytes> Subscription::write(Journal& journal, const OwnArrivals& own, std::uint64_t epoch, MutBytes room,
                                  bool& more) {
  storage::Store& store = journal.store();
  wire::OpsWriter writer(wire::Kind::delta, {.id = id_, .map = map_}, room, value_bytes_max_);
  more = true;
  for (std::uint32_t looks = 0; looks < kLooksMax; ++looks) {
    crdt::Op op;
    const Result<crdt::Op> next = store.next_op(position_);
    if (next.status() == Status::not_found) {
      position_ = std::max(position_, store.head());
      more = false;
      break;
    }
    if (!next.ok()) return next.status();
    op.cell = next->cell;
    op.quality = next->quality;
    // Only what not even a stub fits of is passed over: no frame that a device could work with is that small.
    if (wants(*next, own) && !writer.add(op) && writer.count() > 0) break;
    position_ = next->seq;
  }
  if (writer.count() == 0) return Bytes{};
  sent_count_ += writer.count();
  std::uint8_t bytes[PullCursor::kBytes];
  return writer.finish(cursor(journal, epoch, bytes));
}

}  // namespace grid::server
