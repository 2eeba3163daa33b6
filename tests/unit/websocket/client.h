// SPDX-License-Identifier: Apache-2.0
//
// A WebSocket client with its memory, the bytes that a server would send it, and what the server would make of its own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/unit/crdt/hex.h"
#include "transport/websocket/websocket.h"

namespace grid::test {

using transport::Arrival;
using transport::WebSocket;

// The key and the answer of RFC 6455, section 1.3.
inline constexpr std::string_view kSeed = "the sample noncehalf of the seed";
inline constexpr std::string_view kAnswer =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

inline std::string big_endian(std::uint64_t number, std::size_t bytes) {
  std::string text(bytes, '\0');
  for (std::size_t i = bytes; i-- > 0; number >>= 8) text[i] = static_cast<char>(number);
  return text;
}

// A frame as a server sends it; `first` is its first byte.
inline std::string server_frame(int first, std::string_view payload) {
  std::string bytes(1, static_cast<char>(first));
  if (payload.size() < 126) {
    bytes += static_cast<char>(payload.size());
  } else if (payload.size() < 65'536) {
    bytes.append("\x7e").append(big_endian(payload.size(), 2));
  } else {
    bytes.append("\x7f").append(big_endian(payload.size(), 8));
  }
  return bytes.append(payload);
}

struct ClientFrame {
  int first = 0;
  std::string mask, payload;
};

// What a strict server reads from the front of `bytes`, which holds whole frames, each as RFC 6455 wants it.
inline ClientFrame take_client_frame(std::string& bytes) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes.at(i)); };
  assert_true((at(1) & 0x80) != 0);
  std::size_t size = at(1) & 0x7f, head = 2;
  const std::size_t more = size == 126 ? 2 : size == 127 ? 8 : 0;
  if (more != 0) {
    size = 0;
    for (; head < 2 + more; ++head) size = size << 8 | at(head);
    assert_true(more == 2 ? size >= 126 : size >= 65'536);
  }
  assert_true(bytes.size() >= head + 4 + size);
  ClientFrame frame{at(0), bytes.substr(head, 4), bytes.substr(head + 4, size)};
  for (std::size_t i = 0; i < size; ++i) frame.payload[i] = static_cast<char>(frame.payload[i] ^ frame.mask[i % 4]);
  bytes.erase(0, head + 4 + size);
  return frame;
}

// In blocks of their own, so that the address sanitizer sees a step behind their end.
class Client {
 public:
  explicit Client(std::size_t arriving = 512, std::size_t sending = 512)
      : arriving_(new std::uint8_t[arriving]),
        sending_(new std::uint8_t[sending]),
        socket({arriving_.get(), arriving}, {sending_.get(), sending}) {}

  Status open() {
    return socket.open({.host = "server.example.com", .path = "/chat"},
                       std::span<const std::uint8_t, WebSocket::kSeedBytes>(as_bytes(kSeed)));
  }
  // Opens, and lets the server answer rightly.
  void open_up() {
    assert_ok(open());
    flush();
    hear(kAnswer);
    assert_true(socket.is_open());
    story.clear();
  }
  // Takes `bytes` at once, from a block of their own, and tells what arrived as a line each.
  void hear(std::string_view bytes) {
    const std::unique_ptr<std::uint8_t[]> block(new std::uint8_t[bytes.size()]);
    copy(as_bytes(bytes), {block.get(), bytes.size()});
    Bytes rest(block.get(), bytes.size());
    for (Arrival arrival = socket.receive(rest); arrival.kind != Arrival::Kind::none; arrival = socket.receive(rest)) {
      tell(arrival);
    }
    assert_true(rest.empty());
  }
  void send(std::string_view frame) {
    assert_true(socket.room().size() >= frame.size());
    copy(as_bytes(frame), socket.room());
    socket.send(frame.size());
  }
  // All that goes out now.
  std::string flush() {
    std::string gone;
    while (!socket.outgoing().empty()) {
      gone += as_text(socket.outgoing());
      socket.sent(socket.outgoing().size());
    }
    return gone;
  }

 private:
  void tell(const Arrival& arrival) {
    static const char* kNames[] = {"none", "opened", "frame", "missed", "pong", "closed"};
    story += kNames[static_cast<int>(arrival.kind)];
    if (arrival.kind == Arrival::Kind::frame) story.append(" ").append(as_text(arrival.frame));
    if (arrival.kind == Arrival::Kind::closed) {
      story.append(" ").append(name_of(socket.status())).append(": ").append(socket.problem());
    }
    story += "\n";
  }

  std::unique_ptr<std::uint8_t[]> arriving_, sending_;

 public:
  WebSocket socket;
  std::string story;
};

}  // namespace grid::test
