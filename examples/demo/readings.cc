// SPDX-License-Identifier: Apache-2.0

#include "examples/demo/readings.h"

#include <fstream>
#include <sstream>

namespace demo {

namespace {

void add_load(std::vector<Reading>& readings) {
  std::ifstream file("/proc/loadavg");
  double one = 0, five = 0, fifteen = 0;
  if (file >> one >> five >> fifteen) readings.push_back({"load", {{"m1", one}, {"m15", fifteen}, {"m5", five}}});
}

void add_memory(std::vector<Reading>& readings) {
  std::ifstream file("/proc/meminfo");
  Reading reading{"memory", {}};
  std::string name, unit;
  for (double kilobytes = 0; file >> name >> kilobytes && std::getline(file, unit);) {
    if (name == "MemAvailable:") reading.fields.emplace_back("available_kb", kilobytes);
    if (name == "MemTotal:") reading.fields.emplace_back("total_kb", kilobytes);
  }
  if (!reading.fields.empty()) readings.push_back(reading);
}

void add_networks(std::vector<Reading>& readings) {
  std::ifstream file("/proc/net/dev");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string name = line.substr(line.find_first_not_of(' '), colon - line.find_first_not_of(' '));
    std::istringstream numbers(line.substr(colon + 1));
    double received = 0, skipped = 0, sent = 0;
    numbers >> received;
    for (int i = 0; i < 7; ++i) numbers >> skipped;
    if (numbers >> sent) readings.push_back({"net/" + name, {{"received", received}, {"sent", sent}}});
  }
}

// Only what has been used: most machines list more disks than they have.
void add_disks(std::vector<Reading>& readings) {
  std::ifstream file("/proc/diskstats");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string major, minor, name;
    double reads = 0, merged = 0, sectors_read = 0, read_ms = 0, writes = 0, sectors_written = 0;
    words >> major >> minor >> name >> reads >> merged >> sectors_read >> read_ms >> writes >> merged >>
        sectors_written;
    if (words && reads + writes > 0) {
      readings.push_back({"disk/" + name, {{"sectors_read", sectors_read}, {"sectors_written", sectors_written}}});
    }
  }
}

void add_temperatures(std::vector<Reading>& readings) {
  for (int zone = 0; zone < 16; ++zone) {
    std::ifstream file("/sys/class/thermal/thermal_zone" + std::to_string(zone) + "/temp");
    double thousandths = 0;
    if (file >> thousandths)
      readings.push_back({"temp/zone" + std::to_string(zone), {{"celsius", thousandths / 1'000}}});
  }
}

}  // namespace

std::vector<Reading> take_readings() {
  std::vector<Reading> readings;
  add_load(readings);
  add_memory(readings);
  add_networks(readings);
  add_disks(readings);
  add_temperatures(readings);
  return readings;
}

}  // namespace demo
