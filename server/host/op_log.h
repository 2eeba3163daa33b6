// SPDX-License-Identifier: Apache-2.0
//
// OpLog: writes down, at level debug, what becomes of each op of an app; and measures how long a commit waits for the
// database.
//
// Place     Below app_host.h, above log.h.
// Promises  No value and no token is in a line; names of maps, keys and identities are.
//           BND-1  It remembers kMarksMax commits that the database has not; beyond that some are taken for older than
//                  they are.
// Threads   One: its app's.
#pragma once

#include <deque>
#include <string>

#include "server/host/log.h"
#include "server/host/metrics.h"
#include "server/observer.h"

namespace grid::server {

class OpLog final : public Observer {
 public:
  OpLog(Log& log, std::string app, Timing& queue) : log_(log), app_(std::move(app)), queue_(queue) {}

  bool wants_ops() const override { return log_.wants(Log::Level::debug); }
  void op(const SeenOp& seen) override;
  void acknowledged(runtime::LinkId link, crdt::Seq applied, crdt::Seq durable) override;
  void ended(runtime::LinkId link, Status status, std::string_view reason) override;
  void durable(storage::Seq through) override;
  void drained(storage::Seq through) override;

 private:
  static constexpr std::size_t kMarksMax = 1'024;

  struct Mark {
    storage::Seq through;
    std::uint64_t at_ns;
  };

  Log& log_;
  const std::string app_;
  Timing& queue_;
  std::deque<Mark> marks_;  // Commits that are on disk, and not in the database.
  storage::Seq durable_ = 0;
};

}  // namespace grid::server
