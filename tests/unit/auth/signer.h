// SPDX-License-Identifier: Apache-2.0
//
// Signer: makes keys and JSON Web Tokens, good and bad, for tests.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace grid::test {

std::string base64url(std::string_view bytes);

class Signer {
 public:
  static Signer secret(std::string_view text);
  static Signer rsa(unsigned bits = 2'048);
  static Signer p256();
  static Signer p384();
  Signer(Signer&& other) noexcept;
  Signer& operator=(Signer&&) = delete;
  ~Signer();

  // HEAD.PAYLOAD.SIGNATURE of these JSON texts.
  std::string token(std::string_view head, std::string_view payload) const;
  std::string signature_of(std::string_view text) const;
  // What a gateway's file of this key holds: PEM of the public key, or the secret.
  std::string file() const;
  std::string private_file() const;

 private:
  struct Body;
  explicit Signer(Body* body) : body_(body) {}
  Body* body_;
};

// A folder that goes away; a member of a test's fixture.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path(std::string_view name = {}) const { return (at_ / name).string(); }
  void write(std::string_view name, std::string_view content, unsigned mode = 0600) const;
  void remove(std::string_view name) const { std::filesystem::remove(at_ / name); }

 private:
  std::filesystem::path at_;
};

}  // namespace grid::test
