// SPDX-License-Identifier: Apache-2.0
//
// The host of a chip, as small as it can be: a socket as a ByteLink, and the loop of frame_link.h around a WebSocket.
#pragma once

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <string>
#include <vector>

#include "tests/check.h"
#include "transport/byte_link.h"
#include "transport/websocket/websocket.h"

namespace grid::test {

class SocketLink final : public transport::ByteLink {
 public:
  explicit SocketLink(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(port);
    assert_int_equal(::connect(socket_, reinterpret_cast<sockaddr*>(&at), sizeof(at)), 0);
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  SocketLink(const SocketLink&) = delete;
  SocketLink& operator=(const SocketLink&) = delete;
  ~SocketLink() { close(); }

  Result<std::size_t> read(MutBytes room) override {
    const ssize_t got = socket_ < 0 ? 0 : ::recv(socket_, room.data(), room.size(), MSG_DONTWAIT);
    if (got == 0) return Status::io;
    return moved(got);
  }
  Result<std::size_t> write(Bytes bytes) override {
    if (socket_ < 0) return Status::io;
    return moved(::send(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  }
  void close() override {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }

 private:
  static Result<std::size_t> moved(ssize_t count) {
    if (count >= 0) return static_cast<std::size_t>(count);
    return errno == EAGAIN || errno == EWOULDBLOCK ? Result<std::size_t>(0) : Result<std::size_t>(Status::io);
  }

  int socket_;
};

inline std::uint16_t port_of(const std::string& bound) {
  return static_cast<std::uint16_t>(std::stoi(bound.substr(bound.rfind(':') + 1)));
}

class ChipEnd {
 public:
  // Moves `piece_bytes` at a time, so that nothing arrives as it was sent.
  ChipEnd(const std::string& bound, const char* path, std::size_t frame_bytes, std::size_t piece_bytes = 1'000)
      : link(port_of(bound)),
        arriving_(frame_bytes),
        sending_(frame_bytes + transport::WebSocket::kOverheadBytesMax),
        piece_(piece_bytes),
        socket(arriving_, sending_) {
    std::array<std::uint8_t, transport::WebSocket::kSeedBytes> seed;
    for (std::size_t i = 0; i < seed.size(); ++i) seed[i] = static_cast<std::uint8_t>(i * 41 + port_of(bound));
    assert_ok(socket.open({.host = bound, .path = path}, seed));
  }

  // One turn of a chip's loop. Says whether it is over.
  bool pump() {
    const Result<std::size_t> got = link.read(piece_);
    if (!got.ok()) {
      socket.lost();
      link.close();
    }
    Bytes bytes = Bytes(piece_).first(got.ok() ? *got : 0);
    using Kind = transport::Arrival::Kind;
    for (;;) {
      const transport::Arrival arrival = socket.receive(bytes);
      if (arrival.kind == Kind::none) break;
      opened += arrival.kind == Kind::opened ? 1 : 0;
      pongs += arrival.kind == Kind::pong ? 1 : 0;
      if (arrival.kind == Kind::frame) arrived.emplace_back(arrival.frame.begin(), arrival.frame.end());
    }
    if (!outbox.empty() && socket.room().size() >= outbox.front().size() && socket.is_open()) {
      copy(outbox.front(), socket.room());
      socket.send(outbox.front().size());
      outbox.pop_front();
    }
    while (!socket.outgoing().empty()) {
      const Bytes next = socket.outgoing().first(std::min(piece_.size(), socket.outgoing().size()));
      const Result<std::size_t> went = link.write(next);
      if (!went.ok() || *went == 0) break;
      pongs_sent += next[0] == 0x8a && !was_cut_ ? 1 : 0;
      socket.sent(*went);
      was_cut_ = !socket.outgoing().empty() && socket.outgoing().data() == next.data() + *went;
    }
    return socket.is_over();
  }

  SocketLink link;

 private:
  std::vector<std::uint8_t> arriving_, sending_, piece_;
  bool was_cut_ = false;  // What is outgoing is the rest of a frame.

 public:
  transport::WebSocket socket;
  std::deque<std::vector<std::uint8_t>> outbox;
  std::vector<std::vector<std::uint8_t>> arrived;
  int opened = 0, pongs = 0, pongs_sent = 0;
};

}  // namespace grid::test
