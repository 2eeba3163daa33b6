// SPDX-License-Identifier: Apache-2.0

#include "transport/lws/address.h"

#include <arpa/inet.h>

#include <charconv>

namespace grid::transport {
namespace {

bool parse_port(std::string_view text, std::uint16_t& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size();
}

// In brackets stands an IPv6 address and nothing else.
bool is_host(std::string_view host, bool bracketed) {
  if (host.empty() || host.size() > 253) return false;
  if (bracketed && host.find(':') == std::string_view::npos) return false;
  for (const char c : host) {
    const bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!alnum && c != '.' && c != '-' && c != '_' && !(bracketed && (c == ':' || c == '%'))) return false;
  }
  return true;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

std::string HostPort::text() const {
  const bool bracketed = host.find(':') != std::string::npos;
  return (bracketed ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string SocketAddress::host() const {
  char line[INET6_ADDRSTRLEN] = {};
  if (any.sa_family == AF_INET6) inet_ntop(AF_INET6, &ipv6.sin6_addr, line, sizeof(line));
  if (any.sa_family == AF_INET) inet_ntop(AF_INET, &ipv4.sin_addr, line, sizeof(line));
  return line;
}

Result<HostPort> parse_host_port(std::string_view text) {
  const bool bracketed = take_prefix(text, "[");
  const std::size_t host_end = text.find(bracketed ? ']' : ':');
  if (bracketed && host_end == std::string_view::npos) return Status::invalid;

  HostPort parsed;
  const std::string_view host = text.substr(0, host_end);
  text = host_end == std::string_view::npos ? std::string_view{} : text.substr(host_end + (bracketed ? 1 : 0));
  if (!is_host(host, bracketed)) return Status::invalid;
  if (!text.empty() && !(take_prefix(text, ":") && parse_port(text, parsed.port))) return Status::invalid;
  parsed.host = host;
  return parsed;
}

Result<Url> parse_url(std::string_view text) {
  Url url;
  url.tls = take_prefix(text, "wss://");
  if (!url.tls && !take_prefix(text, "ws://")) return Status::invalid;
  if (!text.empty() && text.back() == '/') text.remove_suffix(1);
  Result<HostPort> at = parse_host_port(text);
  if (!at.ok() || at->port == 0) return Status::invalid;
  url.at = *at;
  return url;
}

}  // namespace grid::transport
