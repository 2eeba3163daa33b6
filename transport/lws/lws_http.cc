// SPDX-License-Identifier: Apache-2.0
//
// Requests by HTTP: heads are judged here, bodies are handed on as they come, answers written as the socket takes them.
// One request at a time of each connection: while one is under way, nothing is read behind it.

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "transport/lws/http_head.h"
#include "transport/lws/lws_body.h"

namespace grid::transport {
namespace {

constexpr std::size_t kHeadBytesMax = 4'096;
constexpr std::size_t kPieceBytesMax = 65'536;
constexpr std::size_t kChunkHeadBytes = 10;  // The size in hexadecimal, and the end of its line.
constexpr int kPiecesAtOnce = 16;

constexpr std::uint16_t kBadRequest = 400;
constexpr std::uint16_t kMethodNotAllowed = 405;
constexpr std::uint16_t kLengthRequired = 411;
constexpr std::uint16_t kContentTooLarge = 413;

struct Verb {
  lws_token_indexes token;
  Method method;
};

constexpr Verb kVerbs[] = {{WSI_TOKEN_GET_URI, Method::get},
                           {WSI_TOKEN_HEAD_URI, Method::head},
                           {WSI_TOKEN_POST_URI, Method::post},
                           {WSI_TOKEN_PUT_URI, Method::put},
                           {WSI_TOKEN_DELETE_URI, Method::remove}};

const Verb* verb_of(lws* wsi) {
  const Verb* const end = std::end(kVerbs);
  const Verb* found = std::find_if(std::begin(kVerbs), end,
                                   [wsi](const Verb& verb) { return lws_hdr_total_length(wsi, verb.token) > 0; });
  return found == end ? nullptr : found;
}

bool has_header(lws* wsi, lws_token_indexes token) { return lws_hdr_total_length(wsi, token) > 0; }

// Each fragment is one NAME=VALUE, decoded.
Fields query_of(lws* wsi) {
  Fields query;
  // None is longer than all of them: what does not fit would look like the end.
  std::string fragment(static_cast<std::size_t>(std::max(lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS), 0)) + 1,
                       0);
  for (int i = 0;; ++i) {
    const int size =
        lws_hdr_copy_fragment(wsi, fragment.data(), static_cast<int>(fragment.size()), WSI_TOKEN_HTTP_URI_ARGS, i);
    if (size < 0) return query;
    const std::string_view text(fragment.data(), static_cast<std::size_t>(size));
    const std::size_t equals = std::min(text.find('='), text.size());
    query.emplace_back(text.substr(0, equals), text.substr(std::min(equals + 1, text.size())));
  }
}

// What is wrong with the head of a request, as a status; 0 when nothing is.
std::uint16_t judge(lws* wsi, Method method, std::uint64_t& body_bytes) {
  const bool may_have_body = method == Method::post || method == Method::put;
  if (has_header(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING)) return kLengthRequired;
  if (!has_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH)) return may_have_body ? kLengthRequired : std::uint16_t{0};
  const std::string text = header_of(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), body_bytes);
  return error == std::errc() && end == text.data() + text.size() ? std::uint16_t{0} : kBadRequest;
}

std::string_view sentence_of(std::uint16_t status) {
  switch (status) {
    case kBadRequest:
      return "the request is not to be understood\n";
    case kMethodNotAllowed:
      return "this is not done here\n";
    case kLengthRequired:
      return "a body needs a content-length\n";
    case kContentTooLarge:
      return "the body is too large\n";
    default:
      return "nothing is here\n";
  }
}

}  // namespace

// ---- what comes

