// SPDX-License-Identifier: Apache-2.0
//
// DeviceTokens: who was enrolled with a token of this gateway's own, kept in one file of its data directory.
//
// Place     Below authenticator.h; gridctl uses it too, on the data of a gateway that does not run. Knows the file, no
//           link and no clock.
// Promises  A token is 256 random bits. It is handed out once and kept nowhere: the file has its SHA-256, from which
//           nobody finds it (docs/decisions/0026-device-tokens.md). What enroll() and revoke() have returned ok for is
//           on disk, and no crash takes it back. A damaged file is refused whole: half of it could lack a revocation.
// Ownership One process at a time: whoever holds the data directory's lock.
// Threads   None.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/host/auth/verdict.h"

namespace grid::server {

struct Enrolled {
  std::string name{};
  std::vector<std::string> roles{};
  std::uint64_t enrolled_ms = 0;
  std::uint64_t expires_ms = 0;  // 0: never.
  std::uint64_t revoked_ms = 0;  // 0: it is not.
  std::uint64_t seen_ms = 0;     // 0: never, or not since the time is known. At most kSeenMs old on disk.
  std::array<std::uint8_t, 32> hash{};

  bool is_revoked() const { return revoked_ms != 0; }
  bool has_expired(std::uint64_t now_ms) const { return expires_ms != 0 && expires_ms <= now_ms; }
};

class DeviceTokens {
 public:
  static constexpr std::string_view kPrefix = "grid_";
  static constexpr std::size_t kSecretBytes = 32;
  static constexpr std::size_t kEnrolledMax = 100'000;
  static constexpr std::uint64_t kSeenMs = 10 * 60 * 1'000;

  static bool is_device_token(std::string_view token) { return token.starts_with(kPrefix); }
  // Where they lie in a data directory.
  static std::string file_in(const std::string& data) { return data + "/device-tokens.ndjson"; }

  // Reads the file; there need not be one.
  //   corrupt  A line of it is no enrolment; problem() says which.
  //   io       It can't be read.
  Status open(const std::string& file);

  // Enrols `name`, and returns the token of these random bits, to be shown once. With `renews`, whoever has the name
  // has a new token, and the old one holds no more.
  //   invalid   The name or a role breaks a rule, or it expires in the past.
  //   conflict  The name is taken. (Without `renews`, or by one who was revoked.)
  //   full      kEnrolledMax.
  //   io        The file can't be written; nothing has changed.
  Result<std::string> enroll(const Enrolled& one, std::span<const std::uint8_t, kSecretBytes> secret, bool renews);
  // The name stays taken: nobody is to come by it again.
  //   not_found  There is no such name.
  //   io         The file can't be written: the token holds on.
  Status revoke(std::string_view name, std::uint64_t now_ms);
  // ... but for who says so.
  Status forget(std::string_view name);

  // Who has this token. Whether it holds is the caller's question.
  Enrolled* find(std::string_view token);
  const Enrolled* find_name(std::string_view name) const;
  const std::map<std::string, Enrolled, std::less<>>& all() const { return all_; }

  // When it was seen last; save_seen() puts that on disk, when there is anything to.
  void note_seen(Enrolled& one, std::uint64_t now_ms);
  bool has_unsaved() const { return has_unsaved_; }
  Status save();

  const std::string& problem() const { return problem_; }

 private:
  Status read_line(std::string_view line, std::size_t number);
  Status refuse(Status status, std::string problem);
  Status write(const std::string& text);
  void index(const Enrolled& one);

  std::string file_;
  std::string problem_;
  std::map<std::string, Enrolled, std::less<>> all_;
  std::map<std::array<std::uint8_t, 32>, std::string> names_;  // By hash.
  bool has_unsaved_ = false;
};

// One enrolment as a line of JSON, without its end; what people see of it, without its hash.
std::string line_of(const Enrolled& one, bool with_hash);

}  // namespace grid::server
