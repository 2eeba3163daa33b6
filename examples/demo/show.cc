// SPDX-License-Identifier: Apache-2.0

#include "examples/demo/show.h"

#include <unistd.h>

#include <cstdio>
#include <sstream>

#include "crdt/hash.h"

namespace demo {

namespace {

constexpr std::uint64_t kTickMs = 250;
constexpr int kStartMs = 20'000;
// A show without an end cuts the device at this time, and for this long.
constexpr std::uint64_t kCutAtMs = 8'000;
constexpr std::uint64_t kCutForMs = 10'000;
constexpr std::uint64_t kSettleMs = 30'000;

std::string own_folder() {
  char path[4'096];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof(path));
  const std::string self(path, size > 0 ? static_cast<std::size_t>(size) : 0);
  return self.substr(0, self.rfind('/'));
}

std::string hex(std::uint64_t number) {
  char text[17];
  std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(number));
  return text;
}

}  // namespace

int Show::fail(const std::string& problem) {
  std::fprintf(stderr, "demo: %s\n", problem.c_str());
  return 1;
}

int Show::run() {
  std::string problem;
  if (!start(problem)) return fail(problem);
  {
    Screen screen;
    screen_ = &screen;
    started_at_ = uv_hrtime();
    screen.tell(0, "gateway at " + url_ + ", data in " + folder_);
    uv_timer_init(host_.loop(), &timer_);
    timer_.data = this;
    uv_timer_start(
        &timer_, [](uv_timer_t* timer) { static_cast<Show*>(timer->data)->tick(); }, 0, kTickMs);
    host_.run();
    uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
    host_.run_for(0);
  }
  std::string verdict;
  const bool judged = trouble_.empty() && act_ == Act::over;
  const bool equal = judged && judge(verdict);
  for (Device& device : devices_) device.child.end();
  const int gateway_code = gateway_.end();
  if (!trouble_.empty()) return fail(trouble_);
  if (judged) std::printf("%s\n", verdict.c_str());
  if (gateway_code != 0) return fail("the gateway did not stop cleanly: exit code " + std::to_string(gateway_code));
  // Ctrl-C before the end of a show that has one is no success.
  return equal || (for_ms_ == 0 && !judged) ? 0 : 1;
}

bool Show::start(std::string& problem) {
  const std::string gridd = own_folder() + "/gridd";
  if (!gateway_.run({gridd, "--dev", "--listen", "127.0.0.1:0", "--data", folder_ + "/gateway"})) {
    problem = "no process can be started";
    return false;
  }
  url_ = gateway_.line(kStartMs);
  if (!url_.starts_with("ws://")) {
    problem = "the gateway did not start: " + gridd;
    return false;
  }
  node_ = host_.open({.app = "default", .store = {}, .server = url_});
  if (node_ == nullptr || node_->subscribe({}) != grid::Status::ok) {
    problem = host_.problem();
    return false;
  }
  return start_device(devices_[0], problem) && start_device(devices_[1], problem);
}

bool Show::start_device(Device& device, std::string& problem) {
  const std::string letter = device.name.substr(device.name.size() - 1);
  if (device.child.run({own_folder() + "/grid_demo", "--device", letter, folder_ + "/" + letter, url_})) return true;
  problem = device.name + " could not be started";
  return false;
}

void Show::tick() {
  for (Device& device : devices_) {
    hear(device);
    if (!device.child.is_running() && trouble_.empty()) trouble_ = device.name + " ended by itself";
  }
  if (!gateway_.is_running() && trouble_.empty()) trouble_ = "the gateway ended by itself";
  if (!trouble_.empty()) return host_.stop();
  const std::uint64_t now_ms = at_ms();
  direct(now_ms);
  draw(now_ms);
}

void Show::hear(Device& device) {
  for (const std::string& line : device.child.lines()) {
    std::istringstream words(line);
    std::string kind, map, key, stamp, hash;
    words >> kind;
    if (kind == "status") take_status(device, line);
    if (kind == "wrote" && words >> map >> key >> stamp >> hash) ledger_.note(map + "/" + key, stamp, hash);
  }
}

void Show::take_status(Device& device, const std::string& line) {
  std::istringstream words(line);
  std::string kind;
  words >> kind >> device.state >> device.pending >> device.rows >> device.root >> device.pushed >> device.pulled >>
      device.settled >> device.verified;
}

// What happens when: the whole story.
void Show::direct(std::uint64_t now_ms) {
  const std::uint64_t cut_at = for_ms_ == 0 ? kCutAtMs : for_ms_ / 4;
  const std::uint64_t back_at = for_ms_ == 0 ? kCutAtMs + kCutForMs : for_ms_ * 6 / 10;
  switch (act_) {
    case Act::together:
      if (now_ms >= cut_at) cut(now_ms);
      return;
    case Act::apart:
      if (now_ms >= back_at) reconnect(now_ms);
      return;
    case Act::again: {
      const Device& b = devices_[1];
      if (b.offline && b.settled && b.state == "realtime") {
        devices_[1].offline = false;
        screen_->tell(now_ms, "device B caught up: " + std::to_string(b.pushed - b.pushed_before) + " cells sent, " +
                                  std::to_string(b.pulled - b.pulled_before) + " received");
      }
      if (for_ms_ != 0 && now_ms >= for_ms_ * 8 / 10) begin_end(now_ms);
      return;
    }
    case Act::settling:
    case Act::verifying:
      return follow_end(now_ms);
    case Act::over:
      return;
  }
}

void Show::cut(std::uint64_t now_ms) {
  act_ = Act::apart;
  Device& b = devices_[1];
  b.offline = true;
  b.pushed_before = b.pushed;
  b.pulled_before = b.pulled;
  b.child.say("offline");
  screen_->tell(now_ms, "device B is cut off; both devices go on writing, the same keys too");
}

void Show::reconnect(std::uint64_t now_ms) {
  act_ = Act::again;
  devices_[1].child.say("online");
  screen_->tell(now_ms, "the link returns: device B has " + std::to_string(devices_[1].pending) + " writes to send");
}

void Show::begin_end(std::uint64_t now_ms) {
  act_ = Act::settling;
  ending_at_ms_ = now_ms;
  for (Device& device : devices_) device.child.say("hold");
  screen_->tell(now_ms, "no more writes: waiting until everything has arrived");
}

void Show::follow_end(std::uint64_t now_ms) {
  const bool fresh = now_ms < ending_at_ms_ + 1'000;  // Reports from before the devices heard it.
  const bool both = !fresh && devices_[0].settled && devices_[1].settled;
  if (act_ == Act::settling && both && node_->status().quiet && node_->status().current) {
    act_ = Act::verifying;
    ending_at_ms_ = now_ms;
    for (Device& device : devices_) device.child.say("verify");
    node_->verify();
    screen_->tell(now_ms, "comparing every replica with the gateway");
    return;
  }
  if (act_ == Act::verifying && !fresh && devices_[0].verified && devices_[1].verified && node_->status().verified) {
    act_ = Act::over;
    screen_->tell(now_ms, "all replicas have the gateway's digest");
    return host_.stop();
  }
  if (now_ms < ending_at_ms_ + kSettleMs) return;
  trouble_ = "the replicas did not converge within " + std::to_string(kSettleMs / 1'000) + " s";
}

void Show::draw(std::uint64_t now_ms) {
  std::vector<ReplicaLine> lines;
  for (const Device& device : devices_) {
    lines.push_back({device.name, device.state, std::to_string(device.pending), std::to_string(device.rows),
                     device.root.substr(0, 8),
                     std::to_string(device.pushed - device.pushed_before) + " sent, " +
                         std::to_string(device.pulled - device.pulled_before) + " received"});
  }
  const grid::crdt::Digest root = node_->digest();
  lines.push_back({"gateway", "serving", "0", std::to_string(root.count), hex(root.sum).substr(0, 8), ""});
  std::vector<std::string> hints;
  if (for_ms_ == 0) {
    const std::string gridctl = own_folder() + "/gridctl --target " + url_;
    hints = {"Try, in another terminal:",
             "  " + gridctl + " ls now",
             "  " + gridctl + " watch now",
             "  " + gridctl + " put now hello '\"world\"'",
             "",
             "Ctrl-C ends it."};
    if (!screen_->is_terminal() && now_ms >= 1'000) hints.clear();
  }
  screen_->draw(now_ms, lines, hints);
}

// The gateway's rows, as a client of its own sees them, against the devices' digests and the ledger.
bool Show::judge(std::string& verdict) {
  std::size_t wrong = 0;
  for (const char* name : {"now", "history"}) {
    const grid::Map map = node_->map(name);
    const grid::Status scanned = map.scan("", [&](const grid::Change& row) {
      std::string stamp(grid::crdt::Stamp::kTextBytes, ' ');
      grid::crdt::format(row.stamp, stamp.data());
      const std::string where = std::string(name) + "/" + std::string(row.key);
      if (!ledger_.check(where, stamp, hex(grid::crdt::hash64(row.now.canonical())))) ++wrong;
    });
    if (scanned != grid::Status::ok) ++wrong;
  }
  const std::string root = hex(node_->digest().sum);
  const bool equal = devices_[0].root == root && devices_[1].root == root;
  const std::size_t lost = ledger_.rows() - ledger_.checked();
  verdict = (equal ? "converged: all three have root " + root.substr(0, 8) : std::string("NOT converged")) + "; " +
            std::to_string(ledger_.writes()) + " writes, " + std::to_string(ledger_.rows()) + " rows, " +
            std::to_string(lost) + " lost, " + std::to_string(wrong) + " wrong";
  return equal && lost == 0 && wrong == 0;
}

}  // namespace demo
