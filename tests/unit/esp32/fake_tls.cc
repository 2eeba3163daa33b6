// SPDX-License-Identifier: Apache-2.0
//
// The fake of esp_tls: TCP by Linux, and a handshake that says what the test has told it. Under it the bytes go as they
// are. It has the traits of the real one that a caller must know: plain TCP is `done` when it has only begun, and the
// sets on which it waits for TCP are empty after the first wait.

#include <arpa/inet.h>
#include <esp_crt_bundle.h>
#include <esp_tls.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "crdt/base/check.h"
#include "tests/unit/esp32/fake_idf.h"

using grid::test::idf;

struct esp_tls_last_error {
  esp_err_t error = ESP_OK;
};

struct esp_tls {
  enum class State { begin, connecting, handshake, done } state = State::begin;
  int socket = -1;
  bool is_secure = false;
  bool has_waited = false;
  int turns = 0;
  esp_tls_last_error last;
};

static int refuse(esp_tls_t* tls, esp_err_t error) {
  tls->last.error = error;
  return -1;
}

static int begin(esp_tls_t* tls, const char* host, int port) {
  constexpr esp_err_t kNoSuchName = 0x8001;
  constexpr esp_err_t kCannotConnect = 0x8004;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (std::strcmp(host, "gateway.local") == 0) host = "127.0.0.1";
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) return refuse(tls, kNoSuchName);
  tls->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (connect(tls->socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 && errno != EINPROGRESS) {
    close(tls->socket);
    tls->socket = -1;
    return refuse(tls, kCannotConnect);
  }
  return 1;
}

static int wait_for_tcp(esp_tls_t* tls, const esp_tls_cfg_t* config) {
  if (!config->non_block) return 1;
  GRID_CHECK(config->timeout_ms > 0);  // 0 would wait for ever.
  if (std::exchange(tls->has_waited, true)) return 0;
  fd_set room;
  FD_ZERO(&room);
  FD_SET(tls->socket, &room);
  timeval time{.tv_sec = 0, .tv_usec = config->timeout_ms * 1'000};
  return select(tls->socket + 1, nullptr, &room, nullptr, &time) > 0 ? 1 : 0;
}

static int shake_hands(esp_tls_t* tls) {
  constexpr esp_err_t kHandshakeFailed = 0x801a;
  if (tls->turns++ < idf().handshake_turns) return 0;
  if (!idf().is_trusted) return refuse(tls, kHandshakeFailed);
  tls->state = esp_tls::State::done;
  return 1;
}

extern "C" {

esp_err_t esp_crt_bundle_attach(void*) { return ESP_OK; }

esp_tls_t* esp_tls_init() {
  if (idf().no_tls_memory) return nullptr;
  ++idf().connections;
  return new esp_tls;
}

int esp_tls_conn_new_async(const char* host, int host_bytes, int port, const esp_tls_cfg_t* config, esp_tls_t* tls) {
  GRID_CHECK(static_cast<int>(std::strlen(host)) == host_bytes);
  if (tls->state == esp_tls::State::begin) {
    idf().seen_host = host;
    if (begin(tls, host, port) < 0) return -1;
    if (config->is_plain_tcp) return 1;
    tls->is_secure = true;
    tls->state = esp_tls::State::connecting;
  }
  if (tls->state == esp_tls::State::connecting) {
    if (wait_for_tcp(tls, config) == 0) return 0;
    idf().seen_certificate = config->cacert_buf == nullptr ? "" : reinterpret_cast<const char*>(config->cacert_buf);
    idf().has_seen_bundle = config->crt_bundle_attach != nullptr;
    tls->state = esp_tls::State::handshake;
  }
  return shake_hands(tls);
}

ssize_t esp_tls_conn_write(esp_tls_t* tls, const void* data, std::size_t size) {
  GRID_CHECK(!tls->is_secure || tls->state == esp_tls::State::done);
  const ssize_t taken = send(tls->socket, data, size, MSG_NOSIGNAL);
  return taken < 0 && tls->is_secure ? (errno == EAGAIN ? ESP_TLS_ERR_SSL_WANT_WRITE : -0x0050) : taken;
}

ssize_t esp_tls_conn_read(esp_tls_t* tls, void* data, std::size_t size) {
  GRID_CHECK(!tls->is_secure || tls->state == esp_tls::State::done);
  const ssize_t got = recv(tls->socket, data, size, 0);
  return got < 0 && tls->is_secure ? (errno == EAGAIN ? ESP_TLS_ERR_SSL_WANT_READ : -0x0050) : got;
}

int esp_tls_conn_destroy(esp_tls_t* tls) {
  if (tls->socket >= 0) close(tls->socket);
  delete tls;
  --idf().connections;
  return 0;
}

ssize_t esp_tls_get_bytes_avail(esp_tls_t*) { return 0; }

esp_err_t esp_tls_get_conn_sockfd(esp_tls_t* tls, int* socket) {
  *socket = tls->socket;
  return ESP_OK;
}

esp_err_t esp_tls_get_error_handle(esp_tls_t* tls, esp_tls_error_handle_t* handle) {
  *handle = &tls->last;
  return ESP_OK;
}

esp_err_t esp_tls_get_and_clear_last_error(esp_tls_error_handle_t handle, int*, int*) {
  return std::exchange(handle->error, ESP_OK);
}

}  // extern "C"
