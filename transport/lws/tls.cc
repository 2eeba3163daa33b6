// SPDX-License-Identifier: Apache-2.0

#include "transport/lws/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <string_view>

namespace grid::transport {
namespace {

constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";  // Of TLS 1.2; 1.3 has no others.
constexpr std::int64_t kDayS = 86'400;
constexpr std::int64_t kSoonDays = 21;

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* thing) const {
    kFree(thing);
  }
};

void free_certificates(STACK_OF(X509) * chain) { sk_X509_pop_free(chain, X509_free); }
void free_names(STACK_OF(X509_NAME) * names) { sk_X509_NAME_pop_free(names, X509_NAME_free); }

using File = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Chain = std::unique_ptr<STACK_OF(X509), Free<free_certificates>>;
using Names = std::unique_ptr<STACK_OF(X509_NAME), Free<free_names>>;
using Store = std::unique_ptr<X509_STORE, Free<X509_STORE_free>>;
using Context = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;

// OpenSSL would ask for a passphrase on the terminal.
int no_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

File open_file(const char* what, const std::string& path, std::string& problem) {
  ERR_clear_error();
  File file(BIO_new_file(path.c_str(), "r"));
  if (file == nullptr) problem = std::string("the ") + what + " " + path + " can't be read: " + std::strerror(errno);
  return file;
}

std::string last_reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  return reason != nullptr ? reason : "unknown";
}

// The certificates in a PEM file, in order; empty with `problem` when there is none, or one is damaged.
Chain read_certificates(const char* what, const std::string& path, std::string& problem) {
  const File file = open_file(what, path, problem);
  if (file == nullptr) return nullptr;
  Chain chain(sk_X509_new_null());
  while (X509* one = PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr)) sk_X509_push(chain.get(), one);
  const int count = sk_X509_num(chain.get());
  if (count > 0 && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) return chain;
  problem = std::string("the ") + what + " " + path;
  problem += count == 0 ? " holds no certificate in PEM: "
                        : " holds a damaged certificate, number " + std::to_string(count + 1) + ": ";
  problem += last_reason();
  return nullptr;
}

Key read_key(const std::string& path, std::string& problem) {
  const File file = open_file("key", path, problem);
  if (file == nullptr) return nullptr;
  bool asked = false;
  Key key(PEM_read_bio_PrivateKey(file.get(), nullptr, no_passphrase, &asked));
  if (asked) {
    problem = "the key " + path + " is locked with a passphrase, which nobody is there to type";
    return nullptr;
  }
  if (key == nullptr) problem = "the key " + path + " holds no private key in PEM: " + last_reason();
  return key;
}

std::int64_t seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : 0;
}

std::string day_of(std::int64_t at_s) {
  const std::time_t at = at_s;
  std::tm parts{};
  gmtime_r(&at, &parts);
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%d", &parts);
  return text;
}

void add_warning(std::string& warning, const std::string& text) { warning += (warning.empty() ? "" : "; ") + text; }

// False when it has expired.
bool judge_term(const X509* certificate, const std::string& path, CertificateTerm& term, std::string& problem) {
  const std::int64_t now_s = std::time(nullptr);
  const std::int64_t not_before_s = seconds_of(X509_get0_notBefore(certificate));
  term.not_after_s = seconds_of(X509_get0_notAfter(certificate));
  if (now_s > term.not_after_s) {
    problem = "the certificate " + path + " has expired on " + day_of(term.not_after_s);
    return false;
  }
  // The clock of a box that has just been plugged in may lie.
  if (now_s < not_before_s) {
    add_warning(term.warning, "the certificate " + path + " is not valid before " + day_of(not_before_s));
  }
  const std::int64_t days = (term.not_after_s - now_s) / kDayS;
  if (days < kSoonDays) {
    add_warning(term.warning, "the certificate " + path + " expires on " + day_of(term.not_after_s) + ", in " +
                                  std::to_string(days) + " days");
  }
  return true;
}

void judge_mode(const std::string& key, CertificateTerm& term) {
  struct stat facts {};
  if (::stat(key.c_str(), &facts) == 0 && (facts.st_mode & S_IROTH) != 0) {
    add_warning(term.warning, "everybody on this machine can read the key " + key + ": chmod o-r");
  }
}

// ---- names of peers

std::string text_of(const ASN1_STRING* string) {
  if (string == nullptr) return {};
  unsigned char* bytes = nullptr;
  const int size = ASN1_STRING_to_UTF8(&bytes, string);
  std::string text;
  if (size > 0) text.assign(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) return {};
  }
  return text;
}

std::string alternative_name(const X509* certificate, int kind) {
  auto* names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  const GENERAL_NAME* found = nullptr;
  for (int i = 0; found == nullptr && i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type == kind) found = name;
  }
  const std::string text = found != nullptr ? text_of(found->d.ia5) : std::string();
  GENERAL_NAMES_free(names);
  return text;
}

std::string common_name(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  return at < 0 ? std::string() : text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

}  // namespace

struct TlsContext::Parts {
  Certificate own;
  Key key;
  Chain chain;
  Store trusted;  // Null: none given.
  Names asked;    // Whose certificates clients are asked for.
  int verify = SSL_VERIFY_NONE;
  CertificateTerm term;
  Context client;

  Status read_own(const std::string& certificate, const std::string& key_path, std::string& problem);
  Status read_trusted(const std::string& ca, std::string& problem);
  bool install(SSL_CTX* into) const;
};

