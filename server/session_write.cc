// SPDX-License-Identifier: Apache-2.0
//
// The sending half of Session: which frame goes next, straight into the host's buffer.

#include <algorithm>

#include "server/observer.h"
#include "server/session.h"
#include "transport/wire_auth.h"
#include "transport/wire_channel.h"
#include "transport/wire_search.h"

namespace grid::server {

using crdt::Op;
using wire::Kind;

bool Session::wants_write() const {
  if (over_) return false;
  if (bye_due_) return true;
  if (welcome_due_) return !welcome_waits_;
  return !subscribed_due_.empty() || !rejected_.empty() || !beaten_.empty() || !inspected_due_.empty() ||
         is_shown_due() || (greeted_ && ack_due()) || answer_.has_work() || dirty_;
}

MutBytes Session::room_for(MutBytes room) const {
  if (frame_bytes_max_ == 0 || room.size() <= frame_bytes_max_) return room;
  return room.first(std::max<std::size_t>(frame_bytes_max_, wire::kControlBytesMax));
}

Bytes Session::write(MutBytes room) { return next_frame(room_for(room)); }

Bytes Session::next_frame(MutBytes room) {
  if (over_) return {};
  if (bye_due_) return write_bye(room);
  if (welcome_due_) return welcome_waits_ ? Bytes{} : write_welcome(room);
  if (!subscribed_due_.empty()) return write_subscribed(room);
  if (!rejected_.empty()) return write_reject(room);
  if (!beaten_.empty()) return write_beaten(room);
  // All that is due of it, before the next ack lets the device go on: what waits is bounded by its window.
  Bytes frame;
  for (std::size_t before = 0; frame.empty() && is_shown_due() && shown_.size() != before;) {
    before = shown_.size();
    frame = write_shown(room);
  }
  if (!frame.empty()) return frame;
  if (greeted_ && ack_due()) return write_ack(room);
  if (!inspected_due_.empty()) return write_inspected(room);
  // A comparison's deltas and a stream's take turns by themselves: streams go on once the answer is out, and the
  // `current` that opens a comparison goes before its first digest.
  if (dirty_) frame = write_pull(room);
  if (frame.empty() && answer_.has_work()) frame = write_answer(room);
  return frame;
}

Bytes Session::write_bye(MutBytes room) {
  bye_due_ = false;
  over_ = true;
  return wire::encode(bye_, room);
}

Bytes Session::write_welcome(MutBytes room) {
  welcome_due_ = false;
  grid_Welcome welcome = grid_Welcome_init_zero;
  welcome.protocol = wire::kProtocolMax;
  welcome.epoch = shared_.epochs.current();
  welcome.fork_token = forked_ ? 0 : token_durable_;
  welcome.wall_ms = shared_.journal.wall_ms();
  welcome.frame_bytes_max = shared_.options.frame_bytes_max;
  welcome.value_bytes_max = shared_.options.value_bytes_max;
  welcome.window_ops = shared_.quota.window(shared_.options.window_ops);
  welcome.drift_ms_max = shared_.options.drift_ms_max;
  welcome.forked = forked_;
  welcome.taken_time = peer_.taken_time;
  welcome.taken_digest = peer_.taken_digest;
  welcome.lost = lost_;
  welcome.features = wire::kFeatureChannels | wire::kFeaturePredicates | wire::kFeatureFacts;
  if (!shared_.options.search.maps.empty()) welcome.features |= wire::kFeatureSearch;
  if (shared_.options.entity_asks_max > 0) welcome.features |= wire::kFeatureEntities;
  if (!permit_.identity().empty()) welcome.features |= wire::kFeatureAuth;
  return wire::encode(welcome, room);
}

Bytes Session::write_subscribed(MutBytes room) {
  const grid_Subscribed message = subscribed_due_.front();
  subscribed_due_.erase(subscribed_due_.begin());
  return wire::encode(message, room);
}

Bytes Session::write_reject(MutBytes room) {
  const Rejected rejected = std::move(rejected_.front());
  rejected_.pop_front();
  Op op;
  op.cell.name = rejected.name.view();
  // Only if the writer may read it (PROTOCOL P21).
  const Result<bool> is_shown = may_be_shown(op.cell.name);
  const Result<Op> standing = shared_.journal.store().find(op.cell.name);
  if (standing.ok() && is_shown.ok() && *is_shown) op = {.cell = standing->cell, .quality = standing->quality};
  op.seq = rejected.seq;
  op.base = rejected.renew_above;
  const wire::OpsHead head{.status = rejected.status, .wall_ms = shared_.journal.wall_ms()};
  wire::OpsWriter writer(Kind::reject, head, room, value_bytes_max_);
  if (writer.add(op)) return writer.finish_with(rejected.sentence);
  // No frame that a device could work with is that small: the sequence alone, then.
  wire::OpsWriter bare(Kind::reject, head, room);
  bare.add({.seq = rejected.seq, .cell = {}});
  return bare.finish_with(rejected.sentence);
}

// As the answer to an ask that the device did not know to make: without a cursor.
Bytes Session::write_beaten(MutBytes room) {
  const std::uint32_t id = beaten_.front().subscription;
  wire::OpsWriter writer(Kind::delta, {.id = id}, room, value_bytes_max_);
  for (; !beaten_.empty() && beaten_.front().subscription == id; beaten_.pop_front()) {
    const Result<Op> standing = shared_.journal.store().find(beaten_.front().name.view());
    if (standing.ok() && !writer.add({.cell = standing->cell, .quality = standing->quality}) && writer.count() > 0)
      break;
  }
  return writer.finish();
}

// Rows that the device wrote, and that no subscription of it wants: they are its to keep no longer (PROTOCOL P22).
Bytes Session::write_shown(MutBytes room) {
  const Subscription* const subscription = predicate_of(shown_.front().name.map);
  const std::string map = shown_.front().name.map;
  wire::OpsWriter writer(Kind::delta, {.id = subscription == nullptr ? 0 : subscription->id(), .map = map}, room);
  for (; is_shown_due() && shown_.front().name.map == map; shown_.pop_front()) {
    if (subscription == nullptr) continue;
    const crdt::CellName name{map, shown_.front().name.key, {}};
    const Result<Op> row = shared_.journal.store().find(name);
    const crdt::Cell standing = row.ok() ? row->cell : crdt::Cell{.name = name, .stamp = {}};
    const wire::OpsWriter::Mark mark = writer.mark();
    if (wants_row(standing)) {
      // As in note_beaten(): what it lost to.
      const Result<Op> cell = shared_.journal.store().find(shown_.front().name.view());
      const bool has_lost = cell.ok() && cell->cell.stamp.node != node_;
      if (has_lost && !writer.add({.cell = cell->cell, .quality = cell->quality}) && writer.count() > 0) break;
      continue;
    }
    // What it wrote may have lost to a removal, which no scope of a predicate has.
    const bool is_removed = row.ok() && row->cell.is_tombstone() && sees_all(map);
    if (is_removed && !writer.add({.cell = row->cell, .quality = row->quality})) break;
    if (writer.add({.cell = {.name = name, .stamp = {}}, .evicted = true})) continue;
    writer.cut(mark);
    break;
  }
  return writer.count() > 0 ? writer.finish() : Bytes{};
}

Bytes Session::write_ack(MutBytes room) {
  const bool with_token = durable_ != acked_durable_;
  acked_applied_ = applied_;
  acked_durable_ = durable_;
  Observer* const observer = shared_.options.observer;
  if (observer != nullptr && observer->wants_ops()) observer->acknowledged(link_, applied_, durable_);
  return wire::encode(grid_Ack{applied_, durable_, with_token ? token_durable_ : 0}, room);
}

Bytes Session::write_answer(MutBytes room) {
  const Result<Bytes> frame = answer_.write(room, wanted());
  if (frame.ok()) return *frame;
  end(frame.status(), "the gateway could not answer a comparison");
  return {};
}

// One frame of one subscription; then it is the next one's turn.
Bytes Session::write_pull(MutBytes room) {
  for (std::size_t left = due_.size(); left > 0; --left) {
    Subscription& subscription = *due_.front();
    due_.pop_front();
    due_.push_back(&subscription);
    bool behind = false;
    const std::uint64_t before = subscription.sent_count();
    const std::uint64_t judged = subscription.judged_count();
    const Result<Bytes> frame =
        subscription.write(shared_.journal, own_, wanted(), shared_.epochs.current(), room, behind);
    shared_.figures.rows_judged += subscription.judged_count() - judged;
    if (!frame.ok()) {
      end(frame.status(), "the gateway could not read its journal");
      return {};
    }
    shared_.figures.cells_sent += subscription.sent_count() - before;
    // Without a frame it may have looked at as much as one step may.
    if (!frame->empty() || behind) return *frame;
    if (subscription.owes_comparison()) return write_compare(subscription, room);
    const bool healed = subscription.healed_through <= shared_.journal.durable_head();
    if (subscription.current_due && healed) return write_current(subscription, room);
    current_waits_ = current_waits_ || subscription.current_due;
    if (subscription.current_due) continue;
    due_.pop_back();
    subscription.is_queued = false;
  }
  dirty_ = false;
  own_.forget_through(shared_.journal.head());
  return {};
}

// More rows are held than are known here: only a comparison tells which of them have left. The device asks for it.
Bytes Session::write_compare(Subscription& subscription, MutBytes room) {
  subscription.compare_asked = true;
  const std::uint32_t mode = static_cast<std::uint32_t>(wire::PullMode::compare);
  return wire::encode(grid_Subscribed{subscription.id(), mode, subscription.heal, 0, 0, 0}, room);
}

Bytes Session::write_current(Subscription& subscription, MutBytes room) {
  subscription.current_due = false;
  const crdt::Digest digest = shared_.journal.digest(subscription.scope());
  grid_Current message = grid_Current_init_zero;
  message.id = subscription.id();
  std::uint8_t bytes[PullCursor::kBytes];
  const Bytes cursor = subscription.news(shared_.journal, shared_.epochs.current(), bytes);
  message.cursor.size = static_cast<pb_size_t>(cursor.size());
  copy(cursor, message.cursor.bytes);
  message.sum = digest.sum;
  message.count = digest.count;
  message.floor = shared_.journal.durable_floor().position;
  message.head = message.floor == 0 ? 0 : shared_.journal.head();
  return wire::encode(message, room);
}

}  // namespace grid::server
