// SPDX-License-Identifier: Apache-2.0
//
// Tls: certificates and keys from files into OpenSSL, and out of OpenSSL whom a peer has proven to be.
//
// Place     Beside address.h; knows OpenSSL, but neither sockets nor libwebsockets, which does the talking.
// Promises  Files are read and judged whole before anything changes: what is refused leaves what was there.
//           TLS 1.2 is the least; ciphers have forward secrecy and authenticate; nothing is resumed or renegotiated, so
//           that each link has met the certificates that stand when it opens.
// Threads   One.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "crdt/base/status.h"

struct ssl_ctx_st;
struct ssl_st;
struct x509_store_ctx_st;

namespace grid::transport {

enum class ClientCertificates : std::uint8_t {
  none,      // Clients are not asked.
  optional,  // Those who show one must show a good one.
  required,
};

// All of them PEM files.
struct TlsServer {
  std::string certificate{};  // The chain, the server's own first. Empty: no TLS.
  std::string key{};
  std::string client_ca{};  // Who signs the certificates of clients.
  ClientCertificates client_certificates = ClientCertificates::none;
};

struct TlsClient {
  std::string ca{};           // Whom to trust; empty: the system's store.
  std::string certificate{};  // What to show to a server that asks; empty: nothing.
  std::string key{};
};

// What is known of a certificate that is in use.
struct CertificateTerm {
  std::int64_t not_after_s = 0;  // Since 1970 UTC; 0: there is none.
  std::string warning;           // That it ends soon, or is not valid yet, or that others can read the key; or empty.
};

class TlsContext {
 public:
  // Null with `problem`: a file is missing or is not what it should be, the key is of another certificate, the
  // certificate has expired.
  static std::unique_ptr<TlsContext> of(const TlsServer& files, std::string& problem);
  static std::unique_ptr<TlsContext> of(const TlsClient& files, std::string& problem);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // Sets up a context that somebody else made, or sets it anew: handshakes from now on see these files, links that
  // are open stay. False when there is no memory, and all is as it was.
  bool install(ssl_ctx_st* into) const;
  const CertificateTerm& term() const;

  // Within OpenSSL's own for as long as this lives; for clients.
  ssl_ctx_st* get() const;

 private:
  struct Parts;
  explicit TlsContext(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// The name in the certificate that the peer has proven to own and that was verified: its first URI, else its first DNS
// name, else its common name. Empty without such a certificate, or when the name is not plain text.
std::string proven_subject(ssl_st* ssl);

// Why a certificate was refused, as OpenSSL puts it.
std::string verification_trouble(x509_store_ctx_st* verification);

// What an SSL_CTX_set_info_callback() tells of a handshake that fails; empty when it is nothing of that kind.
std::string handshake_trouble(const ssl_st* ssl, int where, int value);

}  // namespace grid::transport
