// SPDX-License-Identifier: Apache-2.0
//
// Config: a gateway's configuration, from all the places where it may stand, and where each value comes from.
//
//     what is built in  <  FILE  <  conf.d/*.toml beside it, by name  <  GRIDD_* in the environment  <  flags
//
// Place     Top of server/host/config. Sections that are more than settings (maps, searches) it hands on as trees.
// Promises  Whatever is wrong is one sentence that says where: FILE:LINE:COLUMN, the variable, or the flag.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/host/config/keys.h"

namespace grid::server::config {

// "log.level" is to be "debug", as `origin` says.
struct Override {
  std::string key;
  std::string text;
  std::string origin;
};

struct Sources {
  std::string file{};                                              // Empty: none.
  std::string rules{};                                             // Another one, behind conf.d. Empty: none.
  std::vector<std::pair<std::string, std::string>> environment{};  // Of which only GRIDD_* counts.
  std::vector<Override> flags{};
  Node over{};  // What flags say that is more than a setting.
};

// A value as it stands, for people.
struct Shown {
  std::string key;
  std::string value;
  std::string origin;  // "built in", FILE:LINE:COLUMN, "environment NAME" or a flag
  Takes takes;
  std::string_view name{};  // In the table of keys.
  std::string app{};        // For which it is said; empty: for all, or for the gateway.
};

class Config {
 public:
  //   not_found  A file is not there, or can't be read.
  //   invalid    Something is wrong in what was read.
  static Status read(const Sources& sources, Config& config, std::string& problem);

  const Settings& gateway() const { return gateway_; }
  // Of this app: its own, and for the rest what holds for all.
  const AppSettings& app(std::string_view name) const;
  // The apps that have a table of their own.
  std::vector<std::string> named_apps() const;
  // What [NAME] says for all apps, and [app.APP.NAME] over it. A table; empty: nothing is said.
  Node section(std::string_view name, std::string_view app) const;

  // Every setting; of one app, what is set for it alone.
  std::vector<Shown> shown() const;
  // Whether both have the same value for it, secret or not.
  bool agrees_on(const Shown& one, const Config& other) const;
  // Sentences: what is different in `next` and waits for a restart.
  std::vector<std::string> waiting(const Config& next) const;

 private:
  struct App {
    AppSettings settings{};
    std::map<std::string, std::string, std::less<>> origins{};  // By key; built in: none.
  };

  Status read_tree(std::string& problem);
  Status read_app(const Node& entry, std::string& problem);
  Status take(const Override& one, std::string& problem);
  Status take_environment(const std::pair<std::string, std::string>& variable, std::string& problem);

  Node root_{};
  Settings gateway_{};
  std::map<std::string, std::string, std::less<>> origins_{};
  App apps_{};
  std::map<std::string, App, std::less<>> app_{};
};

// "GRIDD_LOG_LEVEL"
std::string variable_of(std::string_view key);

}  // namespace grid::server::config
