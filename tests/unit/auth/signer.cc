// SPDX-License-Identifier: Apache-2.0

#include "tests/unit/auth/signer.h"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/ecdsa.h>
#include <mbedtls/entropy.h>
#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <mbedtls/rsa.h>
#include <sys/stat.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <vector>

#include "crdt/base/check.h"
#include "transport/json/base64.h"

namespace grid::test {

namespace {

struct Chance {
  Chance() {
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&drbg);
    GRID_CHECK(mbedtls_ctr_drbg_seed(&drbg, mbedtls_entropy_func, &entropy, nullptr, 0) == 0);
  }
  mbedtls_entropy_context entropy{};
  mbedtls_ctr_drbg_context drbg{};
};

Chance& chance() {
  static Chance one;
  return one;
}

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::array<unsigned char, 32> sha256(std::string_view text) {
  std::array<unsigned char, 32> hash{};
  GRID_CHECK(mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), bytes_of(text), text.size(), hash.data()) == 0);
  return hash;
}

}  // namespace

std::string base64url(std::string_view bytes) {
  std::string text;
  json::append_base64(text, {bytes_of(bytes), bytes.size()});
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

struct Signer::Body {
  std::string secret;
  mbedtls_pk_context key{};
};

Signer Signer::secret(std::string_view text) {
  auto* body = new Body{.secret = std::string(text)};
  mbedtls_pk_init(&body->key);
  return Signer(body);
}

Signer Signer::rsa(unsigned bits) {
  auto* body = new Body;
  mbedtls_pk_init(&body->key);
  GRID_CHECK(mbedtls_pk_setup(&body->key, mbedtls_pk_info_from_type(MBEDTLS_PK_RSA)) == 0);
  GRID_CHECK(mbedtls_rsa_gen_key(mbedtls_pk_rsa(body->key), mbedtls_ctr_drbg_random, &chance().drbg, bits, 65'537) ==
             0);
  return Signer(body);
}

namespace {

void make_curve_key(mbedtls_pk_context& key, mbedtls_ecp_group_id curve) {
  mbedtls_pk_init(&key);
  GRID_CHECK(mbedtls_pk_setup(&key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) == 0);
  GRID_CHECK(mbedtls_ecp_gen_key(curve, mbedtls_pk_ec(key), mbedtls_ctr_drbg_random, &chance().drbg) == 0);
}

}  // namespace

Signer Signer::p256() {
  auto* body = new Body;
  make_curve_key(body->key, MBEDTLS_ECP_DP_SECP256R1);
  return Signer(body);
}

Signer Signer::p384() {
  auto* body = new Body;
  make_curve_key(body->key, MBEDTLS_ECP_DP_SECP384R1);
  return Signer(body);
}

Signer::Signer(Signer&& other) noexcept : body_(other.body_) { other.body_ = nullptr; }

Signer::~Signer() {
  if (body_ == nullptr) return;
  mbedtls_pk_free(&body_->key);
  delete body_;
}

std::string Signer::signature_of(std::string_view text) const {
  const std::array<unsigned char, 32> hash = sha256(text);
  if (!body_->secret.empty()) {
    std::array<unsigned char, 32> mac{};
    GRID_CHECK(mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), bytes_of(body_->secret),
                               body_->secret.size(), bytes_of(text), text.size(), mac.data()) == 0);
    return {mac.begin(), mac.end()};
  }
  if (mbedtls_pk_get_type(&body_->key) == MBEDTLS_PK_RSA) {
    std::vector<unsigned char> made(MBEDTLS_PK_SIGNATURE_MAX_SIZE);
    std::size_t size = 0;
    GRID_CHECK(mbedtls_pk_sign(&body_->key, MBEDTLS_MD_SHA256, hash.data(), hash.size(), made.data(), &size,
                               mbedtls_ctr_drbg_random, &chance().drbg) == 0);
    return {made.begin(), made.begin() + static_cast<std::ptrdiff_t>(size)};
  }
  // JWS wants r and s one behind the other (RFC 7518, section 3.4), and no DER.
  mbedtls_ecp_keypair* pair = mbedtls_pk_ec(body_->key);
  mbedtls_mpi r, s;
  mbedtls_mpi_init(&r);
  mbedtls_mpi_init(&s);
  GRID_CHECK(mbedtls_ecdsa_sign(&pair->grp, &r, &s, &pair->d, hash.data(), hash.size(), mbedtls_ctr_drbg_random,
                                &chance().drbg) == 0);
  const std::size_t half = (pair->grp.pbits + 7) / 8;
  std::vector<unsigned char> made(2 * half);
  GRID_CHECK(mbedtls_mpi_write_binary(&r, made.data(), half) == 0);
  GRID_CHECK(mbedtls_mpi_write_binary(&s, made.data() + half, half) == 0);
  mbedtls_mpi_free(&r);
  mbedtls_mpi_free(&s);
  return {made.begin(), made.end()};
}

std::string Signer::token(std::string_view head, std::string_view payload) const {
  const std::string text = base64url(head) + "." + base64url(payload);
  return text + "." + base64url(signature_of(text));
}

std::string Signer::file() const {
  if (!body_->secret.empty()) return body_->secret;
  std::array<unsigned char, 4'096> pem{};
  GRID_CHECK(mbedtls_pk_write_pubkey_pem(&body_->key, pem.data(), pem.size()) == 0);
  return reinterpret_cast<const char*>(pem.data());
}

std::string Signer::private_file() const {
  std::array<unsigned char, 8'192> pem{};
  GRID_CHECK(mbedtls_pk_write_key_pem(&body_->key, pem.data(), pem.size()) == 0);
  return reinterpret_cast<const char*>(pem.data());
}

Folder::Folder() {
  std::string name = (std::filesystem::temp_directory_path() / "grid-auth-XXXXXX").string();
  GRID_CHECK(mkdtemp(name.data()) != nullptr);
  at_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(at_, ignored);
}

void Folder::write(std::string_view name, std::string_view content, unsigned mode) const {
  const std::string file = path(name);
  std::ofstream(file, std::ios::binary) << content;
  GRID_CHECK(::chmod(file.c_str(), mode) == 0);
}

}  // namespace grid::test
