// SPDX-License-Identifier: Apache-2.0
//
// Figures: what a benchmark prints: the machine, the command, and each figure as the median of several runs beside its
// peer of the same run and its budget; as JSON too.
#pragma once

#include <sys/utsname.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace bench {

inline double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline double median(std::vector<double> runs) {
  std::sort(runs.begin(), runs.end());
  return runs.empty() ? 0 : runs[runs.size() / 2];
}

class Figures {
 public:
  Figures(int argc, char** argv) {
    for (int i = 0; i < argc; ++i) command_ += std::string(i == 0 ? "" : " ") + argv[i];
    for (int i = 1; i + 1 < argc; ++i) {
      if (std::strcmp(argv[i], "--json") == 0) file_ = argv[i + 1];
    }
    for (int i = 1; i < argc; ++i) full_ = full_ || std::strcmp(argv[i], "--full") == 0;
    std::printf("machine  %s\ncommand  %s\n\n", machine().c_str(), command_.c_str());
  }
  // The large sizes were asked for.
  bool full() const { return full_; }

  // `ours` and `peers` are rates or times of the same runs, pair by pair; `at_least` 0: no budget.
  void ratio(const std::string& name, const std::string& unit, const std::vector<double>& ours, const std::string& peer,
             const std::vector<double>& peers, double at_least) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < ours.size(); ++i) ratios.push_back(ours[i] / peers[i]);
    char line[400];
    std::snprintf(line, sizeof(line), "%-46s %12.0f %-7s %s %.0f   ratio %.2f (%.2f to %.2f)", name.c_str(),
                  median(ours), unit.c_str(), peer.c_str(), median(peers), median(ratios),
                  *std::min_element(ratios.begin(), ratios.end()), *std::max_element(ratios.begin(), ratios.end()));
    char budget[80] = "";
    if (at_least > 0) {
      std::snprintf(budget, sizeof(budget), "   budget >= %.2f: %s", at_least,
                    median(ratios) >= at_least ? "met" : "NOT met");
    }
    std::printf("%s%s\n", line, budget);
    std::fflush(stdout);
    keep(name, unit, median(ours), peer, median(peers), median(ratios));
  }
  void plain(const std::string& name, const std::string& unit, double value, double at_most) {
    std::printf("%-46s %12.1f %-7s", name.c_str(), value, unit.c_str());
    if (at_most > 0) std::printf(" budget <= %.0f: %s", at_most, value <= at_most ? "met" : "NOT met");
    std::printf("\n");
    std::fflush(stdout);
    keep(name, unit, value, "budget", at_most, 0);
  }

  // The exit code.
  int finish() {
    if (file_.empty()) return 0;
    std::ofstream file(file_);
    file << "{\"machine\":\"" << machine() << "\",\"command\":\"" << command_ << "\",\"figures\":[" << json_ << "]}\n";
    return file ? 0 : 1;
  }

 private:
  static std::string machine() {
    utsname system{};
    uname(&system);
    std::ifstream info("/proc/cpuinfo");
    std::string line, model = "unknown processor";
    while (std::getline(info, line)) {
      if (line.starts_with("model name")) model = line.substr(line.find(':') + 2);
    }
    return model + ", " + std::to_string(std::thread::hardware_concurrency()) + " cores, Linux " + system.release;
  }
  void keep(const std::string& name, const std::string& unit, double value, const std::string& peer, double beside,
            double ratio) {
    char text[512];
    std::snprintf(text, sizeof(text),
                  R"(%s{"name":"%s","unit":"%s","median":%.3f,"peer":"%s","beside":%.3f,"ratio":%.4f})",
                  json_.empty() ? "" : ",", name.c_str(), unit.c_str(), value, peer.c_str(), beside, ratio);
    json_ += text;
  }

  std::string command_;
  std::string file_;
  std::string json_;
  bool full_ = false;
};

}  // namespace bench
