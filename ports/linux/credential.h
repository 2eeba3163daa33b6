// SPDX-License-Identifier: Apache-2.0
//
// Credential: the token that a node shows to its server, where it comes from, and when a newer one is due.
//
// Place     Within ports/linux, for LinuxHost. Knows no link. Of a token it reads when it ends, where that can be read;
//           whether it holds is the server's question.
// Promises  A token is in no sentence that comes from here.
//           Whoever is asked for a token is asked for a reason: there is none, it ends soon, it was refused, or its
//           file may have changed; and never more often than every kAskAgainMs.
// Threads   None.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crdt/base/status.h"
#include "ports/linux/grid/linux.h"

namespace grid::port {

class Credential {
 public:
  static constexpr std::uint64_t kAskAgainMs = 1'000;
  static constexpr std::uint64_t kRefusedMs = 5'000;  // Between two looks for another token than the refused one.

  //   invalid  The options say more than one source, or the token is none; problem() says which.
  Status open(const LinuxOptions& options);
  bool is_set() const { return !token_.empty() || !file_.empty() || ask_ != nullptr; }
  const std::string& problem() const { return problem_; }

  // Takes a token that was not asked for.
  //   invalid  It is none.
  Status take(std::string_view token);

  // The token for a link that is about to be dialled: after a refusal, another one, if there is one.
  const std::string& for_link(std::uint64_t now_ms, std::uint64_t wall_ms);
  // The server has let nobody in with it, or has ended the session over it.
  void refused(std::uint64_t now_ms);
  // It has let us in.
  void accepted() { is_refused_ = false; }
  bool is_refused() const { return is_refused_; }

  // Looks whether another token is there than the server has seen, when it is time to. True: it is to be shown.
  bool turn(std::uint64_t now_ms, std::uint64_t wall_ms);
  // When turn() is due; kNever: it is not. On the scale of now_ms.
  std::uint64_t wake_at_ms() const { return look_at_ms_; }
  // The newest, which counts as shown from now on.
  const std::string& show();

 private:
  void look(std::uint64_t now_ms, std::uint64_t wall_ms);
  void plan(std::uint64_t now_ms, std::uint64_t wall_ms);
  bool ends_soon(std::uint64_t wall_ms) const { return renew_at_ms_ != 0 && wall_ms != 0 && wall_ms >= renew_at_ms_; }
  Status refuse(std::string problem);

  std::string token_;  // The newest,
  std::string shown_;  // and the last that a server has seen.
  std::string file_;
  TokenSource ask_ = nullptr;
  void* context_ = nullptr;
  std::string problem_;
  std::uint64_t expires_ms_ = 0;   // Of the newest, in wall time; 0: that can't be read.
  std::uint64_t renew_at_ms_ = 0;  // When another one is asked for, in wall time.
  std::uint64_t look_at_ms_ = UINT64_MAX;
  std::uint64_t asked_at_ms_ = 0;
  bool was_asked_ = false;
  bool is_refused_ = false;
};

// When a JSON Web Token says that it ends, in milliseconds since 1970; 0: that it does not say.
std::uint64_t expiry_of(std::string_view token);

}  // namespace grid::port
