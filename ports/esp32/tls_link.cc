// SPDX-License-Identifier: Apache-2.0
//
// How esp_tls is driven. Its asynchronous call waits in select() for the connection, on sets of descriptors that a
// time-out empties for good; and for plain TCP it says `done` when the connection has only begun. So it is asked once
// to begin; whether TCP is up is asked of the socket, here; and then, without `non_block`, which is what makes it
// wait, it goes on with the handshake on a socket that has been non-blocking since it was made.

#include "ports/esp32/tls_link.h"

#include <esp_crt_bundle.h>
#include <lwip/sockets.h>
#include <sdkconfig.h>

#include <cerrno>

namespace grid::port {
namespace {

constexpr int kBeginMs = 1;  // 0 would mean for ever.

bool takes_bytes(int socket) {
  fd_set room;
  FD_ZERO(&room);
  FD_SET(socket, &room);
  timeval none{};
  return select(socket + 1, nullptr, &room, nullptr, &none) > 0;
}

int error_of(int socket) {
  int error = 0;
  socklen_t size = sizeof(error);
  return getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

}  // namespace

Status TlsLink::dial(const ServerAddress& server) {
  drop();
  problem_.say("");
  GRID_TRY(configure(server));
  tls_ = esp_tls_init();
  if (tls_ == nullptr) return fail("no memory for a connection");
  state_ = State::connecting;
  const int begun = esp_tls_conn_new_async(host_, static_cast<int>(host_bytes_), port_, &config_, tls_);
  if (begun < 0 || esp_tls_get_conn_sockfd(tls_, &socket_) != ESP_OK) return fail("cannot connect");
  config_.non_block = false;
  return Status::ok;
}

Status TlsLink::configure(const ServerAddress& server) {
  if (server.host.empty() || server.host.size() > kHostBytesMax) {
    problem_.say("the server's name has 1 to 253 characters");
    return Status::invalid;
  }
  std::memcpy(host_, server.host.data(), server.host.size());
  host_[server.host.size()] = '\0';
  host_bytes_ = server.host.size();
  port_ = server.port;
  is_secure_ = server.tls;
  config_ = {};
  config_.is_plain_tcp = !is_secure_;
  config_.non_block = true;
  config_.timeout_ms = kBeginMs;
  if (!is_secure_) return Status::ok;
  if (certificate_ != nullptr) {
    config_.cacert_buf = reinterpret_cast<const unsigned char*>(certificate_);
    config_.cacert_bytes = static_cast<unsigned>(std::strlen(certificate_) + 1);
    return Status::ok;
  }
#if CONFIG_MBEDTLS_CERTIFICATE_BUNDLE
  config_.crt_bundle_attach = esp_crt_bundle_attach;
  return Status::ok;
#else
  problem_.say("wss:// needs a certificate to judge the gateway's by: give one, or configure ESP-IDF's bundle");
  return Status::invalid;
#endif
}

// Whether bytes may be read and written now. False: not yet, or the link is down.
bool TlsLink::advance() {
  if (state_ == State::connecting && !advance_connecting()) return false;
  if (state_ == State::securing && !advance_securing()) return false;
  return state_ == State::up;
}

bool TlsLink::advance_connecting() {
  if (!takes_bytes(socket_)) return false;
  const int error = error_of(socket_);
  if (error != 0) {
    [[maybe_unused]] const Status status = fail(std::strerror(error));
    return false;
  }
  state_ = is_secure_ ? State::securing : State::up;
  return true;
}

bool TlsLink::advance_securing() {
  const int done = esp_tls_conn_new_async(host_, static_cast<int>(host_bytes_), port_, &config_, tls_);
  if (done == 0) return false;
  if (done < 0) {
    [[maybe_unused]] const Status status = fail("TLS: the gateway has not proven who it is, or does not speak it");
    return false;
  }
  state_ = State::up;
  return true;
}

bool TlsLink::is_again(ssize_t got) const {
  if (is_secure_) return got == ESP_TLS_ERR_SSL_WANT_READ || got == ESP_TLS_ERR_SSL_WANT_WRITE;
  return errno == EAGAIN || errno == EWOULDBLOCK;
}

Result<std::size_t> TlsLink::read(MutBytes room) {
  if (!advance()) return state_ == State::down ? Result<std::size_t>(Status::io) : std::size_t{0};
  if (room.empty()) return std::size_t{0};
  const ssize_t got = esp_tls_conn_read(tls_, room.data(), room.size());
  if (got > 0) return static_cast<std::size_t>(got);
  if (got == 0) return fail("the gateway has closed the connection");
  if (is_again(got)) return std::size_t{0};
  return fail("the connection broke");
}

Result<std::size_t> TlsLink::write(Bytes bytes) {
  if (!advance()) return state_ == State::down ? Result<std::size_t>(Status::io) : std::size_t{0};
  if (bytes.empty()) return std::size_t{0};
  const ssize_t taken = esp_tls_conn_write(tls_, bytes.data(), bytes.size());
  if (taken < 0 && !is_again(taken)) return fail("the connection broke");
  const std::size_t size = taken < 0 ? 0 : static_cast<std::size_t>(taken);
  wants_room_ = size < bytes.size();
  return size;
}

bool TlsLink::has_bytes() const { return state_ == State::up && is_secure_ && esp_tls_get_bytes_avail(tls_) > 0; }

// Why the connection failed outlives it.
void TlsLink::close() { drop(); }

// With the code of ESP-IDF, if it has left one.
Status TlsLink::fail(const char* what) {
  problem_.say(std::string_view(host_, host_bytes_)).text(": ").text(what);
  esp_tls_error_handle_t last = nullptr;
  if (tls_ != nullptr && esp_tls_get_error_handle(tls_, &last) == ESP_OK && last != nullptr) {
    int code = 0;
    int flags = 0;
    const esp_err_t error = esp_tls_get_and_clear_last_error(last, &code, &flags);
    if (error != ESP_OK) problem_.text(" (").text(esp_err_to_name(error)).text(")");
  }
  drop();
  return Status::io;
}

void TlsLink::drop() {
  if (tls_ != nullptr) [[maybe_unused]]
    const int closed = esp_tls_conn_destroy(tls_);
  tls_ = nullptr;
  socket_ = -1;
  state_ = State::down;
  wants_room_ = false;
}

}  // namespace grid::port
