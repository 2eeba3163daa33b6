// SPDX-License-Identifier: Apache-2.0

#include "server/message_log.h"

namespace grid::server {

namespace {

// What keeping a message takes beside its bytes.
constexpr std::size_t kEntryBytes = 64;

}  // namespace

MessageLog::Position MessageLog::add(Bytes message, std::uint32_t readers) {
  bytes_ += message.size() + kEntryBytes;
  messages_.push_back({std::string(as_text(message)), readers});
  while (bytes_ > bytes_max_ && messages_.size() > 1) drop_oldest();
  return first_ + messages_.size() - 1;
}

Bytes MessageLog::find(Position position) const {
  if (position < first_ || position >= first_ + messages_.size()) return {};
  return as_bytes(messages_[position - first_].bytes);
}

void MessageLog::release(Position position) {
  if (position < first_ || position >= first_ + messages_.size()) return;
  --messages_[position - first_].readers;
  while (!messages_.empty() && messages_.front().readers == 0) drop_oldest();
}

void MessageLog::drop_oldest() {
  bytes_ -= messages_.front().bytes.size() + kEntryBytes;
  messages_.pop_front();
  ++first_;
}

}  // namespace grid::server
