// SPDX-License-Identifier: Apache-2.0
//
// A line between two ends, as a script has it: frames, pings, noise, changed and lost bytes, restarts. What is handed
// out was sent, in this order and never twice; and a line, whatever is on it, means the same in whole as in pieces.
#include <deque>
#include <memory>
#include <string>

#include "crdt/base/check.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/target.h"
#include "transport/stream/crc32c.h"
#include "transport/stream/stream_link.h"

namespace {

using namespace grid;
using transport::Arrival;
using transport::StreamLink;

constexpr std::size_t kFrameBytes = 200;

struct LineEnd {
  std::unique_ptr<std::uint8_t[]> arriving{new std::uint8_t[StreamLink::arriving_bytes(kFrameBytes)]};
  std::unique_ptr<std::uint8_t[]> sending{new std::uint8_t[StreamLink::sending_bytes(kFrameBytes)]};
  StreamLink link{{arriving.get(), StreamLink::arriving_bytes(kFrameBytes)},
                  {sending.get(), StreamLink::sending_bytes(kFrameBytes)}};
  std::string story;
  std::deque<std::string> sent;  // By this end, in this session or one before; taken by the other.

  std::string flush() {
    std::string gone;
    while (!link.outgoing().empty()) {
      const Bytes next = link.outgoing().first(link.outgoing().size() - link.outgoing().size() / 3);
      gone += as_text(next);
      link.sent(next.size());
    }
    return gone;
  }

  void hear(Bytes bytes, LineEnd* from) {
    for (;;) {
      const Arrival arrival = link.receive(bytes);
      if (arrival.kind == Arrival::Kind::none) break;
      story += static_cast<char>('0' + static_cast<int>(arrival.kind));
      if (arrival.kind == Arrival::Kind::closed) story += std::string(name_of(link.status())) + link.problem();
      if (arrival.kind != Arrival::Kind::frame) continue;
      story += as_text(arrival.frame);
      if (from != nullptr) from->was_taken(as_text(arrival.frame));
    }
    GRID_CHECK(bytes.empty());
  }

  void was_taken(std::string_view frame) {
    while (!sent.empty() && sent.front() != frame) sent.pop_front();
    GRID_CHECK(!sent.empty());
    sent.pop_front();
  }
};

// A packet of the fuzzer's choice with a checksum that is right: what is behind it would else not be reached.
std::string forged(test::Script& script) {
  std::string packet;
  for (const std::size_t bytes : {1u, 2u, 2u}) {
    for (std::uint64_t number = script.number(1), i = 0; i < bytes; ++i, number >>= 8)
      packet += static_cast<char>(number);
  }
  const Bytes payload = script.take(script.below(kFrameBytes + 20));
  for (std::size_t i = 0, rest = payload.size(); i < 3; ++i, rest >>= 8) packet += static_cast<char>(rest);
  packet += as_text(payload);
  std::uint32_t sum = transport::crc32c(as_bytes(packet));
  for (int i = 0; i < 4; ++i, sum >>= 8) packet += static_cast<char>(sum);
  std::string memory = std::string(16, '.') + packet;
  return std::string(as_text(transport::stuff({reinterpret_cast<std::uint8_t*>(memory.data()), memory.size()}, 16)));
}

std::string disturbed(std::string line, test::Script& script) {
  if (line.empty()) return line;
  const std::size_t at = script.below(line.size());
  switch (script.below(4)) {
    case 0:
      line[at] = static_cast<char>(line[at] ^ (1 << script.below(8)));
      return line;
    case 1:
      return line.erase(at, 1 + script.below(40));
    case 2:
      return line.insert(at, as_text(script.take(script.below(30))));
    default:
      return {};
  }
}

void send(LineEnd& end, test::Script& script) {
  const MutBytes room = end.link.room();
  if (room.empty()) return;
  const Bytes frame = script.take(script.below(kFrameBytes));
  copy(frame, room);
  end.link.send(frame.size());
  end.sent.emplace_back(as_text(frame));
}

void play(test::Script& script) {
  LineEnd device, gateway;
  std::uint16_t session = 0;
  gateway.link.accept();
  device.link.open(++session);
  while (!script.done()) {
    const bool is_device = script.flip();
    LineEnd& end = is_device ? device : gateway;
    LineEnd& peer = is_device ? gateway : device;
    switch (script.below(8)) {
      case 0:
      case 1:
        send(end, script);
        break;
      case 2:
        end.link.ping();
        break;
      case 3:
        peer.hear(as_bytes(disturbed(end.flush(), script)), &end);
        break;
      case 4:
        if (script.below(8) == 0) end.link.close(StreamLink::kNormal, "bye");
        if (script.below(8) == 1) end.link.lost();
        break;
      case 5:
        if (is_device && (device.link.is_over() || script.below(8) == 0)) device.link.open(++session);
        if (!is_device && (gateway.link.is_over() || script.below(8) == 0)) gateway.link.accept();
        break;
      default:
        peer.hear(as_bytes(end.flush()), &end);
    }
  }
  // A line that is still, and asks again, always comes up.
  device.link.open(++session);
  gateway.link.accept();
  gateway.hear(as_bytes(std::string(1, '\0') + device.flush()), &device);
  device.hear(as_bytes(std::string(1, '\0') + gateway.flush()), &gateway);
  GRID_CHECK(device.link.is_open() && gateway.link.is_open());
}

void hear_anything(Bytes bytes, std::size_t piece) {
  LineEnd whole, pieces;
  whole.link.accept();
  pieces.link.accept();
  test::Script script(bytes);
  std::string line;
  while (!script.done()) {
    line += script.flip() ? forged(script) : std::string(as_text(script.take(script.below(64))));
  }
  whole.hear(as_bytes(line), nullptr);
  for (Bytes rest = as_bytes(line); !rest.empty(); rest = rest.subspan(std::min(piece, rest.size()))) {
    pieces.hear(rest.first(std::min(piece, rest.size())), nullptr);
  }
  GRID_CHECK(whole.story == pieces.story && whole.link.dropped() == pieces.link.dropped());
  GRID_CHECK(whole.flush() == pieces.flush());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Bytes bytes(data + 2, size - 2);
  if (data[0] % 2 == 0) {
    test::Script script(bytes);
    play(script);
  } else {
    hear_anything(bytes, 1u + data[1] % 40);
  }
  return 0;
}
