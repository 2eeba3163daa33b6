// SPDX-License-Identifier: Apache-2.0
//
// Session: the replica behind one gridctl command, opened as the context says, and the ways in which verbs wait.
//
// Place     Between the verbs and grid/linux.h.
// Promises  A replica with a store keeps every write, whether a server is there or not, and reads what it has. One
//           without a store keeps nothing: whatever a server has to do for it and does not do is a Failure.
//           Waiting goes on for as long as bytes travel, and ends soon when none do.
// Threads   One.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "cli/verbs.h"
#include "ports/linux/grid/linux.h"
#include "runtime/grid/datalog.h"

namespace grid::cli {

using runtime::ReplicaStatus;

inline constexpr std::uint64_t kPatienceMs = 2'000;
inline constexpr const char* kDefaultServer = "ws://127.0.0.1:7271";

class Session {
 public:
  explicit Session(const Context& context);

  Node& node() { return *node_; }
  LinuxHost& host() { return host_; }
  ReplicaStatus status() { return node_->status(); }
  bool keeps() const { return !options_.store.empty(); }
  bool offline() const { return options_.offline; }
  const std::string& server() const { return options_.server; }
  const std::string& store() const { return options_.store; }

  // Brings what is read up to date: all of `map`, or without a store no more than `scope` of it. With a store an
  // unreachable server is only told on stderr.
  void pull(const Scope& scope);
  // The same of what the answer to a question stands on.
  //   invalid  It is none: problem() says where.
  Status pull(std::string_view map, const DatalogQuestion& question);

  // Makes what was written safe here, then waits for the server: for `write`, or for all that is pending. With a store
  // an unreachable server is only told on stderr. Returns the outcome for all that was waited for.
  Outcome deliver(const Write& write);
  Outcome deliver_all(const std::function<void(const ReplicaStatus&)>& progress);

  enum class Ended : std::uint8_t { done, stalled, failed, interrupted };
  // Waits until `done`; ends early when nothing has travelled for `patience_ms`, when the link can't be had, or on a
  // signal. `progress` is called now and then.
  Ended wait(const std::function<bool(const ReplicaStatus&)>& done, std::uint64_t patience_ms,
             const std::function<void(const ReplicaStatus&)>& progress = nullptr);

  // "cannot reach ws://...", with the reason where there is one.
  std::string unreachable();
  // The same as a Failure: of a server that is not there, or one that does not let us in.
  Failure no_link();
  // Throws a Failure with the host's sentence, unless `status` is ok.
  void require(Status status);

 private:
  void await_all();
  void push_for_a_moment();

  LinuxHost host_;
  LinuxOptions options_;
  Node* node_ = nullptr;
};

// The end of a verb that wrote one row: delivers `write`, and reports its outcome when a format was asked for.
Exit finish_write(Session& session, const Context& context, const std::string& map, const std::string& key,
                  const Write& write);

// Who this is, to a server; empty: nobody. Never from the command line, where everybody on the machine can read it.
std::string token_of(const Context& context);
// The folder of the store that the context names; empty: none.
std::string store_of(const Context& context);

// Whether the link stands, and whether it was tried and is not to be had now.
bool is_up(const ReplicaStatus& status);
bool is_down(const ReplicaStatus& status);

}  // namespace grid::cli
