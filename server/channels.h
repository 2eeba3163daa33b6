// SPDX-License-Identifier: Apache-2.0
//
// Channels: the gateway's topics and rooms of one app. Nothing of it is stored.
//
// Place     Beside session.h, below coordinator.h. Below it topic_index.h, message_log.h and room.h.
// Promises  A message goes once to each link that listens, in the order of its publisher. A link that is too slow loses
//           the oldest, and is told how many. A room is told as room.h says.
//           Who leaves, whose link ends and whose lease lapses, is no member any more; a room that nobody is in, and
//           that nobody attends, is gone. BND-1  Everything has a limit in ChannelOptions. Queues hold positions, never
//           messages. SEC-1  Each thing that a device asks for is put to the policy first.
// Threads   None: the caller's.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "server/message_log.h"
#include "server/queue.h"
#include "server/room.h"
#include "server/topic_index.h"

namespace grid::server {

// What a policy is asked.
struct ChannelAsk {
  std::string_view identity;  // The principal that the host has proven; empty without authentication.
  runtime::LinkId link = 0;
  crdt::NodeId node = 0;
  wire::ChannelVerb verb = wire::ChannelVerb::publish;  // publish, subscribe, join, attend, set_room_status, tell
  std::string_view name;                                // The topic, filter or room.
};
// `ok`, or why not: `denied`, as a rule.
using ChannelPolicy = Status (*)(void* context, const ChannelAsk& ask);

struct ChannelOptions {
  std::uint32_t filters_max = 256;  // of one link
  std::uint32_t rooms_max = 64;     // of one link
  std::uint32_t all_rooms_max = 1'024;
  std::uint32_t members_max = 1'024;             // of one room
  std::uint32_t queue_messages_max = 1'024;      // of one link
  std::uint32_t messages_bytes_max = 8'388'608;  // that somebody is yet to be sent, all in all
  std::uint32_t lease_ms = 30'000;               // of who asks for none
  std::uint32_t lease_ms_min = 1'000;
  std::uint32_t lease_ms_max = 600'000;
  ChannelPolicy policy = nullptr;  // Null: everything is allowed.
  void* policy_context = nullptr;
};

struct ChannelFigures {
  std::uint64_t rooms = 0;
  std::uint64_t members = 0;
  std::uint64_t messages = 0;       // Published,
  std::uint64_t messages_sent = 0;  // once for each link,
  std::uint64_t messages_lost = 0;  // likewise.
};

// What Channels knows of one link; whoever has the link keeps it.
class ChannelLink {
 public:
  bool wants_write() const { return rooms_due_ || !queue_.empty() || lost_ > 0 || beat_due_ || !refused_.empty(); }

 private:
  friend class Channels;
  struct Refused {
    wire::ChannelVerb verb;
    std::string name;
    Status status;
  };

  runtime::LinkId id_ = 0;
  crdt::NodeId node_ = 0;
  std::string identity_;
  std::set<std::string, std::less<>> filters_;
  std::map<std::string, Room::Attendance, std::less<>> rooms_;
  Queue<MessageLog::Position> queue_;
  std::uint64_t lost_ = 0;
  Queue<Refused> refused_;
  std::uint64_t beat_ = 0;
  bool beat_due_ = false;
  bool rooms_due_ = false;
  bool were_rooms_first_ = false;
  std::uint32_t lease_ms_ = 0;  // 0: it is a member of nothing.
  std::uint64_t lapses_at_ms_ = runtime::kNever;
};

class Channels {
 public:
  explicit Channels(const ChannelOptions& options) : options_(options), log_(options.messages_bytes_max) {}

  // `link` stays where it is until link_down().
  void link_up(ChannelLink& link, runtime::LinkId id, std::string_view identity);
  void link_down(ChannelLink& link);
  // Takes a frame of a link that has greeted as `node`.
  //   corrupt, too_large  It breaks a rule of the wire.
  //   full                The device asks and asks and does not read why it is refused.
  Status receive(ChannelLink& link, crdt::NodeId node, Bytes frame, std::uint64_t now_ms, std::uint64_t wall_ms);
  // The next frame; empty: there is nothing to say after all.
  Bytes write(ChannelLink& link, MutBytes room);
  // Ends the leases that have lapsed.
  void advance(std::uint64_t now_ms, std::uint64_t wall_ms);
  std::uint64_t wake_at_ms() const { return next_lapse_ms_; }

  ChannelFigures figures() const;

 private:
  static constexpr std::size_t kRefusedMax = 64;  // That a link has not read.

  Status take(ChannelLink& link, const wire::ChannelItem& item);
  Status judge(const ChannelLink& link, const wire::ChannelItem& item) const;
  Status perform(ChannelLink& link, const wire::ChannelItem& item);
  Status publish(const ChannelLink& link, const wire::ChannelItem& item);
  void queue(ChannelLink& link, MessageLog::Position position);
  Status subscribe(ChannelLink& link, std::string_view filter);
  Status unsubscribe(ChannelLink& link, std::string_view filter);
  Status enter(ChannelLink& link, const wire::ChannelItem& item);
  void join(ChannelLink& link, Room& room, const wire::ChannelItem& item);
  Status leave(ChannelLink& link, std::string_view name);
  Status set_status(ChannelLink& link, const wire::ChannelItem& item);
  Status say(ChannelLink& link, const wire::ChannelItem& item);

  void part(ChannelLink& link, Room& room, wire::Leaving why);
  void close_if_empty(std::string_view name);
  void wake(const Room& room);
  Room* find(std::string_view name);
  void renew(ChannelLink& link);
  crdt::Stamp tick(crdt::NodeId node);

  void write_rooms(ChannelLink& link, wire::ChannelWriter& writer);
  void write_messages(ChannelLink& link, wire::ChannelWriter& writer);

  const ChannelOptions options_;
  MessageLog log_;
  TopicIndex index_;
  std::map<std::string, Room, std::less<>> rooms_;
  std::map<runtime::LinkId, ChannelLink*> links_;
  std::vector<runtime::LinkId> found_;  // Of one message.
  std::vector<std::uint8_t> encoded_;   // One message.
  ChannelFigures figures_;
  std::uint64_t now_ms_ = 0;
  std::uint64_t wall_ms_ = 0;
  std::uint64_t last_time_ = 0;                    // Of the newest stamp.
  std::uint64_t next_lapse_ms_ = runtime::kNever;  // Not later than that of any lease.
};

}  // namespace grid::server
