// SPDX-License-Identifier: Apache-2.0

#include "tests/fuzz/judge.h"

#include "runtime/scan.h"
#include "tests/unit/wire/rewrite.h"

namespace grid::test {

using crdt::Op;
using crdt::Seq;
using wire::Kind;

void check_store(storage::Store& store) {
  std::string map, key, sub;
  for (;;) {
    const Result<Op> op = store.next_cell({map, key, sub});
    if (!op.ok()) break;
    const crdt::CellName before{map, key, sub};
    GRID_CHECK(before < op->cell.name && crdt::check_name(op->cell.name) == Status::ok);
    GRID_CHECK(!op->cell.stamp.is_none() && op->seq <= store.head());
    map = op->cell.name.map, key = op->cell.name.key, sub = op->cell.name.sub;
    const Seq seq = op->seq;
    GRID_CHECK(store.find({map, key, sub})->seq == seq && store.next_op(seq - 1)->seq == seq);
  }
  GRID_CHECK(store.settled() <= store.shared() && store.shared() <= store.head());
  for (Seq at = 0;;) {
    const Result<Op> op = store.next_op(at);
    if (!op.ok()) break;
    GRID_CHECK(op->seq > at && op->seq <= store.head());
    at = op->seq;
    const bool in_flight = op->local && at > store.settled() && at <= store.shared();
    const KeptName name(op->cell.name);
    const Result<Op> standing = store.find(name.view());
    GRID_CHECK(in_flight || (standing.ok() && standing->seq == at));
  }
}

namespace {

bool is_of_device(Kind kind) {
  constexpr Kind kKinds[] = {Kind::hello,     Kind::subscribe, Kind::unsubscribe, Kind::push,
                             Kind::pull_ack,  Kind::verify,    Kind::digest_ask,  Kind::have,
                             Kind::cells_ask, Kind::heal,      Kind::search_ask};
  return std::find(std::begin(kKinds), std::end(kKinds), kind) != std::end(kKinds);
}

bool is_of_ops(Kind kind) {
  return kind == Kind::push || kind == Kind::delta || kind == Kind::reject || kind == Kind::heal ||
         kind == Kind::cells_ask || kind == Kind::inspect_reply;
}

std::uint64_t hash_of(const crdt::Cell& cell) { return crdt::digest_of(cell) + (cell.is_tombstone() ? 1 : 0); }

}  // namespace

void check_frame(Bytes frame, std::size_t room_bytes, bool from_device) {
  GRID_CHECK(!frame.empty() && frame.size() <= room_bytes);
  GRID_CHECK(check_rewrite(frame) == Status::ok);
  const Kind kind = *wire::kind_of(frame);
  GRID_CHECK(kind == Kind::bye || kind == Kind::channel || is_of_device(kind) == from_device);
  if (!is_of_ops(kind)) return;
  wire::OpsReader reader;
  GRID_CHECK(reader.open(frame) == Status::ok);
  std::size_t count = 0;
  Seq last = 0;
  for (Op op; reader.next(op); ++count) {
    // A name that breaks the rules does not travel back.
    GRID_CHECK(reader.status() == Status::ok || (kind == Kind::reject && op.seq != 0));
    if (kind != Kind::push) continue;
    GRID_CHECK(op.seq > last && !op.cell.stamp.is_none());
    last = op.seq;
  }
  GRID_CHECK(kind != Kind::reject || count == 1);
  GRID_CHECK(count > 0 || kind == Kind::delta || kind == Kind::inspect_reply);
}

// ---- a device

void DeviceJudge::heard(Bytes frame) {
  const Result<Kind> kind = wire::kind_of(frame);
  wire::OpsReader reader;
  Op op;
  if (!kind.ok() || *kind != Kind::reject || reader.open(frame) != Status::ok || !reader.next(op)) return;
  // A refused op is no more: its stamp is free, and its cell may stand as the gateway has it.
  const auto stamp = stamp_of_pushed_.find(op.seq);
  if (stamp != stamp_of_pushed_.end()) pushed_.erase(stamp->second);
  const auto own = own_.find(op.seq);
  if (own == own_.end()) return;
  const KeptName name = own->second;
  std::erase_if(own_, [&](const auto& entry) { return entry.second.view() == name.view(); });
}

void DeviceJudge::named(crdt::NodeId node) {
  if (node != node_) own_.clear();
  node_ = node;
}

void DeviceJudge::sent(Bytes frame, const runtime::Replica& replica) {
  named(replica.status(0).node);
  wire::OpsReader reader;
  if (*wire::kind_of(frame) != Kind::push || reader.open(frame) != Status::ok) return;
  for (Op op; reader.next(op);) {
    GRID_CHECK(op.cell.stamp.node == node_);
    const auto [known, is_new] = pushed_.emplace(op.cell.stamp, hash_of(op.cell));
    GRID_CHECK(is_new || known->second == hash_of(op.cell));
    stamp_of_pushed_[op.seq] = op.cell.stamp;
  }
}

void DeviceJudge::check(const runtime::Replica& replica, storage::Store& store) {
  const runtime::ReplicaStatus status = replica.status(0);
  named(status.node);
  std::uint64_t pending = 0;
  for (Seq at = store.settled();;) {
    const Result<Op> op = store.next_op(at);
    if (!op.ok()) break;
    at = op->seq;
    if (op->local) ++pending;
  }
  GRID_CHECK(status.state == SyncState::error || status.ops_pending == pending);
  own_.erase(own_.begin(), own_.upper_bound(store.settled()));
  for (const auto& [seq, name] : own_) {
    const Result<Op> op = store.next_op(seq - 1);
    if (op.ok() && op->seq == seq && op->local) continue;
    const Result<Op> standing = store.find(name.view());
    GRID_CHECK(standing.ok() && standing->seq > seq);
  }
}

// ---- the gateway

void GatewayJudge::heard(std::uint32_t link, Bytes frame) {
  const Result<Kind> kind = wire::kind_of(frame);
  // Pushes of a session that has yet to take another id are passed over.
  if (kind.ok() && *kind == Kind::hello) taken_[link].clear();
  wire::OpsReader reader;
  if (!kind.ok() || *kind != Kind::push || reader.open(frame) != Status::ok) return;
  for (Op op; reader.next(op);) {
    Taken taken{std::nullopt, op.cell.stamp};
    if (reader.status() == Status::ok) taken.name.emplace(op.cell.name);
    taken_[link].emplace(op.seq, std::move(taken));
  }
}

void GatewayJudge::sent(std::uint32_t link, Bytes frame, const storage::MemoryStore& store) {
  const Kind kind = *wire::kind_of(frame);
  std::map<Seq, Taken>& taken = taken_[link];
  wire::OpsReader reader;
  Op op;
  if (kind == Kind::reject && reader.open(frame) == Status::ok && reader.next(op)) taken.erase(op.seq);
  grid_Ack ack = grid_Ack_init_zero;
  if (kind != Kind::ack || wire::decode(frame, ack) != Status::ok) return;
  GRID_CHECK(ack.durable <= ack.applied);
  const auto end = taken.upper_bound(ack.durable);
  if (taken.begin() == end) return;
  storage::MemoryStore image = store;
  image.crash();
  for (auto entry = taken.begin(); entry != end; ++entry) {
    GRID_CHECK(entry->second.name.has_value());
    const Result<Op> standing = image.find(entry->second.name->view());
    GRID_CHECK(standing.ok() && standing->cell.stamp >= entry->second.stamp);
  }
  taken.erase(taken.begin(), end);
}

void GatewayJudge::check(server::Coordinator& coordinator, storage::Store& store) {
  crdt::Digest all;
  std::map<std::string, crdt::Digest> of_maps;
  for (runtime::Scan scan(runtime::Scope{});;) {
    const Result<Op> op = scan.next(store);
    if (!op.ok()) break;
    if (!op->cell.is_live(expired_through_ms_)) continue;
    all.add(crdt::digest_of(op->cell));
    of_maps[std::string(op->cell.name.map)].add(crdt::digest_of(op->cell));
  }
  GRID_CHECK(coordinator.digest({}) == all);
  for (const auto& [map, digest] : of_maps) {
    GRID_CHECK(coordinator.digest({runtime::ScopeKind::map, map, {}}) == digest);
  }
  const server::CoordinatorStatus status = coordinator.status();
  GRID_CHECK(status.durable <= status.head && status.drained <= status.head && status.head == store.head());
}

}  // namespace grid::test
