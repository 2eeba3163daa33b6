// SPDX-License-Identifier: Apache-2.0
//
// Notify: tells the service manager that started gridd how it is, as sd_notify(3) has it.
//
// Place     Beside log.h; main.cc makes one. Knows the loop, and nothing of what runs on it.
// Promises  Says nothing where nobody listens. The watchdog is fed by turned() alone: a loop that is stuck, and a
//           manager that cannot take the word, starve it. What is said never blocks, but for ready().
// Threads   One: the loop's.
#pragma once

#include <uv.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crdt/base/status.h"
#include "transport/lws/uv_handle.h"

namespace grid::server {

class Notify {
 public:
  // Goes by NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID of the environment.
  explicit Notify(uv_loop_t* loop);
  ~Notify();
  Notify(const Notify&) = delete;
  Notify& operator=(const Notify&) = delete;

  // Takes links, or has read its configuration anew.
  //   io  Somebody is to be told, and could not be.
  Status ready(std::string_view status);
  void reloading();
  void stopping(std::string_view status);
  void status(std::string_view status);
  // Whether turned() would feed the watchdog: who has more loops than one asks them first.
  bool is_due(std::uint64_t now_ms) const { return feed_every_ms_ != 0 && now_ms >= feed_at_ms_; }
  // A whole turn of the loop is over. An idle loop makes one in time.
  void turned(std::uint64_t now_ms);

 private:
  bool send(const std::string& text, int flags) const;

  int socket_ = -1;
  std::string address_;
  std::uint64_t feed_every_ms_ = 0;  // 0: there is no watchdog.
  std::uint64_t feed_at_ms_ = 0;
  std::optional<transport::UvHandle<uv_timer_t>> alarm_;  // Lets the loop turn, and no more.
};

}  // namespace grid::server
