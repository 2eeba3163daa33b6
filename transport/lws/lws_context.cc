// SPDX-License-Identifier: Apache-2.0

#include "transport/lws/lws_context.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "transport/lws/lws_body.h"

namespace grid::transport {
namespace {

// libwebsockets finds a socket's state by a table as long as the process may have descriptors, 16 bytes each, or else
// by a search through as many as it was told to expect. For a few links, or past this, the table costs more.
constexpr int kTableMax = 65'536;
constexpr std::uint32_t kFewLinks = 64;
constexpr std::uint32_t kSpareSockets = 64;  // Beyond links_max: those that are shaking hands, or are answered 503.
constexpr unsigned kServiceBytesMin = 16'384;
constexpr int kGoodbyeS = 5;  // What a closing link gets to send what is behind it.

// Whether some handle of the loop waits for the loop to let go of it.
bool is_any_closing(uv_loop_t* loop) {
  bool closing = false;
  uv_walk(
      loop,
      [](uv_handle_t* handle, void* found) {
        if (uv_is_closing(handle)) *static_cast<bool*>(found) = true;
      },
      &closing);
  return closing;
}

std::set<uv_handle_t*> polls_of(uv_loop_t* loop) {
  std::set<uv_handle_t*> polls;
  uv_walk(
      loop,
      [](uv_handle_t* handle, void* found) {
        if (handle->type == UV_POLL) static_cast<std::set<uv_handle_t*>*>(found)->insert(handle);
      },
      &polls);
  return polls;
}

}  // namespace

Status LwsContext::Body::open(uv_loop_t* loop, const LwsOptions& options) {
  loop_ = loop;
  options_ = options;
  send_buffer_ = std::make_unique_for_overwrite<std::uint8_t[]>(LWS_PRE + options.frame_bytes_max);
  validity_.secs_since_valid_ping = options.ping_after_s;
  validity_.secs_since_valid_hangup = options.hangup_after_s;
  protocols_[0].name = "grid";
  protocols_[0].callback = &Body::on_event;
  protocols_[0].rx_buffer_size = options.read_bytes;
  protocols_[0].tx_packet_size = LWS_PRE + options.frame_bytes_max;

  lws_set_log_level(0, nullptr);  // What matters comes out as reasons and problems.
  void* loops[] = {loop};
  lws_context_creation_info info{};
  info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
  info.options =
      LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME;
  info.foreign_loops = loops;
  info.timeout_secs = options.handshake_s;
  info.pcontext = &context_;
  info.user = this;
  info.uid = info.gid = -1;
  info.server_string = "grid";
  info.max_http_header_data2 = options.header_bytes_max;
  info.pt_serv_buf_size = std::max(options.read_bytes, kServiceBytesMin);
  if (options.links_max <= kFewLinks || getdtablesize() > kTableMax)
    info.fd_limit_per_thread = options.links_max + 2 * kSpareSockets;
  const std::set<uv_handle_t*> before = polls_of(loop);
  context_ = lws_create_context(&info);
  if (context_ == nullptr) {
    return fail(Status::io, "libwebsockets does not start: is its libuv plugin (libwebsockets-evlib-uv) installed?");
  }
  for (uv_handle_t* poll : polls_of(loop)) {
    if (!before.contains(poll)) uv_fileno(poll, &pipe_);
  }
  crowd_ = Crowd(options.links_each_max);
  failures_ = FailureLimiter(options.failures);
  doorstep_ = std::make_unique<Doorstep>(loop, static_cast<Doorstep::Host&>(*this), options.visitors_max);
  patience_ = std::make_unique<UvHandle<uv_timer_t>>();
  uv_timer_init(loop, patience_->get());
  uv_unref(patience_->any());
  patience_->get()->data = this;
  plain_ = make_vhost("plain", 0);
  return plain_ != nullptr ? Status::ok : fail(Status::io, "libwebsockets does not start: out of memory");
}

lws_vhost* LwsContext::Body::make_vhost(const char* name, std::uint64_t options, const TlsContext* client) {
  lws_context_creation_info info{};
  info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
  info.options = options;
  info.vhost_name = name;
  info.protocols = protocols_;
  info.timeout_secs = options_.handshake_s;
  info.connect_timeout_secs = options_.handshake_s;
  info.timeout_secs_ah_idle = options_.handshake_s;
  info.keepalive_timeout = options_.handshake_s;
  info.retry_and_idle_policy = &validity_;
  info.alpn = "http/1.1";
  if (client != nullptr) info.provided_client_ssl_ctx = client->get();
  return lws_create_vhost(context_, &info);
}

// On a foreign loop libwebsockets goes in two steps: the first starts to close every socket's handle and, behind the
// last of them, its own timers; the second, once the loop has let go of them all, frees the memory that they were in.
LwsContext::Body::~Body() {
  requests_ = nullptr;
  for (auto& entry : links) entry.second->listener = nullptr;
  doors.clear();
  doorstep_.reset();
  patience_.reset();
  abandon_lookups();
  if (context_ == nullptr) return;
  lws_context_destroy(context_);
  hold_pipe();
  do uv_run(loop_, UV_RUN_NOWAIT);
  while (is_any_closing(loop_));
  lws_context_destroy(context_);
}

// libwebsockets 4.1 closes the descriptor of its own pipe twice, at once and with the handle, when it may be somebody
// else's by then: something has to stand in its place.
void LwsContext::Body::hold_pipe() {
  const int held = fcntl(uv_backend_fd(loop_), F_DUPFD_CLOEXEC, pipe_);
  if (held != pipe_ && held >= 0) ::close(held);
}

Status LwsContext::Body::fail(Status status, std::string text) {
  problem = std::move(text);
  return status;
}

Link* LwsContext::Body::find(LinkId id) {
  const auto at = links.find(id);
  return at == links.end() ? nullptr : at->second.get();
}

Link& LwsContext::Body::add_link(LinkListener& listener) {
  const LinkId id = ++last_id_;
  std::unique_ptr<Link>& link = links[id];
  link = std::make_unique<Link>();
  link->id = id;
  link->listener = &listener;
  return *link;
}

void LwsContext::Body::want_write(LinkId id) {
  Link* link = find(id);
  if (link == nullptr || link->listener == nullptr) return;
  link->wants_write = true;
  if (!link->is_up) return;
  await_room(*link);
  lws_callback_on_writable(link->wsi);
}

void LwsContext::Body::close(LinkId id, std::uint16_t code, std::string_view reason) {
  Link* link = find(id);
  if (link == nullptr || link->is_closing) return;
  link->listener = nullptr;
  link->is_closing = true;
  link->close_code = code;
  link->reason = reason;
  link->arriving = {};
  if (link->wsi == nullptr) {
    links.erase(id);  // Nothing of it is open yet.
    return;
  }
  if (link->is_up) {
    lws_set_timeout(link->wsi, PENDING_TIMEOUT_CLOSE_SEND, kGoodbyeS);
    lws_callback_on_writable(link->wsi);
  } else {
    lws_set_timeout(link->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
  }
  refresh_timers();
}

LwsContext::LwsContext() : body_(std::make_unique<Body>()) {}
LwsContext::~LwsContext() = default;

Status LwsContext::open(uv_loop_s* loop, const LwsOptions& options) { return body_->open(loop, options); }

Status LwsContext::secure(const TlsServer& files) { return body_->secure(files); }

const CertificateTerm& LwsContext::certificate() const { return body_->certificate; }

Status LwsContext::listen(std::string_view address, LinkListener& listener, Security security) {
  return body_->listen(address, listener, security);
}

Status LwsContext::listen_on(int socket, LinkListener& listener, Security security) {
  return body_->listen_on(socket, listener, security);
}

const std::string& LwsContext::bound() const {
  static const std::string kNowhere;
  return body_->doors.empty() ? kNowhere : body_->doors.front()->acceptor->bound();
}

std::vector<std::string> LwsContext::bound_urls() const {
  std::vector<std::string> urls;
  for (const auto& door : body_->doors) {
    urls.push_back((door->is_secured ? "wss://" : "ws://") + door->acceptor->bound());
  }
  return urls;
}

void LwsContext::stop_listening() { body_->doors.clear(); }

Status LwsContext::trust() { return body_->trust(); }

Result<LinkId> LwsContext::connect(std::string_view url, std::string_view path, LinkListener& listener,
                                   std::string_view bearer) {
  return body_->connect(url, path, listener, bearer);
}

void LwsContext::want_write(LinkId link) { body_->want_write(link); }

void LwsContext::hold(LinkId link, bool is_held) { body_->hold(link, is_held); }

void LwsContext::close(LinkId link, std::uint16_t code, std::string_view reason) { body_->close(link, code, reason); }

std::size_t LwsContext::link_count() const { return body_->links.size(); }

void LwsContext::serve(HttpListener& listener) { body_->serve(listener); }

void LwsContext::answer(ExchangeId exchange, HttpAnswer answer) {
  Link* link = body_->find_exchange(exchange);
  if (link != nullptr && !link->is_closing) body_->answer(*link, std::move(answer));
}

void LwsContext::want_answer(ExchangeId exchange) {
  Link* link = body_->find_exchange(exchange);
  if (link != nullptr && !link->is_closing && link->exchange->is_answered) body_->go_on(*link);
}

void LwsContext::hold_body(ExchangeId exchange, bool is_held) {
  if (Link* link = body_->find_exchange(exchange)) body_->hold_body(*link, is_held);
}

void LwsContext::give_up(ExchangeId exchange) {
  if (Link* link = body_->find_exchange(exchange)) body_->give_up(*link);
}

LwsCounts LwsContext::counts() const { return body_->counted(); }

const char* LwsContext::problem() const { return body_->problem.c_str(); }

}  // namespace grid::transport
