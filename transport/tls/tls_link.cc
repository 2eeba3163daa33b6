// SPDX-License-Identifier: Apache-2.0

#include "transport/tls/tls_link.h"

#include <algorithm>
#include <utility>

namespace grid::transport {
namespace {

bool is_later(int result) { return result == MBEDTLS_ERR_SSL_WANT_READ || result == MBEDTLS_ERR_SSL_WANT_WRITE; }

// Since 1970 UTC; what was before is 1970. Years begin in March here, so that a leap day is their last.
std::uint64_t ms_of(const mbedtls_x509_time& date) {
  constexpr std::int64_t kDaysTo1970 = 719'468;
  const std::int64_t year = date.mon > 2 ? date.year : date.year - 1;
  const std::int64_t month = (date.mon + 9) % 12;
  const std::int64_t days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + date.day - 1;
  if (days < kDaysTo1970) return 0;
  const std::int64_t minutes = ((days - kDaysTo1970) * 24 + date.hour) * 60 + date.min;
  return static_cast<std::uint64_t>(minutes * 60 + date.sec) * 1'000;
}

}  // namespace

// ---- what mbedTLS asks for

int TlsLink::on_draw(void* at, unsigned char* out, std::size_t size) {
  static_cast<TlsLink*>(at)->draw_({out, size});
  return 0;
}

int TlsLink::on_send(void* at, const unsigned char* bytes, std::size_t size) {
  TlsLink& self = *static_cast<TlsLink*>(at);
  const Result<std::size_t> took = self.below_.write({bytes, size});
  if (!took.ok()) return MBEDTLS_ERR_SSL_CONN_EOF;
  if (*took == 0) return MBEDTLS_ERR_SSL_WANT_WRITE;
  self.has_spoken_ = true;
  return static_cast<int>(*took);
}

int TlsLink::on_receive(void* at, unsigned char* room, std::size_t size) {
  const Result<std::size_t> got = static_cast<TlsLink*>(at)->below_.read({room, size});
  if (!got.ok()) return MBEDTLS_ERR_SSL_CONN_EOF;
  return *got == 0 ? MBEDTLS_ERR_SSL_WANT_READ : static_cast<int>(*got);
}

// Asked of each certificate of the chain. Dates are judged by the time that was told, whatever clock mbedTLS may have
// been built with.
int TlsLink::on_certificate(void* at, mbedtls_x509_crt* certificate, int, std::uint32_t* flags) {
  constexpr std::uint32_t kDates = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE;
  TlsLink& self = *static_cast<TlsLink*>(at);
  self.valid_from_ms_ = std::max(self.valid_from_ms_, ms_of(certificate->valid_from));
  self.valid_to_ms_ = std::min(self.valid_to_ms_, ms_of(certificate->valid_to));
  *flags = (*flags & ~kDates) | self.date_flags();
  return 0;
}

std::uint32_t TlsLink::date_flags() const {
  if (wall_ms_ == 0) return 0;
  if (wall_ms_ < valid_from_ms_) return MBEDTLS_X509_BADCERT_FUTURE;
  return wall_ms_ > valid_to_ms_ ? MBEDTLS_X509_BADCERT_EXPIRED : 0;
}

// ---- the link

Status TlsLink::trust(Bytes certificate) {
  drop();
  mbedtls_x509_crt_free(&trusted_);
  mbedtls_x509_crt_init(&trusted_);
  is_trusting_ = false;
  if (certificate.empty()) return Status::ok;
  const int result = mbedtls_x509_crt_parse(&trusted_, certificate.data(), certificate.size());
  is_trusting_ = result == 0;
  if (is_trusting_) return Status::ok;
  problem_.say("the certificate that is to be trusted can't be read (mbedTLS says ").hex(result).text(")");
  return Status::invalid;
}

Status TlsLink::begin(std::string_view host) {
  drop();
  problem_.say("");
  if (!is_trusting_ || host.empty() || host.size() > kHostBytesMax) {
    problem_.say(is_trusting_ ? "the server's name has 1 to 253 characters"
                              : "wss:// needs a certificate to judge the server's by");
    return Status::invalid;
  }
  has_spoken_ = false;
  record_bytes_ = 0;
  valid_from_ms_ = 0;
  valid_to_ms_ = UINT64_MAX;
  state_ = State::securing;
  const int result = set_up(host);
  return result == 0 ? Status::ok : fail(result);
}

int TlsLink::set_up(std::string_view host) {
  mbedtls_ssl_init(&session_);
  mbedtls_ssl_config_init(&config_);
  const int result = mbedtls_ssl_config_defaults(&config_, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                                 MBEDTLS_SSL_PRESET_DEFAULT);
  if (result != 0) return result;
  mbedtls_ssl_conf_min_version(&config_, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
  mbedtls_ssl_conf_authmode(&config_, MBEDTLS_SSL_VERIFY_REQUIRED);
  mbedtls_ssl_conf_ca_chain(&config_, &trusted_, nullptr);
  mbedtls_ssl_conf_rng(&config_, on_draw, this);
  mbedtls_ssl_conf_verify(&config_, on_certificate, this);
  // By hand: its setter goes by the smaller buffer, and what goes out is cut to the buffer for that anyway.
  config_.mfl_code = MBEDTLS_SSL_MAX_FRAG_LEN_4096;
  mbedtls_ssl_set_bio(&session_, this, on_send, on_receive, nullptr);
  char name[kHostBytesMax + 1] = {};
  copy(as_bytes(host), {reinterpret_cast<std::uint8_t*>(name), kHostBytesMax});
  const int named = mbedtls_ssl_set_hostname(&session_, name);
  return named != 0 ? named : mbedtls_ssl_setup(&session_, &config_);
}

// The time that came over the link itself is the first that some devices know.
void TlsLink::tell_time(std::uint64_t wall_ms) {
  const bool is_news = std::exchange(wall_ms_, wall_ms) == 0 && wall_ms != 0;
  if (is_news && state_ == State::up) [[maybe_unused]]
    const bool is_valid = check_dates();
}

// False: the certificate of the link that is up is too old, or too new, and the link is down.
bool TlsLink::check_dates() {
  if (date_flags() == 0) return true;
  say_certificate(date_flags());
  drop();
  return false;
}

// Whether bytes may be read and written now. False: not yet, or the link is down.
bool TlsLink::advance() {
  if (state_ != State::securing) return state_ == State::up;
  const int result = mbedtls_ssl_handshake(&session_);
  if (result == 0) {
    state_ = State::up;
    return check_dates();  // The time may have been told behind the certificate.
  }
  if (!is_later(result)) [[maybe_unused]]
    const Status status = fail(result);
  return false;
}

Result<std::size_t> TlsLink::read(MutBytes room) {
  if (!advance()) return state_ == State::down ? Result<std::size_t>(Status::io) : std::size_t{0};
  if (room.empty()) return std::size_t{0};
  const int got = mbedtls_ssl_read(&session_, room.data(), room.size());
  if (got > 0) return static_cast<std::size_t>(got);
  if (is_later(got)) return std::size_t{0};
  return fail(got == 0 ? MBEDTLS_ERR_SSL_CONN_EOF : got);
}

// A record that has begun to go is finished before its bytes count as taken, and mbedTLS wants to hear their number
// again until then.
Result<std::size_t> TlsLink::write(Bytes bytes) {
  if (!advance()) return state_ == State::down ? Result<std::size_t>(Status::io) : std::size_t{0};
  if (bytes.empty()) return std::size_t{0};
  const std::size_t size = record_bytes_ != 0 ? record_bytes_ : bytes.size();
  const int took = mbedtls_ssl_write(&session_, bytes.data(), size);
  record_bytes_ = took == MBEDTLS_ERR_SSL_WANT_WRITE ? size : 0;
  if (took >= 0) return static_cast<std::size_t>(took);
  if (is_later(took)) return std::size_t{0};
  return fail(took);
}

void TlsLink::close() {
  if (state_ == State::up) [[maybe_unused]]
    const int result = mbedtls_ssl_close_notify(&session_);
  drop();
}

// What is below is told too: nobody else will speak over it.
void TlsLink::drop() {
  if (std::exchange(state_, State::down) == State::down) return;
  mbedtls_ssl_free(&session_);
  mbedtls_ssl_config_free(&config_);
  below_.close();
}

// ---- sentences

Status TlsLink::fail(int result) {
  say(result);
  drop();
  return Status::io;
}

void TlsLink::say(int result) {
  switch (result) {
    case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED:
      return say_certificate(mbedtls_ssl_get_verify_result(&session_));
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
    case MBEDTLS_ERR_SSL_CONN_EOF:
      if (state_ == State::securing && has_spoken_)
        problem_.say("TLS: the server ended the connection instead of an answer");
      return;
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
      problem_.say("TLS: the server refuses, with alert ").number(session_.in_msg[1]);
      return;
    case MBEDTLS_ERR_SSL_INVALID_RECORD:
      if (session_.state > MBEDTLS_SSL_SERVER_HELLO) return say_code(result);
      problem_.say("the server speaks no TLS");
      return;
    case MBEDTLS_ERR_SSL_BAD_INPUT_DATA:
      problem_.say("TLS: the server sends larger records than there is room for");
      return;
    case MBEDTLS_ERR_SSL_ALLOC_FAILED:
    case MBEDTLS_ERR_X509_ALLOC_FAILED:
      problem_.say("TLS: there is no memory left for it");
      return;
    case MBEDTLS_ERR_SSL_FEATURE_UNAVAILABLE:
      problem_.say("TLS: the server's certificates are more than there is room for");
      return;
    default:
      return say_code(result);
  }
}

void TlsLink::say_code(int result) {
  problem_.say(state_ == State::up ? "TLS: the connection broke" : "TLS: no handshake");
  problem_.text(" (mbedTLS says ").hex(result).text(")");
}

void TlsLink::say_certificate(std::uint32_t flags) {
  if ((flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0) {
    problem_.say("the server's certificate is not from whom this device trusts");
  } else if ((flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) != 0) {
    problem_.say("the server's certificate is for another name than ").text(session_.hostname);
  } else if ((flags & MBEDTLS_X509_BADCERT_EXPIRED) != 0) {
    problem_.say("the server's certificate has expired");
  } else if ((flags & MBEDTLS_X509_BADCERT_FUTURE) != 0) {
    problem_.say("the server's certificate is not valid yet, or this device's time is wrong");
  } else {
    problem_.say("the server's certificate is not accepted (mbedTLS says ").hex(static_cast<int>(flags)).text(")");
  }
}

}  // namespace grid::transport
