// SPDX-License-Identifier: Apache-2.0
//
// Channels: a device's topics and rooms: what it listens to, what it is in, and what it has yet to say.
//
// Place     Guest of a replica's link (link_guest.h), above transport/wire_channel.h. Knows no store: nothing of
//           this is kept. docs/channels.md says what it means to users.
// Promises  What is listened to and joined is asked for again after each reconnect; listeners are told of the gap.
//           Of one publisher, messages arrive in order and none twice. What is lost on the way is told, with its
//           number.
//           BND-1  Room for ChannelLimits, no more: what does not fit is refused to whoever asked.
// Ownership Borrows its memory for life. What a listener is told stands until it returns.
// Threads   None: the caller's.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "crdt/base/arena.h"
#include "crdt/value.h"
#include "runtime/link_guest.h"
#include "transport/wire_channel.h"

namespace grid {

using Leaving = wire::Leaving;

// What a device may listen to, be in, and have yet to say.
struct ChannelLimits {
  std::uint16_t listenings_max;
  std::uint32_t queue_bytes;         // Of what is not sent yet; the largest message fits it.
  std::uint16_t presence_bytes_max;  // Of a member's status.
};
inline constexpr ChannelLimits kLinuxChannels{256, 1'048'576, wire::kPresenceBytesMax};
inline constexpr ChannelLimits kChipChannels{4, 1'024, 64};

// One thing that a listener is told.
struct Heard {
  enum class Kind : std::uint8_t {
    message,      // name: the topic; member: who published; value
    lost,         // count messages went by: this device, or its link, is too slow
    gap,          // The link has dropped: what is said meanwhile goes by. Rooms begin anew when it is back.
    refused,      // status: the server does not let this device; nothing more comes over this link
    room_begins,  // What was known of the room is over. value: its status; count: events that went by
    member,       // Someone who is in it, until `room_stands`; value: their status
    room_stands,  // These were all, and from here on there are events:
    joined,
    left,         // why
    status,       // A member has changed their status,
    room_status,  // or the room's.
    told,         // Someone said something to all in the room: value
  };
  Kind kind = Kind::message;
  std::string_view name{};
  crdt::NodeId member = 0;
  bool is_own = false;  // The member is this device.
  crdt::Stamp stamp{};  // In rooms: when, by the server. Rises from event to event of a room.
  std::uint64_t count = 0;
  Leaving why = Leaving::left;
  Status status = Status::ok;
  crdt::Value value{};
};
const char* name_of(Heard::Kind kind);

// A function with up to two captured words: no allocation, trivially copied.
class Listener {
 public:
  Listener() = default;
  template <typename F, std::enable_if_t<std::is_invocable_v<F&, const Heard&>, int> = 0>
  Listener(F function) : call_([](void* at, const Heard& heard) { (*static_cast<F*>(at))(heard); }) {
    static_assert(std::is_trivially_copyable_v<F> && sizeof(F) <= sizeof(words_),
                  "capture at most two trivially copyable words: a pointer to your state, say");
    std::memcpy(words_, &function, sizeof(F));
  }
  void operator()(const Heard& heard) { call_(words_, heard); }
  explicit operator bool() const { return call_ != nullptr; }

 private:
  void (*call_)(void*, const Heard&) = nullptr;
  alignas(void*) unsigned char words_[2 * sizeof(void*)] = {};
};

}  // namespace grid

namespace grid::runtime {

// An API call of channels, part of a Call.
struct ChannelCall {
  enum class Verb : std::uint8_t {
    publish,          // name, value
    subscribe,        // name: a filter; listener; id comes out
    join,             // name, value (own status), lease_ms, listener; id comes out
    attend,           // name, listener; id comes out
    end,              // id: of what is listened to or joined
    set_status,       // name: a room that is joined; value
    set_room_status,  // name, value
    tell,             // name, value
    flush,            // id comes out: ReplicaStatus::channels_flushed reaches it when all before it is done or refused
  };
  Verb verb = Verb::publish;
  std::string_view name{};
  Bytes value{};
  std::uint32_t lease_ms = 0;  // 0: as the server likes.
  Listener listener{};
  std::uint32_t id = 0;
};

class Channels final : public LinkGuest {
 public:
  static constexpr std::size_t memory_bytes(const ChannelLimits& limits) {
    return limits.listenings_max * (sizeof(Slot) + limits.presence_bytes_max) + limits.queue_bytes + alignof(Slot);
  }
  // `memory` holds memory_bytes().
  Channels(const ChannelLimits& limits, MutBytes memory);

