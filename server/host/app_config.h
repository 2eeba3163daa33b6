// SPDX-License-Identifier: Apache-2.0
//
// AppConfig: all that is configured of one app.
//
// Place     Above config/config.h, policy_file.h, role_file.h and search_config.h; below app_host.h.
#pragma once

#include <string>
#include <string_view>

#include "ports/linux/disk_store.h"
#include "server/host/config/config.h"
#include "server/host/policy_file.h"
#include "server/host/role_file.h"
#include "storage/sqlite/sqlite_search.h"

namespace grid::server {

struct AppConfig {
  config::AppSettings settings{};
  MapPolicies policies{};
  storage::SearchConfig search{};
  GrantRules grants{};
  bool is_locked = false;  // By these. Else everybody may do everything.
  port::StoreKeys keys{};  // Of the journal. The database is not encrypted.
};

//   invalid  A section of it makes no sense: `problem` says where.
Status read_app_config(const config::Config& config, std::string_view app, AppConfig& app_config, std::string& problem);

// Reads what holds for all apps, and for each that is named: whether all of it makes sense.
//   invalid  Likewise.
Status check_apps(const config::Config& config, std::string& problem);

}  // namespace grid::server
