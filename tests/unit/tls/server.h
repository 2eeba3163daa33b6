// SPDX-License-Identifier: Apache-2.0
//
// A server of mbedTLS at the other end of a connection in memory, which the test may cut, change and slow down. Its
// certificates are those that mbedTLS brings for tests: for `localhost`, valid from kValidFromMs to kValidToMs.
#pragma once

#include <mbedtls/certs.h>
#include <mbedtls/ssl.h>

#include <algorithm>
#include <random>
#include <string>

#include "tests/check.h"
#include "transport/byte_link.h"

namespace grid::test {

inline constexpr std::uint64_t kValidFromMs = 1'549'809'840'000;  // Of the authority.
inline constexpr std::uint64_t kValidToMs = 1'695'397'924'000;    // Of the server.

inline Bytes authority() {
  return {reinterpret_cast<const std::uint8_t*>(mbedtls_test_ca_crt_ec_pem), mbedtls_test_ca_crt_ec_pem_len};
}
inline Bytes stranger() {
  return {reinterpret_cast<const std::uint8_t*>(mbedtls_test_ca_crt), mbedtls_test_ca_crt_len};
}

inline void roll(MutBytes out) {
  static std::random_device dice;
  for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(dice());
}

// The client's end.
class Pipe final : public transport::ByteLink {
 public:
  Result<std::size_t> read(MutBytes room) override {
    const std::size_t size = std::min({room.size(), incoming.size(), piece, cut_after - arrived_bytes});
    if (size == 0) return is_closed || cut_after == arrived_bytes ? Result<std::size_t>(Status::io) : std::size_t{0};
    copy(as_bytes(incoming).first(size), room);
    sent_by_server += incoming.substr(0, size);
    if (changed >= arrived_bytes && changed < arrived_bytes + size) room[changed - arrived_bytes] ^= 1;
    incoming.erase(0, size);
    arrived_bytes += size;
    return size;
  }
  Result<std::size_t> write(Bytes bytes) override {
    if (is_closed) return Status::io;
    const std::size_t size = std::min({bytes.size(), piece, takes});
    takes -= size;
    outgoing += as_text(bytes.first(size));
    return size;
  }
  void close() override { is_closed = true; }

  std::string incoming, outgoing;
  std::string sent_by_server;        // And read, as it was before a bit was turned.
  std::size_t piece = SIZE_MAX;      // That moves at a time, at most.
  std::size_t takes = SIZE_MAX;      // Of what is written.
  std::size_t cut_after = SIZE_MAX;  // So many bytes of the server, the connection is down.
  std::size_t changed = SIZE_MAX;    // This byte of the server arrives with a bit turned.
  std::size_t arrived_bytes = 0;
  bool is_closed = false;
};

// Says back whatever it hears.
class Server {
 public:
  explicit Server(Pipe& pipe) : pipe_(pipe) {
    mbedtls_ssl_init(&session_);
    mbedtls_ssl_config_init(&config_);
    mbedtls_x509_crt_init(&certificate_);
    mbedtls_pk_init(&key_);
    const auto* certificate = reinterpret_cast<const unsigned char*>(mbedtls_test_srv_crt_ec_pem);
    const auto* key = reinterpret_cast<const unsigned char*>(mbedtls_test_srv_key_ec_pem);
    assert_int_equal(mbedtls_x509_crt_parse(&certificate_, certificate, mbedtls_test_srv_crt_ec_pem_len), 0);
    assert_int_equal(mbedtls_pk_parse_key(&key_, key, mbedtls_test_srv_key_ec_pem_len, nullptr, 0), 0);
    assert_int_equal(mbedtls_ssl_config_defaults(&config_, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
                                                 MBEDTLS_SSL_PRESET_DEFAULT),
                     0);
    mbedtls_ssl_conf_rng(
        &config_,
        [](void*, unsigned char* out, std::size_t size) {
          return roll({out, size}), 0;
        },
        nullptr);
    assert_int_equal(mbedtls_ssl_conf_own_cert(&config_, &certificate_, &key_), 0);
    assert_int_equal(mbedtls_ssl_setup(&session_, &config_), 0);
    mbedtls_ssl_set_bio(&session_, this, send, receive, nullptr);
  }
  ~Server() {
    mbedtls_ssl_free(&session_);
    mbedtls_ssl_config_free(&config_);
    mbedtls_x509_crt_free(&certificate_);
    mbedtls_pk_free(&key_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void turn() {
    if (!is_up) is_up = mbedtls_ssl_handshake(&session_) == 0;
    if (!is_up) return;
    unsigned char piece[1'024];
    for (int got; (got = mbedtls_ssl_read(&session_, piece, sizeof(piece))) > 0;) {
      heard.append(reinterpret_cast<const char*>(piece), static_cast<std::size_t>(got));
      if (echoes) say({piece, static_cast<std::size_t>(got)});
    }
  }
  void say(Bytes bytes) {
    while (!bytes.empty()) {
      const int took = mbedtls_ssl_write(&session_, bytes.data(), bytes.size());
      assert_true(took > 0);
      bytes = bytes.subspan(static_cast<std::size_t>(took));
    }
  }
  void goodbye() { assert_int_equal(mbedtls_ssl_close_notify(&session_), 0); }

  std::string heard;
  bool echoes = true;
  bool is_up = false;

 private:
  static int send(void* at, const unsigned char* bytes, std::size_t size) {
    static_cast<Server*>(at)->pipe_.incoming += as_text(Bytes(bytes, size));
    return static_cast<int>(size);
  }
  static int receive(void* at, unsigned char* room, std::size_t size) {
    std::string& from = static_cast<Server*>(at)->pipe_.outgoing;
    const std::size_t got = std::min(size, from.size());
    if (got == 0) return MBEDTLS_ERR_SSL_WANT_READ;
    copy(as_bytes(from).first(got), {room, size});
    from.erase(0, got);
    return static_cast<int>(got);
  }

  Pipe& pipe_;
  mbedtls_ssl_context session_;
  mbedtls_ssl_config config_;
  mbedtls_x509_crt certificate_;
  mbedtls_pk_context key_;
};

}  // namespace grid::test
