// SPDX-License-Identifier: Apache-2.0
//
// How a server's connections come about: accepted, counted, waited with on the doorstep until they speak, and handed to
// libwebsockets when they do so in the tongue of the door.

#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "transport/lws/lws_body.h"

namespace grid::transport {
namespace {

constexpr std::uint8_t kTlsHandshake = 22;   // How a record with a ClientHello begins (RFC 8446, 5.1).
constexpr std::uint32_t kSpareSockets = 64;  // Beyond links_max: those that are shaking hands, or are answered 503.

constexpr std::string_view kSpeakTls =
    "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: 43\r\nconnection: close\r\n\r\n"
    "this port speaks TLS: use wss:// or https:\n";
// Fatal: handshake_failure (RFC 8446, 6).
constexpr std::string_view kNoTls("\x15\x03\x01\x00\x02\x02\x28", 7);

// What has come is read, for else closing would take the answer back.
void say_and_close(int socket, std::string_view answer) {
  char waste[4'096];
  for (int i = 0; i < 4 && ::recv(socket, waste, sizeof(waste), MSG_DONTWAIT) > 0; ++i) continue;
  const ssize_t sent = ::send(socket, answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  static_cast<void>(sent);  // Whoever does not take it does without.
  ::close(socket);
}

}  // namespace

Result<Door*> LwsContext::Body::open_door(LinkListener& listener, Security security) {
  const bool is_secured = security == Security::tls;
  if (is_secured && secured_ == nullptr) return fail(Status::invalid, "TLS has no certificate to show");
  doors.push_back(std::make_unique<Door>(Door{.body = this, .listener = &listener, .is_secured = is_secured}));
  return doors.back().get();
}

Status LwsContext::Body::keep_door(std::unique_ptr<Acceptor> acceptor, Door& door) {
  door.acceptor = std::move(acceptor);
  if (door.acceptor != nullptr) return Status::ok;
  doors.pop_back();
  return Status::io;
}

Status LwsContext::Body::listen(std::string_view address, LinkListener& listener, Security security) {
  if (!parse_host_port(address).ok()) {
    return fail(Status::invalid, "cannot listen on " + std::string(address) + ": that is not HOST:PORT");
  }
  const Result<Door*> door = open_door(listener, security);
  if (!door.ok()) return door.status();
  return keep_door(Acceptor::listen(loop_, address, &Body::on_accepted, *door, problem), **door);
}

Status LwsContext::Body::listen_on(int socket, LinkListener& listener, Security security) {
  const Result<Door*> door = open_door(listener, security);
  if (!door.ok()) return door.status();
  const Status status = keep_door(Acceptor::take(loop_, socket, &Body::on_accepted, *door, problem), **door);
  return status == Status::ok ? status : Status::invalid;
}

void LwsContext::Body::on_accepted(void* at, int socket, const SocketAddress& peer) {
  const Door& door = *static_cast<Door*>(at);
  door.body->accepted({.socket = socket,
                       .peer = peer,
                       .listener = door.listener,
                       .wants_tls = door.is_secured,
                       .since_ms = uv_now(door.body->loop_)});
}

void LwsContext::Body::accepted(const Visitor& visitor) {
  ++counts_.accepted;
  const bool has_room = accepted_count_ + doorstep_->count() < options_.links_max + kSpareSockets;
  if (has_room && crowd_.enter(neighbourhood_of(visitor.peer))) {
    doorstep_->wait(visitor);
    return be_patient();
  }
  ++counts_.turned_away;
  ::close(visitor.socket);
  visitor.listener->on_stranger(visitor.peer.host(), has_room ? "has too many connections" : "finds no room");
}

void LwsContext::Body::knocked(const Visitor& visitor, std::uint8_t first) {
  const bool is_secured = visitor.wants_tls;
  const bool is_http = first >= 'A' && first <= 'Z';
  if (is_secured && is_http) return turn_away(visitor, kSpeakTls, "speaks plain HTTP at a port of TLS");
  if (!is_secured && first == kTlsHandshake) return turn_away(visitor, kNoTls, "speaks TLS at a port without it");
  if (is_secured ? first != kTlsHandshake : !is_http) {
    return turn_away(visitor, {}, is_secured ? "speaks no TLS" : "speaks no HTTP");
  }
  adopt(visitor);
}

void LwsContext::Body::left(const Visitor& visitor, bool was_late) {
  crowd_.leave(neighbourhood_of(visitor.peer));
  if (was_late) stranger(*visitor.listener, visitor.peer, "connects and says nothing");
}

void LwsContext::Body::turn_away(const Visitor& visitor, std::string_view answer, std::string_view trouble) {
  say_and_close(visitor.socket, answer);
  crowd_.leave(neighbourhood_of(visitor.peer));
  stranger(*visitor.listener, visitor.peer, trouble);
}

void LwsContext::Body::stranger(LinkListener& listener, const SocketAddress& peer, std::string_view trouble) {
  ++counts_.strangers;
  listener.on_stranger(peer.host(), trouble);
}

void LwsContext::Body::adopt(const Visitor& visitor) {
  Link& link = add_link(*visitor.listener);
  link.origin = std::make_unique<Origin>();
  link.origin->peer = visitor.peer;
  link.origin->is_secured = visitor.wants_tls;
  link.origin->since_ms = visitor.since_ms;
  if (options_.frames.is_limited() || options_.bytes.is_limited()) {
    link.origin->pace = std::make_unique<Pace>(
        Pace{.frames = {options_.frames, visitor.since_ms}, .bytes = {options_.bytes, visitor.since_ms}});
  }
  ++accepted_count_;
  lws_adopt_desc_t how{};
  how.vh = visitor.wants_tls ? secured_ : plain_;
  how.type = static_cast<lws_adoption_type>(LWS_ADOPT_HTTP | LWS_ADOPT_SOCKET |
                                            (visitor.wants_tls ? LWS_ADOPT_ALLOW_SSL : LWS_ADOPT_HTTP));
  how.fd.sockfd = visitor.socket;
  how.opaque = reinterpret_cast<void*>(std::uintptr_t{link.id});
  const LinkId id = link.id;
  lws* wsi = lws_adopt_descriptor_vhost_via_info(&how);  // Closes the socket when it fails.
  Link* adopted = find(id);
  if (adopted == nullptr) return;  // It has been born and has died.
  adopted->wsi = wsi;
  if (wsi == nullptr) wsi_gone(*adopted);
}

// The end of a link that was accepted: who never came as far as a request was a stranger.
void LwsContext::Body::forget(const Link& link) {
  const Origin& origin = *link.origin;
  --accepted_count_;
  if (link.is_up) --up_count_;
  if (origin.is_paused) --paused_count_;
  crowd_.leave(neighbourhood_of(origin.peer));
  if (origin.asked || link.listener == nullptr) return;
  std::string trouble = std::exchange(tls_trouble_, {});
  if (!trouble.empty()) trouble = "shakes no hands by TLS: " + trouble;
  const bool is_late = uv_now(loop_) - origin.since_ms >= 1'000u * options_.handshake_s;
  if (trouble.empty()) trouble = is_late ? "takes too long to say what it wants" : "ends before its request";
  stranger(*link.listener, origin.peer, trouble);
}

LwsCounts LwsContext::Body::counted() const {
  LwsCounts counts = counts_;
  counts.visitors = doorstep_ != nullptr ? doorstep_->count() : 0;
  counts.links = up_count_;
  counts.paused = paused_count_;
  return counts;
}

}  // namespace grid::transport
