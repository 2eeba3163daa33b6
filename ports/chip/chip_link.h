// SPDX-License-Identifier: Apache-2.0
//
// ChipLink: one WebSocket over the board's connection, dialled again and again, with the deadlines that keep a dead
// peer from looking alive.
//
// Place     Below chip_loop.h, above board.h and transport/websocket. Knows frames as bytes.
// Promises  As frame_link.h. A link that does not open within kOpenMs ends; one that is silent for kPingMs is asked for
//           a sign of life, and ends after kSilenceMs of silence. A goodbye is given kPartingMs.
// Ownership Borrows the board and its memory for life.
#pragma once

#include <cstdint>
#include <string_view>

#include "ports/chip/board.h"
#include "transport/websocket/websocket.h"

namespace grid::port {

class ChipLink {
 public:
  static constexpr std::uint64_t kOpenMs = 15'000;
  static constexpr std::uint64_t kPingMs = 30'000;
  static constexpr std::uint64_t kSilenceMs = 45'000;
  static constexpr std::uint64_t kPartingMs = 1'000;
  static constexpr int kReadsMax = 32;  // Without anything to tell, in one receive().

  // As transport::WebSocket wants its memory.
  ChipLink(Board& board, MutBytes arriving, MutBytes sending) : board_(board), socket_(arriving, sending) {}

  // Forgets whatever was before, and begins anew.
  //   invalid, too_large, io  As Board::connect() and WebSocket::open(); problem() says why.
  Status dial(const ServerAddress& server, std::string_view path, std::string_view token, std::uint64_t now_ms);
  // Says goodbye; nothing arrives any more.
  void hang_up(std::uint64_t now_ms);

  // Reads, and tells the next thing that there is to tell: opened, frame, or closed, once, with problem().
  transport::Arrival receive(std::uint64_t now_ms);
  // The last receive() stopped reading before there was nothing left: a peer that is faster must not hold its host.
  bool has_more() const { return has_more_; }
  // Where a frame may be encoded, and its size; as FrameLink.
  MutBytes room() { return state_ == State::open ? socket_.room() : MutBytes{}; }
  void send(std::size_t size) { socket_.send(size); }
  // Writes what the connection takes. Whether that was anything.
  bool flush();

  bool is_down() const { return state_ == State::down; }
  // Of what is on its way out.
  std::size_t buffered_bytes() const { return socket_.outgoing().size(); }
  // When to call receive() again, if nothing comes before that.
  std::uint64_t wake_at_ms() const;
  // Why the link is over, as WebSocket says it: denied, where the server has let nobody in.
  Status status() const { return socket_.status(); }
  const char* problem() const;

 private:
  enum class State : std::uint8_t { down, opening, open, parting };

  Result<std::size_t> read(std::uint64_t now_ms);
  const char* judge_time(std::uint64_t now_ms);
  transport::Arrival end(const char* problem);
  void become(State state, std::uint64_t now_ms);
  void drop();

  Board& board_;
  State state_ = State::down;
  std::uint64_t since_ms_ = 0;  // Of the state, or when the peer was heard last.
  bool is_pinged_ = false;
  bool has_more_ = false;
  bool is_told_ = false;      // That it is over.
  const char* problem_ = "";  // Empty: the socket has it.
  Bytes unread_{};
  transport::WebSocket socket_;
  std::uint8_t piece_[128]{};
};

}  // namespace grid::port
