// SPDX-License-Identifier: Apache-2.0
//
// The part of Session that tells who looks in which devices the gateway remembers (docs/WIRE.md, "Looking in").

#include <algorithm>
#include <vector>

#include "crdt/value.h"
#include "server/session.h"

namespace grid::server {

using wire::Kind;

namespace {

constexpr std::size_t kDevicesOfAnAnswer = 128;

// What the collection of deletions makes of it (PROTOCOL P18).
std::string_view standing_of(const Peer& peer, bool is_linked, std::uint64_t lapse_ms, std::uint64_t wall_ms) {
  if (peer.acked_epoch == 0) return "new";
  if (is_linked || wall_ms < peer.heard_ms || wall_ms - peer.heard_ms < lapse_ms) return "enrolled";
  return "lapsed";
}

}  // namespace

std::vector<crdt::NodeId> Session::linked_nodes() const {
  std::vector<crdt::NodeId> nodes;
  const Session* session = shared_.sessions.first_from(0);
  for (; session != nullptr; session = shared_.sessions.first_from(session->link() + 1)) {
    nodes.push_back(session->node_);
  }
  std::sort(nodes.begin(), nodes.end());
  return nodes;
}

// In pages, in the order of their ids.
Bytes Session::tell_devices(const Inspected& ask, MutBytes room) const {
  const std::vector<crdt::NodeId> linked = linked_nodes();
  storage::Store& store = shared_.journal.store();
  wire::OpsWriter reply(Kind::inspect_reply, {.id = ask.id, .map = "inspect"}, room);
  std::string after(kPeerPrefix);
  after += ask.argument;
  const Result<Bytes> first = ask.after || ask.argument.empty() ? Result<Bytes>(Status::not_found) : store.fact(after);
  Result<storage::Store::Fact> fact =
      first.ok() ? storage::Store::Fact{after, *first} : store.next_fact(kPeerPrefix, after);
  for (; fact.ok(); fact = store.next_fact(kPeerPrefix, after)) {
    if (reply.count() == kDevicesOfAnAnswer) return reply.finish({}, false);
    after = fact->name;
    const Result<Peer> peer = read_peer(fact->bytes);
    const crdt::NodeId id = node_of_peer(after);
    const bool is_linked = std::binary_search(linked.begin(), linked.end(), id);
    const std::string node = after.substr(kPeerPrefix.size());
    const Result<Healed> healed = load_healed(store, id);
    const bool is_told = peer.ok() && healed.ok() ? tell(node, *peer, *healed, is_linked, reply)
                                                  : reply.add({.cell = {.name = {"inspect", node, {}}, .stamp = {}}});
    if (!is_told) return reply.finish({}, false);
  }
  return reply.finish({}, true);
}

// False: there is no room for it.
bool Session::tell(std::string_view node, const Peer& peer, const Healed& healed, bool is_linked,
                   wire::OpsWriter& reply) const {
  std::uint8_t bytes[256];
  crdt::ValueWriter writer(bytes);
  const std::uint64_t wall_ms = shared_.journal.wall_ms();
  const storage::Seq head = shared_.journal.head();
  const storage::Seq seen = shared_.epochs.seen({.epoch = peer.acked_epoch, .position = peer.acked_position});
  writer.begin_record();
  writer.field("behind");
  writer.integer(static_cast<std::int64_t>(head - std::min(head, seen)));
  writer.field("healed");
  writer.integer(static_cast<std::int64_t>(healed.cells));
  writer.field("healed_at");
  healed.cells == 0 ? writer.null() : writer.timestamp(static_cast<std::int64_t>(healed.at_ms));
  writer.field("heard");
  peer.heard_ms == 0 ? writer.null() : writer.timestamp(static_cast<std::int64_t>(peer.heard_ms));
  writer.field("linked");
  writer.boolean(is_linked);
  writer.field("standing");
  writer.text(standing_of(peer, is_linked, shared_.options.keeping.enroll_lapse_ms, wall_ms));
  writer.end_record();
  const Result<Bytes> value = writer.finish();
  return value.ok() && reply.add({.cell = {{"inspect", node, {}}, crdt::Stamp::of(wall_ms, 0, 1), 0, *value}});
}

}  // namespace grid::server
