// SPDX-License-Identifier: Apache-2.0
//
// gridd: the gateway. What it is asked to do, signals, and the loop; the rest is host/gateway.h.

#include <uv.h>

#include <csignal>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/host/app_config.h"
#include "server/host/arguments.h"
#include "server/host/auth_config.h"
#include "server/host/front.h"
#include "server/host/gateway.h"
#include "server/host/log.h"
#include "server/host/metrics.h"
#include "server/host/notify.h"
#include "transport/lws/uv_handle.h"

namespace {

using grid::Result;
using grid::Status;
using grid::server::Arguments;
using grid::server::Gateway;
using grid::server::Log;
using grid::server::Notify;
using grid::server::config::Config;
using Level = Log::Level;

constexpr int kFailure = 1;
constexpr int kUsage = 2;

// What has come since it was last asked for.
class Signals {
 public:
  explicit Signals(uv_loop_t* loop) {
    watch(loop, interrupt_, SIGINT);
    watch(loop, terminate_, SIGTERM);
    watch(loop, hangup_, SIGHUP);
    watch(loop, user2_, SIGUSR2);
  }
  bool wants_end() const { return ends_ > 0; }
  // Until then nobody has been promised anything: whoever asks for the end has it at once.
  void note_started() { is_starting_ = false; }
  bool take_reload() { return std::exchange(reload_, false); }
  bool take_drain() { return std::exchange(drain_, false); }

 private:
  void watch(uv_loop_t* loop, uv_signal_t& handle, int signal) {
    uv_signal_init(loop, &handle);
    handle.data = this;
    uv_signal_start(
        &handle, [](uv_signal_t* at, int came) { static_cast<Signals*>(at->data)->note(came); }, signal);
    uv_unref(reinterpret_cast<uv_handle_t*>(&handle));
  }

  void note(int signal) {
    reload_ = reload_ || signal == SIGHUP;
    drain_ = drain_ || signal == SIGUSR2;
    if (signal != SIGINT && signal != SIGTERM) return;
    // Whoever asks twice does not want to wait; the journal is as safe as in a power cut.
    if (++ends_ > 1) std::_Exit(kFailure);
    if (is_starting_) std::_Exit(0);
  }

