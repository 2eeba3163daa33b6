// SPDX-License-Identifier: Apache-2.0
//
// What libwebsockets calls back: the life of a link from its handshake to its end, client and server alike.

#include <algorithm>
#include <cstring>
#include <utility>

#include "transport/lws/http_head.h"
#include "transport/lws/lws_body.h"

namespace grid::transport {
namespace {

// Frames that go out in one turn of a writable link, as long as the socket takes them.
constexpr int kFramesAtOnce = 16;
// What a close frame has room for, beside the code.
constexpr std::size_t kReasonMax = 123;
// A link that is heard of counts as alive; noting it more often than this only costs time.
constexpr std::uint64_t kHeardAgainMs = 2'000;

LinkId link_of(lws* wsi) {
  return static_cast<LinkId>(reinterpret_cast<std::uintptr_t>(lws_get_opaque_user_data(wsi)));
}

// Why a client link did not come up. libwebsockets keeps the number of a connect() that failed to itself.
std::string trouble_of(lws* wsi, std::string_view text, const std::string& tls) {
  const unsigned status = lws_http_client_http_response(wsi);
  if (status >= 200) return "the server answers " + std::to_string(status);
  if (!tls.empty()) return "no hands were shaken by TLS: " + tls;
  if (text.find("SSL") != std::string_view::npos) return "it does not speak TLS (" + std::string(text) + ")";
  if (text.empty() || text.find("before established") != std::string_view::npos) return "no server answers there";
  return std::string(text);
}

// The whole of an answer; its connection ends with it.
int say_no(lws* wsi, unsigned status, std::string_view text) {
  std::uint8_t head[LWS_PRE + 512];
  std::uint8_t* at = head + LWS_PRE;
  std::uint8_t* const end = head + sizeof(head) - 1;
  const std::string_view scheme = "Bearer";
  if (lws_add_http_common_headers(wsi, status, "text/plain", text.size() + 1, &at, end) != 0) return -1;
  if (status == kUnauthorized &&
      lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_WWW_AUTHENTICATE, as_bytes(scheme).data(),
                                   static_cast<int>(scheme.size()), &at, end) != 0) {
    return -1;
  }
  if (lws_finalize_write_http_header(wsi, head + LWS_PRE, &at, end) != 0) return -1;
  std::string body(LWS_PRE, '\0');
  body.append(text).append(1, '\n');
  auto* const bytes = reinterpret_cast<std::uint8_t*>(body.data()) + LWS_PRE;
  return lws_write(wsi, bytes, text.size() + 1, LWS_WRITE_HTTP_FINAL) < 0 ? -1 : 0;
}

}  // namespace

// What comes back is libwebsockets' own language: 0 goes on, -1 closes the wsi.
int LwsContext::Body::on_event(lws* wsi, lws_callback_reasons event, void* user, void* bytes, std::size_t size) {
  Body* self = static_cast<Body*>(lws_context_user(lws_get_context(wsi)));
  if (const std::optional<int> done = self->on_tls_event(event, user, size)) return *done;
  Link* link = self->find(link_of(wsi));
  if (link == nullptr) return 0;
  if (link->wsi == nullptr) link->wsi = wsi;  // Its first event, from within the call that makes it.
  if (link->wsi != wsi) return 0;             // The end of an attempt that was given up.
  return self->dispatch(*link, event, static_cast<std::uint8_t*>(bytes), size);
}

int LwsContext::Body::dispatch(Link& link, lws_callback_reasons event, std::uint8_t* bytes, std::size_t size) {
  switch (event) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
      return answer_upgrade(link, reinterpret_cast<const char*>(bytes));
    case LWS_CALLBACK_HTTP:
      return requested(link);
    case LWS_CALLBACK_HTTP_BODY:
      return body_came(link, {bytes, size});
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
      body_ended(link);
      return 0;
    case LWS_CALLBACK_HTTP_WRITEABLE:
      return http_writable(link);
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
      return opened(link);
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE:
      return receive(link, bytes, size);
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
      return writable(link);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
      hear_goodbye(link, {bytes, size});
      return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
      if (link.dial != nullptr) {
        link.dial->trouble = trouble_of(link.wsi, as_text({bytes, size}), std::exchange(tls_trouble_, {}));
      }
      note_refusal(link);
      return 0;
    case LWS_CALLBACK_CLIENT_HTTP_REDIRECT:
      return 1;  // Wherever to: the token is for the server that was named.
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
      return show_token(link, reinterpret_cast<std::uint8_t**>(bytes), size);
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_CLIENT_CLOSED:
      end(link, link.reason.empty() ? "the connection was lost" : link.reason);
      return 0;
    case LWS_CALLBACK_WSI_DESTROY:
      wsi_gone(link);
      return 0;
    default:
      return 0;
  }
}

