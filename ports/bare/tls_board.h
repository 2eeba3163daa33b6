// SPDX-License-Identifier: Apache-2.0
//
// TlsBoard: a BareBoard that speaks TLS too, in memory that it is lent.
//
// Place     Top of ports/bare, beside bare_board.h; grid/bare_tls.h makes it a host. Only who includes it pays for it.
// Promises  TLS has the memory that is lent, and no more: a server that needs more of it is refused, with a sentence.
// Limits    One at a time: mbedTLS has one allocator.
#pragma once

#include "ports/bare/bare_board.h"
#include "ports/chip/chip_loop.h"
#include "transport/tls/tls_link.h"
#include "transport/tls/tls_memory.h"

namespace grid::bare {

class TlsBoard : public BareBoard {
 public:
  // Borrows `memory` for life.
  explicit TlsBoard(MutBytes memory);

  // Of the authority that signs gateways' certificates, as TlsLink::trust(). Null: nobody is trusted.
  //   invalid  It can't be read.
  Status trust(const char* certificate, std::size_t certificate_bytes);
  const char* trust_problem() const { return tls_.problem(); }
  // IPv4 of the server, by reference; empty: the server's host is one.
  void find_at(std::string_view address) { address_ = address; }
  // Whose time certificates are judged by.
  void attach(const port::ChipLoop* loop) { loop_ = loop; }

  // The most of TLS's memory that was ever in use, gaps in it included.
  std::size_t tls_bytes_most() const { return transport::tls_bytes_most(memory_); }

  Status connect(const port::ServerAddress& server) override;
  transport::ByteLink& link() override;
  const char* link_problem() const override;
  void wait(std::uint64_t ms_max) override;

 private:
  void tell_time();

  Bytes memory_;
  transport::TlsLink tls_;
  std::string_view address_;
  const port::ChipLoop* loop_ = nullptr;
  bool is_secure_ = false;
};

}  // namespace grid::bare
