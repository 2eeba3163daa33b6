// SPDX-License-Identifier: Apache-2.0
//
// Wire: frames to messages and back. A frame is one Kind byte and one protobuf message (transport/proto/grid.proto).
//
// Place     Above crdt/. Knows no link, no session, no store. Pure: the simulator and a chip run it unchanged.
// Promises  Whatever the bytes, decoding ends with a status and within the frame; what it hands out has passed the
//           limits of limits.h, check_name() and check_value(). Encoding what was decoded gives the same message, and
//           the same bytes if this release wrote them.
// Ownership Decoded views borrow the frame; encoders borrow their room.
//
// docs/WIRE.md gives every frame and field its rule.
#pragma once

#include <cstdint>

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"
#include "crdt/cell.h"
#include "crdt/merkle.h"
#include "transport/proto/grid.pb.h"  // generated: grid_Hello, grid_Welcome, ...

namespace grid::wire {

class Out;  // transport/walk.h

inline constexpr std::uint32_t kProtocolMin = 1;
inline constexpr std::uint32_t kProtocolMax = 1;
// Says hello to ask what a server knows, and nothing else: nobody remembers it, and there may be many of them.
inline constexpr std::uint64_t kOnlookerNode = UINT64_MAX;
// Room for any control message, and for the head of any other.
inline constexpr std::size_t kControlBytesMax = 512;

enum class Kind : std::uint8_t {
  hello = 1,        // device -> server, first
  welcome = 2,      // its answer
  subscribe = 3,    // device -> server
  subscribed = 4,   // its answer
  unsubscribe = 5,  // device -> server
  push = 6,         // device -> server: Ops with sequences
  ack = 7,          // server -> device
  reject = 8,       // server -> device: Ops of one op: its sequence and the cell that stands
  delta = 9,        // server -> device: Ops of a subscription
  current = 10,     // server -> device
  pull_ack = 11,    // device -> server
  verify = 12,      // device -> server
  digest_ask = 13,  // device -> server: ranges to split
  digest_reply = 14,
  have = 15,       // device -> server: the cell digests that it has in some ranges
  lacks = 16,      // answer, after the deltas: those of them that the server lacks
  cells_ask = 17,  // device -> server: names, answered by a delta with each cell or its absence
  heal = 18,       // device -> server: cells that the server lost
  bye = 19,        // either: why the link is about to close
  inspect_ask = 20,
  inspect_reply = 21,
  channel = 22,     // either: topics and rooms (transport/wire_channel.h), once the server says that it knows them
  search_ask = 23,  // device -> server: full-text search (transport/wire_search.h), where the server has one
  search_reply = 24,
  auth = 25,          // device -> server: a newer token (transport/wire_auth.h), where the server takes one
  entities_ask = 26,  // device -> server: what a question stands on (transport/wire_entities.h), where it answers any
  entities_reply = 27,
};

// `facts`: of a map's entities, what stands under some attributes. `entity`: all that stands under one key, which a
// device lets go of when it leaves the scope.
enum class ScopeKind : std::uint8_t { everything = 0, map = 1, prefix = 2, key = 3, where = 4, facts = 5, entity = 6 };
// In Welcome.features: scopes of the kind `where`, and ops that say `evicted`.
inline constexpr std::uint32_t kFeaturePredicates = 2;
// Scopes of the kinds `facts` and `entity`.
inline constexpr std::uint32_t kFeatureFacts = 16;
enum class PullMode : std::uint8_t { resume = 0, compare = 1, refused = 2 };

// The kind of a frame.
//   corrupt  Empty, or of no kind that this release knows.
Result<Kind> kind_of(Bytes frame);

// Encodes a control message; the result is the front of `room`, which holds kControlBytesMax.
Bytes encode(const grid_Hello& message, MutBytes room);
Bytes encode(const grid_Welcome& message, MutBytes room);
Bytes encode(const grid_Subscribe& message, MutBytes room);
Bytes encode(const grid_Subscribed& message, MutBytes room);
Bytes encode(const grid_Unsubscribe& message, MutBytes room);
Bytes encode(const grid_Ack& message, MutBytes room);
Bytes encode(const grid_Current& message, MutBytes room);
Bytes encode(const grid_PullAck& message, MutBytes room);
Bytes encode(const grid_Verify& message, MutBytes room);
Bytes encode(const grid_Bye& message, MutBytes room);
Bytes encode(const grid_InspectAsk& message, MutBytes room);

// Decodes a control message of the kind that the frame has.
//   corrupt    Not such a message, or a field breaks its rule (text that isn't UTF-8, a number out of range).
//   too_large  A field is longer than its limit.
Status decode(Bytes frame, grid_Hello& out);
Status decode(Bytes frame, grid_Welcome& out);
Status decode(Bytes frame, grid_Subscribe& out);
Status decode(Bytes frame, grid_Subscribed& out);
Status decode(Bytes frame, grid_Unsubscribe& out);
Status decode(Bytes frame, grid_Ack& out);
Status decode(Bytes frame, grid_Current& out);
Status decode(Bytes frame, grid_PullAck& out);
Status decode(Bytes frame, grid_Verify& out);
Status decode(Bytes frame, grid_Bye& out);
Status decode(Bytes frame, grid_InspectAsk& out);

// What precedes the ops of a frame.
struct OpsHead {
  std::uint32_t id = 0;
  std::string_view map{};
  Bytes cursor{};
  std::uint64_t fork_token = 0;
  Status status = Status::ok;
  std::uint64_t wall_ms = 0;
  bool last = false;
  std::string_view reason{};
};

// Writes push, delta, heal, reject, cells_ask and inspect_reply frames.
class OpsWriter {
 public:
  static constexpr std::size_t kCursorBytesMax = 32;

