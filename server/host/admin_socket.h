// SPDX-License-Identifier: Apache-2.0
//
// AdminSocket: where a running gateway is told what to do by whoever owns its data: DATA/gridd.sock.
//
// Place     Below gateway.h. Knows questions and answers as JSON; who answers is its desk.
// Promises  As unix_listener.h: nobody comes in but the user that gridd runs as, and root. So it needs no token, and is
//           where the first one comes from.
//           BND-1  kGuestsMax at a time, one question of kAskBytesMax each.
// Ownership Borrows loop and desk for life. The loop runs once more after this is gone.
// Threads   One: the loop's.
#pragma once

#include <uv.h>

#include <memory>
#include <string>
#include <vector>

#include "ports/linux/unix_listener.h"
#include "server/host/admin_desk.h"

namespace grid::server {

class AdminSocket {
 public:
  static constexpr std::size_t kGuestsMax = 8;
  static constexpr std::size_t kAskBytesMax = 65'536;

  AdminSocket(uv_loop_t* loop, AdminDesk& desk);
  ~AdminSocket();
  AdminSocket(const AdminSocket&) = delete;
  AdminSocket& operator=(const AdminSocket&) = delete;

  static std::string file_in(const std::string& data) { return data + "/gridd.sock"; }
  // As UnixListener::listen().
  Status listen(const std::string& path) { return listener_.listen(path, static_cast<int>(kGuestsMax)); }
  const std::string& problem() const { return listener_.problem(); }

 private:
  class Guest;

  void welcome();
  void let_go(Guest& guest);

  uv_loop_t* loop_;
  AdminDesk& desk_;
  port::UnixListener listener_;
  std::vector<std::unique_ptr<Guest>> guests_;
};

}  // namespace grid::server