  uv_signal_t interrupt_{};
  uv_signal_t terminate_{};
  uv_signal_t hangup_{};
  uv_signal_t user2_{};
  int ends_ = 0;
  bool is_starting_ = true;
  bool reload_ = false;
  bool drain_ = false;
};

// ---- configuration

Status check_auth(const Arguments& arguments, const Config& config, std::string& problem) {
  const grid::server::AuthOptions options = grid::server::auth_options(config.gateway().auth);
  if (!options.is_on() && !arguments.dev) {
    problem =
        "there is no way for devices to say who they are: set auth.device_tokens, auth.jwt.keys or "
        "auth.certificate.subjects (docs/auth.md); or use --dev, for a gateway of this machine alone";
    return Status::invalid;
  }
  grid::server::Authenticator probe;
  const Status status = probe.open(options, config.gateway().data);
  if (status != Status::ok) problem = probe.problem();
  return status;
}

Status read_config(const Arguments& arguments, Config& config, std::string& problem) {
  const Status status = Config::read(arguments.sources, config, problem);
  if (status != Status::ok) return status;
  for (const std::string& listen : config.gateway().listen) {
    if (!arguments.dev || grid::server::is_loopback(listen)) continue;
    problem = "--dev listens on loopback only, and " + listen + " is not: use 127.0.0.1:PORT";
    return Status::invalid;
  }
  return grid::server::check_apps(config, problem);
}

int show(const Config& config) {
  for (const auto& one : config.shown()) {
    std::printf("%s = %s  # %s\n", one.key.c_str(), one.value.c_str(), one.origin.c_str());
  }
  return 0;
}

template <typename Section>
void list(std::span<const grid::server::config::Key<Section>> keys, const char* path) {
  const Section built_in;
  for (const auto& key : keys) {
    std::printf("| `%s%.*s` | %s | `%s` | %s | %.*s |\n", path, static_cast<int>(key.name.size()), key.name.data(),
                type_of(key).c_str(), written(key, built_in).c_str(),
                key.takes == grid::server::config::Takes::on_reload ? "reload" : "restart",
                static_cast<int>(key.says.size()), key.says.data());
  }
}

int list_settings() {
  std::printf("| key | is | built in | taken at | says |\n|---|---|---|---|---|\n");
  list(grid::server::config::gateway_keys(), "");
  list(grid::server::config::app_keys(), "apps.");
  return 0;
}

// ---- running

// The count makes each a line of its own, which the log does not leave out.
void reload(const Arguments& arguments, Gateway& gateway, std::uint64_t count) {
  constexpr std::string_view kRefused = "configuration not reloaded: all stays as it was";
  Log& log = gateway.log();
  Config config;
  std::string problem;
  if (read_config(arguments, config, problem) != Status::ok) {
    return log.say(Level::error, kRefused, {{"reload", count}, {"problem", problem}});
  }
  const Result<std::vector<std::string>> waiting = gateway.reload(std::move(config));
  if (!waiting.ok()) {
    return log.say(Level::error, kRefused, {{"reload", count}, {"problem", gateway.problem()}});
  }
  log.say(Level::info, "configuration reloaded", {{"reload", count}});
  for (const std::string& sentence : *waiting) log.say(Level::warning, "needs a restart", {{"what", sentence}});
}

void announce(Gateway& gateway, Notify& notify) {
  std::string status = "listens at";
  for (const std::string& url : gateway.bound_urls()) status.append(" ").append(url);
  if (notify.ready(status) == Status::ok) return;
  gateway.log().say(Level::warning, "the service manager can't be told that the gateway is ready");
}

// Until it is told to end, has failed, or has drained.
void serve(uv_loop_t* loop, const Arguments& arguments, Gateway& gateway, Signals& signals, Notify& notify) {
  std::uint64_t reloads = 0;
  announce(gateway, notify);
  while (!signals.wants_end() && !gateway.has_failed() && !gateway.has_ended()) {
    uv_run(loop, UV_RUN_ONCE);
    if (notify.is_due(uv_now(loop)) && gateway.have_turned()) notify.turned(uv_now(loop));
    if (signals.take_reload()) {
      notify.reloading();
      reload(arguments, gateway, ++reloads);
      announce(gateway, notify);
    }
    if (signals.take_drain()) {
      notify.status("drains");
      gateway.drain();
    }
  }
}

// What the databases take in time; the journals keep the rest.
void drain_databases(uv_loop_t* loop, const Gateway& gateway, std::uint64_t timeout_ms) {
  const grid::transport::UvHandle<uv_timer_t> deadline;
  uv_timer_init(loop, deadline.get());
  uv_timer_start(
      deadline.get(), [](uv_timer_t*) {}, timeout_ms, 0);
  while (!gateway.is_drained() && uv_is_active(deadline.any())) uv_run(loop, UV_RUN_ONCE);
}

// What is being opened has promised nobody anything; a database that does not answer may keep it for long.
int leave(const Gateway& gateway, int code) {
  if (gateway.is_opening()) std::_Exit(code);
  return code;
}

int run(const Arguments& arguments, Config config) {
  std::signal(SIGPIPE, SIG_IGN);
  uv_loop_t* loop = uv_default_loop();
  Signals signals(loop);
  Notify notify(loop);
  notify.status("opens what it holds");
  Gateway gateway(loop);
  const std::string data = config.gateway().data;
  if (gateway.open(std::move(config)) != Status::ok) {
    std::fprintf(stderr, "gridd: %s\n", gateway.problem().c_str());
    return leave(gateway, kFailure);
  }
  signals.note_started();
  for (const std::string& url : gateway.bound_urls()) {
    if (arguments.dev && !grid::server::is_loopback(url)) {
      std::fprintf(stderr, "gridd: --dev listens on loopback only, and %s, which was passed to it, is not\n",
                   url.c_str());
      return leave(gateway, kUsage);
    }
    std::printf("%s\n", url.c_str());
  }
  std::fflush(stdout);
  if (!gateway.config().gateway().encryption.key_file.empty()) {
    gateway.log().say(Level::info, "the journals are encrypted, the databases (cells.sqlite) are not");
  }
  if (!gateway.is_locked()) {
    gateway.log().say(Level::warning, "development mode: no authentication, loopback only", {{"data", data}});
  }
  serve(loop, arguments, gateway, signals, notify);
  if (gateway.has_failed()) {
    std::fprintf(stderr, "gridd: ends: %s; all that was acknowledged durable is kept\n", gateway.failure().c_str());
  }
  notify.stopping("the databases take what they have not yet");
  gateway.stop_listening();
  drain_databases(loop, gateway, gateway.config().gateway().stop_timeout.ms);
  const Status stopped = gateway.stop();
  if (gateway.has_failed()) return leave(gateway, kFailure);
  if (stopped != Status::ok) std::fprintf(stderr, "gridd: the last commit failed: %s\n", grid::name_of(stopped));
  return leave(gateway, stopped == Status::ok ? 0 : kFailure);
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (const std::optional<int> ended = grid::server::read_arguments(argc, argv, arguments)) return *ended;
  if (arguments.task == Arguments::Task::list_settings) return list_settings();
  if (arguments.task == Arguments::Task::list_metrics)
    return std::printf("%s", grid::server::metrics_reference().c_str()), 0;
  Config config;
  std::string problem;
  if (read_config(arguments, config, problem) != Status::ok) {
    std::fprintf(stderr, "gridd: %s\n", problem.c_str());
    return kUsage;
  }
  if (arguments.task == Arguments::Task::show) return show(config);
  if (check_auth(arguments, config, problem) != Status::ok) {
    std::fprintf(stderr, "gridd: %s\n", problem.c_str());
    return kUsage;
  }
  return arguments.task == Arguments::Task::check ? 0 : run(arguments, std::move(config));
}
