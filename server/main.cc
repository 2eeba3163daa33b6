// SPDX-License-Identifier: Apache-2.0
//
// gridd: the gateway. Flags, signals, and the loop; the rest is host/gateway.h.

#include <uv.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "ports/port.h"
#include "server/host/gateway.h"
#include "server/host/policy_file.h"
#include "server/host/search_config.h"
#include "transport/lws/address.h"

namespace {

using grid::Status;
using grid::server::Gateway;
using grid::server::GatewayOptions;

constexpr int kFailure = 1;
constexpr int kUsage = 2;
// What a stopping gateway gives its databases to catch up; the journal keeps what they did not take.
constexpr std::uint64_t kDrainMs = 5'000;

bool is_loopback(const std::string& listen) {
  const grid::Result<grid::transport::HostPort> at = grid::transport::parse_host_port(listen);
  return at.ok() && (at->host == "localhost" || at->host == "::1" || at->host.starts_with("127."));
}

// `name` takes a time as 30d, 12h, 90m, 10s or 500ms.
void add_span(CLI::App& app, const char* name, std::uint64_t& ms, const char* what) {
  const std::map<std::string, std::uint64_t> units = {
      {"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", grid::server::kDayMs}};
  app.add_option(name, ms, what)
      ->transform(CLI::AsNumberWithUnit(units, CLI::AsNumberWithUnit::UNIT_REQUIRED, "TIME"))
      ->default_str(std::to_string(ms / grid::server::kDayMs) + "d");
}

void add_search(CLI::App& app, grid::storage::SearchConfig& search) {
  const auto add = [&search](const std::string& text) {
    std::string problem;
    if (!grid::server::add_searched(text, search, problem)) throw CLI::ValidationError("--search: " + problem);
  };
  app.add_option_function<std::vector<std::string>>(
         "--search",
         [add](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) add(text);
         },
         "Full-text search over these fields of a map; may be repeated")
      ->type_name("MAP:FIELD,FIELD")
      ->allow_extra_args(false);
}

class Signals {
 public:
  explicit Signals(uv_loop_t* loop) {
    watch(loop, interrupt_, SIGINT);
    watch(loop, terminate_, SIGTERM);
  }
  bool came() const { return count_ > 0; }

 private:
  void watch(uv_loop_t* loop, uv_signal_t& handle, int signal) {
    uv_signal_init(loop, &handle);
    handle.data = this;
    uv_signal_start(
        &handle,
        [](uv_signal_t* at, int) {
          // Whoever asks twice does not want to wait; the journal is as safe as in a power cut.
          if (++static_cast<Signals*>(at->data)->count_ > 1) std::_Exit(kFailure);
        },
        signal);
    uv_unref(reinterpret_cast<uv_handle_t*>(&handle));
  }

  uv_signal_t interrupt_{};
  uv_signal_t terminate_{};
  int count_ = 0;
};

int run(const GatewayOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  uv_loop_t* loop = uv_default_loop();
  const Signals signals(loop);
  Gateway gateway(loop);
  const Status opened = gateway.open(options);
  if (opened != Status::ok) {
    std::fprintf(stderr, "gridd: %s\n", gateway.problem().c_str());
    return kFailure;
  }
  std::printf("ws://%s\n", gateway.bound().c_str());
  std::fflush(stdout);
  std::fprintf(stderr, "gridd: development mode: no authentication, loopback only; data in %s\n", options.data.c_str());
  while (!signals.came() && !gateway.has_failed()) uv_run(loop, UV_RUN_ONCE);
  if (gateway.has_failed()) {
    std::fprintf(stderr, "gridd: ends, because a disk has failed: %s; all that was acknowledged durable is kept\n",
                 gateway.failure().c_str());
  }
  gateway.stop_listening();
  uv_timer_t deadline;
  uv_timer_init(loop, &deadline);
  uv_timer_start(
      &deadline, [](uv_timer_t*) {}, kDrainMs, 0);
  while (!gateway.is_drained() && uv_is_active(reinterpret_cast<uv_handle_t*>(&deadline))) uv_run(loop, UV_RUN_ONCE);
  uv_timer_stop(&deadline);
  const Status stopped = gateway.stop();
  if (gateway.has_failed()) return kFailure;
  if (stopped != Status::ok) std::fprintf(stderr, "gridd: the last commit failed: %s\n", grid::name_of(stopped));
  return stopped == Status::ok ? 0 : kFailure;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("gridd: the gateway of Grid");
  GatewayOptions options;
  bool dev = false;
  bool check_only = false;
  std::string policy;
  app.set_version_flag("--version", std::string("gridd ") + GRID_VERSION);
  app.add_flag("--dev", dev, "Development: listens on loopback only, without authentication");
  app.add_option("--listen", options.listen, "ADDRESS:PORT; port 0 takes a free one")->capture_default_str();
  app.add_option("--data", options.data, "Directory for journals and databases")->capture_default_str();
  app.add_option("--policy", policy, "FILE of the rules and indexes of maps (docs/policies.md)");
  add_span(app, "--retention", options.apps.keeping.retention_ms,
           "How long a deletion is kept for devices that have not acknowledged it");
  add_span(app, "--enroll-lapse", options.apps.keeping.enroll_lapse_ms,
           "After so long a silence a device is not waited for any more");
  add_span(app, "--backup-horizon", options.apps.keeping.backup_horizon_ms,
           "How long backups are kept: no deletion goes before those that lack it");
  add_search(app, options.apps.search);
  app.add_flag("--check-config", check_only, "Say whether this configuration can be run, and end");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  if (!dev) {
    std::fprintf(stderr, "gridd: only --dev is available in this release: it cannot authenticate devices yet\n");
    return kUsage;
  }
  if (!is_loopback(options.listen)) {
    std::fprintf(stderr, "gridd: --dev listens on loopback only, and %s is not: use 127.0.0.1:PORT\n",
                 options.listen.c_str());
    return kUsage;
  }
  grid::server::MapPolicies policies;
  std::string problem;
  if (!policy.empty() && grid::server::read_policy_file(policy, policies, problem) != Status::ok) {
    std::fprintf(stderr, "gridd: %s\n", problem.c_str());
    return kUsage;
  }
  if (!policies.rules.is_empty()) options.apps.policy = &policies.rules;
  options.apps.indexes = policies.indexes;
  return check_only ? 0 : run(options);
}