int LwsContext::Body::requested(Link& link) {
  if (link.is_closing) return -1;
  Origin& origin = *link.origin;
  origin.asked = true;
  ++counts_.requests;
  lws_set_timeout(link.wsi, NO_PENDING_TIMEOUT, 0);  // An answer may take its time.
  const Verb* verb = verb_of(link.wsi);
  link.exchange = std::make_unique<Exchange>();
  Exchange& exchange = *link.exchange;
  exchange.id = ExchangeId{link.id} << 32 | ++last_exchange_;
  exchange.is_http_1_1 = header_of(link.wsi, WSI_TOKEN_HTTP) == "HTTP/1.1";
  std::uint16_t status = verb == nullptr ? kMethodNotAllowed : judge(link.wsi, verb->method, exchange.body_left);
  if (status == 0 && exchange.body_left > options_.body_bytes_max) status = kContentTooLarge;
  if (status != 0) {
    exchange.body_left = 1;  // What follows is not told from a body.
    return reply(link, status);
  }
  exchange.is_head = verb->method == Method::head;
  const std::string path = header_of(link.wsi, verb->token);
  if (path == "/healthz" && exchange.body_left == 0) return reply(link, 200, "ok\n");
  if (requests_ == nullptr) return reply(link, kNotFound);
  if (is_of_a_page(link.wsi)) return reply(link, kForbidden, "pages of other sites are not let in\n");
  if (!may_try(link)) return reply(link, kTooMany, "too many attempts from this address have failed\n");
  hand_on(link, verb->method, path);
  return 0;
}

int LwsContext::Body::reply(Link& link, std::uint16_t status, std::string_view text) {
  answer(link, {.status = status, .body = std::string(text.empty() ? sentence_of(status) : text)});
  return 0;
}

void LwsContext::Body::hand_on(Link& link, Method method, const std::string& path) {
  const ExchangeId id = link.exchange->id;
  const bool has_body = link.exchange->body_left > 0;
  const std::string address = link.origin->peer.host();
  const std::string authorization = header_of(link.wsi, WSI_TOKEN_HTTP_AUTHORIZATION);
  const std::string host = header_of(link.wsi, WSI_TOKEN_HOST);
  const std::string subject = proven_subject(lws_get_ssl(link.wsi));
  const std::string accept = header_of(link.wsi, WSI_TOKEN_HTTP_ACCEPT);
  const std::string type = header_of(link.wsi, WSI_TOKEN_HTTP_CONTENT_TYPE);
  const std::string range = header_of(link.wsi, WSI_TOKEN_HTTP_RANGE);
  link.exchange->is_told = true;
  if (has_body) link.origin->reading = {.since_ms = uv_now(loop_), .bytes = link.origin->arrived_bytes};
  requests_->on_request(
      id, {.method = method,
           .path = path,
           .query = query_of(link.wsi),
           .caller = {.address = address, .bearer = bearer_in(authorization), .host = host, .subject = subject},
           .accept = accept,
           .content_type = type,
           .range = range,
           .body_bytes = link.exchange->body_left});
  if (!has_body) body_ended(link);
}

int LwsContext::Body::body_came(Link& link, Bytes piece) {
  if (link.exchange == nullptr) return 0;
  Exchange& exchange = *link.exchange;
  exchange.body_left -= std::min<std::uint64_t>(exchange.body_left, piece.size());
  link.origin->arrived_bytes += piece.size();
  if (exchange.is_told && !exchange.is_answered && !piece.empty()) requests_->on_body(exchange.id, piece);
  return 0;
}

void LwsContext::Body::body_ended(Link& link) {
  if (link.exchange == nullptr || link.exchange->has_body_ended) return;
  Exchange& exchange = *link.exchange;
  exchange.has_body_ended = true;
  exchange.body_left = 0;
  link.origin->reading = {};
  lws_set_timeout(link.wsi, NO_PENDING_TIMEOUT, 0);
  lws_rx_flow_control(link.wsi, 0);
  if (!exchange.is_answered) requests_->on_body_end(exchange.id);
}

// ---- what goes

Link* LwsContext::Body::find_exchange(ExchangeId id) {
  Link* link = find(static_cast<LinkId>(id >> 32));
  return link != nullptr && link->exchange != nullptr && link->exchange->id == id ? link : nullptr;
}

void LwsContext::Body::answer(Link& link, HttpAnswer answer) {
  Exchange& exchange = *link.exchange;
  if (exchange.is_answered) return;
  exchange.is_answered = true;
  note_answer(link, answer.status);
  exchange.must_close = exchange.body_left > 0;
  if (!answer.is_streamed) answer.size = answer.body.size();
  exchange.left = answer.size;
  exchange.answer = std::move(answer);
  link.origin->reading = {};
  lws_rx_flow_control(link.wsi, 0);
  go_on(link);
}

