// SPDX-License-Identifier: Apache-2.0
//
// What goes, one after the other: requests and answers, frames, pongs and pings behind them, the goodbye. A frame is
// completed and stuffed where it stands.

#include <algorithm>
#include <utility>

#include "crdt/base/check.h"
#include "transport/stream/crc32c.h"
#include "transport/stream/stream_link.h"

namespace grid::transport {

// The payload stands `before` bytes into `bytes`, and the checksum's place is the end: the head goes in front of it.
Bytes StreamLink::frame(MutBytes bytes, std::size_t before, Kind kind, std::uint16_t session, std::uint16_t number) {
  const std::size_t start = before - kHeadBytes, end = bytes.size() - kChecksumBytes;
  std::uint8_t* head = bytes.data() + start;
  head[0] = static_cast<std::uint8_t>(kind);
  store_le<2>(session, head + 1);
  store_le<2>(number, head + 3);
  store_le<3>(end - before, head + 5);
  store_le<4>(crc32c(bytes.subspan(start, end - start)), bytes.data() + end);
  return stuff(bytes, start);
}

void StreamLink::sent(std::size_t size) {
  GRID_CHECK(size <= going_.size());
  going_ = going_.subspan(size);
  go();
}

MutBytes StreamLink::room() {
  const std::size_t around = before_bytes() + kChecksumBytes;
  if (state_ != State::open || is_message_going_ || !message_.empty() || sending_.size() < around) return {};
  return sending_.subspan(before_bytes(), std::min(sending_.size() - around, kFrameBytesMax));
}

void StreamLink::send(std::size_t size) {
  GRID_CHECK(size <= room().size());
  const MutBytes bytes = sending_.first(before_bytes() + size + kChecksumBytes);
  message_ = frame(bytes, before_bytes(), Kind::frame, session_, next_sent_++);
  go();
}

void StreamLink::ping() {
  is_open_due_ = is_open_due_ || state_ == State::opening;
  is_ping_due_ = is_ping_due_ || state_ == State::open;
  go();
}

void StreamLink::close(std::uint16_t code, std::string_view reason) {
  if (state_ == State::opening || state_ == State::waiting) return drop();
  if (state_ != State::open) return;
  state_ = State::closing;
  is_held_ = false;
  is_goodbye_due_ = has_reason_ = true;
  goodbye_code_ = code;
  goodbye_session_ = session_;
  problem_.say(reason);
  go();
}

void StreamLink::lost() {
  if (state_ == State::over) return;
  if (state_ != State::closing) {
    status_ = Status::io;
    problem_.say(state_ == State::open ? "the line was lost" : "the line was lost before the peer answered");
  }
  drop();
}

// Nothing goes any more.
void StreamLink::drop() {
  state_ = State::over;
  is_held_ = is_message_going_ = false;
  going_ = message_ = {};
  is_open_due_ = is_opened_due_ = is_pong_due_ = is_ping_due_ = is_goodbye_due_ = false;
}

// Begins what is due next, once what went before has gone.
void StreamLink::go() {
  if (!going_.empty()) return;
  is_message_going_ = false;
  if (is_open_due_ || is_opened_due_) {
    const Kind kind = is_open_due_ ? Kind::open : Kind::opened;
    is_open_due_ = is_opened_due_ = false;
    go_control(kind, session_, Bytes(&kVersion, 1), {});
  } else if (!message_.empty()) {
    is_message_going_ = true;
    going_ = std::exchange(message_, {});
  } else if (std::exchange(is_pong_due_, false)) {
    go_control(Kind::pong, session_, {}, {});
  } else if (std::exchange(is_ping_due_, false)) {
    go_control(Kind::ping, session_, {}, {});
  } else if (std::exchange(is_goodbye_due_, false)) {
    std::uint8_t code[2];
    store_le<2>(goodbye_code_, code);
    const std::string_view reason = has_reason_ ? problem_.view().substr(0, kGoodbyeBytesMax - 2) : std::string_view();
    go_control(Kind::close, goodbye_session_, code, as_bytes(reason));
  }
}

// Its payload comes in two parts. Pings and pongs go behind every frame that was sent, so all may carry the number.
void StreamLink::go_control(Kind kind, std::uint16_t session, Bytes first, Bytes second) {
  constexpr std::size_t kBefore = stuffing_bytes(sizeof(control_going_)) + kHeadBytes;
  copy(second, copy(first, MutBytes(control_going_).subspan(kBefore)));
  const std::size_t size = kBefore + first.size() + second.size() + kChecksumBytes;
  going_ = frame(MutBytes(control_going_).first(size), kBefore, kind, session, next_sent_);
}

}  // namespace grid::transport
