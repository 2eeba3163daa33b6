// SPDX-License-Identifier: Apache-2.0
//
// What a server sends, cut and mixed with what a host does. The first byte chooses: a handshake that is all the
// fuzzer's, or frames behind one that succeeded. Whatever comes, it means the same in whole as in pieces; and what was
// understood, written as a server would write it, is understood again.
#include <memory>
#include <string>
#include <vector>

#include "crdt/base/check.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/target.h"
#include "transport/websocket/websocket.h"

namespace {

using namespace grid;
using transport::Arrival;
using transport::WebSocket;

constexpr std::size_t kArriving = 300;
constexpr std::size_t kSending = 400;
constexpr std::string_view kSeed = "the sample noncehalf of the seed";
constexpr std::string_view kAnswer =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

struct Client {
  std::unique_ptr<std::uint8_t[]> arriving{new std::uint8_t[kArriving]}, sending{new std::uint8_t[kSending]};
  WebSocket socket{{arriving.get(), kArriving}, {sending.get(), kSending}};
  std::string story;
  std::vector<std::string> frames;

  explicit Client(bool is_up) {
    GRID_CHECK(socket.open({.host = "h", .path = "/"},
                           std::span<const std::uint8_t, WebSocket::kSeedBytes>(as_bytes(kSeed))) == Status::ok);
    flush();
    if (is_up) hear(as_bytes(kAnswer));
    GRID_CHECK(socket.is_open() == is_up);
  }

  void hear(Bytes bytes) {
    for (;;) {
      const bool was_over = socket.is_over();
      const Arrival arrival = socket.receive(bytes);
      if (arrival.kind == Arrival::Kind::none) break;
      GRID_CHECK(!was_over && arrival.kind != Arrival::Kind::missed);
      story += static_cast<char>('0' + static_cast<int>(arrival.kind));
      if (arrival.kind == Arrival::Kind::frame) {
        GRID_CHECK(arrival.frame.size() <= kArriving);
        frames.emplace_back(as_text(arrival.frame));
      }
      if (arrival.kind != Arrival::Kind::closed) continue;
      GRID_CHECK(socket.is_over() && socket.room().empty());
      GRID_CHECK(*socket.problem() != '\0' || socket.status() == Status::ok);
      story += std::string(name_of(socket.status())) + socket.problem();
    }
    GRID_CHECK(bytes.empty());
  }

  void flush() {
    while (!socket.outgoing().empty()) {
      const Bytes next = socket.outgoing();
      socket.sent(next.size() - next.size() / 3);
    }
  }
};

void hear_in_pieces(Bytes bytes, bool is_up, std::size_t piece, const Client& whole) {
  Client client(is_up);
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(piece, bytes.size()))) {
    client.hear(bytes.first(std::min(piece, bytes.size())));
  }
  GRID_CHECK(client.story == whole.story && client.frames == whole.frames);
}

void hear_again(const Client& whole) {
  Client client(true);
  for (const std::string& frame : whole.frames) {
    std::string bytes = "\x82";
    if (frame.size() < 126) {
      bytes += static_cast<char>(frame.size());
    } else {
      bytes += {'\x7e', static_cast<char>(frame.size() >> 8), static_cast<char>(frame.size())};
    }
    client.hear(as_bytes(bytes + frame));
  }
  GRID_CHECK(client.frames == whole.frames);
}

// A host that sends, pings, flushes and closes as a script says, while frames come.
void play(test::Script& script) {
  Client client(true);
  while (!script.done()) {
    switch (script.below(6)) {
      case 0:
        if (const MutBytes room = client.socket.room(); !room.empty()) {
          client.socket.send(std::min(room.size(), script.below(512)));
        }
        break;
      case 1:
        client.socket.ping();
        break;
      case 2:
        client.flush();
        break;
      case 3:
        client.socket.sent(std::min(client.socket.outgoing().size(), script.below(64)));
        break;
      case 4:
        if (script.below(8) == 0) client.socket.close(WebSocket::kNormal, as_text(script.take(script.below(200))));
        break;
      default:
        client.hear(script.take(script.below(256)));
    }
  }
  client.flush();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Bytes bytes(data + 2, size - 2);
  if (data[0] % 3 == 2) {
    test::Script script(bytes);
    play(script);
    return 0;
  }
  const bool is_up = data[0] % 3 == 1;
  Client whole(is_up);
  whole.hear(bytes);
  hear_in_pieces(bytes, is_up, 1, whole);
  hear_in_pieces(bytes, is_up, 1u + data[1], whole);
  hear_again(whole);
  whole.flush();
  return 0;
}
