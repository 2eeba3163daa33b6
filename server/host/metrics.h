// SPDX-License-Identifier: Apache-2.0
//
// Metrics: what a gateway counts and measures, as Prometheus reads it (text exposition format 0.0.4).
//
// Place     Below gateway.h, above coordinator.h's figures. Says no name of a device, a user or a key.
// Promises  The table in metrics.cc is all there is: `gridd --list-metrics` prints it, docs/metrics.md has it.
// Threads   Timing: any. The rest: the loop's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "server/coordinator.h"

namespace prometheus {
class Histogram;
}

namespace grid::server {

// How long something took, each time.
class Timing {
 public:
  Timing();
  ~Timing();
  Timing(const Timing&) = delete;
  Timing& operator=(const Timing&) = delete;

  void note(std::uint64_t ns);
  const prometheus::Histogram& histogram() const { return *histogram_; }

 private:
  std::unique_ptr<prometheus::Histogram> histogram_;
};

struct AppTimings {
  Timing step{};   // One event, with all that it led to.
  Timing flush{};  // The journal onto its disk.
  Timing drain{};  // A batch into the database.
  Timing queue{};  // From a commit that is on disk to the database that has it.
};

// Questions about facts by HTTP.
struct FactFigures {
  std::uint64_t questions = 0;    // Ever asked,
  std::uint64_t watches = 0;      // and watched now.
  std::uint64_t indexes = 0;      // Maps whose facts are indexed, or being indexed,
  std::uint64_t index_bytes = 0;  // and the memory of that.
};

// One app, as it stands.
struct AppFigures {
  std::string app;
  CoordinatorStatus status{};
  FactFigures facts{};
  const AppTimings* timings = nullptr;
};

// What lies in a mailbox.
struct MailboxDepth {
  std::uint64_t letters = 0;
  std::uint64_t bytes = 0;
  std::uint64_t oldest_ns = 0;  // How long the next one has waited.
};

// One engine, as it stands: what is on its way to it, and from it to the network.
struct EngineFigures {
  std::uint64_t apps = 0;
  MailboxDepth in{};
  MailboxDepth out{};
  const Timing* in_waits = nullptr;
  const Timing* out_waits = nullptr;
};

// The gateway as a whole.
struct GatewayFigures {
  std::vector<AppFigures> apps{};
  std::vector<EngineFigures> engines{};
  std::size_t apps_opening = 0;
  std::size_t sockets = 0;
  std::uint64_t log_lines_left_out = 0;
  std::int64_t certificate_until_s = 0;  // Since 1970; 0: there is none.
};

std::string metrics_text(const GatewayFigures& figures);

// The reference, as a table in Markdown.
std::string metrics_reference();

}  // namespace grid::server
