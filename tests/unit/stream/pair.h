// SPDX-License-Identifier: Apache-2.0
//
// One end of a line with its memory, and a line that a test may disturb.
#pragma once

#include <memory>
#include <string>

#include "tests/unit/crdt/hex.h"
#include "transport/stream/crc32c.h"
#include "transport/stream/stream_link.h"

namespace grid::test {

using transport::Arrival;
using transport::StreamLink;

// In blocks of their own, so that the address sanitizer sees a step behind their end.
class LineEnd {
 public:
  explicit LineEnd(std::size_t frame_bytes = 300)
      : LineEnd(StreamLink::arriving_bytes(frame_bytes), StreamLink::sending_bytes(frame_bytes)) {}

  // Takes `bytes` at once, from a block of their own, and tells what arrived as a line each.
  void hear(std::string_view bytes) {
    const std::unique_ptr<std::uint8_t[]> block(new std::uint8_t[bytes.size()]);
    copy(as_bytes(bytes), {block.get(), bytes.size()});
    Bytes rest(block.get(), bytes.size());
    for (Arrival arrival = link.receive(rest); arrival.kind != Arrival::Kind::none; arrival = link.receive(rest)) {
      tell(arrival);
    }
    assert_true(rest.empty());
  }
  void send(std::string_view frame) {
    assert_true(link.room().size() >= frame.size());
    copy(as_bytes(frame), link.room());
    link.send(frame.size());
  }
  // All that goes out now.
  std::string flush() {
    std::string gone;
    while (!link.outgoing().empty()) {
      gone += as_text(link.outgoing());
      link.sent(link.outgoing().size());
    }
    return gone;
  }
  std::string flush(std::string_view frame) {
    send(frame);
    return flush();
  }

 private:
  LineEnd(std::size_t arriving, std::size_t sending)
      : arriving_(new std::uint8_t[arriving]),
        sending_(new std::uint8_t[sending]),
        link({arriving_.get(), arriving}, {sending_.get(), sending}) {}

  void tell(const Arrival& arrival) {
    static const char* kNames[] = {"none", "opened", "frame", "missed", "pong", "closed"};
    story += kNames[static_cast<int>(arrival.kind)];
    if (arrival.kind == Arrival::Kind::frame) story.append(" ").append(as_text(arrival.frame));
    if (arrival.kind == Arrival::Kind::closed) {
      story.append(" ").append(name_of(link.status())).append(": ").append(link.problem());
    }
    story += "\n";
  }

  std::unique_ptr<std::uint8_t[]> arriving_, sending_;

 public:
  StreamLink link;
  std::string story;
};

// A packet as docs/WIRE.md has it, or one whose length is `more` than it should be.
inline std::string line_of(int kind, int session, int number, std::string_view payload, int more = 0) {
  const auto little_endian = [](std::size_t value, std::size_t bytes) {
    std::string text;
    for (; bytes-- > 0; value >>= 8) text += static_cast<char>(value);
    return text;
  };
  std::string packet = little_endian(static_cast<std::size_t>(kind), 1) +
                       little_endian(static_cast<std::size_t>(session), 2) +
                       little_endian(static_cast<std::size_t>(number), 2) +
                       little_endian(payload.size() + static_cast<std::size_t>(more), 3);
  packet += payload;
  packet += little_endian(transport::crc32c(as_bytes(packet)), 4);
  std::string memory = std::string(transport::stuffing_bytes(2 * packet.size()) + 2, '.') + packet;
  const MutBytes bytes(reinterpret_cast<std::uint8_t*>(memory.data()), memory.size());
  return std::string(as_text(transport::stuff(bytes, memory.size() - packet.size())));
}

struct Pair {
  explicit Pair(std::size_t frame_bytes = 300) : device(frame_bytes), gateway(frame_bytes) {}

  void open(std::uint16_t session = 0x1234) {
    device.link.open(session);
    gateway.link.accept();
    settle();
    assert_true(device.link.is_open() && gateway.link.is_open());
    device.story.clear();
    gateway.story.clear();
  }
  // Carries what goes until nothing goes any more.
  void settle() {
    for (;;) {
      const std::string there = device.flush(), back = gateway.flush();
      if (there.empty() && back.empty()) return;
      gateway.hear(there);
      device.hear(back);
    }
  }

  LineEnd device, gateway;
};

}  // namespace grid::test
