// SPDX-License-Identifier: Apache-2.0
//
// Peers: what the gateway remembers of each node: its fork tokens, and how far it has confirmed (PROTOCOL P1, P14).
//
// Place     Below session.h, above storage/store.h.
#pragma once

#include <string>

#include "crdt/stamp.h"
#include "storage/store.h"

namespace grid::server {

struct Peer {
  std::uint64_t confirmed = 0;      // The token that the node has shown,
  std::uint64_t latest = 0;         // and the one that it may have committed since. Both are current.
  std::uint64_t acked_epoch = 0;    // In which it last acknowledged something; 0: never.
  storage::Seq acked_position = 0;  // Up to there it has seen all that its subscriptions matched.
  std::uint64_t taken_time = 0;     // Of the greatest stamp of this node that was taken here,
  std::uint64_t taken_digest = 0;   // and its cell's digest.
  // Nothing of this node up to here is missing. Behind taken_time while the node has yet to give back what was lost:
  // what it pushes meanwhile says nothing of what it was promised before.
  std::uint64_t whole_time = 0;
  std::uint64_t heard_ms = 0;  // Wall time, about, of its last link; 0: before that was noted.
  std::string principal{};     // Whose node it is: who first proved to be somebody. Empty: nobody has.

  bool operator==(const Peer&) const = default;
  // Whether a node that shows `token` is the one that went on from there.
  bool knows(std::uint64_t token) const { return token == latest || token == confirmed; }
};

// As people and facts know it: 16 hex digits.
std::string hex_of(crdt::NodeId node);

// What a node has given back that was lost here (PROTOCOL P19).
struct Healed {
  std::uint64_t cells = 0;
  std::uint64_t at_ms = 0;  // Wall time, of the last of them.
};

//   not_found  This node has never said hello here.
//   corrupt    What stands there is no peer.
Result<Peer> load_peer(storage::Store& store, crdt::NodeId node);
// Calls `visit(node, peer)` for each node that ever said hello.
//   corrupt  As load_peer().
template <typename Visit>
Status each_peer(storage::Store& store, Visit visit);
// Into the open batch.
Status save_peer(storage::Store& store, crdt::NodeId node, const Peer& peer);

//   corrupt  As load_peer(). A node that gave nothing back has given none.
Result<Healed> load_healed(storage::Store& store, crdt::NodeId node);
// Into the open batch.
Status save_healed(storage::Store& store, crdt::NodeId node, const Healed& healed);

// ---- implementation

Result<Peer> read_peer(Bytes bytes);
inline constexpr std::string_view kPeerPrefix = "peer/";
crdt::NodeId node_of_peer(std::string_view fact_name);

template <typename Visit>
Status each_peer(storage::Store& store, Visit visit) {
  char after[32];
  for (std::size_t size = 0;;) {
    const Result<storage::Store::Fact> fact = store.next_fact(kPeerPrefix, {after, size});
    if (!fact.ok()) return fact.status() == Status::not_found ? Status::ok : fact.status();
    size = fact->name.copy(after, sizeof(after));
    const Result<Peer> peer = read_peer(fact->bytes);
    if (!peer.ok()) return peer.status();
    visit(node_of_peer({after, size}), *peer);
  }
}

}  // namespace grid::server
