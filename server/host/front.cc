// SPDX-License-Identifier: Apache-2.0

#include "server/host/front.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <optional>
#include <vector>

#include "transport/lws/address.h"

namespace grid::server {

using transport::Security;

namespace {

constexpr int kFirstPassed = 3;               // sd_listen_fds(3).
constexpr std::uint64_t kOtherFiles = 1'024;  // Of journals, databases and whoever is about to come in.

template <typename Number>
Number clamp(std::uint64_t value) {
  return static_cast<Number>(std::min<std::uint64_t>(value, std::numeric_limits<Number>::max()));
}

std::uint16_t seconds_of(config::Span span) {
  return clamp<std::uint16_t>(std::max<std::uint64_t>(span.ms / 1'000, 1));
}

transport::Rate rate_of(std::uint64_t per_second, std::uint64_t burst) {
  return {.per_second = clamp<std::uint32_t>(per_second), .burst = clamp<std::uint32_t>(burst)};
}

transport::TlsServer files_of(const config::TlsSettings& tls) {
  using transport::ClientCertificates;
  const ClientCertificates clients = tls.client_certificates == "required"   ? ClientCertificates::required
                                     : tls.client_certificates == "optional" ? ClientCertificates::optional
                                                                             : ClientCertificates::none;
  return {.certificate = tls.certificate, .key = tls.key, .client_ca = tls.client_ca, .client_certificates = clients};
}

std::optional<std::uint64_t> number_in(const char* text) {
  const std::string_view digits = text == nullptr ? "" : text;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

}  // namespace

std::vector<std::string> passed_sockets() {
  const auto to = number_in(std::getenv("LISTEN_PID"));
  const auto count = number_in(std::getenv("LISTEN_FDS"));
  const char* listed = std::getenv("LISTEN_FDNAMES");
  std::string_view names = listed == nullptr ? "" : listed;
  std::vector<std::string> passed;
  if (to == static_cast<std::uint64_t>(::getpid()) && count.has_value()) {
    for (std::uint64_t i = 0; i < std::min<std::uint64_t>(*count, 64); ++i) {
      const std::size_t end = std::min(names.find(':'), names.size());
      passed.emplace_back(names.substr(0, end));
      names.remove_prefix(std::min(end + 1, names.size()));
    }
  }
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  return passed;
}

DoorAddress door_address(std::string_view listen, bool has_certificate) {
  if (listen.starts_with("wss://")) return {listen.substr(6), Security::tls};
  if (listen.starts_with("ws://")) return {listen.substr(5), Security::plain};
  return {listen, has_certificate ? Security::tls : Security::plain};
}

bool is_loopback(std::string_view listen) {
  const Result<transport::HostPort> at = transport::parse_host_port(door_address(listen, false).address);
  return at.ok() && (at->host == "localhost" || at->host == "::1" || at->host.starts_with("127."));
}

transport::LwsOptions link_options(const config::Settings& settings) {
  const config::LimitSettings& limits = settings.limits;
  return {.links_max = clamp<std::uint32_t>(limits.connections),
          .handshake_s = seconds_of(limits.handshake_timeout),
          .stall_s = seconds_of(limits.stall_timeout),
          .links_each_max = clamp<std::uint32_t>(limits.connections_per_address),
          .visitors_max = clamp<std::uint32_t>(limits.half_open),
          .header_bytes_max = clamp<std::uint32_t>(limits.header_max.bytes),
          .body_bytes_max = limits.body_max.bytes,
          .frames = rate_of(limits.frames_per_second, limits.frames_burst),
          .bytes = rate_of(limits.bytes_per_second.bytes, limits.bytes_burst.bytes),
          .failures = rate_of(limits.failures_per_second, limits.failures_burst)};
}

std::uint64_t raise_descriptors(std::uint64_t connections) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return connections;
  const rlim_t wanted = std::min<rlim_t>(connections + kOtherFiles, limit.rlim_max);
  if (limit.rlim_cur < wanted) {
    limit.rlim_cur = wanted;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
  }
  return limit.rlim_cur > kOtherFiles ? std::min<std::uint64_t>(connections, limit.rlim_cur - kOtherFiles) : 1;
}

Status take_certificate(transport::LwsContext& links, const config::Settings& settings, Log& log,
                        std::string& problem) {
  if (settings.tls.certificate.empty()) {
    if (links.certificate().not_after_s == 0) return Status::ok;
    problem = "tls.certificate is gone, and doors of TLS can't do without one until a restart";
    return Status::invalid;
  }
  const Status status = links.secure(files_of(settings.tls));
  if (status != Status::ok) problem = links.problem();
  const std::string& warning = links.certificate().warning;
  if (status == Status::ok && !warning.empty()) log.say(Log::Level::warning, "certificate", {{"problem", warning}});
  return status;
}

Status open_doors(transport::LwsContext& links, const config::Settings& settings,
                  const std::vector<std::string>& passed, transport::LinkListener& listener, std::string& problem) {
  const bool has_certificate = !settings.tls.certificate.empty();
  Status status = Status::ok;
  for (std::size_t i = 0; i < passed.size() && status == Status::ok; ++i) {
    const bool is_secured = has_certificate && passed[i] != "plain";
    status =
        links.listen_on(kFirstPassed + static_cast<int>(i), listener, is_secured ? Security::tls : Security::plain);
  }
  for (std::size_t i = 0; passed.empty() && i < settings.listen.size() && status == Status::ok; ++i) {
    const DoorAddress door = door_address(settings.listen[i], has_certificate);
    status = links.listen(door.address, listener, door.security);
  }
  if (status != Status::ok) problem = links.problem();
  return status;
}

}  // namespace grid::server
