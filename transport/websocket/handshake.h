// SPDX-License-Identifier: Apache-2.0
//
// Handshake: how a WebSocket opens (RFC 6455, section 4.1): a request, and the judgement of what comes back.
//
// Place     Within transport/websocket, below websocket.h.
// Promises  A link opens only to a server that answers this request, understands WebSocket, and adds nothing that was
//           not asked for.
// Limits    The answer's head is at most kHeadBytesMax long. It is read line by line; a line that the lent memory has
//           no room for is passed over, so it must be one that this client has no use for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"
#include "transport/sentence.h"

namespace grid::transport {

struct WebSocketRequest {
  std::string_view host;     // As it stands in the URL, with the port: `gateway.local:7271`.
  std::string_view path;     // `/v1/APP`
  std::string_view token{};  // Who asks; empty: nobody says.
};

class Handshake {
 public:
  static constexpr std::size_t kNonceBytes = 16;
  static constexpr std::size_t kHeadBytesMax = 8 * 1'024;

  // The request, in the front of `room`. What is expected of the answer begins anew.
  //   invalid    The host is empty, the path does not begin with a slash, or something in them or in the token is not
  //              visible ASCII.
  //   too_large  It does not fit `room`.
  Result<Bytes> ask(const WebSocketRequest& request, std::span<const std::uint8_t, kNonceBytes> nonce, MutBytes room);

  // Takes the front of `bytes` up to the end of the answer's head, and gathers its lines in `memory`.
  //   denied, not_found, busy, io  The server answers with another status than 101: 401 or 403; 404; 429 or 503; else.
  //   corrupt                      That is no answer to the request.
  //   too_large                    It does not end.
  Status receive(Bytes& bytes, MutBytes memory, Sentence& problem);
  bool is_done() const { return is_done_; }

 private:
  Status take_line(std::string_view line, Sentence& problem);
  Status take_status(std::string_view line, Sentence& problem);
  Status take_header(std::string_view line, Sentence& problem);
  Status take_end(Sentence& problem);

  std::array<char, 28> accept_{};  // What the server must make of the key.
  std::size_t line_bytes_ = 0;
  std::size_t head_bytes_ = 0;
  bool has_status_ = false;
  bool has_upgrade_ = false;
  bool has_connection_ = false;
  bool has_accept_ = false;
  bool is_done_ = false;
};

}  // namespace grid::transport
