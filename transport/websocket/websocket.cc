// SPDX-License-Identifier: Apache-2.0
//
// What comes: the answer to the handshake, then frames (RFC 6455, section 5), byte by byte as far as heads go.

#include "transport/websocket/websocket.h"

#include <algorithm>
#include <utility>

#include "transport/websocket/opcode.h"

namespace grid::transport {
namespace {

// Those that may stand in a frame: section 7.4, and what was registered since.
bool is_close_code(std::uint16_t code) {
  return (code >= 1'000 && code <= 1'003) || (code >= 1'007 && code <= 1'014) || (code >= 3'000 && code <= 4'999);
}

}  // namespace

Status WebSocket::open(const WebSocketRequest& request, std::span<const std::uint8_t, kSeedBytes> seed) {
  drop();
  status_ = Status::ok;
  problem_.say({});
  head_bytes_ = payload_left_ = message_bytes_ = 0;
  head_needed_ = kHeadBytesMin;
  is_in_message_ = false;
  peer_code_ = 0;
  const Result<Bytes> asked = handshake_.ask(request, seed.first<Handshake::kNonceBytes>(), sending_);
  if (!asked.ok()) return asked.status();
  copy(seed.subspan(Handshake::kNonceBytes), mask_seed_);
  going_ = *asked;
  is_message_going_ = true;
  state_ = State::opening;
  return Status::ok;
}

Arrival WebSocket::receive(Bytes& bytes) {
  if (state_ == State::opening) return receive_answer(bytes);
  while (!bytes.empty() && state_ != State::over) {
    if (head_bytes_ < head_needed_) {
      const std::uint8_t byte = bytes.front();
      bytes = bytes.subspan(1);
      if (!take_head(byte)) return {Arrival::Kind::closed};
      if (head_bytes_ < head_needed_) continue;
    } else {
      take_payload(bytes);
    }
    if (payload_left_ != 0) continue;
    head_bytes_ = 0;
    head_needed_ = kHeadBytesMin;
    const Arrival arrival = finish_frame();
    if (arrival.kind != Arrival::Kind::none) return arrival;
  }
  if (state_ == State::over) bytes = {};
  return {};
}

Arrival WebSocket::receive_answer(Bytes& bytes) {
  const Status status = handshake_.receive(bytes, arriving_, problem_);
  if (status != Status::ok) {
    drop();
    return end(status);
  }
  if (!handshake_.is_done()) return {};
  state_ = State::open;
  return {Arrival::Kind::opened};
}

// False: the link is over.
bool WebSocket::take_head(std::uint8_t byte) {
  head_[head_bytes_++] = byte;
  if (head_bytes_ == kHeadBytesMin && !judge_start()) return false;
  return head_bytes_ < head_needed_ || judge_length();
}

// By the first two bytes. Of pings that come before a pong could go, the last one is answered.
bool WebSocket::judge_start() {
  const std::uint8_t opcode = head_[0] & kOpcodeBits, length = head_[1] & kLengthBits;
  const std::string_view fault = fault_of_start();
  if (!fault.empty()) return refuse(Status::corrupt, opcode == kOpcodeText ? kText : kProtocol, fault);
  if (opcode < kOpcodeClose) {
    is_in_message_ = true;
  } else if (opcode != kOpcodePong) {
    control_bytes_ = 0;
    is_pong_due_ = false;
  }
  head_needed_ = length == kLength16 ? kHeadBytesMin + 2 : length == kLength64 ? kHeadBytesMin + 8 : kHeadBytesMin;
  return true;
}

std::string_view WebSocket::fault_of_start() const {
  const std::uint8_t opcode = head_[0] & kOpcodeBits;
  if ((head_[0] & kReservedBits) != 0) return "the peer sent a frame with reserved bits";
  if ((head_[1] & kMaskBit) != 0) return "the peer sent a masked frame";
  if (opcode > kOpcodePong || (opcode > kOpcodeBinary && opcode < kOpcodeClose)) {
    return "the peer sent a frame of an unknown opcode";
  }
  if (opcode >= kOpcodeClose) {
    if ((head_[0] & kFinalBit) == 0) return "the peer sent a control frame in fragments";
    return head_[1] > kControlBytesMax ? "the peer sent a control frame of more than 125 bytes" : "";
  }
  if (opcode == kOpcodeText) return "the peer sent a text frame";
  if (is_in_message_ == (opcode == kOpcodeContinue)) return {};
  return is_in_message_ ? "the peer began a message within a message"
                        : "the peer continued a message that it had not begun";
}

// By the whole head. Lengths have 63 bits and are written as short as can be.
bool WebSocket::judge_length() {
  std::size_t length = 0;
  bool is_huge = false;
  for (std::size_t i = kHeadBytesMin; i < head_needed_; ++i) {
    is_huge = is_huge || length > SIZE_MAX >> 8;
    length = length << 8 | head_[i];
  }
  if (head_needed_ == kHeadBytesMin) length = head_[1] & kLengthBits;
  const bool is_short_enough = head_needed_ == kHeadBytesMin || is_huge ||
                               length >= (head_needed_ == kHeadBytesMin + 2 ? kLength16 : kLength64From);
  if (!is_short_enough || (head_needed_ > kHeadBytesMin + 2 && head_[kHeadBytesMin] >= 0x80)) {
    return refuse(Status::corrupt, kProtocol, "the peer sent a length that is not written as it must be");
  }
  if ((head_[0] & kOpcodeBits) < kOpcodeClose && (is_huge || length > arriving_.size() - message_bytes_)) {
    problem_.say("the peer sent a message of more than ").number(arriving_.size()).text(" bytes");
    return refuse(Status::too_large, kTooLarge, {});
  }
  payload_left_ = length;
  return true;
}

void WebSocket::take_payload(Bytes& bytes) {
  const Bytes piece = bytes.first(std::min(payload_left_, bytes.size()));
  bytes = bytes.subspan(piece.size());
  payload_left_ -= piece.size();
  const std::uint8_t opcode = head_[0] & kOpcodeBits;
  if (opcode < kOpcodeClose) {
    copy(piece, arriving_.subspan(message_bytes_));
    message_bytes_ += piece.size();
  } else if (opcode != kOpcodePong) {
    copy(piece, MutBytes(control_).subspan(control_bytes_));
    control_bytes_ = static_cast<std::uint8_t>(control_bytes_ + piece.size());
  }
}

Arrival WebSocket::finish_frame() {
  switch (head_[0] & kOpcodeBits) {
    case kOpcodeClose:
      return hear_goodbye();
    case kOpcodePing:
      is_pong_due_ = state_ == State::open;
      go();
      return {};
    case kOpcodePong:
      return {Arrival::Kind::pong};
    default:
      return (head_[0] & kFinalBit) != 0 ? finish_message() : Arrival{};
  }
}

Arrival WebSocket::finish_message() {
  const std::size_t size = std::exchange(message_bytes_, 0);
  is_in_message_ = false;
  if (state_ != State::open) return {};
  return {Arrival::Kind::frame, arriving_.first(size)};
}

// It is answered with its own code, unless it is the answer to ours.
Arrival WebSocket::hear_goodbye() {
  const Bytes payload = Bytes(control_).first(control_bytes_);
  if (payload.size() >= 2) peer_code_ = static_cast<std::uint16_t>(load_be<2>(payload.data()));
  if (payload.size() == 1 || (payload.size() >= 2 && !is_close_code(peer_code_))) {
    refuse(Status::corrupt, kProtocol, "the peer closed the link with a code that is none");
    return {Arrival::Kind::closed};
  }
  if (state_ == State::closing) return end(Status::ok);
  problem_.say("the peer closed the link");
  if (peer_code_ != 0) problem_.text(": ").number(peer_code_);
  if (payload.size() > 2) problem_.text(" ").text(as_text(payload.subspan(2)));
  is_goodbye_due_ = true;
  goodbye_code_ = peer_code_;
  return end(Status::io);
}

// Ends the link by the peer's fault, and tells it with the sentence why; an empty one: with what problem_ says.
bool WebSocket::refuse(Status status, std::uint16_t code, std::string_view sentence) {
  if (!sentence.empty()) problem_.say(sentence);
  if (state_ == State::open) {
    is_goodbye_due_ = has_reason_ = true;
    goodbye_code_ = code;
  }
  end(status);
  return false;
}

// What has not begun to go does not go any more, but for the goodbye.
Arrival WebSocket::end(Status status) {
  status_ = status;
  state_ = State::over;
  is_pong_due_ = is_ping_due_ = false;
  message_ = {};
  go();
  return {Arrival::Kind::closed};
}

}  // namespace grid::transport