void LwsContext::Body::note_refusal(const Link& link) {
  const unsigned status = lws_http_client_http_response(link.wsi);
  if (status >= HTTP_STATUS_BAD_REQUEST && link.listener != nullptr) link.listener->on_refused(link.id, status);
}

// Positive: the answer has been given, and it is not an upgrade.
int LwsContext::Body::answer_upgrade(Link& link, const char* protocol) {
  link.path = header_of(link.wsi, WSI_TOKEN_GET_URI);
  link.origin->asked = true;
  Admission admission;
  if (std::string_view(protocol) != "websocket") {
    admission = {.status = kNotFound, .sentence = "only WebSocket is spoken here"};
  } else if (is_of_a_page(link.wsi)) {
    admission = {.status = kForbidden, .sentence = "pages of other sites are not let in"};
  } else if (up_count_ >= options_.links_max) {
    admission = {.status = kUnavailable, .sentence = "too many links"};
  } else if (!may_try(link)) {
    admission = {.status = kTooMany, .sentence = "too many attempts from this address have failed"};
  } else {
    const std::string address = link.origin->peer.host();
    const std::string authorization = header_of(link.wsi, WSI_TOKEN_HTTP_AUTHORIZATION);
    // Only a page can be led here by a name of its own; a device may well come through a proxy of any name.
    const bool is_page = !header_of(link.wsi, WSI_TOKEN_ORIGIN).empty();
    const std::string host = is_page ? header_of(link.wsi, WSI_TOKEN_HOST) : std::string();
    const std::string subject = proven_subject(lws_get_ssl(link.wsi));
    admission = link.listener->admit(
        {.path = link.path,
         .caller = {.address = address, .bearer = bearer_in(authorization), .host = host, .subject = subject}});
  }
  if (admission.status == kAdmitted) {
    link.admission = std::make_unique<Admission>(std::move(admission));
    return 0;
  }
  ++counts_.not_admitted;
  note_answer(link, admission.status);
  if (admission.sentence.empty()) admission.sentence = "no link opens here";
  return say_no(link.wsi, admission.status, admission.sentence) < 0 ? -1 : 1;
}

int LwsContext::Body::opened(Link& link) {
  if (link.listener == nullptr) return -1;  // Closed while it was opening.
  link.is_up = true;
  tls_trouble_.clear();
  if (link.origin != nullptr) ++up_count_;
  link.heard_at_ms = uv_now(loop_);
  const std::string path = std::exchange(link.path, {});
  const std::unique_ptr<Admission> admission = std::exchange(link.admission, nullptr);
  if (admission != nullptr) {
    link.listener->on_open(link.id, path, admission->identity, admission->claims);
  } else {
    link.listener->on_open(link.id, path, {}, {});
  }
  if (link.wants_write) lws_callback_on_writable(link.wsi);
  return 0;
}

void LwsContext::Body::heard(Link& link) {
  if (uv_now(loop_) - link.heard_at_ms < kHeardAgainMs) return;
  link.heard_at_ms = uv_now(loop_);
  lws_validity_confirmed(link.wsi);
}

