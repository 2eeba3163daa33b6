// SPDX-License-Identifier: Apache-2.0
//
// What threads of a gateway cost and bring: an acknowledged put, and what one app and two apps take in, with one and
// two engines beside none, in one run. Load generator and gateway share this machine's cores.

#include <grid/grid.h>
#include <grid/linux.h>

#include <algorithm>
#include <memory>

#include "tests/bench/figures.h"
#include "tests/bench/server.h"

namespace {

constexpr int kEngines[] = {0, 1, 2};

void must(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "bench_engines: %s\n", what);
  std::exit(1);
}

class Device {
 public:
  Device(const std::string& url, const char* app) {
    node_ = host_.open({.app = app, .store = {}, .server = url.c_str()});
    must(node_ != nullptr, host_.problem());
    must(host_.wait_until([](const auto& s) { return s.state == grid::SyncState::realtime; }, 60'000), "no session");
  }

  // Milliseconds from a put to its durable acknowledgement.
  std::vector<double> puts(int count) {
    grid::Map map = node_->map("load");
    std::vector<double> took;
    for (int i = 0; i < count; ++i) {
      const double begin = bench::seconds();
      const grid::Write write = map.put("k", {{"n", i}});
      must(write.status() == grid::Status::ok, host_.problem());
      while (write.outcome() != grid::Outcome::durable) host_.run_for(1);
      took.push_back(1e3 * (bench::seconds() - begin));
    }
    std::sort(took.begin(), took.end());
    return took;
  }

  void write(int from, int to) {
    grid::Map map = node_->map("load");
    for (int i = from; i < to; ++i) {
      must(map.put("key/" + std::to_string(i), {{"v", text_.c_str()}}).status() == grid::Status::ok, host_.problem());
    }
    host_.run_for(0);
  }
  bool is_quiet() {
    host_.run_for(0);
    return host_.wait_until([](const auto& s) { return s.quiet; }, 1);
  }

 private:
  grid::LinuxHost host_;
  grid::Node* node_ = nullptr;
  const std::string text_ = std::string(100, 'v');
};

struct Run {
  double p50_ms = 0;
  double p99_ms = 0;
  double one_app = 0;   // Ops a second.
  double two_apps = 0;  // Of both.
};

// Ops a second from the first put to the last durable acknowledgement of all.
double rate(std::vector<std::unique_ptr<Device>>& devices, int count) {
  constexpr int kAtOnce = 500;
  const double begin = bench::seconds();
  for (int from = 0; from < count; from += kAtOnce) {
    for (const auto& device : devices) device->write(from, std::min(from + kAtOnce, count));
  }
  for (const auto& device : devices) {
    while (!device->is_quiet()) {
    }
  }
  return static_cast<double>(count) * static_cast<double>(devices.size()) / (bench::seconds() - begin);
}

Run run(int engines, bool is_full) {
  bench::Folder folder;
  bench::Server gridd({bench::program("gridd"), "--dev", "--listen", "127.0.0.1:0", "--data", folder.at("g"), "--set",
                       "engines=" + std::to_string(engines), "--set", "log.level=error"},
                      true);
  Run run;
  std::vector<std::unique_ptr<Device>> devices;
  devices.push_back(std::make_unique<Device>(gridd.url(), "one"));
  const std::vector<double> puts = devices.front()->puts(is_full ? 1'000 : 200);
  run.p50_ms = puts[puts.size() / 2];
  run.p99_ms = puts[puts.size() * 99 / 100];
  const int count = is_full ? 200'000 : 20'000;
  run.one_app = rate(devices, count);
  devices.push_back(std::make_unique<Device>(gridd.url(), "two"));
  run.two_apps = rate(devices, count);
  return run;
}

std::vector<double> all_of(const std::vector<Run>& runs, double Run::*figure) {
  std::vector<double> values;
  for (const Run& run : runs) values.push_back(run.*figure);
  return values;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int kRuns = 5;
  bench::Figures figures(argc, argv);
  std::vector<Run> runs[std::size(kEngines)];
  for (int i = 0; i < kRuns; ++i) {
    for (std::size_t at = 0; at < std::size(kEngines); ++at) runs[at].push_back(run(kEngines[at], figures.full()));
  }
  for (std::size_t at = 1; at < std::size(kEngines); ++at) {
    const std::string with = std::to_string(kEngines[at]) + " engines: ";
    const auto beside_none = [&](const char* what, const char* unit, double Run::*figure) {
      figures.ratio(with + what, unit, all_of(runs[at], figure), "none:", all_of(runs[0], figure), 0);
    };
    beside_none("acknowledged put, p50", "ms", &Run::p50_ms);
    beside_none("acknowledged put, p99", "ms", &Run::p99_ms);
    beside_none("ingest of one app", "ops/s", &Run::one_app);
    beside_none("ingest of two apps", "ops/s", &Run::two_apps);
  }
  return figures.finish();
}
