// SPDX-License-Identifier: Apache-2.0
//
// Mailbox: letters on their way from one loop's thread to another's, in order.
//
// Place     Below engine.h, above letter.h.
// Promises  BND-1  post() says when it is full. It takes what it is given all the same, so that no letter is lost and
//                  no writer waits: whoever is told has nothing more read that would be posted, until it hears that
//                  there is room. So it holds its limit, and what each link and exchange had under way.
// Threads   post() and is_full(): the writer's. take(): the reader's. Depth and waits: any.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>

#include "server/host/bell.h"
#include "server/host/letter.h"

namespace grid::server {

struct MailboxLimits {
  std::size_t letters = 4'096;
  std::size_t bytes = 8u << 20;
};

class Mailbox {
 public:
  // `reader` is rung for the first letter, and `writer` when a full mailbox has room again.
  Mailbox(MailboxLimits limits, const Bell& reader, const Bell& writer)
      : limits_(limits), reader_(reader), writer_(writer) {}

  // False: it is full, with this one in it.
  bool post(Letter letter);
  bool is_full() const;
  // The next one; false: there is none.
  bool take(Letter& letter);

  MailboxDepth depth() const;
  // How long letters waited.
  const Timing& waits() const { return waits_; }

 private:
  bool is_above(std::size_t share) const {
    return letters_.size() >= limits_.letters / share || bytes_ >= limits_.bytes / share;
  }

  const MailboxLimits limits_;
  const Bell& reader_;
  const Bell& writer_;
  Timing waits_;
  mutable std::mutex mutex_;
  std::deque<Letter> letters_;  // Guarded by mutex_, as what follows.
  std::size_t bytes_ = 0;
  bool was_full_ = false;
};

}  // namespace grid::server
