// SPDX-License-Identifier: Apache-2.0

#include "server/host/auth/jwt_judge.h"

#include <jwt.h>

#include <algorithm>
#include <memory>

namespace grid::server {

using crdt::Value;
using crdt::ValueKind;

namespace {

struct Parts {
  std::string_view head, payload, signature;
};

bool split(std::string_view token, Parts& parts) {
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) return false;
  parts = {token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1)};
  return !parts.head.empty() && !parts.payload.empty() && !parts.signature.empty();
}

jwt_alg_t in_library(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::hs256:
      return JWT_ALG_HS256;
    case Algorithm::rs256:
      return JWT_ALG_RS256;
    case Algorithm::es256:
      return JWT_ALG_ES256;
  }
  return JWT_ALG_INVAL;
}

// The library is told the algorithm by the token; that it took the key's is asked of it once more.
bool is_signed_by(const Key& key, std::string_view token) {
  jwt_t* decoded = nullptr;
  const std::string text(token);
  const int trouble = jwt_decode(&decoded, text.c_str(), reinterpret_cast<const unsigned char*>(key.bytes.data()),
                                 static_cast<int>(key.bytes.size()));
  const bool is_signed = trouble == 0 && decoded != nullptr && jwt_get_alg(decoded) == in_library(key.algorithm);
  if (decoded != nullptr) jwt_free(decoded);
  return is_signed;
}

// A kid as a log may have it: somebody unknown has sent it.
std::string shown(std::string_view kid) {
  constexpr std::size_t kShownBytesMax = 32;
  std::string out(kid.substr(0, kShownBytesMax));
  for (char& c : out) c = c > ' ' && c <= '~' ? c : '?';
  return out;
}

}  // namespace

std::string JwtJudge::read_head(std::string_view text, Head& head) {
  std::string bytes, canonical;
  if (!parse_base64url(text, bytes) || !parse_object(bytes, canonical))
    return "its head is no JSON object in base64url";
  const Value fields(as_bytes(canonical));
  const Value kid = fields["kid"];
  if (fields["crit"].exists()) return "it demands what this gateway does not know (crit)";
  if (kid.exists() && (kid.kind() != ValueKind::text || kid.text_or({}).size() > KeyRing::kKidBytesMax)) {
    return "its kid is no name of a key";
  }
  head.kid = kid.text_or({});
  for (const Algorithm one : {Algorithm::hs256, Algorithm::rs256, Algorithm::es256}) {
    head.algorithm = one;
    if (fields["alg"].kind() == ValueKind::text && fields["alg"].text_or({}) == name_of(one)) return {};
  }
  return "its alg is none of HS256, RS256 and ES256";
}

const Key* JwtJudge::key_of(const Head& head, std::uint64_t now_ms) {
  const Key* key = head.kid.empty() ? keys_.only(head.algorithm) : keys_.find(head.kid);
  if (key != nullptr || now_ms < reread_at_ms_) return key;
  reread_at_ms_ = now_ms + kRereadMs;
  [[maybe_unused]] const Status read = keys_.read(complaints_);  // Told by the complaints.
  return head.kid.empty() ? keys_.only(head.algorithm) : keys_.find(head.kid);
}

Verdict JwtJudge::judge(std::string_view token, std::uint64_t now_ms, std::uint64_t wall_ms) {
  if (token.size() > kTokenBytesMax) {
    return Verdict::refuse("it is longer than " + std::to_string(kTokenBytesMax) + " bytes");
  }
  Parts parts;
  if (!split(token, parts)) return Verdict::refuse("it is not of the form of a JSON Web Token");
  Head head{};
  std::string wrong = read_head(parts.head, head);
  if (!wrong.empty()) return Verdict::refuse(std::move(wrong));
  std::string payload, signature;
  if (!parse_base64url(parts.payload, payload) || !parse_base64url(parts.signature, signature)) {
    return Verdict::refuse("it is not in base64url");
  }
  const Key* key = key_of(head, now_ms);
  if (key == nullptr) {
    return Verdict::refuse(head.kid.empty() ? std::string("it names no key, and there is not exactly one for ") +
                                                  name_of(head.algorithm)
                                            : "there is no key " + shown(head.kid));
  }
  if (key->algorithm != head.algorithm) {
    return Verdict::refuse("its key " + shown(head.kid) + " is for " + name_of(key->algorithm) + ", and it says " +
                           name_of(head.algorithm));
  }
  // Deeper than the library should go; it is read for good behind the signature.
  std::string canonical;
  if (!parse_object(payload, canonical)) return Verdict::refuse("what it says is no JSON object, or too much of one");
  if (!is_signed_by(*key, token)) return Verdict::refuse("its signature is not of the key");
  Verdict verdict = judge_claims(payload, rules_, wall_ms);
  verdict.way = std::string(kTokenWay) + key->mark;
  return verdict;
}

}  // namespace grid::server
