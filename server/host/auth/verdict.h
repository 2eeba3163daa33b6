// SPDX-License-Identifier: Apache-2.0
//
// Verdict: who stands at the other end of a link, as something has proven it: a token or a certificate.
//
// Place     Lowest of server/host/auth.
// Promises  Nothing in it was taken from a token or a certificate that did not hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/base/status.h"

namespace grid::server {

inline constexpr std::size_t kPrincipalNameBytesMax = 128;
inline constexpr std::size_t kRoleBytesMax = 64;
inline constexpr std::size_t kRolesMax = 32;
// Of a token's text, whatever its kind: what a request's head has room for, beside the other headers.
inline constexpr std::size_t kTokenBytesMax = 3'072;
inline constexpr std::uint64_t kForeverS = 0;

struct Proven {
  std::string name{};
  // A canonical grid.Value record: `sub` is the name, `roles` a list of text, `exp` the second since 1970 at which the
  // session ends, if it does; and whatever else was proven.
  std::string claims{};
  std::uint64_t expires_s = kForeverS;
};

inline constexpr std::string_view kDeviceWay = "device";
inline constexpr std::string_view kCertificateWay = "certificate";
inline constexpr std::string_view kTokenWay = "token:";

// What became of a proof.
struct Verdict {
  //   denied  It does not hold.
  //   busy    It can't be judged now: this machine does not know the time.
  Status status = Status::denied;
  std::string reason{};  // For the gateway's own log: more than the peer may know, and nothing of the token itself.
  Proven proven{};
  std::string way{};  // By what it was proven: kDeviceWay, kCertificateWay, or kTokenWay with the key's mark behind it.

  bool ok() const { return status == Status::ok; }
  static Verdict refuse(std::string why) { return {.status = Status::denied, .reason = std::move(why)}; }
  static Verdict unknown_time() {
    return {.status = Status::busy, .reason = "this gateway does not know the time yet"};
  }
};

// Of 1 to kPrincipalNameBytesMax bytes of UTF-8 without control characters, and without a blank at either end.
bool is_principal_name(std::string_view name);
// Of 1 to kRoleBytesMax of the characters A-Z a-z 0-9 _ . : -
bool is_role(std::string_view role);

}  // namespace grid::server
