// SPDX-License-Identifier: Apache-2.0
//
// StreamLink: frames over a line that loses and changes bytes, and knows no connections: a serial line. Over a raw
// connection it works as well. docs/WIRE.md gives its bytes.
//
// Place     Top of transport/stream. docs/decisions/0011 says why it is framed so.
// Promises  As frame_link.h. A frame that was torn or changed is dropped and counted, never handed out; later ones are.
//           `missed` comes before the first frame that has lost one in front of it: a host whose machine takes frames
//           for a sequence without holes then closes the link and opens it anew.
//           No bytes of a frame can pose as the beginning of another one, whatever noise does to the line.
// Limits    A frame is as long as the lent memory less what arriving_bytes() adds; to send one sending_bytes() are
//           needed; none is longer than kFrameBytesMax. Noise passes for a frame once in 2^32 times.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "transport/frame_link.h"
#include "transport/sentence.h"
#include "transport/stream/cobs.h"

namespace grid::transport {

class StreamLink final : public FrameLink {
 public:
  static constexpr std::uint8_t kVersion = 1;
  static constexpr std::size_t kHeadBytes = 8;
  static constexpr std::size_t kChecksumBytes = 4;
  static constexpr std::size_t kFrameBytesMax = 0xff'ffff;
  static constexpr std::size_t kGoodbyeBytesMax = 125;  // Of which two are the code.
  // The memory to take frames, and to send frames, of so many bytes. A goodbye with its reason fits in any case.
  static constexpr std::size_t arriving_bytes(std::size_t frame) {
    return kHeadBytes + (frame > kGoodbyeBytesMax ? frame : kGoodbyeBytesMax) + kChecksumBytes;
  }
  static constexpr std::size_t sending_bytes(std::size_t frame) {
    return arriving_bytes(frame) + arriving_bytes(frame) / 253 + 5;
  }

  constexpr StreamLink(MutBytes arriving, MutBytes sending) : sending_(sending), unstuffer_(arriving) {}

  // One end asks, the other one answers. `session` is a number by which frames from before are told apart: from the
  // machine's generator, fresh each time. A request or its answer may be lost: ping() asks again.
  // Both forget whatever was before; what is outgoing() then comes to nothing.
  void open(std::uint16_t session);
  void accept();

  Arrival receive(Bytes& bytes) override;
  Bytes outgoing() const override { return going_; }
  void sent(std::size_t size) override;
  MutBytes room() override;
  void send(std::size_t size) override;
  void ping() override;
  void close(std::uint16_t code, std::string_view reason) override;
  void lost() override;
  bool is_open() const override { return state_ == State::open; }
  bool is_over() const override { return state_ == State::over; }
  Status status() const override { return status_; }
  const char* problem() const override { return problem_.line(); }

  // Stretches of the line that were no frame for us: noise, torn, changed, too long, or of another session.
  std::uint32_t dropped() const { return dropped_; }

 private:
  enum class State : std::uint8_t {
    opening,  // Asked, and not answered.
    waiting,  // Nobody has asked.
    open,
    closing,  // We said goodbye, or are about to.
    over,
  };
  enum class Kind : std::uint8_t { open = 1, opened, frame, ping, pong, close };
  static constexpr std::size_t kControlBytesMax = kHeadBytes + kGoodbyeBytesMax + kChecksumBytes;

  // stream_link.cc: what comes.
  Arrival take_packet(Bytes packet);
  bool is_whole(Bytes packet) const;
  Arrival take_open(std::uint16_t session, Bytes payload);
  Arrival take_opened(Bytes payload);
  Arrival take_frame(std::uint16_t number, Bytes payload);
  Arrival take_ping(Kind kind, std::uint16_t number);
  Arrival hear_goodbye(Bytes payload);
  Arrival stray(Kind kind, std::uint16_t session);
  Arrival end(Status status);
  void begin(State state, std::uint16_t session);

  // stream_send.cc: what goes.
  Bytes frame(MutBytes bytes, std::size_t before, Kind kind, std::uint16_t session, std::uint16_t number);
  void go();
  void go_control(Kind kind, std::uint16_t session, Bytes first, Bytes second);
  void drop();
  std::size_t before_bytes() const { return stuffing_bytes(sending_.size()) + kHeadBytes; }

  MutBytes sending_;
  Unstuffer unstuffer_;
  State state_ = State::over;
  Status status_ = Status::ok;
  bool answers_ = false;  // accept(), not open().
  std::uint16_t session_ = 0;
  std::uint16_t next_sent_ = 0;  // Numbers of frames, in each direction.
  std::uint16_t next_arriving_ = 0;
  Bytes held_{};  // A frame that comes out behind `missed`.
  bool is_held_ = false;
  std::uint32_t dropped_ = 0;

  // What is due, in the order in which it goes.
  bool is_open_due_ = false;
  bool is_opened_due_ = false;
  Bytes message_{};  // Stuffed, and not begun.
  bool is_pong_due_ = false;
  bool is_ping_due_ = false;
  bool is_goodbye_due_ = false;
  bool has_reason_ = false;  // problem_ goes with the goodbye.
  std::uint16_t goodbye_session_ = 0;
  std::uint16_t goodbye_code_ = 0;

  Bytes going_{};  // The rest of what has begun.
  bool is_message_going_ = false;
  std::uint8_t control_going_[stuffing_bytes(kControlBytesMax) + kControlBytesMax + 1]{};

  Sentence problem_;
};

}  // namespace grid::transport
