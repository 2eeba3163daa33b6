// SPDX-License-Identifier: Apache-2.0
//
// Forge: frames that nobody sent. Each begins as one that was really sent, if there was one of its kind, so that ids,
// sequences, tokens and cursors fit; the script then changes fields, or bytes.
//
// Place     Beside stage.h, which lends the frames that it has seen.
#pragma once

#include <deque>
#include <vector>

#include "tests/fuzz/script.h"
#include "transport/wire.h"

namespace grid::test {

using Frame = std::vector<std::uint8_t>;

class Forge {
 public:
  // `seen` has the last frames of both directions, `nodes` are ids that stamps may carry.
  Forge(Script& script, const std::deque<Frame>& seen, std::vector<crdt::NodeId> nodes, std::uint64_t wall_ms)
      : script_(script), seen_(seen), nodes_(std::move(nodes)), wall_ms_(wall_ms) {}

  Frame forge(wire::Kind kind);

  // A name out of few, so that scripts meet; now and then one at its limit.
  static std::string draw_map(Script& script);
  static std::string draw_key(Script& script);
  // One that some of the drawn rows are accepted by, or a text that is none.
  static std::string draw_predicate(Script& script);
  // An encoded value; empty for a tombstone.
  static Frame draw_value(Script& script);

 private:
  template <typename Message>
  Frame forge_control(wire::Kind kind);
  Frame forge_channel();
  Frame forge_ops(wire::Kind kind);
  Frame forge_digests(wire::Kind kind);
  crdt::Digest& some_child(std::span<crdt::Digest> children);
  bool forge_group(wire::Kind kind, wire::DigestsWriter& writer);
  void spoil(Frame& frame);
  const Frame* seen(wire::Kind kind) const;

  void edit(grid_Hello& message);
  void edit(grid_Welcome& message);
  void edit(grid_Subscribe& message);
  void edit(grid_Subscribed& message);
  void edit(grid_Unsubscribe& message) { message.id = draw_id(); }
  void edit(grid_Ack& message);
  void edit(grid_Current& message);
  void edit(grid_PullAck& message);
  void edit(grid_Verify& message);
  void edit(grid_Bye& message);
  void edit(grid_InspectAsk& message);
  void edit(crdt::Op& op);
  template <typename Cursor>
  void edit_cursor(Cursor& cursor);

  // One in four fields changes.
  bool changes() { return script_.below(4) == 1; }
  std::uint32_t draw_id() { return static_cast<std::uint32_t>(script_.below(6)); }
  std::uint64_t draw_seq();
  std::uint64_t draw_wall_ms();
  crdt::NodeId draw_node() { return nodes_[script_.below(nodes_.size())]; }

  Script& script_;
  const std::deque<Frame>& seen_;
  std::vector<crdt::NodeId> nodes_;
  std::uint64_t wall_ms_;
};

}  // namespace grid::test
