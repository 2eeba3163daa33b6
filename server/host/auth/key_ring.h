// SPDX-License-Identifier: Apache-2.0
//
// KeyRing: the keys by which tokens are judged, as files in a folder: KID.pem, a public key, and KID.hs256, a secret.
//
// Place     Below jwt_judge.h. Knows files and mbedTLS's public keys; no token.
// Promises  A key is for one algorithm, which its file says: an RSA key for RS256, one of P-256 for ES256, a secret for
//           HS256. A kid is looked up among names that were read, and is never part of a path.
//           A file that may be read by everybody is no secret, and one that they may write is no key: refused.
// Limits    kKeysMax files of kKeyFileBytesMax.
// Threads   None.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/base/status.h"

namespace grid::server {

enum class Algorithm : std::uint8_t { hs256, rs256, es256 };

const char* name_of(Algorithm algorithm);

struct Key {
  Algorithm algorithm = Algorithm::hs256;
  std::string bytes{};  // PEM, or the secret itself.
  std::string mark{};   // The kid, and a digest of the key: another key that is given this kid has another mark.
};

class KeyRing {
 public:
  static constexpr std::size_t kKeysMax = 64;
  static constexpr std::size_t kKeyFileBytesMax = 16'384;
  static constexpr std::size_t kKidBytesMax = 128;
  static constexpr std::size_t kSecretBytesMin = 32;  // RFC 7518, section 3.2.
  static constexpr std::size_t kRsaBitsMin = 2'048;   // Section 3.3.

  explicit KeyRing(std::string folder = {}) : folder_(std::move(folder)) {}

  // Reads the folder anew. What the keys were before is kept when the folder can't be read; a file in it that is no key
  // is left out, and complained of. What others than KID.pem and KID.hs256 are called, is passed over.
  //   io       The folder can't be read.
  //   invalid  Something in it is no key, or it holds none, or too many; the others serve.
  Status read(std::vector<std::string>& complaints);

  const Key* find(std::string_view kid) const;
  // The only key for this algorithm; null: there is none, or there are more.
  const Key* only(Algorithm algorithm) const;
  std::size_t size() const { return keys_.size(); }
  // Of all keys.
  std::vector<std::string> marks() const;
  const std::string& folder() const { return folder_; }

 private:
  using Keys = std::map<std::string, Key, std::less<>>;

  static std::string read_key(int folder, const std::string& file, Keys& keys);

  std::string folder_;
  Keys keys_;
};

}  // namespace grid::server
