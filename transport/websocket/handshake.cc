// SPDX-License-Identifier: Apache-2.0

#include "transport/websocket/handshake.h"

#include <algorithm>

#include "transport/websocket/sha1.h"

namespace grid::transport {
namespace {

constexpr std::string_view kMagic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455, section 1.3.
constexpr std::string_view kStatusStart = "HTTP/1.";  // Then 1; for refusals some servers fall back to 0.
constexpr std::size_t kKeyBytes = 24;

// With padding: 4 characters for every 3 bytes.
void write_base64(Bytes bytes, char* to) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (; !bytes.empty(); bytes = bytes.subspan(std::min<std::size_t>(3, bytes.size()))) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) bits = bits << 8 | (i < bytes.size() ? bytes[i] : 0u);
    for (std::size_t i = 0; i < 4; ++i) *to++ = i <= bytes.size() ? kDigits[bits >> (18 - 6 * i) & 63] : '=';
  }
}

bool is_visible(std::string_view text) {
  bool is_visible = !text.empty();
  for (const char c : text) is_visible = is_visible && c > ' ' && c <= '~';
  return is_visible;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// `lower_case` is that already.
bool is_like(std::string_view text, std::string_view lower_case) {
  return std::equal(text.begin(), text.end(), lower_case.begin(), lower_case.end(),
                    [](char a, char b) { return lower(a) == b; });
}

std::string_view trim(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// What stands before `end`, which is taken away with it; all of it, if `end` does not come.
std::string_view take_until(char end, std::string_view& rest) {
  std::size_t size = 0;
  while (size < rest.size() && rest[size] != end) ++size;
  const std::string_view front(rest.data(), size);
  rest.remove_prefix(size < rest.size() ? size + 1 : size);
  return front;
}

// Whether `word` stands in a list with commas.
bool is_listed(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    if (is_like(trim(take_until(',', list)), word)) return true;
  }
  return false;
}

Status status_of(std::size_t http) {
  switch (http) {
    case 401:
    case 403:
      return Status::denied;
    case 404:
      return Status::not_found;
    case 429:
    case 503:
      return Status::busy;
    default:
      return Status::io;
  }
}

Status refuse(Sentence& problem, std::string_view text) {
  problem.say(text);
  return Status::corrupt;
}

}  // namespace

Result<Bytes> Handshake::ask(const WebSocketRequest& request, std::span<const std::uint8_t, kNonceBytes> nonce,
                             MutBytes room) {
  *this = {};
  if (!is_visible(request.host) || !is_visible(request.path) || request.path.front() != '/') return Status::invalid;
  if (!request.token.empty() && !is_visible(request.token)) return Status::invalid;

  char key[kKeyBytes + kMagic.size()];
  write_base64(nonce, key);
  std::copy(kMagic.begin(), kMagic.end(), key + kKeyBytes);
  const std::string_view parts[] = {
      "GET ",
      request.path,
      " HTTP/1.1\r\nHost: ",
      request.host,
      "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ",
      {key, kKeyBytes},
      request.token.empty() ? "" : "\r\nAuthorization: Bearer ",
      request.token,
      "\r\n\r\n"};
  MutBytes rest = room;
  for (const std::string_view part : parts) {
    if (part.size() > rest.size()) return Status::too_large;
    rest = copy(as_bytes(part), rest);
  }
  write_base64(sha1(as_bytes({key, sizeof(key)})), accept_.data());
  return Bytes(room.first(room.size() - rest.size()));
}

Status Handshake::receive(Bytes& bytes, MutBytes memory, Sentence& problem) {
  while (!bytes.empty() && !is_done_) {
    if (++head_bytes_ > kHeadBytesMax) {
      problem.say("the server's answer has a head of more than ").number(kHeadBytesMax).text(" bytes");
      return Status::too_large;
    }
    const std::uint8_t byte = bytes.front();
    bytes = bytes.subspan(1);
    if (line_bytes_ < memory.size()) memory[line_bytes_] = byte;
    ++line_bytes_;
    if (byte != '\n') continue;
    const std::size_t size = std::exchange(line_bytes_, 0);
    if (size <= memory.size()) GRID_TRY(take_line(as_text(memory.first(size)), problem));
  }
  return Status::ok;
}

// With its end.
Status Handshake::take_line(std::string_view line, Sentence& problem) {
  if (!line.ends_with("\r\n")) return refuse(problem, "the server does not speak HTTP: a line ends without CR");
  line.remove_suffix(2);
  if (!has_status_) return take_status(line, problem);
  return line.empty() ? take_end(problem) : take_header(line, problem);
}

Status Handshake::take_status(std::string_view line, Sentence& problem) {
  const bool is_http = line.starts_with(kStatusStart) && line.size() > kStatusStart.size() + 2;
  const char minor = is_http ? line[kStatusStart.size()] : '\0';
  if (is_http) line.remove_prefix(kStatusStart.size() + 2);
  std::size_t number = 0, digits = 0;
  for (; digits < line.size() && line[digits] >= '0' && line[digits] <= '9' && digits < 4; ++digits) {
    number = 10 * number + static_cast<std::size_t>(line[digits] - '0');
  }
  if ((minor != '1' && (minor != '0' || number == 101)) || digits != 3 || number < 100) {
    return refuse(problem, "the server does not speak HTTP/1.1");
  }
  has_status_ = true;
  if (number == 101) return Status::ok;
  problem.say("the server answers ").text(line);
  return status_of(number);
}

Status Handshake::take_header(std::string_view line, Sentence& problem) {
  std::string_view text = line;
  const std::string_view name = take_until(':', text);
  if (name.size() == line.size() || name.empty() || name.front() <= ' ') {
    return refuse(problem, "the server does not speak HTTP: a header is without a name");
  }
  text = trim(text);
  if (is_like(name, "upgrade")) {
    has_upgrade_ = is_like(text, "websocket");
  } else if (is_like(name, "connection")) {
    has_connection_ = has_connection_ || is_listed(text, "upgrade");
  } else if (is_like(name, "sec-websocket-accept")) {
    if (has_accept_ || text != std::string_view(accept_.data(), accept_.size())) {
      return refuse(problem, "the server's Sec-WebSocket-Accept does not answer the key");
    }
    has_accept_ = true;
  } else if (is_like(name, "sec-websocket-extensions") || is_like(name, "sec-websocket-protocol")) {
    problem.say("the server wants what was not asked for: ").text(line);
    return Status::corrupt;
  }
  return Status::ok;
}

Status Handshake::take_end(Sentence& problem) {
  if (!has_upgrade_) return refuse(problem, "the server's answer is without Upgrade: websocket");
  if (!has_connection_) return refuse(problem, "the server's answer is without Connection: Upgrade");
  if (!has_accept_) return refuse(problem, "the server's answer is without Sec-WebSocket-Accept");
  is_done_ = true;
  return Status::ok;
}

}  // namespace grid::transport
