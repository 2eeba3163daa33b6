// SPDX-License-Identifier: Apache-2.0

#include "server/peers.h"

namespace grid::server {

namespace {

constexpr std::size_t kPeerBytes = 64;      // Behind them, the principal.
constexpr std::size_t kDeafPeerBytes = 56;  // Without heard_ms,
constexpr std::size_t kOldPeerBytes = 48;   // and without whole_time: what was taken was whole.

constexpr std::size_t kHealedBytes = 16;
constexpr std::string_view kHealedPrefix = "healed/";

// A prefix and the node id in hex.
struct NodeFact {
  NodeFact(std::string_view prefix, crdt::NodeId node) {
    size = prefix.copy(text, sizeof(text) - 16) + 16;
    for (std::size_t i = 0; i < 16; ++i) text[size - 16 + i] = "0123456789abcdef"[(node >> (60 - 4 * i)) & 15];
  }
  std::string_view view() const { return {text, size}; }

  std::size_t size = 0;
  char text[24] = {};
};

}  // namespace

std::string hex_of(crdt::NodeId node) { return std::string(NodeFact({}, node).view()); }

Result<Peer> load_peer(storage::Store& store, crdt::NodeId node) {
  const Result<Bytes> bytes = store.fact(NodeFact(kPeerPrefix, node).view());
  return bytes.ok() ? read_peer(*bytes) : bytes.status();
}

crdt::NodeId node_of_peer(std::string_view fact_name) {
  crdt::NodeId node = 0;
  for (const char digit : fact_name.substr(kPeerPrefix.size())) {
    node = node << 4 | static_cast<std::uint8_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
  }
  return node;
}

Result<Peer> read_peer(Bytes bytes) {
  const bool is_old = bytes.size() == kOldPeerBytes;
  if (bytes.size() < kPeerBytes && bytes.size() != kDeafPeerBytes && !is_old) return Status::corrupt;
  const std::uint8_t* at = bytes.data();
  return Peer{load_be(at),
              load_be(at + 8),
              load_be(at + 16),
              load_be(at + 24),
              load_be(at + 32),
              load_be(at + 40),
              load_be(at + (is_old ? 32 : 48)),
              bytes.size() >= kPeerBytes ? load_be(at + 56) : 0,
              bytes.size() > kPeerBytes ? std::string(as_text(bytes.subspan(kPeerBytes))) : std::string()};
}

Status save_peer(storage::Store& store, crdt::NodeId node, const Peer& peer) {
  std::uint8_t bytes[storage::Store::kFactBytesMax];
  store_be(peer.confirmed, bytes);
  store_be(peer.latest, bytes + 8);
  store_be(peer.acked_epoch, bytes + 16);
  store_be(peer.acked_position, bytes + 24);
  store_be(peer.taken_time, bytes + 32);
  store_be(peer.taken_digest, bytes + 40);
  store_be(peer.whole_time, bytes + 48);
  store_be(peer.heard_ms, bytes + 56);
  const Bytes principal = as_bytes(peer.principal);
  copy(principal, MutBytes(bytes).subspan(kPeerBytes));
  return store.set_fact(NodeFact(kPeerPrefix, node).view(), Bytes(bytes).first(kPeerBytes + principal.size()));
}

Result<Healed> load_healed(storage::Store& store, crdt::NodeId node) {
  const Result<Bytes> bytes = store.fact(NodeFact(kHealedPrefix, node).view());
  if (bytes.status() == Status::not_found) return Healed{};
  if (!bytes.ok()) return bytes.status();
  if (bytes->size() != kHealedBytes) return Status::corrupt;
  return Healed{load_be(bytes->data()), load_be(bytes->data() + 8)};
}

Status save_healed(storage::Store& store, crdt::NodeId node, const Healed& healed) {
  std::uint8_t bytes[kHealedBytes];
  store_be(healed.cells, bytes);
  store_be(healed.at_ms, bytes + 8);
  return store.set_fact(NodeFact(kHealedPrefix, node).view(), bytes);
}

}  // namespace grid::server
