// SPDX-License-Identifier: Apache-2.0
//
// Addresses as people write them: HOST:PORT to listen on, ws://HOST:PORT to connect to.
//
// Place     Lowest of transport/lws.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "crdt/base/status.h"

namespace grid::transport {

inline constexpr std::uint16_t kDefaultPort = 7271;

struct HostPort {
  std::string host;  // A name, or an address without brackets.
  std::uint16_t port = kDefaultPort;

  // As it is written: an IPv6 address in brackets.
  std::string text() const;
};

struct Url {
  HostPort at;
  bool tls = false;

  std::string text() const { return (tls ? "wss://" : "ws://") + at.text(); }
};

// An IP address and port.
union SocketAddress {
  sockaddr any;
  sockaddr_in ipv4;
  sockaddr_in6 ipv6;

  socklen_t size() const { return any.sa_family == AF_INET6 ? sizeof(ipv6) : sizeof(ipv4); }
  std::string host() const;
  std::uint16_t port() const { return ntohs(any.sa_family == AF_INET6 ? ipv6.sin6_port : ipv4.sin_port); }
  std::string text() const { return HostPort{host(), port()}.text(); }
};

// `HOST`, `HOST:PORT`, `[IPV6]:PORT`.
//   invalid  It is not of that form.
Result<HostPort> parse_host_port(std::string_view text);

// `ws://HOST:PORT` or `wss://HOST:PORT`, a slash at the end allowed.
//   invalid  It is not of that form.
Result<Url> parse_url(std::string_view text);

}  // namespace grid::transport
