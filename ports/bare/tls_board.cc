// SPDX-License-Identifier: Apache-2.0

#include "ports/bare/tls_board.h"

#include <cstring>

#include "ports/bare/chance.h"

namespace grid::bare {

TlsBoard::TlsBoard(MutBytes memory) : memory_(memory), tls_(BareBoard::link(), draw) {
  transport::lend_tls_memory(memory);
}

Status TlsBoard::trust(const char* certificate, std::size_t certificate_bytes) {
  if (certificate == nullptr || *certificate == '\0') return tls_.trust({});
  const std::size_t size = certificate_bytes != 0 ? certificate_bytes : std::strlen(certificate) + 1;
  return tls_.trust({reinterpret_cast<const std::uint8_t*>(certificate), size});
}

Status TlsBoard::connect(const port::ServerAddress& server) {
  is_secure_ = server.tls;
  port::ServerAddress at = server;
  at.tls = false;
  if (!address_.empty()) at.host = address_;
  tell_time();
  if (is_secure_) GRID_TRY(tls_.begin(server.host));
  const Status status = BareBoard::connect(at);
  if (is_secure_ && status != Status::ok) tls_.close();
  return status;
}

transport::ByteLink& TlsBoard::link() { return is_secure_ ? tls_ : BareBoard::link(); }

// TLS tells more of what it has seen; what it has not, TCP knows.
const char* TlsBoard::link_problem() const {
  return is_secure_ && *tls_.problem() != '\0' ? tls_.problem() : BareBoard::link_problem();
}

void TlsBoard::wait(std::uint64_t ms_max) {
  tell_time();
  BareBoard::wait(ms_max);
}

void TlsBoard::tell_time() {
  const runtime::Replica* replica = loop_ != nullptr ? loop_->replica() : nullptr;
  tls_.tell_time(replica != nullptr ? replica->known_ms(wall_ms()) : 0);
}

}  // namespace grid::bare
