// SPDX-License-Identifier: Apache-2.0
//
// TcpLink: a TCP connection of lwIP as a ByteLink.
//
// Place     Above lwIP, below bare_board.h. Its callbacks come from turn_network().
// Promises  As byte_link.h. What has come waits in lwIP's packets, and the peer is told of room as it is read: so the
//           window bounds it.
#pragma once

#include "ports/chip/server_address.h"
#include "transport/byte_link.h"

struct tcp_pcb;
struct pbuf;

namespace grid::bare {

class TcpLink final : public transport::ByteLink {
 public:
  // Begins to connect; read() and write() move nothing until that is done.
  //   invalid  The host is no IPv4 address.
  //   io       lwIP has no room for another connection.
  Status connect(const port::ServerAddress& server);
  const char* problem() const { return problem_; }

  Result<std::size_t> read(MutBytes room) override;
  Result<std::size_t> write(Bytes bytes) override;
  void close() override;

 private:
  friend struct TcpCallbacks;

  void forget();

  tcp_pcb* connection_ = nullptr;
  pbuf* arrived_ = nullptr;
  std::size_t read_ = 0;  // Of the first of them.
  bool is_up_ = false;
  bool has_ended_ = false;  // The peer sends no more.
  const char* problem_ = "";
};

}  // namespace grid::bare
