// SPDX-License-Identifier: Apache-2.0
//
// LwsContext: WebSocket links, as a client and as a server, by libwebsockets on a libuv loop that is the caller's.
//
// Place     Top of transport/lws. Knows frames as bytes; runtime/machine.h's links, but no machine.
// Promises  A frame that on_writable() gave is sent whole and once, or the link goes down. Frames of one direction
//           arrive in order. What the peer sends never stops the program: it costs the peer its link.
//           BND-1  A link holds at most one frame that is arriving and one that the socket has not taken yet, each of
//                  up to frame_bytes_max; encoding has one buffer for all links. Connections are bounded in all, by
//                  address, and by what a peer may take its time for; what is too fast is read later.
// Ownership Borrows the loop and its listeners for life.
// Threads   One: the loop's. Names are looked up on libuv's pool, so that connect() never blocks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/base/status.h"
#include "transport/lws/http_listener.h"
#include "transport/lws/link_listener.h"
#include "transport/lws/tls.h"
#include "transport/lws/token_bucket.h"

struct uv_loop_s;

namespace grid::transport {

// Why a link is closed, as RFC 6455 numbers it.
inline constexpr std::uint16_t kCloseNormal = 1'000;
inline constexpr std::uint16_t kCloseGoingAway = 1'001;
inline constexpr std::uint16_t kCloseProtocol = 1'002;
inline constexpr std::uint16_t kCloseText = 1'003;
inline constexpr std::uint16_t kClosePolicy = 1'008;
inline constexpr std::uint16_t kCloseTooLarge = 1'009;
inline constexpr std::uint16_t kCloseTryAgain = 1'013;

struct LwsOptions {
  std::uint32_t frame_bytes_max = 2 * 1'048'576;
  std::uint32_t links_max = 1'024;       // Of a server, beyond which it answers 503.
  std::uint32_t read_bytes = 2 * 1'024;  // Of a frame that is handed on at once; each link has a buffer of it.
  std::uint16_t ping_after_s = 20;       // A link on which nothing came is pinged, ...
  std::uint16_t hangup_after_s = 30;     // ... and given up if it does not answer.
  std::uint16_t handshake_s = 10;        // What connecting may take, each part of it; all of it for who comes to us.
  std::uint16_t stall_s = 30;            // In which a frame or a body that is under way must get on.
  std::uint32_t links_each_max = 0;      // Of a server, from one address; 0: as many as from all.
  std::uint32_t visitors_max = 256;      // Accepted, and not a byte has come; beyond that the longest silent one goes.
  std::uint32_t header_bytes_max = 8 * 1024;
  std::uint64_t body_bytes_max = std::uint64_t{256} * 1'048'576;  // Of a request by HTTP.
  Rate frames{};  // Of each link that was accepted: beyond it the server reads later, and drops nothing.
  Rate bytes{};
  Rate failures{.per_second = 1, .burst = 10};  // Authentications that failed, from one address; then all is 429.
  TlsClient tls{};                              // For wss:// links that this end opens.
};

enum class Security : std::uint8_t { plain, tls };

// What a server has seen, since it began.
struct LwsCounts {
  std::uint64_t accepted = 0;      // Connections.
  std::uint64_t turned_away = 0;   // Of these at once, for there were too many.
  std::uint64_t strangers = 0;     // Of these before there was a link or a request.
  std::uint64_t not_admitted = 0;  // Links that the owner did not want.
  std::uint64_t requests = 0;      // Of HTTP.
  std::size_t visitors = 0;        // Now.
  std::size_t links = 0;           // Now, and up.
  std::size_t paused = 0;          // Now: links that were too fast.
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

  // The certificate of a server: before listen(), and whenever its files have changed. Links that are open stay.
  //   invalid  The files are not what they should be, problem() says how; what was there before goes on.
  Status secure(const TlsServer& files);
  // Of the certificate that is in use.
  const CertificateTerm& certificate() const;

  // Accepts links at `address` (HOST:PORT; port 0 takes a free one); may be called for several. GET /healthz is
  // answered "ok".
  //   invalid  Not an address, or TLS without secure().
  //   io       In use, not of this machine, or not permitted; problem() says which.
  Status listen(std::string_view address, LinkListener& listener, Security security = Security::plain);
  // The same on a socket that listens already; takes it.
  //   invalid  It does not listen, or TLS without secure().
  Status listen_on(int socket, LinkListener& listener, Security security = Security::plain);
  // Where it listens, with the port that it got: ws://HOST:PORT or wss://HOST:PORT, in the order of the calls.
  std::vector<std::string> bound_urls() const;
  // The first of them as HOST:PORT; empty when there is none.
  const std::string& bound() const;
  // Takes no new links; those that are open stay.
  void stop_listening();

  // Who hears of requests by HTTP; without one all but /healthz is 404.
  void serve(HttpListener& listener);
  // The calls on an exchange; one that is over, or was given up, is ignored. The first answer counts.
  void answer(ExchangeId exchange, HttpAnswer answer);
  // There is a next piece of a streamed answer.
  void want_answer(ExchangeId exchange);
  // The request's body is not to come any further, or may again. What libwebsockets has read already comes still.
  void hold_body(ExchangeId exchange, bool is_held);
  // Ends the exchange with its connection, in the middle of the answer, so that nobody takes it for whole.
  void give_up(ExchangeId exchange);

  // Reads the files of LwsOptions::tls, which connect() would else do at the first wss:// link.
  //   invalid  They are not what they should be; problem() says how.
  Status trust();
  // Opens a link to `url` (ws://HOST:PORT or wss://HOST:PORT) at `path`; a `bearer` token that is given is shown.
  // What becomes of it comes later, from the loop: on_open(), or on_close() with the reason.
  //   invalid  Not such a URL, or the files for TLS are not what they should be.
  //   io       No memory.
  Result<LinkId> connect(std::string_view url, std::string_view path, LinkListener& listener,
                         std::string_view bearer = {});

  // Asks for one on_writable(), once the link takes a frame. A link that is gone is ignored, here and in close().
  void want_write(LinkId link);
  // Nothing is to be read of a link that was accepted, or again. What libwebsockets has read already may come still.
  void hold(LinkId link, bool is_held);
  // Closes the link behind what was sent on it. Its listener hears no more of it, from now on.
  void close(LinkId link, std::uint16_t code, std::string_view reason);

  // Sockets that are open or opening, those included that are saying goodbye.
  std::size_t link_count() const;
  LwsCounts counts() const;

  // The last failure as a sentence. Never null.
  const char* problem() const;

  class Body;

 private:
  std::unique_ptr<Body> body_;
};

}  // namespace grid::transport
