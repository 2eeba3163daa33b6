// SPDX-License-Identifier: Apache-2.0

#include "server/host/arguments.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <vector>

#include "server/host/search_config.h"

namespace grid::server {

namespace {

constexpr int kUsage = 2;

// A flag that says what one key is.
void add_setting(CLI::App& app, const char* flag, const char* key, const char* type, const char* what,
                 config::Sources& sources) {
  const auto take = [&sources, flag, key](const std::string& text) { sources.flags.push_back({key, text, flag}); };
  app.add_option_function<std::string>(flag, take, what)->type_name(type);
}

void add_settings(CLI::App& app, config::Sources& sources) {
  add_setting(app, "--listen", "listen", "ADDRESS:PORT", "Where to listen; port 0 takes a free one", sources);
  add_setting(app, "--data", "data", "DIR", "Directory for journals and databases", sources);
  add_setting(app, "--retention", "apps.retention", "TIME",
              "How long a deletion is kept for devices that have not acknowledged it", sources);
  add_setting(app, "--enroll-lapse", "apps.enroll_lapse", "TIME",
              "After so long a silence a device is not waited for any more", sources);
  add_setting(app, "--backup-horizon", "apps.backup_horizon", "TIME",
              "How long backups are kept: no deletion goes before those that lack it", sources);
  add_setting(app, "--key-file", "encryption.key_file", "FILE",
              "Encrypts the journals with the key in FILE, or in credential:NAME (docs/encryption.md)", sources);
  add_setting(app, "--old-key-file", "encryption.old_key_file", "FILE",
              "The key before that one, while the journals are brought to it", sources);
}

void add_set(CLI::App& app, config::Sources& sources) {
  const auto take = [&sources](const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      const std::size_t equals = text.find('=');
      if (equals == std::string::npos) throw CLI::ValidationError("--set: " + text + " is not KEY=VALUE");
      sources.flags.push_back({text.substr(0, equals), text.substr(equals + 1), "--set " + text.substr(0, equals)});
    }
  };
  app.add_option_function<std::vector<std::string>>("--set", take, "One setting, as log.level=debug; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

void add_search(CLI::App& app, config::Sources& sources) {
  const auto take = [&sources](const std::vector<std::string>& texts) {
    config::Node searches{.name = "search"};
    for (const std::string& text : texts) {
      std::string problem;
      config::Node entry;
      if (searched_of(text, entry, problem) != Status::ok) throw CLI::ValidationError("--search: " + problem);
      searches.items.push_back(std::move(entry));
    }
    sources.over.items.push_back(std::move(searches));
  };
  app.add_option_function<std::vector<std::string>>("--search", take,
                                                    "Full-text search over these fields of a map; may be repeated")
      ->type_name("MAP:FIELD,FIELD")
      ->allow_extra_args(false);
}

void add_tasks(CLI::App& app, Arguments& arguments) {
  const auto add = [&](const char* flag, Arguments::Task task, const char* what) {
    app.add_flag_callback(
        flag, [&arguments, task] { arguments.task = task; }, what);
  };
  add("--check-config", Arguments::Task::check, "Say whether this configuration can be run, and end");
  add("--show-config", Arguments::Task::show, "Print every setting with its value and where that comes from, and end");
  add("--list-settings", Arguments::Task::list_settings, "Print what can be set, as a table in Markdown, and end");
  add("--list-metrics", Arguments::Task::list_metrics, "Print what /metrics tells, as a table in Markdown, and end");
}

void take_environment(config::Sources& sources) {
  for (char** one = environ; *one != nullptr; ++one) {
    const std::string_view text(*one);
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    sources.environment.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
}

}  // namespace

std::optional<int> read_arguments(int argc, char** argv, Arguments& arguments) {
  CLI::App app("gridd: the gateway of Grid");
  app.set_version_flag("--version", std::string("gridd ") + GRID_VERSION);
  app.add_option("--config", arguments.sources.file, "FILE of the configuration; conf.d/*.toml beside it is read too");
  app.add_flag("--dev", arguments.dev, "Development: listens on loopback only, without authentication");
  app.add_option("--policy", arguments.sources.rules, "FILE of rules and indexes of maps (docs/policies.md)");
  add_settings(app, arguments.sources);
  add_set(app, arguments.sources);
  add_search(app, arguments.sources);
  add_tasks(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  take_environment(arguments.sources);
  return std::nullopt;
}

}  // namespace grid::server