// Of a wsi that reads nothing libwebsockets does not tell when it may be written, so that is asked of a copy of its
// descriptor. What is written goes past libwebsockets, too, for what it would keep back it would never send.
void LwsContext::Body::go_on(Link& link) {
  await_room(link);
  Exchange& exchange = *link.exchange;
  if (exchange.poll == nullptr) {
    exchange.socket = fcntl(lws_get_socket_fd(link.wsi), F_DUPFD_CLOEXEC, 0);
    if (exchange.socket < 0) return give_up(link);
    exchange.poll = std::make_unique<UvHandle<uv_poll_t>>();
    uv_poll_init(loop_, exchange.poll->get(), exchange.socket);
    exchange.body = this;
    exchange.poll->get()->data = &exchange;
  }
  uv_poll_start(exchange.poll->get(), UV_WRITABLE, [](uv_poll_t* poll, int, int) {
    const Exchange& self = *static_cast<Exchange*>(poll->data);
    if (Link* asked = self.body->find_exchange(self.id)) self.body->answer_writable(*asked);
  });
}

void LwsContext::Body::hold_body(Link& link, bool is_held) {
  Exchange& exchange = *link.exchange;
  if (exchange.has_body_ended || exchange.is_answered) return;
  link.origin->reading = {};
  if (!is_held) link.origin->reading = {.since_ms = uv_now(loop_), .bytes = link.origin->arrived_bytes};
  lws_rx_flow_control(link.wsi, is_held ? 0 : 1);
}

namespace {

bool add(lws* wsi, std::string_view name, std::string_view value, std::uint8_t** at, std::uint8_t* end) {
  const std::string line = std::string(name) + ":";
  return lws_add_http_header_by_name(wsi, as_bytes(line).data(), as_bytes(value).data(), static_cast<int>(value.size()),
                                     at, end) == 0;
}

}  // namespace

// The head of the answer into what goes out. False when it does not fit.
bool LwsContext::Body::begin_answer(Link& link) {
  Exchange& exchange = *link.exchange;
  const HttpAnswer& answer = exchange.answer;
  exchange.is_chunked = !exchange.left.has_value() && exchange.is_http_1_1;
  exchange.must_close |= !exchange.left.has_value() && !exchange.is_http_1_1;
  std::uint8_t head[kHeadBytesMax];
  std::uint8_t* at = head;
  std::uint8_t* const end = head + sizeof(head) - 2;
  lws* const wsi = link.wsi;
  bool fits = lws_add_http_header_status(wsi, answer.status, &at, end) == 0 &&
              add(wsi, "content-type", answer.content_type, &at, end);
  if (exchange.left.has_value()) fits = fits && add(wsi, "content-length", std::to_string(*exchange.left), &at, end);
  if (exchange.is_chunked) fits = fits && add(wsi, "transfer-encoding", "chunked", &at, end);
  if (exchange.must_close) fits = fits && add(wsi, "connection", "close", &at, end);
  if (answer.status == kUnauthorized) fits = fits && add(wsi, "www-authenticate", "Bearer", &at, end);
  for (const auto& [name, value] : answer.headers) fits = fits && add(wsi, name, value, &at, end);
  exchange.has_head = fits && lws_finalize_http_header(wsi, &at, end) == 0;
  exchange.out.assign(head, at);
  return exchange.has_head;
}

// The next piece of the body, for what goes out; 0 is the end, nothing is not yet.
std::optional<std::size_t> LwsContext::Body::next_piece(Exchange& exchange) {
  if (exchange.is_head || exchange.left == 0u) return 0;
  std::vector<std::uint8_t>& out = exchange.out;
  std::optional<std::size_t> size;
  if (exchange.answer.is_streamed) {
    if (requests_ == nullptr) return std::nullopt;  // The server is going.
    out.resize(kChunkHeadBytes + std::min<std::uint64_t>(kPieceBytesMax, exchange.left.value_or(kPieceBytesMax)));
    const MutBytes room = MutBytes(out).subspan(kChunkHeadBytes);
    size = requests_->on_answer_room(exchange.id, room);
  } else {
    out.resize(kChunkHeadBytes);
    const Bytes body = as_bytes(exchange.answer.body);
    out.insert(out.end(), body.begin(), body.end());
    size = body.size();
  }
  return size;
}