  // The kind, the id, the map, the fork token, the status, the time, the cursor, and `last`.
  static constexpr std::size_t kHeadBytesMax = 1 + 6 + 2 + kMapBytesMax + 9 + 2 + 11 + 2 + kCursorBytesMax + 2;

  static constexpr std::size_t kReasonBytesMax = 120;

  static constexpr std::uint32_t kAnyValue = UINT32_MAX;

  // `head.cursor` and `head.last` are given to finish() instead: they are known only then. Of values that are larger
  // than `value_bytes_max`, or that fill more than a frame, the peer gets stubs, unless it takes any.
  OpsWriter(Kind kind, const OpsHead& head, MutBytes room, std::uint32_t value_bytes_max = kAnyValue);

  // Adds an op. False: it does not fit beside what is there (nothing changed).
  bool add(const crdt::Op& op);
  std::size_t count() const { return count_; }
  // What was added behind `mark` is taken out again.
  struct Mark {
    std::size_t size;
    std::size_t count;
  };
  Mark mark() const { return {size_, count_}; }
  void cut(const Mark& mark) { size_ = mark.size, count_ = mark.count; }
  // The frame, in the front of the room.
  Bytes finish(Bytes cursor = {}, bool last = false);
  // The same for a reject: with as much of the sentence, up to kReasonBytesMax, as there is room for.
  Bytes finish_with(std::string_view reason);

  // The bytes that a frame of this one op takes at most: whoever keeps cells refuses what could never travel.
  static std::size_t frame_bytes(const crdt::Op& op);

 private:
  bool put(const crdt::Op& op);

  MutBytes room_;
  std::size_t size_ = 0;
  std::size_t count_ = 0;
  std::uint32_t value_bytes_max_;
  bool in_units_;
  std::string_view map_;
};

// Reads them. open() checks the whole frame's structure once, so that next() fails on an op's content only.
class OpsReader {
 public:
  //   corrupt    The message is malformed, or a field of the head breaks its rule.
  //   too_large  The head's map or cursor is longer than its limit.
  Status open(Bytes frame);
  const OpsHead& head() const { return head_; }
  // The next op. After each true, status() tells whether it may be used:
  //   ok         `op` is complete and checked.
  //   corrupt, too_large, invalid   That op breaks a rule; `op` has as much as was read (its seq, if any). The
  //              walk goes on behind it.
  bool next(crdt::Op& op);
  Status status() const { return status_; }

