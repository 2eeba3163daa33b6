// SPDX-License-Identifier: Apache-2.0
//
// Room: who is in it, their statuses and its own, and the newest events, for whoever is behind.
//
// Place     Below channels.h. Knows no policy and no clock: stamps and verdicts come from above.
// Promises  Who is told in full, and then of each event, knows the members and statuses that the room has.
//           Events of a room are told in the order of their stamps, none twice.
//           BND-1  At most kEventsMax events of kEventsBytesMax in all: who is further behind is told how many went by,
//           and begins anew. Each attendance is a position.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "runtime/machine.h"
#include "transport/wire_channel.h"

namespace grid::server {

class Room {
 public:
  static constexpr std::size_t kEventsMax = 256;
  static constexpr std::size_t kEventsBytesMax = 262'144;

  struct Member {
    runtime::LinkId link = 0;
    std::string status;
    crdt::Stamp stamp;  // Of the status.
  };
  // One link's place in the room.
  struct Attendance {
    bool is_member = false;
    bool begins_due = true;        // It is told in full next,
    bool is_told_members = false;  // and is being told,
    crdt::NodeId told_up_to = 0;   // of members up to this one.
    std::uint64_t position = 0;    // The event that it was told last.
    std::uint64_t lost = 0;
  };

  explicit Room(std::string_view name) : name_(name) {}

  const std::string& name() const { return name_; }
  std::map<crdt::NodeId, Member>& members() { return members_; }
  const std::map<crdt::NodeId, Member>& members() const { return members_; }
  std::set<runtime::LinkId>& links() { return links_; }
  const std::set<runtime::LinkId>& links() const { return links_; }
  bool has_status() const { return !status_.empty(); }

  // Each is an event; `stamp` is above that of the last.
  void join(crdt::NodeId node, runtime::LinkId link, Bytes status, crdt::Stamp stamp);
  void leave(crdt::NodeId node, wire::Leaving why, crdt::Stamp stamp);
  void set_status(crdt::NodeId node, Bytes status, crdt::Stamp stamp);
  void set_room_status(crdt::NodeId node, Bytes status, crdt::Stamp stamp);
  void tell(crdt::NodeId node, Bytes value, crdt::Stamp stamp);

  bool is_behind(const Attendance& attendance) const {
    return attendance.begins_due || attendance.is_told_members || attendance.position < head_;
  }
  // Writes what comes next. False: there is more than fits.
  bool write(Attendance& attendance, wire::ChannelWriter& writer) const;

 private:
  struct Event {
    std::string bytes;
    crdt::NodeId about;  // The member whose state it changes; 0: none's.
  };

  void record(const wire::ChannelItem& item, crdt::NodeId about);
  std::uint64_t first() const { return head_ + 1 - events_.size(); }
  bool write_begin(Attendance& attendance, wire::ChannelWriter& writer) const;
  bool write_events(Attendance& attendance, wire::ChannelWriter& writer) const;
  bool write_members(Attendance& attendance, wire::ChannelWriter& writer) const;

  std::string name_;
  std::string status_;
  crdt::Stamp status_stamp_;
  std::map<crdt::NodeId, Member> members_;
  std::set<runtime::LinkId> links_;  // Of all that are told.
  std::deque<Event> events_;
  std::size_t events_bytes_ = 0;
  std::uint64_t head_ = 0;  // The newest event.
};

}  // namespace grid::server
