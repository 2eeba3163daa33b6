// SPDX-License-Identifier: Apache-2.0

#include "ports/chip/server_address.h"

#include <algorithm>

namespace grid::port {
namespace {

// Not substr(), which could throw.
std::string_view front(std::string_view text, std::size_t size) { return {text.data(), std::min(size, text.size())}; }

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (front(text, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool is_host(std::string_view host, bool bracketed) {
  constexpr std::size_t kHostBytesMax = 253;
  if (host.empty() || host.size() > kHostBytesMax) return false;
  for (const char c : host) {
    const bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!alnum && c != '.' && c != '-' && c != '_' && !(bracketed && c == ':')) return false;
  }
  return true;
}

bool parse_port(std::string_view text, std::uint16_t& port) {
  std::uint32_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    number = 10 * number + static_cast<std::uint32_t>(c - '0');
    if (number > UINT16_MAX) return false;
  }
  port = static_cast<std::uint16_t>(number);
  return port != 0;
}

}  // namespace

Result<ServerAddress> parse_server_address(std::string_view text) {
  ServerAddress address;
  address.tls = take_prefix(text, "wss://");
  if (!address.tls && !take_prefix(text, "ws://")) return Status::invalid;
  if (!text.empty() && text.back() == '/') text.remove_suffix(1);
  address.authority = text;
  const bool bracketed = take_prefix(text, "[");
  const std::size_t end = text.find(bracketed ? ']' : ':');
  if (bracketed && end == std::string_view::npos) return Status::invalid;
  address.host = front(text, end);
  if (!is_host(address.host, bracketed)) return Status::invalid;
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + (bracketed ? 1 : 0));
  if (!text.empty() && !(take_prefix(text, ":") && parse_port(text, address.port))) return Status::invalid;
  return address;
}

}  // namespace grid::port
