// SPDX-License-Identifier: Apache-2.0
//
// Certificates: what a server shows and can be given anew, what a client trusts, and why a handshake came to nothing.

#include <openssl/ssl.h>
#include <sys/socket.h>

#include <utility>

#include "transport/lws/lws_body.h"

namespace grid::transport {
namespace {

// A socket that is closed with something unread takes back what was sent, and the other end would never hear why.
void read_away(int socket) {
  char waste[4'096];
  for (int i = 0; i < 8 && ::recv(socket, waste, sizeof(waste), MSG_DONTWAIT) > 0; ++i) continue;
}

}  // namespace

// libwebsockets makes the context of OpenSSL with the virtual host, and hands it out once, by a callback. A new
// certificate goes into the same context: sessions that are open have a reference to the old one.
Status LwsContext::Body::secure(const TlsServer& files) {
  const std::unique_ptr<TlsContext> read = TlsContext::of(files, problem);
  if (read == nullptr) return Status::invalid;
  if (secured_ == nullptr) {
    secured_ = make_vhost("secured", LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX);
    if (secured_ == nullptr || secured_context_ == nullptr) return fail(Status::io, "TLS does not start");
    note_handshakes(secured_context_);
  }
  if (!read->install(secured_context_)) return fail(Status::invalid, "OpenSSL does not take the certificate");
  certificate = read->term();
  return Status::ok;
}

void LwsContext::Body::note_handshakes(SSL_CTX* context) {
  SSL_CTX_set_app_data(context, this);
  SSL_CTX_set_info_callback(context, [](const SSL* ssl, int where, int value) {
    std::string trouble = handshake_trouble(ssl, where, value);
    if (trouble.empty()) return;
    if ((where & SSL_CB_WRITE) != 0) read_away(SSL_get_fd(ssl));
    Body& self = *static_cast<Body*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    if (self.tls_trouble_.empty()) self.tls_trouble_ = std::move(trouble);  // The first one is the cause.
  });
}

// Nothing when the event is none of these.
std::optional<int> LwsContext::Body::on_tls_event(lws_callback_reasons event, void* user, std::size_t verified) {
  switch (event) {
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
      secured_context_ = static_cast<SSL_CTX*>(user);
      return 0;
    case LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION:
      if (verified == 0 && tls_trouble_.empty()) {
        tls_trouble_ = "its certificate is refused: " + verification_trouble(static_cast<X509_STORE_CTX*>(user));
      }
      return 0;
    default:
      return std::nullopt;
  }
}

Status LwsContext::Body::trust() {
  if (trusting_ != nullptr) return Status::ok;
  trust_ = TlsContext::of(options_.tls, problem);
  if (trust_ == nullptr) return Status::invalid;
  note_handshakes(trust_->get());
  trusting_ = make_vhost("trusting", LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT, trust_.get());
  return trusting_ != nullptr ? Status::ok : fail(Status::io, "TLS does not start");
}

}  // namespace grid::transport
