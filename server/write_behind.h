// SPDX-License-Identifier: Apache-2.0
//
// WriteBehind: the queue into the gateway's database. It is the journal itself, read from where the database stands:
// superseded cells coalesce by themselves, and nothing can overflow.
//
// Place     Below coordinator.h, above journal.h. Knows no database: the host carries frames of rows to a sink.
// Promises  SNK-1  Only what is durable in the journal is drained, in order of arrival.
#pragma once

#include "runtime/action_list.h"
#include "runtime/random.h"
#include "server/coordinator.h"
#include "server/journal.h"

namespace grid::server {

class WriteBehind {
 public:
  WriteBehind(const CoordinatorOptions& options, Journal& journal, runtime::Random& random, runtime::Problem& problem)
      : options_(options), journal_(journal), random_(random), problem_(problem), drained_(options.drained_through) {}

  // Asks for the sink when a batch is full or old enough.
  void advance(std::uint64_t now_ms, runtime::ActionList& actions);
  // Fills `room` with rows, as an Ops frame in which `seq` is the arrival. Returns how far they go; 0: there is nothing
  // to drain.
  storage::Seq collect(MutBytes room, runtime::ActionList& actions);
  // What became of a batch. `conflict`: nothing, since the database stands elsewhere, at event.seq of this journal.
  void drained(const runtime::Event& event);

  std::uint64_t wake_at_ms() const;
  storage::Seq drained_through() const { return drained_; }
  SinkFigures figures(std::uint64_t now_ms) const;
  // The gateway stops: what is left goes now.
  void hurry() { hurried_ = true; }

 private:
  static constexpr std::uint32_t kRetryMsMin = 100;
  static constexpr std::uint32_t kRetryMsMax = 10'000;
  static constexpr std::size_t kProblemBytesMax = 240;

  void note(const runtime::Event& event);

  bool has_rows() const {
    return options_.has_sink && drained_ < journal_.durable_head() && journal_.durable_head() != blocked_at_;
  }

  const CoordinatorOptions& options_;
  Journal& journal_;
  runtime::Random& random_;
  runtime::Problem& problem_;
  storage::Seq drained_;
  storage::Seq blocked_at_ = 0;  // The durable head behind which nothing more could be drained: a commit changes that.
  bool asked_ = false;           // The sink was asked for, or is at work.
  bool hurried_ = false;
  std::uint64_t oldest_at_ms_ = runtime::kNever;  // When the first row that waits was seen.
  std::uint64_t retry_at_ms_ = 0;
  std::uint32_t retry_ms_ = 0;
  Status status_ = Status::ok;
  std::uint64_t since_wall_ms_ = 0;
  std::string last_problem_;
  std::uint64_t dead_letters_ = 0;
};

}  // namespace grid::server
