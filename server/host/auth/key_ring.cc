// SPDX-License-Identifier: Apache-2.0

#include "server/host/auth/key_ring.h"

#include <dirent.h>
#include <fcntl.h>
#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <mbedtls/sha256.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace grid::server {

namespace {

constexpr std::string_view kPem = ".pem";
constexpr std::string_view kSecret = ".hs256";

bool is_kid(std::string_view kid) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
  };
  return !kid.empty() && kid.size() <= KeyRing::kKidBytesMax && kid.front() != '.' &&
         std::all_of(kid.begin(), kid.end(), is_letter);
}

// Empty: `bytes` is what the file holds, and nobody is let at it who must not be.
std::string read_file(int folder, const std::string& file, mode_t forbidden, std::string& bytes) {
  const int opened = ::openat(folder, file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (opened < 0) return std::strerror(errno);
  struct stat about {};
  std::string wrong;
  if (::fstat(opened, &about) != 0 || !S_ISREG(about.st_mode)) {
    wrong = "is no file";
  } else if ((about.st_mode & forbidden & S_IROTH) != 0) {
    wrong = "is a secret that everybody on this machine may read: chmod o= it";
  } else if ((about.st_mode & forbidden) != 0) {
    wrong = "may be written by everybody on this machine: chmod o-w it";
  } else {
    bytes.resize(KeyRing::kKeyFileBytesMax + 1);
    const ssize_t size = ::read(opened, bytes.data(), bytes.size());
    bytes.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    if (size < 0) wrong = std::strerror(errno);
    if (bytes.size() > KeyRing::kKeyFileBytesMax) wrong = "is larger than any key";
  }
  ::close(opened);
  return wrong;
}

std::string read_public(const std::string& pem, Algorithm& algorithm) {
  if (pem.find("PRIVATE KEY") != std::string::npos) return "holds a private key: a gateway is given public ones only";
  mbedtls_pk_context key;
  mbedtls_pk_init(&key);
  // Of PEM, the end of the text is counted in.
  const auto* const text = reinterpret_cast<const unsigned char*>(pem.c_str());
  std::string wrong;
  if (mbedtls_pk_parse_public_key(&key, text, pem.size() + 1) != 0) {
    wrong = "is no public key in PEM (-----BEGIN PUBLIC KEY-----)";
  } else if (mbedtls_pk_get_type(&key) == MBEDTLS_PK_RSA) {
    algorithm = Algorithm::rs256;
    if (mbedtls_pk_get_bitlen(&key) < KeyRing::kRsaBitsMin) {
      wrong = "is an RSA key of less than " + std::to_string(KeyRing::kRsaBitsMin) + " bits";
    }
  } else if (mbedtls_pk_get_type(&key) == MBEDTLS_PK_ECKEY && mbedtls_pk_ec(key)->grp.id == MBEDTLS_ECP_DP_SECP256R1) {
    algorithm = Algorithm::es256;
  } else {
    wrong = "is neither an RSA key nor one of the curve P-256";
  }
  mbedtls_pk_free(&key);
  return wrong;
}

// A line's end that an editor or a shell has put behind it is no part of a secret.
std::string read_secret(std::string& bytes) {
  if (bytes.ends_with('\n')) bytes.pop_back();
  if (bytes.ends_with('\r')) bytes.pop_back();
  if (bytes.size() >= KeyRing::kSecretBytesMin) return {};
  return "is a secret of " + std::to_string(bytes.size()) + " bytes; HS256 takes no less than " +
         std::to_string(KeyRing::kSecretBytesMin);
}

std::string mark_of(const std::string& kid, const Key& key) {
  std::array<std::uint8_t, 32> digest{};
  [[maybe_unused]] const int done =
      mbedtls_sha256_ret(reinterpret_cast<const unsigned char*>(key.bytes.data()), key.bytes.size(), digest.data(), 0);
  std::string mark = kid + " " + name_of(key.algorithm) + " ";
  for (const std::uint8_t byte : digest) mark.append({"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]});
  return mark;
}

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

}  // namespace

const char* name_of(Algorithm algorithm) {
  constexpr const char* kNames[] = {"HS256", "RS256", "ES256"};
  return kNames[static_cast<std::uint8_t>(algorithm)];
}

Status KeyRing::read(std::vector<std::string>& complaints) {
  const std::unique_ptr<DIR, CloseFolder> folder(::opendir(folder_.c_str()));
  if (folder == nullptr) {
    complaints.push_back("the folder of keys " + folder_ + " can't be read: " + std::strerror(errno));
    return Status::io;
  }
  Keys keys;
  const std::size_t before = complaints.size();
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string file = entry->d_name;
    if (file.starts_with('.') || !(file.ends_with(kPem) || file.ends_with(kSecret))) continue;
    const std::string wrong =
        keys.size() < kKeysMax ? read_key(::dirfd(folder.get()), file, keys) : "is one key more than a gateway takes";
    if (wrong.empty()) continue;
    complaints.push_back("the key ");
    complaints.back().append(folder_).append("/").append(file).append(" ").append(wrong);
  }
  keys_ = std::move(keys);
  if (keys_.empty() && complaints.size() == before) {
    complaints.push_back("the folder of keys " + folder_ + " holds none: there is to be KID.pem or KID.hs256");
  }
  return complaints.size() == before ? Status::ok : Status::invalid;
}

// What is wrong with it; empty: it is among the keys.
std::string KeyRing::read_key(int folder, const std::string& file, Keys& keys) {
  const bool is_secret = file.ends_with(kSecret);
  const std::string kid = file.substr(0, file.size() - (is_secret ? kSecret : kPem).size());
  if (!is_kid(kid)) return "has a name that is no kid: 1 to 128 of the characters A-Z a-z 0-9 _ . -";
  Key key;
  std::string wrong = read_file(folder, file, is_secret ? S_IRWXO : S_IWOTH, key.bytes);
  if (wrong.empty()) wrong = is_secret ? read_secret(key.bytes) : read_public(key.bytes, key.algorithm);
  if (wrong.empty()) key.mark = mark_of(kid, key);
  if (wrong.empty() && !keys.emplace(kid, std::move(key)).second) {
    keys.erase(kid);
    wrong = "has the kid of another file: none of the two serves";
  }
  return wrong;
}

std::vector<std::string> KeyRing::marks() const {
  std::vector<std::string> marks;
  for (const auto& [kid, key] : keys_) marks.push_back(key.mark);
  return marks;
}

const Key* KeyRing::find(std::string_view kid) const {
  const auto found = keys_.find(kid);
  return found == keys_.end() ? nullptr : &found->second;
}

const Key* KeyRing::only(Algorithm algorithm) const {
  const Key* only = nullptr;
  for (const auto& [kid, key] : keys_) {
    if (key.algorithm != algorithm) continue;
    if (only != nullptr) return nullptr;
    only = &key;
  }
  return only;
}

}  // namespace grid::server
