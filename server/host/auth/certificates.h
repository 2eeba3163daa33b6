// SPDX-License-Identifier: Apache-2.0
//
// Certificates: which principal the subject of a client certificate is, by rules from the configuration.
//
// Place     Below authenticator.h. Knows subjects as text: that a certificate holds, the TLS handshake has proven.
// Promises  The first rule that fits decides, and a subject that none fits is nobody. What `*` stands for has none of
//           the characters , + = \ and so never more than one value of a subject.
// Threads   None.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/host/auth/verdict.h"

namespace grid::server {

class Certificates {
 public:
  static constexpr std::size_t kRulesMax = 256;

  // A rule is `SUBJECT -> NAME` or `SUBJECT -> NAME : ROLE, ROLE`. SUBJECT may have one `*`, for one value or a part of
  // it; in NAME `*` stands for the same: `CN=*,O=Farm -> gateway-* : reader`.
  //   invalid  It is not, or one more than kRulesMax; `problem` says so.
  Status add(std::string_view rule, std::string& problem);
  bool is_on() const { return !rules_.empty(); }

  Verdict judge(std::string_view subject, const std::vector<std::string>& default_roles) const;

 private:
  struct Rule {
    std::string subject, name;
    std::vector<std::string> roles;
  };

  std::vector<Rule> rules_;
};

}  // namespace grid::server
