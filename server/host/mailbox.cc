// SPDX-License-Identifier: Apache-2.0

#include "server/host/mailbox.h"

#include <utility>

namespace grid::server {

bool Mailbox::post(Letter letter) {
  letter.posted_ns = uv_hrtime();
  bool is_first = false;
  bool has_room = false;
  {
    const std::lock_guard lock(mutex_);
    is_first = letters_.empty();
    bytes_ += letter.size();
    letters_.push_back(std::move(letter));
    has_room = !is_above(1);
    was_full_ = was_full_ || !has_room;
  }
  if (is_first) reader_.ring();
  return has_room;
}

bool Mailbox::is_full() const {
  const std::lock_guard lock(mutex_);
  return is_above(1);
}

bool Mailbox::take(Letter& letter) {
  bool has_room_again = false;
  {
    const std::lock_guard lock(mutex_);
    if (letters_.empty()) return false;
    letter = std::move(letters_.front());
    letters_.pop_front();
    bytes_ -= letter.size();
    has_room_again = was_full_ && !is_above(2);
    if (has_room_again) was_full_ = false;
  }
  if (has_room_again) writer_.ring();
  waits_.note(uv_hrtime() - letter.posted_ns);
  return true;
}

MailboxDepth Mailbox::depth() const {
  const std::lock_guard lock(mutex_);
  const std::uint64_t oldest_ns = letters_.empty() ? 0 : uv_hrtime() - letters_.front().posted_ns;
  return {letters_.size(), bytes_, oldest_ns};
}

}  // namespace grid::server
