// SPDX-License-Identifier: Apache-2.0
//
// MessageLog: the messages that somebody has yet to be sent, once each, however many that are.
//
// Place     Below channels.h. Readers hold positions, never messages.
// Promises  BND-1  At most `bytes_max` bytes: the oldest go first, and their readers find out by their position.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "crdt/base/bytes.h"

namespace grid::server {

class MessageLog {
 public:
  using Position = std::uint64_t;

  explicit MessageLog(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // `readers` will each take it, or let it go, once.
  Position add(Bytes message, std::uint32_t readers);
  // Nothing: it had to go.
  Bytes find(Position position) const;
  // One reader is done with it.
  void release(Position position);

  std::size_t bytes() const { return bytes_; }
  std::size_t count() const { return messages_.size(); }

 private:
  struct Message {
    std::string bytes;
    std::uint32_t readers;
  };
  void drop_oldest();

  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  Position first_ = 1;  // Of the oldest that is here.
  std::deque<Message> messages_;
};

}  // namespace grid::server
