// SPDX-License-Identifier: Apache-2.0

#include "server/host/app_config.h"

#include "server/host/search_config.h"

namespace grid::server {

Status read_app_config(const config::Config& config, std::string_view app, AppConfig& app_config,
                       std::string& problem) {
  app_config = AppConfig{.settings = config.app(app)};
  GRID_TRY(read_policies(config.section("map", app), app_config.policies, problem));
  GRID_TRY(read_searches(config.section("search", app), app_config.search, problem));
  return read_roles(config.section("role", app), config.section("user", app), app_config.grants, problem);
}

Status check_apps(const config::Config& config, std::string& problem) {
  AppConfig read;
  // No app has the empty name: this is what holds for those that have no table of their own.
  GRID_TRY(read_app_config(config, "", read, problem));
  for (const std::string& app : config.named_apps()) GRID_TRY(read_app_config(config, app, read, problem));
  return Status::ok;
}

}  // namespace grid::server
