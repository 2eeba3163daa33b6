// SPDX-License-Identifier: Apache-2.0
//
// Authenticator: who somebody is, by the token or the certificate that they show. What they may do is not asked here.
//
// Place     Top of server/host/auth; gateway.h asks it at the door, and in session.
// Promises  SEC-2  An identity comes from what was proven and from nothing else. One name has one way to be proven: who
//                  is enrolled here with a device's token is nobody's `sub`, and no certificate's name.
//           No token and no part of one is in a reason, in a log or in an answer.
//           A gateway that does not know the time takes no token that ends. One whose clock is lost while it runs goes
//           on counting from where it stood.
// Threads   One.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/host/auth/certificates.h"
#include "server/host/auth/device_tokens.h"
#include "server/host/auth/jwt_judge.h"

namespace grid::server {

struct AuthOptions {
  bool device_tokens = false;
  std::vector<std::string> default_roles{};  // That every principal has.
  JwtOptions jwt{};
  std::vector<std::string> certificates{};  // Rules, as Certificates::add() takes them.
  bool is_on() const { return device_tokens || jwt.is_on() || !certificates.empty(); }
};

// What a peer shows.
struct Credentials {
  std::string_view token{};    // Empty: none.
  std::string_view subject{};  // Of a certificate that was verified; empty: none.
};

class Authenticator {
 public:
  // Reads keys and enrolments, which lie in the data directory.
  //   invalid, io, corrupt  Something in them can't be used; problem() says what.
  Status open(const AuthOptions& options, const std::string& data);
  bool is_on() const { return options_.is_on(); }

  // What other options, and keys that are read anew, come to. A key that is none is left out, and complained of.
  struct Plan {
    AuthOptions options{};
    std::optional<JwtJudge> jwt{};
    Certificates certificates{};
    std::vector<std::string> complaints{};
  };
  //   invalid, io  The options make no sense, or no key is left; problem() says what. Nothing has changed.
  Status prepare(const AuthOptions& options, Plan& plan);
  // Ways of coming in by which somebody was let in before, and might not be any more, or not with the same roles.
  struct Withdrawn {
    bool all = false, devices = false, certificates = false, tokens = false;
    // Marks of the keys that serve now: a token of any other key is withdrawn, whenever that key has left.
    std::vector<std::string> serving{};
    bool has(std::string_view way) const;
  };
  // Goes by it.
  Withdrawn adopt(Plan&& plan);

  // A token goes before a certificate: who shows both is whom the token names.
  // `now_ms` is monotonic, `wall_ms` since 1970; 0: this machine does not know.
  Verdict judge(const Credentials& shown, std::uint64_t now_ms, std::uint64_t wall_ms);
  DeviceTokens& device_tokens() { return tokens_; }

  // Sentences for the log that came up since the last time.
  std::vector<std::string> take_complaints();
  const std::string& problem() const { return problem_; }

 private:
  Verdict judge_device(std::string_view token, std::uint64_t wall_ms);
  Verdict judge_unreserved(Verdict verdict) const;
  std::uint64_t known_ms(std::uint64_t now_ms, std::uint64_t wall_ms);
  Status refuse(Status status, const std::string& problem);

  AuthOptions options_;
  std::optional<JwtJudge> jwt_;
  Certificates certificates_;
  DeviceTokens tokens_;
  std::vector<std::string> complaints_;
  std::string problem_;
  std::uint64_t known_wall_ms_ = 0, known_at_ms_ = 0;
};

}  // namespace grid::server