// Past libwebsockets: what the socket takes, 0 when it takes nothing now, below when it is gone.
std::ptrdiff_t LwsContext::Body::put(const Link& link, Bytes bytes) {
  SSL* ssl = lws_get_ssl(link.wsi);
  if (ssl != nullptr) return write_by_tls(ssl, bytes);
  const ssize_t sent = ::send(link.exchange->socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : sent;
}

// False when the socket takes no more for now, or is gone.
bool LwsContext::Body::flush(Link& link) {
  Exchange& exchange = *link.exchange;
  while (exchange.out_at < exchange.out.size()) {
    const std::ptrdiff_t sent = put(link, Bytes(exchange.out).subspan(exchange.out_at));
    if (sent < 0) give_up(link);
    if (sent <= 0) return false;
    exchange.out_at += static_cast<std::size_t>(sent);
    link.origin->writing = {};
  }
  exchange.out.clear();
  exchange.out_at = 0;
  return true;
}

void LwsContext::Body::answer_writable(Link& link) {
  const ExchangeId id = link.exchange->id;
  for (int pieces = 0; pieces < kPiecesAtOnce && flush(link); ++pieces) {
    Exchange& exchange = *link.exchange;
    if (!exchange.has_head) {
      if (!begin_answer(link)) return give_up(link);
      continue;
    }
    if (exchange.is_over) return answered(link);
    const std::optional<std::size_t> size = next_piece(exchange);
    if (find_exchange(id) != &link || link.is_closing) return;  // It was given up from within.
    if (!size.has_value()) {
      exchange.out.clear();
      link.origin->writing = {};
      uv_poll_stop(exchange.poll->get());
      return;
    }
    frame_piece(exchange, *size);
  }
  if (!link.is_closing) await_room(link);
}

// Makes a chunk of a piece that stands behind room for the head of one; the end of a body is one without bytes.
void LwsContext::Body::frame_piece(Exchange& exchange, std::size_t size) {
  std::vector<std::uint8_t>& out = exchange.out;
  exchange.is_over = size == 0;
  exchange.is_short = size == 0 && !exchange.is_head && exchange.left.value_or(0) > 0;
  if (exchange.left.has_value()) *exchange.left -= std::min<std::uint64_t>(*exchange.left, size);
  out.resize(size == 0 ? 0 : kChunkHeadBytes + size);
  exchange.out_at = size == 0 ? 0 : kChunkHeadBytes;
  if (!exchange.is_chunked || exchange.is_head) return;
  char head[kChunkHeadBytes];
  char* end = std::to_chars(head, head + sizeof(head) - 2, size, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  const auto head_bytes = static_cast<std::size_t>(end - head);
  if (size == 0) out.resize(kChunkHeadBytes);
  exchange.out_at = kChunkHeadBytes - head_bytes;
  std::memcpy(out.data() + exchange.out_at, head, head_bytes);
  out.insert(out.end(), {'\r', '\n'});
}

// All of the answer is with the kernel. A stream that ended before what it had announced ends its connection.
void LwsContext::Body::answered(Link& link) {
  const bool must_close = link.exchange->must_close || link.exchange->is_short;
  end_exchange(link, !link.exchange->is_short);
  if (link.is_closing) return;
  if (must_close) return give_up(link);
  link.origin->since_ms = uv_now(loop_);
  link.origin->is_done = true;
  lws_rx_flow_control(link.wsi, 1);
  lws_callback_on_writable(link.wsi);
  refresh_timers();
}

// libwebsockets wants to hear of the end of an exchange within a callback of its own.
int LwsContext::Body::http_writable(Link& link) {
  if (!std::exchange(link.origin->is_done, false)) return 0;
  return lws_http_transaction_completed(link.wsi) != 0 ? -1 : 0;
}

void LwsContext::Body::end_exchange(Link& link, bool is_whole) {
  const std::unique_ptr<Exchange> exchange = std::exchange(link.exchange, nullptr);
  link.origin->writing = link.origin->reading = {};
  if (exchange->poll != nullptr) {
    uv_poll_stop(exchange->poll->get());
    ::close(exchange->socket);
  }
  if (exchange->is_told && requests_ != nullptr) requests_->on_exchange_end(exchange->id, is_whole);
}

void LwsContext::Body::give_up(Link& link) {
  link.is_closing = true;
  if (link.exchange != nullptr && link.exchange->poll != nullptr) uv_poll_stop(link.exchange->poll->get());
  lws_rx_flow_control(link.wsi, 1);
  lws_set_timeout(link.wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
  refresh_timers();
}

}  // namespace grid::transport
