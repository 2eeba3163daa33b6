// SPDX-License-Identifier: Apache-2.0
//
// LwsContext::Body: what stands behind LwsContext, split over three files: lws_context.cc (its life and its calls),
// lws_links.cc (what libwebsockets calls back), lws_dial.cc (how a client link comes about).
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
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "transport/lws/acceptor.h"
#include "transport/lws/address.h"
#include "transport/lws/lws_context.h"

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

struct Link {
  LinkId id = 0;
  LinkListener* listener = nullptr;
  lws* wsi = nullptr;
  bool was_accepted = false;  // Else it is a client.
  bool is_up = false;
  bool wants_write = false;
  bool is_closing = false;  // By us: `close_code` and `reason` are to be said to the peer.
  bool said_goodbye = false;
  std::uint16_t close_code = 0;
  std::string reason;   // Once is_closing: ours; else the peer's.
  std::string path;     // Until it is up, as what follows.
  std::string address;  // Of who was accepted.
  Admission admission;
  std::vector<std::uint8_t> arriving;  // The front of a frame that is not whole yet.
  std::uint64_t heard_at_ms = 0;
  std::unique_ptr<Dial> dial;  // Of a client.
};

class LwsContext::Body {
 public:
  ~Body();

  Status open(uv_loop_t* loop, const LwsOptions& options);
  Status listen(std::string_view address, LinkListener& listener);
  Result<LinkId> connect(std::string_view url, std::string_view path, LinkListener& listener, std::string_view bearer);
  void want_write(LinkId id);
  void close(LinkId id, std::uint16_t code, std::string_view reason);

  std::unique_ptr<Acceptor> acceptor;
  std::unordered_map<LinkId, std::unique_ptr<Link>> links;
  std::string problem;

 private:
  struct Lookup;

  // lws_context.cc
  Status fail(Status status, std::string text);
  Link* find(LinkId id);
  Link& add_link(LinkListener& listener);
  lws_vhost* make_vhost(const char* name, std::uint64_t options);
  void adopt(int socket, const SocketAddress& peer);
  void hold_pipe();
  void refresh_timers() { lws_cancel_service(context_); }

  // lws_links.cc
  static int on_event(lws* wsi, lws_callback_reasons event, void* user, void* bytes, std::size_t size);
  int dispatch(Link& link, lws_callback_reasons event, std::uint8_t* bytes, std::size_t size);
  int answer_upgrade(Link& link, const char* protocol);
  int answer_get(Link& link);
  int opened(Link& link);
  int receive(Link& link, std::uint8_t* bytes, std::size_t size);
  void heard(Link& link);
  int writable(Link& link);
  void say_goodbye(Link& link);
  void hear_goodbye(Link& link, Bytes bytes);
  void refuse(Link& link, std::uint16_t code, std::string_view to_peer, std::string_view to_owner);
  void end(Link& link, std::string_view reason);
  void wsi_gone(Link& link);

  // lws_dial.cc
  Status look_up(Link& link);
  void abandon_lookups();
  void looked_up(LinkId id, int error, const addrinfo* found);
  void dial_next(Link& link);
  bool dial_one(Link& link, const SocketAddress& address);
  void dial_failed(Link& link);
  lws_vhost* vhost_of(const Url& url);
  static void note_refusal(const Link& link);
  static int show_token(const Link& link, std::uint8_t** at, std::size_t room);

  uv_loop_t* loop_ = nullptr;
  LwsOptions options_{};
  lws_protocols protocols_[2] = {};
  lws_retry_bo_t validity_{};
  lws_context* context_ = nullptr;  // Null again when libwebsockets has let go of all.
  int pipe_ = -1;                   // By which libwebsockets wakes its loop.
  lws_vhost* plain_ = nullptr;
  lws_vhost* tls_ = nullptr;  // Of the first wss:// link on: the system's certificates take memory.
  LinkListener* accepting_ = nullptr;
  LinkId last_id_ = 0;
  std::size_t up_count_ = 0;                     // Of links that were accepted.
  std::unique_ptr<std::uint8_t[]> send_buffer_;  // LWS_PRE bytes for libwebsockets, then a frame.
  std::vector<std::uint8_t> spare_;              // Memory for the next large frame that arrives in pieces.
  std::set<Lookup*> lookups_;
};

}  // namespace grid::transport
