// SPDX-License-Identifier: Apache-2.0

#include "transport/lws/acceptor.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace grid::transport {
namespace {

constexpr int kBacklog = 1'024;
// Without a free descriptor there is nothing to accept with, and the socket stays readable: wait a little.
constexpr std::uint64_t kPauseMs = 100;

addrinfo* resolve(const HostPort& at, std::string& why) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(at.host.c_str(), std::to_string(at.port).c_str(), &hints, &found);
  if (error != 0) why = gai_strerror(error);
  return error == 0 ? found : nullptr;
}

bool set_option(int socket, int level, int name) {
  const int on = 1;
  return setsockopt(socket, level, name, &on, sizeof(on)) == 0;
}

int option(int socket, int name) {
  int value = -1;
  socklen_t size = sizeof(value);
  return getsockopt(socket, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

// A listening socket, or -1 with errno set.
int open_socket(const addrinfo& at) {
  const int socket = ::socket(at.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket < 0) return -1;
  if (set_option(socket, SOL_SOCKET, SO_REUSEADDR) &&
      (at.ai_family != AF_INET6 || set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY)) &&
      bind(socket, at.ai_addr, at.ai_addrlen) == 0 && ::listen(socket, kBacklog) == 0) {
    return socket;
  }
  const int error = errno;
  close(socket);
  errno = error;
  return -1;
}

int open_first(const HostPort& at, std::string& why) {
  addrinfo* found = resolve(at, why);
  if (found == nullptr) return -1;
  const int socket = open_socket(*found);
  if (socket < 0) why = std::strerror(errno);
  freeaddrinfo(found);
  return socket;
}

}  // namespace

std::unique_ptr<Acceptor> Acceptor::listen(uv_loop_t* loop, std::string_view address, Accepted accepted, void* owner,
                                           std::string& problem) {
  const Result<HostPort> at = parse_host_port(address);
  if (!at.ok()) {
    problem = "cannot listen on " + std::string(address) + ": that is not HOST:PORT";
    return nullptr;
  }
  std::string why;
  const int socket = open_first(*at, why);
  if (socket < 0) {
    problem = "cannot listen on " + at->text() + ": " + why;
    return nullptr;
  }
  return std::unique_ptr<Acceptor>(new Acceptor(loop, socket, accepted, owner));
}

std::unique_ptr<Acceptor> Acceptor::take(uv_loop_t* loop, int socket, Accepted accepted, void* owner,
                                         std::string& problem) {
  const std::string what = "the socket with the number " + std::to_string(socket);
  SocketAddress address{};
  socklen_t size = sizeof(address);
  const bool is_socket = getsockname(socket, &address.any, &size) == 0;
  if (!is_socket || (address.any.sa_family != AF_INET && address.any.sa_family != AF_INET6)) {
    problem = what + " is not one of TCP over IPv4 or IPv6";
    return nullptr;
  }
  if (option(socket, SO_TYPE) != SOCK_STREAM || option(socket, SO_ACCEPTCONN) != 1) {
    problem = what + ", of " + address.text() + ", does not listen";
    return nullptr;
  }
  fcntl(socket, F_SETFD, FD_CLOEXEC);
  fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);
  return std::unique_ptr<Acceptor>(new Acceptor(loop, socket, accepted, owner));
}

Acceptor::Acceptor(uv_loop_t* loop, int socket, Accepted accepted, void* owner)
    : socket_(socket), accepted_(accepted), owner_(owner) {
  SocketAddress address{};
  socklen_t size = sizeof(address);
  getsockname(socket, &address.any, &size);
  bound_ = address.text();
  uv_poll_init(loop, poll_.get(), socket);
  uv_timer_init(loop, pause_.get());
  poll_.get()->data = pause_.get()->data = this;
  watch();
}

Acceptor::~Acceptor() {
  uv_poll_stop(poll_.get());
  close(socket_);
}

void Acceptor::watch() {
  uv_poll_start(poll_.get(), UV_READABLE,
                [](uv_poll_t* poll, int, int) { static_cast<Acceptor*>(poll->data)->accept_all(); });
}

void Acceptor::accept_all() {
  for (;;) {
    SocketAddress peer{};
    socklen_t size = sizeof(peer);
    const int socket = accept4(socket_, &peer.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket >= 0) {
      set_option(socket, IPPROTO_TCP, TCP_NODELAY);
      accepted_(owner_, socket, peer);
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) pause();
    return;
  }
}

void Acceptor::pause() {
  uv_poll_stop(poll_.get());
  uv_timer_start(
      pause_.get(), [](uv_timer_t* timer) { static_cast<Acceptor*>(timer->data)->watch(); }, kPauseMs, 0);
}

}  // namespace grid::transport
