// SPDX-License-Identifier: Apache-2.0
//
// What comes: packets from between the zeros of a line, judged by their length and checksum, then by their session.

#include "transport/stream/stream_link.h"

#include <utility>

#include "transport/stream/crc32c.h"

namespace grid::transport {

void StreamLink::open(std::uint16_t session) {
  drop();
  answers_ = false;
  begin(State::opening, session);
  is_open_due_ = true;
  go();
}

void StreamLink::accept() {
  drop();
  answers_ = true;
  begin(State::waiting, 0);
}

void StreamLink::begin(State state, std::uint16_t session) {
  state_ = state;
  status_ = Status::ok;
  session_ = session;
  next_sent_ = next_arriving_ = 0;
  is_held_ = false;
}

Arrival StreamLink::receive(Bytes& bytes) {
  if (std::exchange(is_held_, false)) return {Arrival::Kind::frame, held_};
  while (!bytes.empty()) {
    const std::uint8_t byte = bytes.front();
    bytes = bytes.subspan(1);
    if (state_ == State::over) continue;
    const Unstuffer::Found found = unstuffer_.take(byte);
    if (found == Unstuffer::Found::noise) ++dropped_;
    if (found != Unstuffer::Found::packet) continue;
    const Arrival arrival = take_packet(unstuffer_.packet());
    if (arrival.kind != Arrival::Kind::none) return arrival;
  }
  return {};
}

bool StreamLink::is_whole(Bytes packet) const {
  if (packet.size() < kHeadBytes + kChecksumBytes) return false;
  const std::size_t covered = packet.size() - kChecksumBytes;
  return load_le<3>(packet.data() + 5) == covered - kHeadBytes &&
         load_le<4>(packet.data() + covered) == crc32c(packet.first(covered));
}

Arrival StreamLink::take_packet(Bytes packet) {
  if (!is_whole(packet)) {
    ++dropped_;
    return {};
  }
  const auto kind = static_cast<Kind>(packet[0]);
  const auto session = static_cast<std::uint16_t>(load_le<2>(packet.data() + 1));
  const auto number = static_cast<std::uint16_t>(load_le<2>(packet.data() + 3));
  const Bytes payload = packet.subspan(kHeadBytes, packet.size() - kHeadBytes - kChecksumBytes);
  if (kind == Kind::open && answers_) return take_open(session, payload);
  if (session != session_ || state_ == State::waiting) return stray(kind, session);
  if (kind == Kind::close) return hear_goodbye(payload);
  if (kind == Kind::opened && !answers_) return take_opened(payload);
  if (state_ == State::open && kind == Kind::frame) return take_frame(number, payload);
  if (state_ == State::open && (kind == Kind::ping || kind == Kind::pong)) return take_ping(kind, number);
  if (state_ != State::closing) ++dropped_;
  return {};
}

// Of another session, or of none. Who sends frames into one that this end has forgotten is told so.
Arrival StreamLink::stray(Kind kind, std::uint16_t session) {
  ++dropped_;
  if (state_ == State::waiting && (kind == Kind::frame || kind == Kind::ping)) {
    is_goodbye_due_ = true;
    has_reason_ = false;
    goodbye_code_ = kGoingAway;
    goodbye_session_ = session;
    go();
  }
  return {};
}

// A request that comes again has not heard the answer. A new one says that its end has forgotten the session.
Arrival StreamLink::take_open(std::uint16_t session, Bytes payload) {
  const bool is_new = state_ != State::open || session != session_;
  if (payload.size() != 1 || payload[0] != kVersion) {
    problem_.say("the peer speaks another version of the line's framing: this one speaks ").number(kVersion);
    is_goodbye_due_ = has_reason_ = true;
    goodbye_code_ = kProtocol;
    goodbye_session_ = session;
    return end(Status::newer);
  }
  if (is_new) {
    message_ = {};
    is_pong_due_ = is_ping_due_ = is_goodbye_due_ = false;
    begin(State::open, session);
  }
  is_opened_due_ = true;
  go();
  return is_new ? Arrival{Arrival::Kind::opened} : Arrival{};
}

Arrival StreamLink::take_opened(Bytes payload) {
  if (state_ != State::opening) return {};
  if (payload.size() != 1 || payload[0] != kVersion) {
    problem_.say("the peer speaks another version of the line's framing: this one speaks ").number(kVersion);
    return end(Status::newer);
  }
  is_open_due_ = false;
  state_ = State::open;
  return {Arrival::Kind::opened};
}

Arrival StreamLink::take_frame(std::uint16_t number, Bytes payload) {
  const bool is_next = number == next_arriving_;
  next_arriving_ = static_cast<std::uint16_t>(number + 1);
  if (is_next) return {Arrival::Kind::frame, payload};
  held_ = payload;
  is_held_ = true;
  return {Arrival::Kind::missed};
}

// Both carry the number that the next frame will have: so the loss of the last one comes out too.
Arrival StreamLink::take_ping(Kind kind, std::uint16_t number) {
  if (kind == Kind::ping) {
    is_pong_due_ = true;
    go();
  }
  if (std::exchange(next_arriving_, number) != number) return {Arrival::Kind::missed};
  return kind == Kind::pong ? Arrival{Arrival::Kind::pong} : Arrival{};
}

Arrival StreamLink::hear_goodbye(Bytes payload) {
  if (state_ == State::closing) return end(Status::ok);
  const std::size_t code = payload.size() < 2 ? 0 : static_cast<std::size_t>(load_le<2>(payload.data()));
  problem_.say("the peer closed the link");
  if (code != 0) problem_.text(": ").number(code);
  if (payload.size() > 2) problem_.text(" ").text(as_text(payload.subspan(2)));
  is_goodbye_due_ = true;
  has_reason_ = false;
  goodbye_code_ = static_cast<std::uint16_t>(code);
  goodbye_session_ = session_;
  return end(Status::io);
}

// What has not begun to go does not go any more, but for the goodbye.
Arrival StreamLink::end(Status status) {
  status_ = status;
  state_ = State::over;
  message_ = {};
  is_open_due_ = is_opened_due_ = is_pong_due_ = is_ping_due_ = false;
  go();
  return {Arrival::Kind::closed};
}

}  // namespace grid::transport
