// SPDX-License-Identifier: Apache-2.0
//
// The embedding API's topics and rooms: what is said now, to whoever is there now. Nothing of it is kept.
//
// Place     Part of grid/grid.h, which includes this.
// Promises  As grid.h. Listeners run from the host's run functions, never from inside a call, and may make calls.
// Ownership Topic, Room and Listening belong to you; none may outlive the host. What a listener is told stands until it
//           returns.
//
// docs/channels.md tells what is promised of messages and members, and what isn't.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "crdt/base/status.h"
#include "crdt/value.h"
#include "runtime/channels.h"

namespace grid {

class Driver;

// What is listened to, or a room that one is in; ends with its scope.
class Listening {
 public:
  Listening() = default;
  Listening(Driver* driver, Status status, std::uint32_t id) : driver_(driver), status_(status), id_(id) {}
  Listening(Listening&& other) noexcept { *this = std::move(other); }
  Listening& operator=(Listening&& other) noexcept {
    std::swap(driver_, other.driver_);
    std::swap(status_, other.status_);
    std::swap(id_, other.id_);
    return *this;
  }
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;
  ~Listening() { end(); }

  //   invalid, too_large  The name, filter or status breaks a rule; or the node was opened without channels.
  //   full                ChannelLimits::listenings_max.
  //   busy                This device is in the room already.
  Status status() const { return status_; }
  void end();

 private:
  Driver* driver_ = nullptr;
  Status status_ = Status::invalid;
  std::uint32_t id_ = 0;
};

// Calls that say something:
//   ok         It goes out once there is a link: at most once, without an acknowledgement.
//   invalid, too_large  The name or value breaks a rule.
//   full       What is yet to be sent has no room for more.
class Topic {
 public:
  Topic() = default;
  Topic(Driver* driver, std::string_view name) : driver_(driver), name_(name) {}

  Status publish(std::initializer_list<crdt::Field> record);
  Status publish(const crdt::Value& value);
  // Hears `message`, `lost`, `gap` and `refused` of every topic that the name, a filter here, stands for.
  Listening listen(Listener listener);

 private:
  Driver* driver_ = nullptr;
  std::string_view name_;
};

class Room {
 public:
  Room() = default;
  Room(Driver* driver, std::string_view name) : driver_(driver), name_(name) {}

  // Comes in, with a status that others see, until the Listening ends, the link drops, or the server has not heard of
  // this device for `lease_ms` (0: 15 s). Comes in again after each reconnect.
  Listening join(const crdt::Value& status, Listener listener, std::uint32_t lease_ms = 0);
  Listening join(std::initializer_list<crdt::Field> status, Listener listener, std::uint32_t lease_ms = 0);
  // Hears what those in it hear, and is not in it.
  Listening attend(Listener listener);

  //   not_found  This device has not joined.
  Status set_status(const crdt::Value& status);
  Status set_status(std::initializer_list<crdt::Field> status);
  // The room's own, while somebody is in it. Whoever the server lets may set it and tell; without a value, it is none.
  Status set_room_status(const crdt::Value& status);
  Status tell(const crdt::Value& value);

 private:
  Driver* driver_ = nullptr;
  std::string_view name_;
};

}  // namespace grid
