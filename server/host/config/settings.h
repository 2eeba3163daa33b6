// SPDX-License-Identifier: Apache-2.0
//
// What of a gateway can be set, and what it is when nobody sets it.
//
// Place     Below config.h. Plain values; keys.h names each of them and says what it is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/host/config/units.h"

namespace grid::server::config {

struct LogSettings {
  std::string level = "info";
  std::string format = "auto";
  Span repeat{10'000};
};

struct TlsSettings {
  std::string certificate;
  std::string key;
  std::string client_ca;
  std::string client_certificates = "none";
};

struct LimitSettings {
  std::uint64_t connections = 16'384;
  std::uint64_t connections_per_address = 4'096;
  std::uint64_t half_open = 256;
  Span handshake_timeout{10'000};
  Span stall_timeout{30'000};
  Size header_max{8ull << 10};
  Size body_max{256ull << 20};
  std::uint64_t frames_per_second = 0;
  std::uint64_t frames_burst = 1'000;
  Size bytes_per_second{0};
  Size bytes_burst{4ull << 20};
  std::uint64_t failures_per_second = 1;
  std::uint64_t failures_burst = 10;
};

struct EncryptionSettings {
  std::string key_file{};
  std::string old_key_file{};
};

// Who may come: docs/auth.md.
struct AuthSettings {
  bool device_tokens = false;
  std::vector<std::string> default_roles{};
  std::string jwt_keys{};
  std::string jwt_issuer{};
  std::string jwt_audience{};
  Span jwt_leeway{30'000};
  std::string jwt_roles_claim = "roles";
  std::vector<std::string> certificate_subjects{};
};

struct Settings {
  std::vector<std::string> listen{"127.0.0.1:7271"};
  std::string data = "./grid-data";
  std::uint64_t engines = 1;
  Span stop_timeout{5'000};
  Span drain_spread{30'000};
  LogSettings log{};
  AuthSettings auth{};
  EncryptionSettings encryption{};
  TlsSettings tls{};
  LimitSettings limits{};
};

// The database of an app.
struct SinkSettings {
  std::string type = "sqlite";
  std::string url{};     // May hold a password.
  std::string schema{};  // Empty: grid_APP.
  Span connect_timeout{5'000};
  Span statement_timeout{30'000};
};

// What an app may take. 0: no limit.
struct QuotaSettings {
  std::uint64_t cells = 0;
  Size bytes{0};
  std::uint64_t ops_per_second = 0;
};

// What its questions about facts may take (docs/datalog.md).
struct FactSettings {
  std::vector<std::string> preload{};
  Span idle{600'000};
  Size index_memory{256ull << 20};
  Size question_memory{64ull << 20};
  std::uint64_t question_steps = 100'000'000;
  std::uint64_t questions = 16;
  std::uint64_t watches = 64;
  Size watch_memory{4ull << 20};
};

// Of one app.
struct AppSettings {
  Span retention{90 * 86'400'000ull};
  Span enroll_lapse{30 * 86'400'000ull};
  Span backup_horizon{90 * 86'400'000ull};
  Span drift{60'000};
  Size index_memory{256ull << 20};
  Size value_max{1ull << 20};
  std::uint64_t links = 1'024;
  std::uint64_t subscriptions = 256;
  std::uint64_t window = 4'096;
  Span drain_every{100};
  std::uint64_t drain_rows = 1'000;
  QuotaSettings quota{};
  FactSettings facts{};
  SinkSettings sink{};
};

}  // namespace grid::server::config
