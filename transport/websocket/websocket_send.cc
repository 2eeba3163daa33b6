// SPDX-License-Identifier: Apache-2.0
//
// What goes, one after the other: the request, pongs, pings, messages, the goodbye. A message is framed and masked
// where it stands.

#include <utility>

#include "crdt/base/check.h"
#include "transport/websocket/opcode.h"
#include "transport/websocket/sha1.h"
#include "transport/websocket/websocket.h"

namespace grid::transport {
namespace {

constexpr std::size_t kMaskBytes = 4;
constexpr std::size_t kControlHeadBytes = 2 + kMaskBytes;
constexpr std::size_t kCountOffset = 16;

// Numbers that can't be foreseen without the seed: the digest of it and of a count.
Sha1 next_mask(std::uint8_t (&seed)[24]) {
  store_be(load_be(seed + kCountOffset) + 1, seed + kCountOffset);
  return sha1(seed);
}

}  // namespace

// Puts a head directly before the payload, which stands `before` bytes into `bytes` and goes to its end; masks it.
Bytes WebSocket::frame(MutBytes bytes, std::size_t before, std::uint8_t opcode) {
  const MutBytes payload = bytes.subspan(before);
  std::size_t length_bytes = 0;
  std::uint8_t length = static_cast<std::uint8_t>(payload.size());
  if (payload.size() >= kLength16) {
    length_bytes = payload.size() < kLength64From ? 2 : 8;
    length = length_bytes == 2 ? kLength16 : kLength64;
  }
  const std::size_t start = before - kControlHeadBytes - length_bytes;
  std::uint8_t* at = bytes.data() + start;
  *at++ = static_cast<std::uint8_t>(kFinalBit | opcode);
  *at++ = static_cast<std::uint8_t>(kMaskBit | length);
  std::size_t rest = payload.size();
  for (std::size_t i = length_bytes; i-- > 0; rest >>= 8) at[i] = static_cast<std::uint8_t>(rest);
  const Sha1 mask = next_mask(mask_seed_);
  std::memcpy(at + length_bytes, mask.data(), kMaskBytes);
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] ^= mask[i % kMaskBytes];
  return bytes.subspan(start);
}

void WebSocket::sent(std::size_t size) {
  GRID_CHECK(size <= going_.size());
  going_ = going_.subspan(size);
  go();
}

MutBytes WebSocket::room() {
  if (state_ != State::open || is_message_going_ || !message_.empty() || sending_.size() < before_bytes()) return {};
  return sending_.subspan(before_bytes());
}

void WebSocket::send(std::size_t size) {
  GRID_CHECK(size <= room().size());
  message_ = frame(sending_.first(before_bytes() + size), before_bytes(), kOpcodeBinary);
  go();
}

void WebSocket::ping() {
  if (state_ != State::open) return;
  is_ping_due_ = true;
  go();
}

void WebSocket::close(std::uint16_t code, std::string_view reason) {
  if (state_ == State::opening) return drop();
  if (state_ != State::open) return;
  state_ = State::closing;
  is_goodbye_due_ = has_reason_ = true;
  goodbye_code_ = code;
  problem_.say(reason);
  go();
}

void WebSocket::lost() {
  if (state_ == State::over) return;
  if (state_ != State::closing) {
    status_ = Status::io;
    problem_.say(state_ == State::opening ? "the connection was lost before the server answered"
                                          : "the connection was lost");
  }
  drop();
}

// Nothing goes any more.
void WebSocket::drop() {
  state_ = State::over;
  going_ = message_ = {};
  is_pong_due_ = is_ping_due_ = is_goodbye_due_ = false;
}

// Begins what is due next, once what went before has gone.
void WebSocket::go() {
  if (!going_.empty()) return;
  is_message_going_ = false;
  if (is_pong_due_) {
    is_pong_due_ = false;
    copy(Bytes(control_).first(control_bytes_), MutBytes(control_going_).subspan(kControlHeadBytes));
    go_control(kOpcodePong, control_bytes_);
  } else if (is_ping_due_) {
    is_ping_due_ = false;
    go_control(kOpcodePing, 0);
  } else if (!message_.empty()) {
    is_message_going_ = true;
    going_ = std::exchange(message_, {});
  } else if (is_goodbye_due_) {
    is_goodbye_due_ = false;
    go_goodbye();
  }
}

// Its payload stands already where it belongs.
void WebSocket::go_control(std::uint8_t opcode, std::size_t size) {
  going_ = frame(MutBytes(control_going_).first(kControlHeadBytes + size), kControlHeadBytes, opcode);
}

void WebSocket::go_goodbye() {
  if (goodbye_code_ == 0) return go_control(kOpcodeClose, 0);
  const MutBytes payload = MutBytes(control_going_).subspan(kControlHeadBytes);
  store_be<2>(goodbye_code_, payload.data());
  const std::string_view reason = has_reason_ ? problem_.view().substr(0, kControlBytesMax - 2) : std::string_view();
  copy(as_bytes(reason), payload.subspan(2));
  go_control(kOpcodeClose, 2 + reason.size());
}

}  // namespace grid::transport
