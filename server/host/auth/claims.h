// SPDX-License-Identifier: Apache-2.0
//
// Claims: what a JWT says, judged and turned into a principal; and claims for those whom something else has proven.
//
// Place     Below jwt_judge.h, device_tokens.h and certificates.h, above crdt/value.h and transport/json.
// Promises  A field twice, a number beyond 64 bits, nesting beyond kValueDepthMax: refused, whichever field it is.
// Limits    A token's text is at most kTokenBytesMax long, and so is what it says.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/value.h"
#include "server/host/auth/verdict.h"

namespace grid::server {

// What is asked of a JWT beside its signature.
struct JwtRules {
  std::string issuer{};  // That `iss` must be; empty: any.
  std::string
      audience{};  // That `aud` must name; empty: a token with an audience is refused (RFC 7519, section 4.1.3).
  std::uint64_t leeway_s = 30;        // By how much the clocks of whoever signs and of this gateway may differ.
  std::string roles_claim = "roles";  // Where roles are, a path with dots: a list of text, or text with blanks between.
  std::vector<std::string> default_roles{};  // That every principal has.

  friend bool operator==(const JwtRules&, const JwtRules&) = default;
};

// `payload` is the JSON of a token whose signature holds. `now_ms` since 1970; 0: unknown.
Verdict judge_claims(std::string_view payload, const JwtRules& rules, std::uint64_t now_ms);

// The principal that `name` is with these roles. `name` is_principal_name().
struct Extra {
  std::string_view name;
  std::string_view text;
};
Proven make_proven(std::string_view name, std::span<const std::string> roles, std::uint64_t expires_s,
                   std::span<const Extra> extras = {});

// Bytes of base64url without padding (RFC 4648, section 5); false unless it is exactly that.
bool parse_base64url(std::string_view text, std::string& bytes);

// The JSON object that `text` is, as a canonical record.
bool parse_object(std::string_view text, std::string& canonical);

}  // namespace grid::server
