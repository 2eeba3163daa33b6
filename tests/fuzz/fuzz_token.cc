// SPDX-License-Identifier: Apache-2.0
//
// Tokens as strangers send them. Nothing is taken that was not signed; what is said about it is fit for a log.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "crdt/base/check.h"
#include "crdt/value.h"
#include "server/host/auth/claims.h"
#include "server/host/auth/jwt_judge.h"
#include "tests/fuzz/target.h"

namespace {

using namespace grid;
using namespace grid::server;

constexpr std::uint64_t kWallMs = 1'900'000'000'000;

// A folder with one secret, which goes when the program does.
class Keys {
 public:
  Keys() : folder_((std::filesystem::temp_directory_path() / "grid-fuzz-XXXXXX").string()) {
    GRID_CHECK(mkdtemp(folder_.data()) != nullptr);
    std::ofstream(folder_ + "/k.hs256") << "a secret of more than thirty-two bytes";
    std::filesystem::permissions(folder_ + "/k.hs256", std::filesystem::perms::owner_read);
  }
  ~Keys() { std::filesystem::remove_all(folder_); }
  const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
};

bool is_fit(const std::string& reason) {
  for (const char c : reason) {
    if (static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) > '~') return false;
  }
  return !reason.empty() && reason.size() < 512;
}

void judge_token(std::string_view token) {
  static const Keys kKeys;
  static JwtJudge judge = [] {
    JwtJudge made({.keys = kKeys.folder()});
    std::vector<std::string> complaints;
    GRID_CHECK(made.reload(complaints) == Status::ok);
    return made;
  }();
  const Verdict verdict = judge.judge(token, 0, kWallMs);
  if (!verdict.ok()) {
    GRID_CHECK(is_fit(verdict.reason) && verdict.proven.name.empty());
    return;
  }
  // Of the corpus; nobody guesses a signature.
  GRID_CHECK(crdt::check_value(as_bytes(verdict.proven.claims)) == Status::ok);
}

// The claims that somebody with a key may sign.
void judge_payload(std::string_view payload) {
  const Verdict verdict = judge_claims(payload, {.audience = "grid"}, kWallMs);
  if (!verdict.ok()) {
    GRID_CHECK(is_fit(verdict.reason) && verdict.proven.claims.empty());
    return;
  }
  GRID_CHECK(is_principal_name(verdict.proven.name) && verdict.proven.expires_s > kWallMs / 1'000);
  const Bytes claims = as_bytes(verdict.proven.claims);
  GRID_CHECK(crdt::check_value(claims) == Status::ok);
  GRID_CHECK(crdt::Value(claims)["sub"].text_or({}) == verdict.proven.name);
  GRID_CHECK(crdt::Value(claims)["roles"].kind() == crdt::ValueKind::list);
}

}  // namespace

// The first byte says what the others are.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text = as_text({data + 1, size - 1});
  data[0] % 2 == 0 ? judge_token(text) : judge_payload(text);
  return 0;
}
