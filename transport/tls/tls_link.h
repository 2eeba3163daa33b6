// SPDX-License-Identifier: Apache-2.0
//
// TlsLink: TLS 1.2 as a client, between a ByteLink of the port's and whoever wants a ByteLink that nobody can listen
// to.
//
// Place     Above byte_link.h, on mbedTLS 2.28. Knows no TCP, no clock, no generator and no names of machines: the port
//           connects what is below, tells the time and lends chance. A port whose system has TLS needs none of it.
// Promises  As byte_link.h. No byte of the caller's is sent, and none of the server's handed out, before the server has
//           proven to be `host` by a certificate that comes from the one that is trusted.
//           Certificates are held to their dates from when the time is known: at the handshake, or else on the link
//           that is up when tell_time() first has one.
//           Whatever a server sends, the outcome is a link or a sentence. mbedTLS takes all its memory from the
//           allocator that its platform layer was given; an allocator that says no ends the link, nothing else.
// Ownership Borrows `below` and the certificate for life. close() gives all memory back but that of the certificate.
// Threads   One: the host's. A handshake is arithmetic: on a small chip one call of read() may take a second.
// Limits    On a chip what mbedtls_config.h says: one cipher suite, records of 4 KiB. No resumption, no client
//           certificates.
#pragma once

#include <mbedtls/ssl.h>

#include <cstdint>
#include <string_view>

#include "transport/byte_link.h"
#include "transport/sentence.h"

namespace grid::transport {

class TlsLink final : public ByteLink {
 public:
  static constexpr std::size_t kHostBytesMax = 253;

  // Fills it from the machine's generator.
  using Draw = void (*)(MutBytes out);

  TlsLink(ByteLink& below, Draw draw) : below_(below), draw_(draw) {}
  TlsLink(const TlsLink&) = delete;
  TlsLink& operator=(const TlsLink&) = delete;

  // Whose signature counts, from the next begin() on: certificates as PEM, with the zero at its end, or one as DER.
  // Ends the link. Nothing at all: nobody is trusted, and the memory is given back.
  //   invalid  It can't be read.
  Status trust(Bytes certificate);
  // Forgets the link before, closes `below`, and begins anew: `below` is to be connected next, and whoever is at its
  // other end has to prove to be `host`.
  //   invalid  Nothing is trusted, or the name has not 1 to 253 characters.
  //   io       There is no memory.
  Status begin(std::string_view host);
  // Corrected time since 1970, or 0 while it is unknown. To be told before begin(), and as it goes on.
  void tell_time(std::uint64_t wall_ms);

  Result<std::size_t> read(MutBytes room) override;
  // What was not taken is to be offered again, as the front of the next bytes.
  Result<std::size_t> write(Bytes bytes) override;
  void close() override;

  // Why the last link failed, after close() too. Never null; empty when TLS had no part in it.
  const char* problem() const { return problem_.line(); }

 private:
  enum class State : std::uint8_t { down, securing, up };

  static int on_draw(void* at, unsigned char* out, std::size_t size);
  static int on_send(void* at, const unsigned char* bytes, std::size_t size);
  static int on_receive(void* at, unsigned char* room, std::size_t size);
  static int on_certificate(void* at, mbedtls_x509_crt* certificate, int depth, std::uint32_t* flags);

  int set_up(std::string_view host);
  bool advance();
  std::uint32_t date_flags() const;
  bool check_dates();
  Status fail(int result);
  void say(int result);
  void say_code(int result);
  void say_certificate(std::uint32_t flags);
  void drop();

  ByteLink& below_;
  Draw draw_;
  mbedtls_ssl_context session_{};
  mbedtls_ssl_config config_{};
  mbedtls_x509_crt trusted_{};
  State state_ = State::down;
  bool is_trusting_ = false;
  bool has_spoken_ = false;       // Something of this link has gone out, so what is below was up.
  std::size_t record_bytes_ = 0;  // Taken into a record that could not go out at once.
  std::uint64_t wall_ms_ = 0;     // As it was told last.
  std::uint64_t valid_from_ms_ = 0;
  std::uint64_t valid_to_ms_ = UINT64_MAX;  // Of all certificates between the server and whom is trusted.
  Sentence problem_;
};

}  // namespace grid::transport
