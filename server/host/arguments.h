// SPDX-License-Identifier: Apache-2.0
//
// The command line of gridd, and from where it takes its configuration.
//
// Place     Between main.cc and config/config.h.
#pragma once

#include <optional>
#include <string>

#include "server/host/config/config.h"

namespace grid::server {

struct Arguments {
  enum class Task : std::uint8_t { run, check, show, list_settings, list_metrics };

  Task task = Task::run;
  bool dev = false;
  config::Sources sources{};
};

// Takes the environment along. When it answers a number, the program ends with it: help was asked for, or what was said
// makes no sense and stderr tells.
std::optional<int> read_arguments(int argc, char** argv, Arguments& arguments);

}  // namespace grid::server
