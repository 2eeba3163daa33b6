// SPDX-License-Identifier: Apache-2.0
//
// What a Session does about subscriptions: takes them, ends them, and knows what their device holds.

#include <algorithm>

#include "runtime/query/row_tests.h"
#include "server/session.h"

namespace grid::server {

using crdt::Op;

Subscription* Session::find(std::uint32_t id) {
  for (const auto& subscription : subscriptions_) {
    if (subscription->id() == id) return subscription.get();
  }
  return nullptr;
}

template <typename Condition>
void Session::end_subscriptions(Condition condition) {
  for (const auto& subscription : subscriptions_) {
    if (!condition(*subscription)) continue;
    shared_.index.remove(subscription->scope(), subscription->predicate(), {this, subscription.get()});
    answer_.forget(subscription->id());
  }
  due_.remove_if([&condition](const Subscription* subscription) { return condition(*subscription); });
  std::erase_if(subscriptions_, [&condition](const auto& subscription) { return condition(*subscription); });
}

Session::~Session() {
  end_subscriptions([](const Subscription&) { return true; });
}

Status Session::refuse_subscription(std::uint32_t id, Status status) {
  subscribed_due_.push_back(
      {id, static_cast<std::uint32_t>(wire::PullMode::refused), false, static_cast<std::uint32_t>(status), 0, 0});
  return Status::ok;
}

// Whether any subscription of the device wants the row as it stands (PROTOCOL P22).
bool Session::wants_row(const crdt::Cell& row) const {
  bool is_wanted = false;
  shared_.index.each(row.name, crdt::Value(row.value), [&](const SubscriptionIndex::Entry& entry) {
    is_wanted = is_wanted || (entry.session == this && entry.subscription->wants_row(row));
  });
  return is_wanted;
}

const Subscription* Session::predicate_of(std::string_view map) const {
  for (const auto& subscription : subscriptions_) {
    const runtime::Scope scope = subscription->scope();
    if (scope.rows != nullptr && scope.map == map) return subscription.get();
  }
  return nullptr;
}

// By writing it the device shows that it holds the row (PROTOCOL P21); it can let go of it once the op has settled.
Status Session::note_shown(const Op& op) {
  if (predicate_of(op.cell.name.map) == nullptr) return Status::ok;
  shown_.push_back({op.seq, KeptName(op.cell.name)});
  for (const auto& subscription : subscriptions_) {
    if (!subscription->scope().matches(op.cell.name)) continue;
    GRID_TRY(subscription->show(shared_.journal, op.cell.name.key));
  }
  return Status::ok;
}

void Session::forget_row(const crdt::CellName& row) {
  for (const auto& subscription : subscriptions_) {
    if (!subscription->scope().matches(row)) continue;
    subscription->forget(row.key);
    if (subscription->owes_comparison()) stir(*subscription);
  }
}

Status Session::receive_subscribe(Bytes frame) {
  grid_Subscribe message = grid_Subscribe_init_zero;
  GRID_TRY(wire::decode(frame, message));
  const runtime::Scope scope{static_cast<runtime::ScopeKind>(message.kind), message.map, message.text};
  GRID_TRY(scope.check());
  if (subscribed_due_.size() > shared_.options.subscriptions_max) return Status::full;
  const bool is_odd = scope.kind == runtime::ScopeKind::facts && runtime::check_attributes(scope.text) != Status::ok;
  if (is_odd || find(message.id) != nullptr) return refuse_subscription(message.id, Status::invalid);
  if (subscriptions_.size() >= shared_.options.subscriptions_max) return refuse_subscription(message.id, Status::full);
  Subscription::Test test, granted;
  const Status status = grant(message, scope, test, granted);
  if (status != Status::ok) return refuse_subscription(message.id, status);
  auto subscription =
      std::make_unique<Subscription>(message.id, scope, value_bytes_max_, std::move(test), std::move(granted));
  subscription->sees_nothing = permit_.rows(Right::read, scope.map).is_none();
  shared_.index.add(subscription->scope(), subscription->predicate(), {this, subscription.get()});
  subscriptions_.push_back(std::move(subscription));
  return begin_pull(*subscriptions_.back(), message);
}

Status Session::begin_pull(Subscription& subscription, const grid_Subscribe& message) {
  const storage::Seq head = shared_.journal.store().head();
  const Result<PullCursor> cursor = PullCursor::read({message.cursor.bytes, message.cursor.size});
  const bool of_scope = cursor.ok() && cursor->scope_hash == subscription.scope_hash();
  const Floor& floor = shared_.journal.floor();
  const storage::Seq seen = of_scope ? shared_.epochs.seen(*cursor) : 0;
  const bool behind = seen < floor.position;
  const bool stands = of_scope && !behind && !lost_ && !message.unhealed && shared_.epochs.stands(*cursor);
  wire::PullMode mode = wire::PullMode::resume;
  if (stands) {
    subscription.resume(*cursor);
  } else if (!message.holds) {
    subscription.start(0, head, true);
    subscription.leap(shared_.journal);
  } else {
    mode = wire::PullMode::compare;
    const bool may_heal = !permit_.rows(Right::put, subscription.scope().map).is_none();
    // A cursor that is behind the floor, and no more, shows no loss.
    const bool is_doubtful = of_scope && !(behind && shared_.epochs.stands(*cursor));
    subscription.heal = may_heal && (is_doubtful || lost_ || message.unhealed);
    subscription.start(head, head, false, seen);
    GRID_TRY(answer_.begin(subscription.id(), subscription.scope()));
  }
  GRID_TRY(subscription.know_rows(shared_.journal, subscription.position(), shared_.options.rows_held_max,
                                  mode == wire::PullMode::compare));
  stir(subscription);
  const crdt::Stamp collected = behind ? floor.greatest : crdt::Stamp{};
  subscribed_due_.push_back(
      {message.id, static_cast<std::uint32_t>(mode), subscription.heal, 0, collected.time, collected.node});
  return Status::ok;
}

Status Session::receive_unsubscribe(Bytes frame) {
  grid_Unsubscribe message = grid_Unsubscribe_init_zero;
  GRID_TRY(wire::decode(frame, message));
  end_subscriptions([&message](const Subscription& subscription) { return subscription.id() == message.id; });
  return Status::ok;
}

Status Session::receive_pull_ack(Bytes frame) {
  grid_PullAck message = grid_PullAck_init_zero;
  GRID_TRY(wire::decode(frame, message));
  const Result<PullCursor> cursor = PullCursor::read({message.cursor.bytes, message.cursor.size});
  if (!cursor.ok()) return cursor.status();
  Subscription* subscription = find(message.id);
  if (!greeted_ || subscription == nullptr || cursor->epoch != shared_.epochs.current()) return Status::ok;
  subscription->acknowledge(std::min(cursor->position, shared_.journal.head()));
  note_seen();
  // Goes with the next batch: losing it only makes this node look further behind than it is.
  const Status saved = save_peer(shared_.journal.store(), node_, peer_);
  if (saved != Status::full) return saved;
  shared_.journal.touch();
  return Status::ok;
}

void Session::note_seen() {
  peer_.heard_ms = std::max(peer_.heard_ms, shared_.journal.wall_ms());
  if (subscriptions_.empty()) return;
  peer_.acked_epoch = shared_.epochs.current();
  peer_.acked_position = UINT64_MAX;
  for (const auto& one : subscriptions_) peer_.acked_position = std::min(peer_.acked_position, seen(*one));
}

}  // namespace grid::server
