// SPDX-License-Identifier: Apache-2.0
//
// LwsContext: WebSocket links, as a client and as a server, by libwebsockets on a libuv loop that is the caller's.
//
// Place     Top of transport/lws. Knows frames as bytes; runtime/machine.h's links, but no machine.
// Promises  A frame that on_writable() gave is sent whole and once, or the link goes down. Frames of one direction
//           arrive in order. What the peer sends never stops the program: it costs the peer its link.
//           BND-1  A link holds at most one frame that is arriving and one that the socket has not taken yet, each of
//                  up to frame_bytes_max; encoding has one buffer for all links.
// Ownership Borrows the loop and its listeners for life.
// Threads   One: the loop's. Names are looked up on libuv's pool, so that connect() never blocks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "crdt/base/status.h"
#include "transport/lws/link_listener.h"

struct uv_loop_s;

namespace grid::transport {

// Why a link is closed, as RFC 6455 numbers it.
inline constexpr std::uint16_t kCloseNormal = 1'000;
inline constexpr std::uint16_t kCloseGoingAway = 1'001;
inline constexpr std::uint16_t kCloseProtocol = 1'002;
inline constexpr std::uint16_t kCloseText = 1'003;
inline constexpr std::uint16_t kClosePolicy = 1'008;
inline constexpr std::uint16_t kCloseTooLarge = 1'009;

struct LwsOptions {
  std::uint32_t frame_bytes_max = 2 * 1'048'576;
  std::uint32_t links_max = 1'024;        // Of a server, beyond which it answers 503.
  std::uint32_t read_bytes = 16 * 1'024;  // Taken from a socket at once; each link has a buffer of it.
  std::uint16_t ping_after_s = 20;        // A link on which nothing came is pinged, ...
  std::uint16_t hangup_after_s = 30;      // ... and given up if it does not answer.
  std::uint16_t handshake_s = 10;         // What connecting may take, each part of it.
};

class LwsContext {
 public:
  LwsContext();
  // Drops what is still open, without telling the listeners, and runs the loop until libwebsockets has let go of it.
  // Not from within a callback of the loop.
  ~LwsContext();
  LwsContext(const LwsContext&) = delete;
  LwsContext& operator=(const LwsContext&) = delete;

  // First of all calls.
  //   io  libwebsockets has no libuv plugin on this machine, or no memory.
  Status open(uv_loop_s* loop, const LwsOptions& options);

  // Accepts links at `address` (HOST:PORT; port 0 takes a free one). GET /healthz is answered "ok".
  //   invalid  Not an address.
  //   busy     Listening already.
  //   io       In use, not of this machine, or not permitted; problem() says which.
  Status listen(std::string_view address, LinkListener& listener);
  // Where it listens, with the port that it got; empty when it doesn't.
  const std::string& bound() const;
  // Takes no new links; those that are open stay.
  void stop_listening();

  // Opens a link to `url` (ws://HOST:PORT or wss://HOST:PORT) at `path`; a `bearer` token that is given is shown.
  // What becomes of it comes later, from the loop: on_open(), or on_close() with the reason.
  //   invalid  Not such a URL, or the token is no text of one line.
  //   io       No memory.
  Result<LinkId> connect(std::string_view url, std::string_view path, LinkListener& listener,
                         std::string_view bearer = {});

  // Asks for one on_writable(), once the link takes a frame. A link that is gone is ignored, here and in close().
  void want_write(LinkId link);
  // Closes the link behind what was sent on it. Its listener hears no more of it, from now on.
  void close(LinkId link, std::uint16_t code, std::string_view reason);

  // Sockets that are open or opening, those included that are saying goodbye.
  std::size_t link_count() const;

  // The last failure as a sentence. Never null.
  const char* problem() const;

 private:
  class Body;
  std::unique_ptr<Body> body_;
};

}  // namespace grid::transport