// libwebsockets hands out a frame in pieces as they come, and the fragments of a message as if they were pieces.
int LwsContext::Body::receive(Link& link, std::uint8_t* bytes, std::size_t size) {
  if (link.listener == nullptr) return 0;
  heard(link);
  if (link.origin != nullptr) note_arrival(link, size);
  if (lws_frame_is_binary(link.wsi) == 0) {
    refuse(link, kCloseText, "text frames are not spoken here", "the peer sent a text frame");
    return 0;
  }
  const std::size_t rest = lws_remaining_packet_payload(link.wsi);
  const std::size_t have = link.arriving.size() + size;
  if (rest > options_.frame_bytes_max || have + rest > options_.frame_bytes_max) {
    const std::string limit = std::to_string(options_.frame_bytes_max) + " bytes";
    refuse(link, kCloseTooLarge, "a frame is at most " + limit, "the peer sent a frame of more than " + limit);
    return 0;
  }
  const bool whole = lws_is_final_fragment(link.wsi) != 0;
  if (whole && link.arriving.empty()) {
    link.listener->on_frame(link.id, {bytes, size});
    return 0;
  }
  if (link.arriving.empty()) link.arriving.swap(spare_);
  link.arriving.reserve(have + rest);
  link.arriving.insert(link.arriving.end(), bytes, bytes + size);
  if (!whole) return 0;
  std::vector<std::uint8_t> frame = std::exchange(link.arriving, {});
  link.listener->on_frame(link.id, frame);
  frame.clear();
  if (frame.capacity() > spare_.capacity()) spare_.swap(frame);
  return 0;
}

int LwsContext::Body::writable(Link& link) {
  if (link.origin != nullptr) link.origin->writing = {};
  const MutBytes room(send_buffer_.get() + LWS_PRE, options_.frame_bytes_max);
  for (int frames = 0; link.wants_write && link.listener != nullptr && frames < kFramesAtOnce; ++frames) {
    link.wants_write = false;
    const std::optional<std::size_t> size = link.listener->on_writable(link.id, room);
    if (!size.has_value()) break;
    if (lws_write(link.wsi, room.data(), *size, LWS_WRITE_BINARY) < 0) return -1;
    if (lws_send_pipe_choked(link.wsi) != 0) break;
  }
  if (link.is_closing && !link.said_goodbye && lws_partial_buffered(link.wsi) == 0) {
    say_goodbye(link);
  } else if (link.wants_write || link.is_closing || lws_partial_buffered(link.wsi) != 0) {
    await_room(link);
    lws_callback_on_writable(link.wsi);
  }
  return 0;
}

// To leave a callback with -1 would do as well, but for libraries that were built for debugging, as Debian's is: they
// close such a wsi twice, and the second time is rude. The wsi lives on here until the peer has answered.
void LwsContext::Body::say_goodbye(Link& link) {
  link.said_goodbye = true;
  lws_close_reason(link.wsi, static_cast<lws_close_status>(link.close_code),
                   reinterpret_cast<unsigned char*>(link.reason.data()), std::min(link.reason.size(), kReasonMax));
  lws_set_timeout(link.wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_SYNC);
}

// The first two bytes are the code, if there are any.
void LwsContext::Body::hear_goodbye(Link& link, Bytes bytes) {
  if (link.is_closing) return;
  link.reason = "the peer closed the link";
  if (bytes.size() >= 2) link.reason += ": " + std::to_string(load_be<2>(bytes.data()));
  if (bytes.size() > 2) link.reason += " " + std::string(as_text(bytes.subspan(2)));
}

void LwsContext::Body::refuse(Link& link, std::uint16_t code, std::string_view to_peer, std::string_view to_owner) {
  LinkListener* listener = link.listener;
  close(link.id, code, to_peer);
  if (listener != nullptr) listener->on_close(link.id, to_owner);
}

void LwsContext::Body::end(Link& link, std::string_view reason) {
  LinkListener* listener = std::exchange(link.listener, nullptr);
  if (listener != nullptr && (link.is_up || link.dial != nullptr)) listener->on_close(link.id, reason);
}

void LwsContext::Body::wsi_gone(Link& link) {
  link.wsi = nullptr;
  if (link.exchange != nullptr) end_exchange(link, false);
  if (link.origin != nullptr) forget(link);
  if (!link.is_up && link.dial != nullptr && link.listener != nullptr) {
    if (!link.dial->calling) dial_next(link);
    return;
  }
  const LinkId id = link.id;
  end(link, "the connection was lost");
  links.erase(id);
}

}  // namespace grid::transport
