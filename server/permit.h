// SPDX-License-Identifier: Apache-2.0
//
// Permit: who is at the other end of one link, until when, and what they may do there.
//
// Place     Above access.h, below session.h. Without an Access everybody may do everything: a gateway for development.
// Promises  SEC-1  Until take() has let somebody in, and after expires_ms(), nothing is allowed; doorman.h sees to
// that. Ownership Holds rights for as long as it lives. What rows() gives stands until take() or renew() say `changed`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/machine.h"
#include "runtime/scope.h"
#include "server/access.h"
#include "transport/wire_channel.h"

namespace grid::server {

class Permit {
 public:
  static constexpr std::size_t kIdentityBytesMax = 256;
  static constexpr std::size_t kClaimsBytesMax = 8'192;

  // What became of the rights.
  enum class Standing : std::uint8_t { same, changed, gone };

  explicit Permit(Access* access) : access_(access) {}
  ~Permit() { let_go(); }
  Permit(const Permit&) = delete;
  Permit& operator=(const Permit&) = delete;

  // The host has proven this. With an Access it is `changed` the first time; `gone`: not to be let in.
  Standing take(std::string_view identity, Bytes claims);
  // The same claims under rules that may be others.
  Standing renew();

  bool is_open() const { return access_ == nullptr; }
  std::string_view identity() const { return identity_; }
  // In wall time; kNever when its claims say nothing of it.
  std::uint64_t expires_ms() const { return expires_ms_; }

  bool is_proving = false;  // A newer token is with the host.

  RowSet rows(Right right, std::string_view map) const;
  Sight sight(std::string_view map) const;
  // Of what a subscription of that scope may tell: for all that it has.
  RowSet readable(const runtime::Scope& scope) const;
  bool may(Right right) const { return is_open() || (rights_ != nullptr && rights_->may(right)); }
  bool may(wire::ChannelVerb verb, std::string_view name) const;

 private:
  bool may(Right right, std::string_view channel) const { return rights_ != nullptr && rights_->may(right, channel); }
  void let_go();

  Access* access_;
  const Rights* rights_ = nullptr;
  std::string identity_;
  std::vector<std::uint8_t> claims_;
  std::uint64_t expires_ms_ = runtime::kNever;
};

}  // namespace grid::server
