// SPDX-License-Identifier: Apache-2.0
//
// LwsContext::Body: what stands behind LwsContext, split over these files: lws_context.cc (its life and its calls),
// lws_listen.cc (how a server's connections come about), lws_tls.cc (certificates), lws_links.cc (what libwebsockets
// calls back), lws_http.cc (requests), lws_patience.cc (what may take how long, and how fast), lws_dial.cc (how a
// client link comes about).
//
// Place     Within transport/lws only.
//
// A wsi of libwebsockets carries the number of its link, never a pointer: a link and its wsi don't die together. A
// link dies with its wsi (LWS_CALLBACK_WSI_DESTROY), or before it ever had one. Its listener is null from the moment
// when it has heard the last word.
#pragma once

#include <libwebsockets.h>
#include <uv.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "transport/lws/acceptor.h"
#include "transport/lws/address.h"
#include "transport/lws/crowd.h"
#include "transport/lws/doorstep.h"
#include "transport/lws/lws_context.h"
#include "transport/lws/uv_handle.h"

namespace grid::transport {

// How a client link comes about: the addresses of its host are tried one after the other.
struct Dial {
  Url url;
  std::string bearer;
  std::vector<SocketAddress> addresses;
  std::size_t next = 0;
  bool calling = false;  // Within lws_client_connect_via_info(), which may fail on the spot.
  std::string trouble;   // Of the last attempt.
};

// What a link that was accepted may still do before it is made to wait.
struct Pace {
  TokenBucket frames;
  TokenBucket bytes;
};

// How somebody gets on who has something to do.
struct Progress {
  std::uint64_t since_ms = 0;  // 0: nothing is to be done.
  std::uint64_t bytes = 0;     // Until then, or kUnknown.

