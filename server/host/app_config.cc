// SPDX-License-Identifier: Apache-2.0

#include "server/host/app_config.h"

#include "crdt/cell.h"
#include "server/host/search_config.h"

namespace grid::server {

Status read_app_config(const config::Config& config, std::string_view app, AppConfig& app_config,
                       std::string& problem) {
  const config::EncryptionSettings& encryption = config.gateway().encryption;
  app_config = AppConfig{.settings = config.app(app), .keys = {encryption.key_file, encryption.old_key_file}};
  GRID_TRY(read_policies(config.section("map", app), app_config.policies, problem));
  for (const std::string& map : app_config.settings.facts.preload) {
    if (crdt::check_map_name(map) == Status::ok) continue;
    problem = "facts.preload: '" + map + "' is no name of a map: 1 to 64 of the characters A-Z a-z 0-9 _ . -";
    return Status::invalid;
  }
  const config::Node searches = config.section("search", app);
  GRID_TRY(read_searches(searches, app_config.search, problem));
  if (app_config.search.is_on() && app_config.settings.sink.type != "sqlite") {
    return refuse(searches.at, "search is a part of the SQLite database: there is none beside sink.type = \"postgres\"",
                  problem);
  }
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