Status TlsContext::Parts::read_own(const std::string& certificate, const std::string& key_path, std::string& problem) {
  chain = read_certificates("certificate", certificate, problem);
  if (chain == nullptr) return Status::invalid;
  own.reset(sk_X509_shift(chain.get()));
  key = read_key(key_path, problem);
  if (key == nullptr) return Status::invalid;
  if (X509_check_private_key(own.get(), key.get()) != 1) {
    problem = "the key " + key_path + " does not belong to the certificate " + certificate;
    return Status::invalid;
  }
  judge_mode(key_path, term);
  return judge_term(own.get(), certificate, term, problem) ? Status::ok : Status::invalid;
}

Status TlsContext::Parts::read_trusted(const std::string& ca, std::string& problem) {
  const Chain found = read_certificates("CA file", ca, problem);
  if (found == nullptr) return Status::invalid;
  trusted.reset(X509_STORE_new());
  asked.reset(sk_X509_NAME_new_null());
  for (int i = 0; i < sk_X509_num(found.get()); ++i) {
    X509* one = sk_X509_value(found.get(), i);
    X509_STORE_add_cert(trusted.get(), one);
    sk_X509_NAME_push(asked.get(), X509_NAME_dup(X509_get_subject_name(one)));
  }
  return Status::ok;
}

// The certificate comes last: it alone can fail but for want of memory, and it is taken whole or not at all.
bool TlsContext::Parts::install(SSL_CTX* into) const {
  if (SSL_CTX_set_min_proto_version(into, TLS1_2_VERSION) != 1 || SSL_CTX_set_cipher_list(into, kCiphers) != 1) {
    return false;
  }
  SSL_CTX_set_options(into, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(into, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(into, 0);
  SSL_CTX_set_mode(into, SSL_MODE_RELEASE_BUFFERS);  // A link that is idle holds none.
  if (trusted != nullptr) {
    SSL_CTX_set1_cert_store(into, trusted.get());
    SSL_CTX_set_client_CA_list(into, SSL_dup_CA_list(asked.get()));
  }
  SSL_CTX_set_verify(into, verify, nullptr);
  return own == nullptr || SSL_CTX_use_cert_and_key(into, own.get(), key.get(), chain.get(), 1) == 1;
}

TlsContext::TlsContext(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
TlsContext::~TlsContext() = default;

std::unique_ptr<TlsContext> TlsContext::of(const TlsServer& files, std::string& problem) {
  auto parts = std::make_unique<Parts>();
  if (parts->read_own(files.certificate, files.key, problem) != Status::ok) return nullptr;
  if (files.client_certificates != ClientCertificates::none) {
    if (files.client_ca.empty()) {
      problem = "certificates of clients are asked for, but no CA file says who signs them";
      return nullptr;
    }
    if (parts->read_trusted(files.client_ca, problem) != Status::ok) return nullptr;
    parts->verify = SSL_VERIFY_PEER;
    if (files.client_certificates == ClientCertificates::required) parts->verify |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  return std::unique_ptr<TlsContext>(new TlsContext(std::move(parts)));
}

std::unique_ptr<TlsContext> TlsContext::of(const TlsClient& files, std::string& problem) {
  auto parts = std::make_unique<Parts>();
  if (files.certificate.empty() != files.key.empty()) {
    problem = "a client certificate and its key go together, and one of them was not given";
    return nullptr;
  }
  if (!files.certificate.empty() && parts->read_own(files.certificate, files.key, problem) != Status::ok)
    return nullptr;
  if (!files.ca.empty() && parts->read_trusted(files.ca, problem) != Status::ok) return nullptr;
  parts->verify = SSL_VERIFY_PEER;
  parts->client.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = parts->client.get();
  if (context == nullptr || !parts->install(context) ||
      (files.ca.empty() && SSL_CTX_set_default_verify_paths(context) != 1)) {
    problem = "TLS does not start: " + last_reason();
    return nullptr;
  }
  return std::unique_ptr<TlsContext>(new TlsContext(std::move(parts)));
}

bool TlsContext::install(SSL_CTX* into) const { return parts_->install(into); }

const CertificateTerm& TlsContext::term() const { return parts_->term; }

SSL_CTX* TlsContext::get() const { return parts_->client.get(); }

std::string proven_subject(SSL* ssl) {
  if (ssl == nullptr || SSL_get_verify_result(ssl) != X509_V_OK) return {};
  const Certificate certificate(SSL_get1_peer_certificate(ssl));
  if (certificate == nullptr) return {};
  std::string name = alternative_name(certificate.get(), GEN_URI);
  if (name.empty()) name = alternative_name(certificate.get(), GEN_DNS);
  return name.empty() ? common_name(certificate.get()) : name;
}

std::string verification_trouble(X509_STORE_CTX* verification) {
  return X509_verify_cert_error_string(X509_STORE_CTX_get_error(verification));
}

std::string handshake_trouble(const SSL* ssl, int where, int value) {
  constexpr std::string_view kFatal = "F";
  constexpr int kCertificateRequired = 116;  // Of TLS 1.3; OpenSSL has no words for it.
  const bool is_fatal = (where & SSL_CB_ALERT) != 0 && SSL_alert_type_string(value) == kFatal;
  if (is_fatal && (where & SSL_CB_READ) != 0) {
    const bool is_required = (value & 0xff) == kCertificateRequired;
    return std::string("the other end refuses: ") +
           (is_required ? "certificate required" : SSL_alert_desc_string_long(value));
  }
  const bool has_failed = (where & SSL_CB_EXIT) != 0 && value <= 0 && SSL_want(ssl) == SSL_NOTHING;
  const char* reason = is_fatal || has_failed ? ERR_reason_error_string(ERR_peek_error()) : nullptr;
  return reason != nullptr ? reason : "";
}

}  // namespace grid::transport
