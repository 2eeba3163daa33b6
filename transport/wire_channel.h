// SPDX-License-Identifier: Apache-2.0
//
// Channel frames: what topics and rooms say over a link, several items a frame (docs/WIRE.md, "Channels").
//
// Place     Beside wire.h; linked only by who uses channels.
// Promises  As wire.h: whatever the bytes, reading ends with a status, and what it hands out has passed the rules of
//           its verb. An item of a verb that this release does not know is skipped, so that a later one may say more.
// Ownership Read items borrow the frame; a writer borrows its room.
#pragma once

#include <cstdint>
#include <string_view>

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"
#include "crdt/stamp.h"
#include "transport/wire.h"
#include "transport/wire_topic.h"

namespace grid::wire {

// Bit of Welcome.features: this server knows channel frames.
inline constexpr std::uint32_t kFeatureChannels = 1;

inline constexpr std::size_t kMessageBytesMax = 65'536;  // Of a message's value,
inline constexpr std::size_t kPresenceBytesMax = 1'024;  // and of the status of a room or a member.

enum class ChannelVerb : std::uint8_t {
  // device -> server
  publish = 1,          // name: the topic; value
  subscribe = 2,        // name: the filter
  unsubscribe = 3,      // name: the filter
  join = 4,             // name: the room; number: the lease in milliseconds, 0: as the server likes; value: own status
  attend = 5,           // name: the room. Hears what members hear, and is none
  leave = 6,            // name: the room, joined or attended
  set_status = 7,       // name: the room; value: own status
  set_room_status = 8,  // name: the room; value: the room's
  tell = 9,             // name: the room; value: for all who are in it
  beat = 10,            // number: comes back in `beaten`. Renews the lease, as every channel frame does
  // server -> device
  message = 32,          // name: the topic; member: who published; value
  lost = 33,             // number: so many messages went by before the next; name: the room, if it was there
  refused = 34,          // name, status; number: the verb
  beaten = 35,           // number: everything up to that beat has been done, or refused
  room_begins = 36,      // name; stamp, value: the room's status; number: events that went by. Members follow
  member = 37,           // name; member, stamp, value: their status
  room_stands = 38,      // name: these were all; from here on events
  joined = 39,           // name, member, stamp, value
  left = 40,             // name, member, stamp; number: why (Leaving)
  status_set = 41,       // name, member, stamp, value
  room_status_set = 42,  // name, member: by whom, stamp, value
  told = 43,             // name, member, stamp, value
};

enum class Leaving : std::uint8_t { left = 0, lapsed = 1, link_ended = 2 };

inline constexpr bool is_for_server(ChannelVerb verb) { return verb < ChannelVerb::message; }
const char* name_of(ChannelVerb verb);

struct ChannelItem {
  ChannelVerb verb = ChannelVerb::beat;
  std::string_view name{};
  crdt::NodeId member = 0;
  crdt::Stamp stamp{};
  std::uint64_t number = 0;
  Status status = Status::ok;
  Bytes value{};  // Canonical grid.Value; empty: none.
};

// Appends the item, as it stands in a frame, to the front `size` of `room`, and moves `size`. False: it does not fit.
bool put_item(const ChannelItem& item, MutBytes room, std::size_t& size);

// Takes the first of such items off the front of `rest`; nothing when there is none.
Bytes take_put(Bytes& rest);

class ChannelWriter {
 public:
  explicit ChannelWriter(MutBytes room);

  // Each is false when it does not fit beside what is there.
  bool add(const ChannelItem& item) { return put_item(item, room_, size_); }
  // Of what put_item() made.
  bool add_put(Bytes items);
  bool empty() const { return size_ == 1; }
  std::size_t room_left() const { return room_.size() - size_; }
  // The frame in the front of the room; nothing, when there are no items.
  Bytes finish() const { return empty() ? Bytes{} : room_.first(size_); }

 private:
  MutBytes room_;
  std::size_t size_ = 1;
};

class ChannelReader {
 public:
  ChannelReader() = default;
  // Reads a frame, or, with `is_bare`, items of put_item() alone.
  explicit ChannelReader(Bytes frame, bool is_bare = false);

  // The next item of a verb that is known; false at the end, or when status() is not ok any more.
  bool next(ChannelItem& item);
  //   corrupt, too_large  The frame is malformed, or an item breaks a rule of its verb.
  Status status() const { return status_; }

 private:
  Status read(Bytes bytes, ChannelItem& item, bool& is_known) const;

  Bytes rest_;
  Status status_ = Status::ok;
};

}  // namespace grid::wire
