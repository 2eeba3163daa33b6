// SPDX-License-Identifier: Apache-2.0
//
// Doorstep: connections that were accepted, and have not said a byte yet.
//
// Place     Between acceptor.h and libwebsockets: whoever says nothing costs a descriptor and a few hundred bytes here,
//           not a TLS session; and the first byte tells in which tongue a peer speaks.
// Promises  BND-1  So many at most: when another one comes, who has been silent for longest goes.
// Ownership Owns the sockets, until a visitor speaks: then its socket is whoever's was told of it.
// Threads   One: the loop's.
#pragma once

#include <uv.h>

#include <cstdint>
#include <map>
#include <memory>

#include "transport/lws/address.h"
#include "transport/lws/link_listener.h"
#include "transport/lws/uv_handle.h"

namespace grid::transport {

struct Visitor {
  int socket = -1;
  SocketAddress peer{};
  LinkListener* listener = nullptr;
  bool wants_tls = false;  // As the door is at which it came.
  std::uint64_t since_ms = 0;
};

class Doorstep {
 public:
  class Host {
   public:
    // The first byte has come; it is still to be read. The socket is the host's.
    virtual void knocked(const Visitor& visitor, std::uint8_t first) = 0;
    // It has gone without a byte: by itself, or since it took too long.
    virtual void left(const Visitor& visitor, bool was_late) = 0;

   protected:
    ~Host() = default;
  };

  Doorstep(uv_loop_t* loop, Host& host, std::size_t visitors_max)
      : loop_(loop), host_(host), visitors_max_(visitors_max) {}
  ~Doorstep();
  Doorstep(const Doorstep&) = delete;
  Doorstep& operator=(const Doorstep&) = delete;

  void wait(const Visitor& visitor);
  // Those go that have been here since before that time.
  void send_away(std::uint64_t since_ms);
  std::size_t count() const { return waiting_.size(); }

 private:
  struct Waiting {
    Doorstep* doorstep;
    std::uint64_t number;
    Visitor visitor;
    UvHandle<uv_poll_t> poll;
  };

  void look(std::uint64_t number);
  void drop_first();

  uv_loop_t* loop_;
  Host& host_;
  std::size_t visitors_max_;
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Waiting>> waiting_;  // The first came first.
};

}  // namespace grid::transport
