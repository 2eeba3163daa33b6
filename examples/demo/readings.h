// SPDX-License-Identifier: Apache-2.0
//
// Readings: what this machine can say of itself just now, from /proc and /sys.
//
// Place     Lowest of the demo. Knows no grid.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace demo {

struct Reading {
  std::string key;  // "load", "memory", "net/eth0", "disk/vda", "temp/zone0"
  std::vector<std::pair<std::string, double>> fields;
};

// Everything that there is; a machine without temperatures has none.
std::vector<Reading> take_readings();

}  // namespace demo
