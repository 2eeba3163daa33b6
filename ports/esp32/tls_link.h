// SPDX-License-Identifier: Apache-2.0
//
// TlsLink: one connection to a gateway, over TCP or TLS, by ESP-IDF's esp_tls.
//
// Place     Within ports/esp32, below esp32_board.h. Knows bytes, not frames.
// Promises  As byte_link.h: nothing blocks, but the look-up of a name (lwIP's resolver answers from its cache, or
//           asks, for seconds when nobody answers) and the arithmetic of a TLS handshake.
//           With `tls` no byte is read or written before the server has proven to be `server.host`.
// Ownership Borrows the certificate for life. What a connection takes of ESP-IDF's heap, close() gives back.
// Threads   One.
#pragma once

#include <esp_tls.h>

#include "ports/chip/server_address.h"
#include "runtime/problem.h"
#include "transport/byte_link.h"

namespace grid::port {

class TlsLink final : public transport::ByteLink {
 public:
  static constexpr std::size_t kHostBytesMax = 253;

  TlsLink() = default;
  ~TlsLink() { drop(); }
  TlsLink(const TlsLink&) = delete;
  TlsLink& operator=(const TlsLink&) = delete;

  // PEM of the authority that signs the gateway's certificate; kept by reference. Null: ESP-IDF's bundle, if it is
  // configured.
  void trust(const char* certificate) { certificate_ = certificate; }

  // Begins to connect, and forgets the connection before.
  //   invalid  The name is too long, or there is nothing by which a certificate could be judged.
  //   io       ESP-IDF refuses: no such name, no memory, no route. problem() says which.
  Status dial(const ServerAddress& server);

  Result<std::size_t> read(MutBytes room) override;
  Result<std::size_t> write(Bytes bytes) override;
  void close() override;

  // For select(): -1 without a connection.
  int socket() const { return socket_; }
  // Whether there is more to do once the socket takes bytes.
  bool wants_room() const { return state_ == State::connecting || (state_ == State::up && wants_room_); }
  // Bytes have come that select() does not see: TLS has taken them already.
  bool has_bytes() const;
  // Why the connection of the last dial() failed, after close() too. Never null; empty when it did not.
  const char* problem() const { return problem_.line(); }

 private:
  enum class State : std::uint8_t { down, connecting, securing, up };

  Status configure(const ServerAddress& server);
  bool advance();
  bool advance_connecting();
  bool advance_securing();
  bool is_again(ssize_t got) const;
  Status fail(const char* what);
  void drop();

  State state_ = State::down;
  esp_tls_t* tls_ = nullptr;
  esp_tls_cfg_t config_{};
  int socket_ = -1;
  bool is_secure_ = false;
  bool wants_room_ = false;
  std::uint16_t port_ = 0;
  std::size_t host_bytes_ = 0;
  char host_[kHostBytesMax + 1] = {};
  const char* certificate_ = nullptr;
  runtime::Problem problem_;
};

}  // namespace grid::port