  static constexpr std::uint64_t kUnknown = UINT64_MAX;
};

inline std::uint64_t ms_of(std::uint16_t seconds) { return std::uint64_t{1'000} * seconds; }

// Where a server listens.
struct Door {
  LwsContext::Body* body;
  LinkListener* listener;
  bool is_secured;
  std::unique_ptr<Acceptor> acceptor{};
};

// Of a link that was accepted.
struct Origin {
  SocketAddress peer{};
  bool is_secured = false;          // It came to a door of TLS,
  bool asked = false;               // and spoke HTTP to us.
  bool is_paused = false;           // It was too fast.
  bool is_held = false;             // Its listener can't take more of it.
  bool is_done = false;             // Its last request is answered, and libwebsockets has not heard of it yet.
  std::uint64_t since_ms = 0;       // That it came, or that its last request was over.
  std::uint64_t arrived_bytes = 0;  // Of frames and bodies.
  std::unique_ptr<Pace> pace{};     // Where links have one.
  Progress reading{};               // Of a frame that is not whole yet, or of a body.
  Progress writing{};               // Of what the socket has not taken yet.
};

// A request that is under way, and its answer.
struct Exchange {
  ExchangeId id = 0;
  LwsContext::Body* body = nullptr;
  bool is_told = false;         // The listener knows of it, and hears its end.
  bool is_head = false;         // Asked by HEAD.
  bool has_body_ended = false;  // That of the request.
  bool is_answered = false;
  bool is_http_1_1 = false;
  bool has_head = false;    // The answer's is made.
  bool is_chunked = false;  // Its body is, for nobody knows how long it is.
  bool must_close = false;  // Its end is the connection's.
  bool is_over = false;     // All of it is made,
  bool is_short = false;    // and it is less than was announced.
  std::uint64_t body_left = 0;
  HttpAnswer answer;
  std::optional<std::uint64_t> left;  // Of its body.
  std::vector<std::uint8_t> out;      // What goes out next, from out_at on.
  std::size_t out_at = 0;
  int socket = -1;  // A copy of the connection's, while it is written to.
  std::unique_ptr<UvHandle<uv_poll_t>> poll;
};

struct Link {
  LinkId id = 0;
  LinkListener* listener = nullptr;
  lws* wsi = nullptr;
  bool is_up = false;
  bool wants_write = false;
  bool is_closing = false;  // By us: `close_code` and `reason` are to be said to the peer.
  bool said_goodbye = false;
  std::uint16_t close_code = 0;
  std::string reason;                  // Once is_closing: ours; else the peer's.
  std::string path;                    // Until it is up.
  std::vector<std::uint8_t> arriving;  // The front of a frame that is not whole yet.
  std::uint64_t heard_at_ms = 0;
  std::unique_ptr<Dial> dial;            // Of a client, and only of that.
  std::unique_ptr<Origin> origin;        // Of a server.
  std::unique_ptr<Exchange> exchange;    // While one is under way.
  std::unique_ptr<Admission> admission;  // Until it is up.
};

class LwsContext::Body final : private Doorstep::Host {
 public:
  ~Body();

  Status open(uv_loop_t* loop, const LwsOptions& options);
  Status secure(const TlsServer& files);
  Status trust();
  Status listen(std::string_view address, LinkListener& listener, Security security);
  Status listen_on(int socket, LinkListener& listener, Security security);
  Result<LinkId> connect(std::string_view url, std::string_view path, LinkListener& listener, std::string_view bearer);
  void want_write(LinkId id);
  void hold(LinkId id, bool is_held);
  void close(LinkId id, std::uint16_t code, std::string_view reason);
  LwsCounts counted() const;
  void serve(HttpListener& listener) { requests_ = &listener; }
  // Null when it is over.
  Link* find_exchange(ExchangeId id);
  void answer(Link& link, HttpAnswer answer);
  void go_on(Link& link);
  void hold_body(Link& link, bool is_held);
  void give_up(Link& link);

  std::vector<std::unique_ptr<Door>> doors;
  CertificateTerm certificate;
  std::unordered_map<LinkId, std::unique_ptr<Link>> links;
  std::string problem;

 private:
  struct Lookup;

  // lws_context.cc
  Status fail(Status status, std::string text);
  Link* find(LinkId id);
  Link& add_link(LinkListener& listener);
  lws_vhost* make_vhost(const char* name, std::uint64_t options, const TlsContext* client = nullptr);
  void hold_pipe();
  void refresh_timers() { lws_cancel_service(context_); }

  // lws_listen.cc
  Result<Door*> open_door(LinkListener& listener, Security security);
  Status keep_door(std::unique_ptr<Acceptor> acceptor, Door& door);
  static void on_accepted(void* at, int socket, const SocketAddress& peer);
  void accepted(const Visitor& visitor);
  void knocked(const Visitor& visitor, std::uint8_t first) override;
  void left(const Visitor& visitor, bool was_late) override;
  void turn_away(const Visitor& visitor, std::string_view answer, std::string_view trouble);
  void adopt(const Visitor& visitor);
  void forget(const Link& link);
  bool may_try(const Link& link);
  void note_answer(const Link& link, std::uint16_t status);
  void stranger(LinkListener& listener, const SocketAddress& peer, std::string_view trouble);

  // lws_tls.cc
  std::optional<int> on_tls_event(lws_callback_reasons event, void* user, std::size_t verified);
  void note_handshakes(ssl_ctx_st* context);
  lws_vhost* vhost_of(const Url& url) const { return url.tls ? trusting_ : plain_; }

  // lws_patience.cc
  void be_patient();
  void look_round();
  std::string_view lateness(Link& link, std::uint64_t now_ms) const;
  bool is_stalled(Progress& progress, std::uint64_t bytes, std::uint64_t now_ms) const;
  void drop(Link& link, std::string_view reason);
  void await_room(Link& link);
  void note_arrival(Link& link, std::size_t bytes);
  void keep_pace(Link& link, std::size_t bytes, bool is_whole);
  void resume(Link& link, std::uint64_t now_ms);

  // lws_links.cc
  static int on_event(lws* wsi, lws_callback_reasons event, void* user, void* bytes, std::size_t size);
  int dispatch(Link& link, lws_callback_reasons event, std::uint8_t* bytes, std::size_t size);
  int answer_upgrade(Link& link, const char* protocol);
  int opened(Link& link);
  int receive(Link& link, std::uint8_t* bytes, std::size_t size);
  void heard(Link& link);
  int writable(Link& link);
  void say_goodbye(Link& link);
  void hear_goodbye(Link& link, Bytes bytes);
  void refuse(Link& link, std::uint16_t code, std::string_view to_peer, std::string_view to_owner);
  void end(Link& link, std::string_view reason);
  void wsi_gone(Link& link);

  // lws_http.cc
  int requested(Link& link);
  int reply(Link& link, std::uint16_t status, std::string_view text = {});
  void hand_on(Link& link, Method method, const std::string& path);
  int body_came(Link& link, Bytes piece);
  void body_ended(Link& link);
  static bool begin_answer(Link& link);
  std::optional<std::size_t> next_piece(Exchange& exchange);
  static std::ptrdiff_t put(const Link& link, Bytes bytes);
  bool flush(Link& link);
  void answer_writable(Link& link);
  static void frame_piece(Exchange& exchange, std::size_t size);
  void answered(Link& link);
  int http_writable(Link& link);
  void end_exchange(Link& link, bool is_whole);

  // lws_dial.cc
  Status look_up(Link& link);
  void abandon_lookups();
  void looked_up(LinkId id, int error, const addrinfo* found);
  void dial_next(Link& link);
  bool dial_one(Link& link, const SocketAddress& address);
  static void note_refusal(const Link& link);
  static int show_token(const Link& link, std::uint8_t** at, std::size_t room);

  uv_loop_t* loop_ = nullptr;
  LwsOptions options_{};
  lws_protocols protocols_[2] = {};
  lws_retry_bo_t validity_{};
  lws_context* context_ = nullptr;  // Null again when libwebsockets has let go of all.
  int pipe_ = -1;                   // By which libwebsockets wakes its loop.
  lws_vhost* plain_ = nullptr;
  lws_vhost* secured_ = nullptr;           // Of secure() on.
  ssl_ctx_st* secured_context_ = nullptr;  // Its own.
  lws_vhost* trusting_ = nullptr;          // Of the first wss:// link on: the system's certificates take memory.
  std::unique_ptr<TlsContext> trust_;      // Of that.
  std::string tls_trouble_;                // Of the handshake that is about to be given up.
  std::unique_ptr<Doorstep> doorstep_;
  std::unique_ptr<UvHandle<uv_timer_t>> patience_;
  std::uint64_t patience_ms_ = 0;  // Between two looks; 0: none is due.
  Crowd crowd_;
  FailureLimiter failures_{Rate{}};
  LwsCounts counts_;
  std::size_t accepted_count_ = 0;  // Links that were accepted,
  std::size_t up_count_ = 0;        // are up,
  std::size_t paused_count_ = 0;    // and wait.
  LinkId last_id_ = 0;
  std::uint32_t last_exchange_ = 0;
  HttpListener* requests_ = nullptr;
  std::unique_ptr<std::uint8_t[]> send_buffer_;  // LWS_PRE bytes for libwebsockets, then a frame.
  std::vector<std::uint8_t> spare_;              // Memory for the next large frame that arrives in pieces.
  std::set<Lookup*> lookups_;
};

}  // namespace grid::transport
