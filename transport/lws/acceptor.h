// SPDX-License-Identifier: Apache-2.0
//
// Acceptor: a listening TCP socket on a libuv loop, which hands out accepted sockets.
//
// Place     Beside address.h. Knows no WebSocket: libwebsockets adopts what comes out. (Its own listening cannot bind
//           to one address of an IPv6 build, nor take over a socket from systemd.)
// Promises  Bound to the one address that was asked for, and to no other.
// Ownership Owns the listening socket; an accepted one is whoever's was told of it.
// Threads   One: the loop's.
#pragma once

#include <uv.h>

#include <memory>
#include <string>
#include <string_view>

#include "transport/lws/address.h"
#include "transport/lws/uv_handle.h"

namespace grid::transport {

class Acceptor {
 public:
  using Accepted = void (*)(void* owner, int socket, const SocketAddress& peer);

  // Listens at `address` (port 0: any free one) and calls accepted(owner, socket, peer) for each connection from now
  // on. Null with `problem` set when it can't: not an address, in use, not of this machine, not permitted.
  static std::unique_ptr<Acceptor> listen(uv_loop_t* loop, std::string_view address, Accepted accepted, void* owner,
                                          std::string& problem);
  // The same for a socket that listens already, as systemd hands it over; takes it when it can.
  static std::unique_ptr<Acceptor> take(uv_loop_t* loop, int socket, Accepted accepted, void* owner,
                                        std::string& problem);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // Where it listens, with the port that it got.
  const std::string& bound() const { return bound_; }

 private:
  Acceptor(uv_loop_t* loop, int socket, Accepted accepted, void* owner);
  void accept_all();
  void watch();
  void pause();

  int socket_;
  UvHandle<uv_poll_t> poll_;
  UvHandle<uv_timer_t> pause_;
  Accepted accepted_;
  void* owner_;
  std::string bound_;
};

}  // namespace grid::transport
