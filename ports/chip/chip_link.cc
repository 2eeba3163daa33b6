// SPDX-License-Identifier: Apache-2.0

#include "ports/chip/chip_link.h"

#include <utility>

namespace grid::port {

using transport::Arrival;

Status ChipLink::dial(const ServerAddress& server, std::string_view path, std::string_view token,
                      std::uint64_t now_ms) {
  drop();
  std::uint8_t seed[transport::WebSocket::kSeedBytes];
  board_.entropy(seed);
  problem_ = "";
  GRID_TRY(socket_.open({.host = server.authority, .path = path, .token = token}, seed));
  const Status status = board_.connect(server);
  if (status != Status::ok) {
    socket_.lost();
    problem_ = board_.link_problem();
    return status;
  }
  become(State::opening, now_ms);
  is_pinged_ = is_told_ = false;
  return Status::ok;
}

void ChipLink::drop() {
  if (state_ != State::down) board_.link().close();
  state_ = State::down;
  unread_ = {};
}

void ChipLink::hang_up(std::uint64_t now_ms) {
  is_told_ = true;
  if (state_ == State::opening) return drop();
  if (state_ != State::open) return;
  socket_.close(transport::WebSocket::kNormal, {});
  become(State::parting, now_ms);
}

void ChipLink::become(State state, std::uint64_t now_ms) {
  state_ = state;
  since_ms_ = now_ms;
}

Arrival ChipLink::end(const char* problem) {
  socket_.lost();
  problem_ = problem;
  drop();
  if (is_told_) return {};
  is_told_ = true;
  return {.kind = Arrival::Kind::closed};
}

// How much came; io: the connection is down.
Result<std::size_t> ChipLink::read(std::uint64_t now_ms) {
  const Result<std::size_t> got = board_.link().read(piece_);
  if (!got.ok() || *got == 0) return got;
  unread_ = Bytes(piece_).first(*got);
  if (state_ == State::open) since_ms_ = now_ms;
  is_pinged_ = false;
  return got;
}

Arrival ChipLink::receive(std::uint64_t now_ms) {
  has_more_ = false;
  for (int reads = 0; state_ != State::down;) {
    const Arrival arrival = socket_.receive(unread_);
    if (arrival.kind == Arrival::Kind::none) {
      has_more_ = reads++ == kReadsMax;
      if (has_more_) return {};
      const Result<std::size_t> got = read(now_ms);
      if (!got.ok()) return end(board_.link_problem());
      if (*got != 0) continue;
      const char* late = judge_time(now_ms);
      return late == nullptr ? Arrival{} : end(late);
    }
    if (state_ == State::parting || arrival.kind == Arrival::Kind::pong) continue;
    if (arrival.kind == Arrival::Kind::opened) become(State::open, now_ms);
    if (arrival.kind == Arrival::Kind::closed) {
      is_told_ = true;
      become(State::parting, now_ms);
    }
    return arrival;
  }
  return {};
}

// Null: the link may go on. Asks for a sign of life when it is time to.
const char* ChipLink::judge_time(std::uint64_t now_ms) {
  const std::uint64_t silent_ms = now_ms - since_ms_;
  switch (state_) {
    case State::opening:
      return silent_ms < kOpenMs ? nullptr : "the server has not answered within 15 s";
    case State::open:
      if (silent_ms >= kPingMs && !std::exchange(is_pinged_, true)) socket_.ping();
      return silent_ms < kSilenceMs ? nullptr : "the server has been silent for 45 s";
    case State::parting:
      return silent_ms < kPartingMs ? nullptr : "";
    case State::down:
      break;
  }
  return nullptr;
}

bool ChipLink::flush() {
  bool has_written = false;
  while (state_ != State::down && !socket_.outgoing().empty()) {
    const Result<std::size_t> took = board_.link().write(socket_.outgoing());
    if (!took.ok() || *took == 0) break;  // That it is down, the next read says, too.
    socket_.sent(*took);
    has_written = true;
  }
  return has_written;
}

std::uint64_t ChipLink::wake_at_ms() const {
  switch (state_) {
    case State::opening:
      return since_ms_ + kOpenMs;
    case State::open:
      return since_ms_ + (is_pinged_ ? kSilenceMs : kPingMs);
    case State::parting:
      return since_ms_ + kPartingMs;
    case State::down:
      break;
  }
  return UINT64_MAX;
}

const char* ChipLink::problem() const { return *problem_ != '\0' ? problem_ : socket_.problem(); }

}  // namespace grid::port
