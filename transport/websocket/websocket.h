// SPDX-License-Identifier: Apache-2.0
//
// WebSocket: the client side of RFC 6455 for machines where libwebsockets does not fit. One frame of Grid is one binary
// message.
//
// Place     Top of transport/websocket. docs/decisions/0011 says why it is there.
// Promises  As frame_link.h. What is sent is masked by numbers that nobody can foresee who does not know the seed.
// Limits    A message is as long as the lent memory, with kOverheadBytesMax more of it to send one. Text is not spoken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "transport/frame_link.h"
#include "transport/sentence.h"
#include "transport/websocket/handshake.h"

namespace grid::transport {

class WebSocket final : public FrameLink {
 public:
  static constexpr std::size_t kSeedBytes = 32;
  static constexpr std::size_t kOverheadBytesMax = 14;  // What stands before a frame that is sent.
  static constexpr std::size_t kControlBytesMax = 125;

  // `arriving` holds the largest message that may come, `sending` the largest frame that is to be sent with
  // kOverheadBytesMax more; each also a line of the handshake, or all of its request: 512 bytes do.
  constexpr WebSocket(MutBytes arriving, MutBytes sending) : arriving_(arriving), sending_(sending) {}

  // Begins the handshake, whatever was before. `seed` comes from the machine's generator, fresh each time.
  //   invalid    The host is empty, the path does not begin with a slash, or something in them is not visible ASCII.
  //   too_large  The request does not fit the memory.
  Status open(const WebSocketRequest& request, std::span<const std::uint8_t, kSeedBytes> seed);

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

  // What the peer gave as its reason to close, as RFC 6455 numbers it; 0: none.
  std::uint16_t peer_code() const { return peer_code_; }

 private:
  static constexpr std::size_t kHeadBytesMin = 2;  // Opcode and length; a longer length follows.

  enum class State : std::uint8_t {
    opening,
    open,
    closing,  // We said goodbye, or are about to.
    over,
  };

  // websocket.cc: what comes.
  Arrival receive_answer(Bytes& bytes);
  bool take_head(std::uint8_t byte);
  bool judge_start();
  std::string_view fault_of_start() const;
  bool judge_length();
  void take_payload(Bytes& bytes);
  Arrival finish_frame();
  Arrival finish_message();
  Arrival hear_goodbye();
  bool refuse(Status status, std::uint16_t code, std::string_view sentence);
  Arrival end(Status status);

  // websocket_send.cc: what goes.
  Bytes frame(MutBytes bytes, std::size_t before, std::uint8_t opcode);
  void go();
  void go_control(std::uint8_t opcode, std::size_t size);
  void go_goodbye();
  void drop();
  std::size_t before_bytes() const { return sending_.size() > 65'535 + 8 ? 14 : 8; }

  MutBytes arriving_, sending_;
  State state_ = State::over;
  Status status_ = Status::ok;

  // Of the frame that comes.
  std::uint8_t head_[kHeadBytesMin + 8]{};
  std::size_t head_bytes_ = 0;
  std::size_t head_needed_ = kHeadBytesMin;
  std::size_t payload_left_ = 0;
  std::size_t message_bytes_ = 0;  // Of the message that its fragments make.
  bool is_in_message_ = false;
  std::uint8_t control_bytes_ = 0;  // In control_.

  // What is due, in the order in which it goes.
  bool is_pong_due_ = false;
  bool is_ping_due_ = false;
  Bytes message_{};  // Masked, and not begun.
  bool is_goodbye_due_ = false;
  bool has_reason_ = false;  // problem_ goes with the goodbye.
  std::uint16_t goodbye_code_ = 0;
  std::uint16_t peer_code_ = 0;

  Bytes going_{};  // The rest of what has begun.
  bool is_message_going_ = false;
  std::uint8_t mask_seed_[24]{};  // Half of the seed, and a count.

  std::uint8_t control_[kControlBytesMax]{};  // The frame's payload; then, until it is answered, that of a ping.
  std::uint8_t control_going_[6 + kControlBytesMax]{};
  Handshake handshake_;
  Sentence problem_;
};

}  // namespace grid::transport
