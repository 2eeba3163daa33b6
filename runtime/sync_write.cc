// SPDX-License-Identifier: Apache-2.0
//
// The sending half of SyncSession: which frame goes next, straight into the host's buffer.

#include <algorithm>

#include "runtime/scan.h"
#include "runtime/sync_session.h"

namespace grid::runtime {

using crdt::Op;
using wire::Kind;

void SyncSession::write(LinkId link, MutBytes room, ActionList& actions) {
  if (!is_up() || link != link_) return;
  write_wanted_ = false;
  // The server's frames may be smaller than the host's buffer.
  if (frame_bytes_max_ != 0 && room.size() > frame_bytes_max_) room = room.first(frame_bytes_max_);
  const Bytes frame = next_frame(room);
  if (frame.empty()) return;
  figures_.bytes_sent += frame.size();
  const Kind kind = static_cast<Kind>(frame[0]);
  const bool answered = kind != Kind::hello && kind != Kind::pull_ack && kind != Kind::unsubscribe &&
                        kind != Kind::heal && kind < Kind::channel;
  if (answered) asked_since_reply_ = true;
  actions.add({.kind = Action::Kind::frame, .link = link_, .size = frame.size()});
}

Bytes SyncSession::next_frame(MutBytes room) {
  if (hello_due_) return write_hello(room);
  // The guest and the rest take turns.
  const bool has_guest = guest_ != nullptr && phase_ == Phase::live;
  Bytes frame = has_guest && !was_guest_ ? guest_->write(room, now_ms_) : Bytes{};
  was_guest_ = !frame.empty();
  if (frame.empty()) frame = write_for_pulls(room);
  if (frame.empty() && walk_.active() && walk_.wants_write()) frame = walk_.write(room, time_.known_ms());
  if (frame.empty() && may_push()) frame = write_push(room);
  if (frame.empty() && has_guest) frame = guest_->write(room, now_ms_);
  return frame;
}

// Its answer means something only when nothing else is on its way.
bool SyncSession::check_due(const Pull& pull) const {
  return pull.check == Pull::Check::wanted && pull.phase == Pull::Phase::streaming && pull.current &&
         !pull.compare_due && is_quiet();
}

// The server must have said that it knows predicates, or attributes: one that does not would end the link.
bool SyncSession::may_subscribe(const Pull& pull) const {
  const ScopeKind kind = pull.scope.get().kind;
  if (kind < ScopeKind::where) return pull.subscribe_due;
  const std::uint32_t feature = kind == ScopeKind::where ? wire::kFeaturePredicates : wire::kFeatureFacts;
  return pull.subscribe_due && may_push() && (features_ & feature) != 0;
}

bool SyncSession::may_compare(const Pull& pull) const {
  return pull.compare_due && !pull.answer_due && !walk_.active();
}

bool SyncSession::wants_write() {
  if (hello_due_) return true;
  for (const Pull& pull : pulls_.all()) {
    if (may_subscribe(pull) || pull.unsubscribe_due) return true;
    if (phase_ != Phase::live) continue;
    if (pull.ack_due || may_compare(pull)) return true;
    if (check_due(pull)) return true;
  }
  if (walk_.active() && walk_.wants_write()) return true;
  if (guest_ != nullptr && phase_ == Phase::live && guest_->wants_write(now_ms_)) return true;
  return may_push() && log_.in_flight() < window_ops_ && log_.next_to_send().ok();
}

Bytes SyncSession::write_hello(MutBytes room) {
  hello_due_ = false;
  grid_Hello hello{};
  hello.protocol_min = wire::kProtocolMin;
  hello.protocol_max = wire::kProtocolMax;
  copy(as_bytes(options_.app), {reinterpret_cast<std::uint8_t*>(hello.app), sizeof(hello.app) - 1});
  hello.node = log_.node();
  hello.fork_token = fork_token_shown_;
  hello.wall_ms = time_.known_ms();
  hello.quality = static_cast<std::uint32_t>(time_.quality());
  hello.frame_bytes_max = limits_.frame_bytes_max;
  hello.value_bytes_max = limits_.value_bytes_max;
  hello.shared_time = log_.shared_time();
  hello.seen.size = pulls_.seen().size;
  copy(pulls_.seen().view(), hello.seen.bytes);
  return wire::encode(hello, room);
}

Bytes SyncSession::write_for_pulls(MutBytes room) {
  for (Pull& pull : pulls_.all()) {
    if (pull.unsubscribe_due) {
      const grid_Unsubscribe message{pull.id};
      // The server answers it no more, and another pull may be waiting for its turn.
      if (walk_.active() && walk_.id() == pull.id) walk_.stop();
      if (partial_ != nullptr) partial_->left(pull.scope.get().map, log_.sending().sent);
      pulls_.forget(pull.id);
      return wire::encode(message, room);
    }
    if (may_subscribe(pull)) return write_subscribe(pull, room);
    if (phase_ != Phase::live) continue;
    if (pull.ack_due) {
      pull.ack_due = false;
      grid_PullAck ack{};
      ack.id = pull.id;
      ack.cursor.size = pull.cursor.size;
      copy(pull.cursor.view(), ack.cursor.bytes);
      return wire::encode(ack, room);
    }
    const bool compare = may_compare(pull);
    if (!compare && !check_due(pull)) continue;
    if (compare) begin_comparison(pull);
    if (!compare) pull.check = Pull::Check::asked;
    const grid_Verify message{pull.id, compare};
    return wire::encode(message, room);
  }
  return {};
}

void SyncSession::begin_comparison(Pull& pull) {
  pull.compare_due = false;
  pull.current = false;
  pull.phase = Pull::Phase::comparing;
  pull.compared_cursor = {};
  walk_.begin(pull.id, pull.scope.get(), pull.heal, pull.collected);
}

Bytes SyncSession::write_subscribe(Pull& pull, MutBytes room) {
  const Scope scope = pull.scope.get();
  grid_Subscribe message{};
  message.id = pull.id;
  message.kind = static_cast<std::uint32_t>(scope.kind);
  copy(as_bytes(scope.map), {reinterpret_cast<std::uint8_t*>(message.map), sizeof(message.map) - 1});
  copy(as_bytes(scope.text), {reinterpret_cast<std::uint8_t*>(message.text), sizeof(message.text) - 1});
  message.cursor.size = pull.cursor.size;
  copy(pull.cursor.view(), message.cursor.bytes);
  message.holds = holds_shared(scope);
  message.unhealed = pulls_.unhealed(pull);
  pull.subscribe_due = false;
  pull.phase = Pull::Phase::asked;
  pull.compared_cursor = {};
  pull.current = false;
  return wire::encode(message, room);
}

// Whether there is a cell in the scope that the server may have seen. A pending op that was handed to a link counts: it
// may have been taken, and removed by somebody else since, and whoever holds nothing is not told of removals.
bool SyncSession::holds_shared(const Scope& scope) {
  if (fork_token_ == 0 && log_.store().settled() == 0) return false;  // Never met a server.
  Scan scan(scope);
  for (;;) {
    const Result<Op> op = scan.next(log_.store());
    if (!op.ok()) return false;
    if (!log_.is_pending(*op) || op->seq <= log_.store().shared()) return true;
  }
}

Bytes SyncSession::write_push(MutBytes room) {
  wire::OpsWriter writer(Kind::push, {.fork_token = fork_token_shown_}, room);
  while (log_.in_flight() < window_ops_) {
    const Result<Op> op = log_.next_to_send();
    if (!op.ok()) break;
    const bool is_taken = op->unit.left == 0 ? push_alone(writer, *op) : push_unit(writer, log_.left_of_unit(*op));
    if (!is_taken) break;
  }
  figures_.cells_pushed += writer.count();
  return writer.count() > 0 ? writer.finish() : Bytes{};
}

// All of it or, where not even a frame of its own holds it, one op after the other: the server takes smaller frames
// than this replica promised itself.
bool SyncSession::push_unit(wire::OpsWriter& writer, std::size_t left) {
  const wire::OpsWriter::Mark mark = writer.mark();
  const OpLog::Sending before = log_.sending();
  for (;; --left) {
    Result<Op> op = log_.next_to_send();
    if (!op.ok()) break;
    op->unit.left = static_cast<std::uint8_t>(left);
    if (!writer.add(*op)) break;
    log_.sent(*op);
    if (left == 0) return true;
  }
  writer.cut(mark);
  log_.take_back(before);
  const Result<Op> first = log_.next_to_send();
  return writer.count() == 0 && first.ok() && push_alone(writer, *first);
}

bool SyncSession::push_alone(wire::OpsWriter& writer, Op op) {
  op.unit = {};
  if (!writer.add(op)) return false;
  log_.sent(op);
  return true;
}

}  // namespace grid::runtime