  void welcomed(const Welcomed& welcomed, std::uint64_t now_ms, Problem& problem) override;
  void link_down() override;
  Status receive(Bytes frame, Problem& problem) override;
  bool take_news() override;
  void deliver(Bytes frame) override;
  bool wants_write(std::uint64_t now_ms) const override;
  Bytes write(MutBytes room, std::uint64_t now_ms) override;
  std::uint64_t wake_at_ms() const override;
  // Of the call:
  //   invalid, too_large  A name or a value breaks a rule.
  //   full                No room to listen to more, or to say more before the link takes some.
  //   busy                The room is joined or attended already.
  //   not_found           Nothing of this id or name.
  Status perform(ChannelCall& call, Problem& problem) override;
  void tell(ReplicaStatus& status) const override;

 private:
  enum class Kind : std::uint8_t { topic, member, attendant };
  // One thing that is listened to.
  struct Slot {
    std::uint32_t id = 0;  // 0: free.
    Kind kind = Kind::topic;
    bool ask_due = false;     // The server is to be told of it,
    bool status_due = false;  // of a new status,
    bool end_due = false;     // and that it is over.
    bool is_asked = false;    // On this link,
    bool has_begun = false;   // and it has been told that the room begins: what came before was for an earlier slot.
    bool is_listed = false;   // Since then, among its members.
    bool gap_due = false;     // The listener is to be told that the link has dropped,
    Status refused = Status::ok;
    bool refused_due = false;  // or that this release of the server knows no channels.
    std::uint8_t name_bytes = 0;
    std::uint16_t value_bytes = 0;
    std::uint32_t lease_ms = 0;
    Listener listener;
    char name[wire::kTopicBytesMax] = {};

    std::string_view name_view() const { return {name, name_bytes}; }
    bool is_live() const { return id != 0 && !end_due; }
  };
  static constexpr std::uint32_t kLeaseMs = 15'000;  // Asked for, where a join says none.

  Status check(const ChannelCall& call, Problem& problem) const;
  Status listen(ChannelCall& call, Problem& problem);
  Status end(std::uint32_t id);
  Status set_status(const ChannelCall& call, Problem& problem);
  Status enqueue(const wire::ChannelItem& item, Problem& problem);
  Status flush(ChannelCall& call);

  void take(const wire::ChannelItem& item, Problem& problem);
  void refuse(const wire::ChannelItem& item, Problem& problem);
  void hear(const wire::ChannelItem& item);
  bool concerns(const Slot& slot, const wire::ChannelItem& item) const;

  bool write_asks(wire::ChannelWriter& writer);
  bool write_queue(wire::ChannelWriter& writer);
  bool write_ends(wire::ChannelWriter& writer);
  bool is_shared(const Slot& slot) const;

  Slot* find_room(std::string_view name);
  MutBytes value_room(const Slot& slot) const;
  Bytes value_of(const Slot& slot) const { return value_room(slot).first(slot.value_bytes); }
  std::uint32_t lease_ms() const;

  const ChannelLimits& limits_;
  std::span<Slot> slots_;
  MutBytes values_;
  MutBytes queue_;  // Items as they stand in a frame, one after the other.
  std::size_t queued_bytes_ = 0;
  std::uint32_t last_id_ = 0;
  crdt::NodeId node_ = 0;
  bool is_live_ = false;  // The link is up and the server knows channels.
  bool has_news_ = false;
  bool beat_due_ = false;
  std::uint32_t flush_asked_ = 0;
  std::uint32_t flushed_ = 0;
  std::uint32_t refused_count_ = 0;
  Status refused_ = Status::ok;
  std::uint64_t sent_at_ms_ = 0;
};

}  // namespace grid::runtime

namespace grid {

// Channels with their memory, to be made where a host is made.
template <const ChannelLimits& kLimits>
class ChannelsOf {
 public:
  operator runtime::LinkGuest*() { return &channels_; }

 private:
  alignas(std::max_align_t) std::uint8_t memory_[runtime::Channels::memory_bytes(kLimits)] = {};
  runtime::Channels channels_{kLimits, memory_};
};

}  // namespace grid
