// SPDX-License-Identifier: Apache-2.0
#include "cli/channel.h"

#include <cstdio>

#include "cli/print.h"

namespace grid::cli {
namespace {

Exit exit_of(Status status) {
  return status == Status::denied      ? Exit::denied
         : status == Status::not_found ? Exit::not_found
         : status == Status::too_large ? Exit::usage
                                       : Exit::failure;
}

}  // namespace

Context on_net(const Context& context) {
  if (context.offline)
    throw Failure(Exit::usage, "topics and rooms are kept nowhere, so there is nothing to do --offline");
  Context with_target = context;
  if (context.store.empty() && context.target.empty()) with_target.target = kDefaultServer;
  return with_target;
}

void finish_channels(Session& session) {
  const std::uint32_t number = session.node().flush_channels();
  const Session::Ended ended =
      session.wait([number](const ReplicaStatus& now) { return now.channels_flushed >= number; }, kPatienceMs);
  if (ended == Session::Ended::interrupted) throw Failure(Exit::failure, "interrupted");
  if (ended != Session::Ended::done) throw session.no_link();
  const ReplicaStatus now = session.status();
  if (now.channels_refused != 0) throw Failure(exit_of(now.channels_refusal), session.host().problem());
}

void Told::print(const std::string& line) {
  if (is_over()) return;
  is_broken = std::fwrite(line.data(), 1, line.size(), stdout) != line.size() || std::fflush(stdout) != 0;
}

Exit listen(Session& session, const Told& told, std::uint64_t for_ms) {
  constexpr std::uint64_t kForEverMs = std::uint64_t{1} << 52;
  session.host().wait_until([&](const ReplicaStatus&) { return told.is_over(); }, for_ms == 0 ? kForEverMs : for_ms);
  if (told.is_broken) throw Failure(Exit::failure, "cannot write to stdout");
  if (told.refused != Status::ok) throw Failure(exit_of(told.refused), session.host().problem());
  if (session.status().state == SyncState::error) throw session.no_link();
  return Exit::ok;
}

}  // namespace grid::cli
