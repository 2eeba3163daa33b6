// SPDX-License-Identifier: Apache-2.0
//
// What pub, sub and room have in common: they need the server now, and say at once what becomes of them.
//
// Place     Between these verbs and session.h.
// Promises  Nothing is kept, store or not: a server that can't be reached is a Failure, and so is what it refuses.
#pragma once

#include <cstdint>
#include <string>

#include "cli/session.h"

namespace grid::cli {

// The context of such a verb: one that keeps no store open, unless it was named. Throws a usage Failure where the net
// is forbidden.
Context on_net(const Context& context);

// Waits until the server has done all that was said and asked.
void finish_channels(Session& session);

// A listener's state. Its callback must not throw, so it notes what it can't say.
struct Told {
  std::uint64_t count = 0;
  std::uint64_t count_max = 0;
  Status refused = Status::ok;
  bool is_broken = false;  // stdout is gone.

  bool is_over() const { return is_broken || refused != Status::ok || (count_max != 0 && count >= count_max); }
  void print(const std::string& line);
};

// Goes on until `told` is over, the time is up (0: never) or a signal comes.
Exit listen(Session& session, const Told& told, std::uint64_t for_ms);

}  // namespace grid::cli
