// SPDX-License-Identifier: Apache-2.0
//
// InspectSocket: a Unix socket at which a device on Linux lets itself be looked into, by its own user.
//
// Place     Within ports/linux, for LinuxHost. The bytes are those of a serial line (transport/stream).
// Promises  As unix_listener.h.
//           BND-1  kGuestsMax look at a time; who comes then is turned away.
// Ownership Borrows loop, inspector and host for life. The loop runs once more after this is gone.
// Threads   One: the loop's.
#pragma once

#include <uv.h>

#include <memory>
#include <string>
#include <vector>

#include "ports/linux/unix_listener.h"
#include "runtime/inspector.h"

namespace grid::port {

class InspectSocket {
 public:
  static constexpr std::size_t kGuestsMax = 4;

  // Who knows the state of the replica.
  class Host {
   public:
    virtual runtime::ReplicaStatus inspected_status() = 0;

   protected:
    ~Host() = default;
  };

  InspectSocket(uv_loop_t* loop, runtime::Inspector& inspector, Host& host);
  ~InspectSocket();
  InspectSocket(const InspectSocket&) = delete;
  InspectSocket& operator=(const InspectSocket&) = delete;

  // As UnixListener::listen().
  Status listen(const std::string& path);
  const std::string& problem() const { return listener_.problem(); }

 private:
  class Guest;

  void welcome();
  void let_go(Guest& guest);

  uv_loop_t* loop_;
  runtime::Inspector& inspector_;
  Host& host_;
  UnixListener listener_;
  std::vector<std::unique_ptr<Guest>> guests_;
};

}  // namespace grid::port
