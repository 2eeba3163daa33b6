// SPDX-License-Identifier: Apache-2.0
//
// JwtJudge: whether a JSON Web Token (RFC 7519) holds, by keys from files.
//
// Place     Below authenticator.h, above key_ring.h and claims.h. libjwt checks signatures and nothing else: what a
// token
//           says is read once, by claims.h, from the very bytes that were signed.
// Promises  HS256, RS256 and ES256, each with a key of its own kind: a token's word for its algorithm is believed only
//           where it is that of the key. Nothing is judged but a signed token that ends.
//           Keys are read anew when reload() says so, and when an unknown kid comes, at most once in kRereadMs.
// Limits    kTokenBytesMax.
// Threads   None.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/host/auth/claims.h"
#include "server/host/auth/key_ring.h"

namespace grid::server {

struct JwtOptions {
  std::string keys{};  // The folder of keys; empty: no token is taken.
  JwtRules rules{};
  bool is_on() const { return !keys.empty(); }
};

class JwtJudge {
 public:
  static constexpr std::uint64_t kRereadMs = 5'000;

  explicit JwtJudge(const JwtOptions& options) : rules_(options.rules), keys_(options.keys) {}

  // As KeyRing::read().
  Status reload(std::vector<std::string>& complaints) { return keys_.read(complaints); }

  // `now_ms` is monotonic, `wall_ms` since 1970; 0: unknown.
  Verdict judge(std::string_view token, std::uint64_t now_ms, std::uint64_t wall_ms);

  bool has_rules_of(const JwtJudge& other) const { return rules_ == other.rules_; }
  // As KeyRing::marks().
  std::vector<std::string> marks() const { return keys_.marks(); }
  std::size_t key_count() const { return keys_.size(); }
  // What rereading has found wrong since the last time.
  std::vector<std::string> take_complaints() { return std::exchange(complaints_, {}); }

 private:
  struct Head {
    Algorithm algorithm;
    std::string kid;
  };

  static std::string read_head(std::string_view text, Head& head);
  const Key* key_of(const Head& head, std::uint64_t now_ms);

  JwtRules rules_;
  KeyRing keys_;
  std::uint64_t reread_at_ms_ = 0;
  std::vector<std::string> complaints_{};
};

}  // namespace grid::server