 private:
  OpsHead head_;
  Kind kind_ = Kind::push;
  Bytes rest_;
  Status status_ = Status::ok;
};

// One group of a digest frame, as packed in Digests.groups:
//   range    varint partition (kPartitions: the whole map), varint bits, varint prefix
//   ask      varint more
//   reply    varint more, varint n, then n times: varint skip, fixed64 sum, varint count
//            (`skip` empty children lie between this one and the one before)
//   have     varint n, then n times fixed64
//   lacks    varint n, then n times fixed64 (the range is that of the have)
struct Split {
  crdt::Range range;
  std::uint8_t more = 0;  // Bits to descend; for the whole map, its children are the partitions.
};

inline constexpr crdt::Range kWholeMap{crdt::kPartitions, 0, 0};
inline constexpr std::uint8_t kSplitBitsMax = 12;
inline std::size_t children_of(const Split& split) {
  return split.range == kWholeMap ? crdt::kPartitions : std::size_t{1} << split.more;
}
inline crdt::Range child_of(const Split& split, std::size_t index) {
  return split.range == kWholeMap ? crdt::Range{static_cast<std::uint16_t>(index), 0, 0}
                                  : split.range.child(split.more, index);
}

// Writes digest_ask, digest_reply, have and lacks frames; each add is false when the group does not fit.
class DigestsWriter {
 public:
  DigestsWriter(Kind kind, std::uint32_t id, std::string_view map, MutBytes room);

  bool add_ask(const Split& split);
  // `children` has children_of(split) digests.
  bool add_reply(const Split& split, std::span<const crdt::Digest> children);
  bool add_digests(const crdt::Range& range, std::span<const std::uint64_t> digests);  // have, lacks
  std::size_t count() const { return count_; }
  Bytes finish(bool last);

 private:
  bool settle(const Out& out);

  MutBytes room_;
  std::size_t size_ = 0;
  std::size_t groups_at_ = 0;
  std::size_t count_ = 0;
};

class DigestsReader {
 public:
  //   corrupt    The message is malformed, or a field breaks its rule.
  //   too_large  The map's name is longer than its limit.
  Status open(Bytes frame);
  std::uint32_t id() const { return id_; }
  std::string_view map() const { return map_; }
  bool last() const { return last_; }

  // The next group of the kind that the frame has; false at the end or when status() is not ok any more.
  bool next_ask(Split& out);
  // `children` must hold children_of(out) for any legal `more`; absent children come out empty.
  bool next_reply(Split& out, std::span<crdt::Digest> children);
  // The same without room for them: next_split(), and then each of its children that is not empty, in order. All of
  // them are to be taken before the next group.
  bool next_split(Split& out);
  bool next_child(std::size_t& index, crdt::Digest& digest);
  // Positions on a have or lacks group; digest(i) for i < digest_count.
  bool next_digests(crdt::Range& range, std::size_t& digest_count);
  std::uint64_t digest(std::size_t index) const { return load_le(digests_.data() + 8 * index); }
  //   corrupt    A group is malformed, or a number in it is out of range.
  //   too_large  `children` holds fewer than that reply has.
  Status status() const { return status_; }

 private:
  bool more() const;
  bool settle(bool taken);

  std::uint32_t id_ = 0;
  std::string_view map_;
  bool last_ = false;
  Bytes groups_;
  Bytes digests_;
  std::size_t children_ = 0;  // Of the split,
  std::size_t child_ = 0;     // the first behind those that were taken,
  std::size_t children_left_ = 0;
  Status status_ = Status::ok;
};

}  // namespace grid::wire
