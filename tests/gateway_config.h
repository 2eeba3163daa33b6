// SPDX-License-Identifier: Apache-2.0
//
// What a gateway of a test goes by.
#pragma once

#include <string>

#include "server/host/config/config.h"
#include "tests/check.h"

namespace grid::test {

inline server::config::Config gateway_config(const std::string& listen, const std::string& data) {
  server::config::Config config;
  std::string problem;
  assert_ok(
      server::config::Config::read({.flags = {{"listen", listen, "test"}, {"data", data, "test"}}}, config, problem));
  return config;
}

}  // namespace grid::test
