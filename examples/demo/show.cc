// SPDX-License-Identifier: Apache-2.0

#include "examples/demo/show.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <sstream>

#include "crdt/hash.h"

namespace demo {

namespace {

constexpr std::uint64_t kTickMs = 250;
constexpr int kStartMs = 20'000;
// A show without an end cuts the device at this time, and for this long.
constexpr std::uint64_t kCutAtMs = 8'000;
constexpr std::uint64_t kCutForMs = 10'000;
constexpr std::uint64_t kAgainMs = 5'000;
constexpr std::uint64_t kPatienceMs = 30'000;
constexpr std::uint64_t kHearMs = 1'000;

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

int Show::run() {
  if (start()) play();
  return end();
}

bool Show::start() {
  const std::string gridd = own_folder() + "/gridd";
  if (!gateway_.run({gridd, "--dev", "--listen", "127.0.0.1:0", "--data", folder_ + "/gateway"},
                    folder_ + "/gateway.log")) {
    trouble_ = "no process can be started: " + gridd;
    return false;
  }
  url_ = gateway_.line(kStartMs);
  if (!url_.starts_with("ws://")) {
    trouble_ = "the gateway did not start: " + gridd + ": " + gateway_.last_words();
    return false;
  }
  node_ = host_.open({.app = "default", .store = {}, .server = url_});
  if (node_ == nullptr || node_->subscribe({}) != grid::Status::ok) {
    trouble_ = host_.problem();
    return false;
  }
  return start_device(devices_[0]) && start_device(devices_[1]);
}

bool Show::start_device(Device& device) {
  const std::string letter = device.name.substr(device.name.size() - 1);
  const std::string store = folder_ + "/" + letter;
  if (device.child.run({own_folder() + "/grid_demo", "--device", letter, store, url_}, store + ".log")) return true;
  trouble_ = device.name + " could not be started";
  return false;
}

void Show::play() {
  Screen screen;
  screen_ = &screen;
  started_at_ = uv_hrtime();
  screen.tell(0, "gateway at " + url_ + ", data in " + folder_);
  if (for_ms_ == 0) screen.suggest(hints());
  uv_timer_init(host_.loop(), &timer_);
  timer_.data = this;
  uv_timer_start(
      &timer_, [](uv_timer_t* timer) { static_cast<Show*>(timer->data)->tick(); }, 0, kTickMs);
  host_.run();
  uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
  host_.run_for(0);
}

// Stops what is running; the exit code.
int Show::end() {
  for (Device& device : devices_) {
    if (device.child.end() != 0 && trouble_.empty()) trouble_ = device.name + " did not stop cleanly";
  }
  if (gateway_.end() != 0 && trouble_.empty()) trouble_ = "the gateway did not stop cleanly: " + gateway_.last_words();
  if (for_ms_ != 0 && act_ != Act::over && trouble_.empty()) trouble_ = "interrupted before there was a verdict";
  if (!trouble_.empty()) std::fprintf(stderr, "demo: %s\n", trouble_.c_str());
  return trouble_.empty() ? 0 : 1;
}

void Show::tick() {
  for (Device& device : devices_) {
    hear(device);
    if (!device.child.is_running()) trouble_ = device.name + " ended by itself: " + device.child.last_words();
  }
  if (!gateway_.is_running()) trouble_ = "the gateway ended by itself: " + gateway_.last_words();
  if (std::ferror(stdout) != 0) trouble_ = "nobody reads what it shows";
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
    if (kind == "wrote" && words >> map >> key >> stamp >> hash) {
      ledger_.note(map.append("/").append(key), stamp, hash, device.bit);
    }
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
  const bool is_endless = for_ms_ == 0;
  const std::uint64_t cut_at = is_endless ? kCutAtMs : for_ms_ / 4;
  const std::uint64_t back_at = is_endless ? kCutAtMs + kCutForMs : for_ms_ * 6 / 10;
  const std::uint64_t end_at = is_endless ? kCutAtMs + kCutForMs + kAgainMs : for_ms_ * 8 / 10;
  switch (act_) {
    case Act::together:
      return now_ms >= cut_at ? cut(now_ms) : void();
    case Act::apart:
      return now_ms >= back_at ? reconnect(now_ms) : void();
    case Act::catching_up:
      return catch_up(now_ms);
    case Act::again:
      return now_ms >= end_at ? settle(now_ms) : void();
    case Act::settling:
      return compare(now_ms);
    case Act::comparing:
      return conclude(now_ms);
    case Act::over:
      return;
  }
}

void Show::begin(Act act, std::uint64_t now_ms) {
  act_ = act;
  act_at_ms_ = now_ms;
}

void Show::say(const char* word) {
  for (Device& device : devices_) device.child.say(word);
}

void Show::cut(std::uint64_t now_ms) {
  begin(Act::apart, now_ms);
  Device& b = devices_[1];
  b.pushed_before = b.pushed;
  b.pulled_before = b.pulled;
  b.child.say("offline");
  screen_->tell(now_ms, "device B is cut off; both devices go on writing, the same keys too");
}

void Show::reconnect(std::uint64_t now_ms) {
  begin(Act::catching_up, now_ms);
  devices_[1].child.say("online");
  screen_->tell(now_ms, "the link returns: device B has " + std::to_string(devices_[1].pending) + " writes to send");
}

void Show::catch_up(std::uint64_t now_ms) {
  const Device& b = devices_[1];
  const std::uint64_t pushed = b.pushed - b.pushed_before, pulled = b.pulled - b.pulled_before;
  if (b.settled && b.state == "realtime" && pushed > 0) {
    begin(Act::again, now_ms);
    return screen_->tell(now_ms, "device B caught up: " + std::to_string(pushed) + " cells sent, " +
                                     std::to_string(pulled) + " received");
  }
  if (now_ms < act_at_ms_ + kPatienceMs) return;
  trouble_ = "device B did not catch up within " + std::to_string(kPatienceMs / 1'000) + " s: " + b.state;
  host_.stop();
}

void Show::settle(std::uint64_t now_ms) {
  begin(Act::settling, now_ms);
  say("hold");
  screen_->tell(now_ms, "nobody writes for a moment, until everything has arrived");
}

void Show::compare(std::uint64_t now_ms) {
  // Before that, reports may be from before the devices heard.
  const bool is_heard = now_ms >= act_at_ms_ + kHearMs;
  const bool is_late = now_ms >= act_at_ms_ + kPatienceMs;
  const bool is_settled = devices_[0].settled && devices_[1].settled && node_->status().quiet;
  if (!is_late && !(is_heard && is_settled)) return;
  begin(Act::comparing, now_ms);
  say("verify");
  node_->verify();
  screen_->tell(now_ms, "comparing both devices with the gateway, and the gateway with what was written");
}

void Show::conclude(std::uint64_t now_ms) {
  if (now_ms < act_at_ms_ + kHearMs) return;
  const bool is_good = judge();
  if (!is_good && now_ms < act_at_ms_ + kPatienceMs) return;
  begin(Act::over, now_ms);
  screen_->tell(now_ms, verdict_);
  if (!is_good) trouble_ = "not what had to come of it: " + verdict_;
  if (for_ms_ != 0 || !is_good) return host_.stop();
  say("write");
  screen_->tell(now_ms, "the devices go on writing");
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
  screen_->draw(now_ms, lines);
}

std::vector<std::string> Show::hints() const {
  std::error_code none;
  const std::string folder = std::filesystem::proximate(own_folder(), none).string();
  const std::string gridctl = (none || folder.starts_with("..") ? own_folder() : folder) + "/gridctl --target ";
  const std::string device = gridctl + "unix:" + folder_ + "/B.sock";
  return {"Try, in another terminal:",
          "  " + gridctl + url_ + " ls now",
          "  " + gridctl + url_ + " watch now",
          "  " + gridctl + url_ + " put notes hello '\"world\"'",
          "and look into device B, whether it is cut off or not:",
          "  " + device + " status",
          "  " + device + " oplog",
          "Ctrl-C ends it."};
}

// The gateway's rows, as a client of its own sees them, against the devices' digests and the ledger.
bool Show::judge() {
  ledger_.begin();
  bool is_read = true;
  for (const char* name : {"now", "history"}) {
    const grid::Status scanned = node_->map(name).scan("", [&](const grid::Change& row) {
      std::string stamp(grid::crdt::Stamp::kTextBytes, ' ');
      grid::crdt::format(row.stamp, stamp.data());
      ledger_.check(std::string(name) + "/" + std::string(row.key), stamp,
                    hex(grid::crdt::hash64(row.now.canonical())));
    });
    is_read = is_read && scanned == grid::Status::ok;
  }
  const std::string root = hex(node_->digest().sum);
  const bool is_verified = devices_[0].verified && devices_[1].verified && node_->status().verified;
  const bool is_equal = is_verified && devices_[0].root == root && devices_[1].root == root;
  verdict_ = (is_equal ? "converged: all three have root " + root.substr(0, 8) : std::string("NOT converged")) + "; " +
             std::to_string(ledger_.writes()) + " writes to " + std::to_string(ledger_.rows()) + " rows, " +
             std::to_string(ledger_.contested()) + " of them by both devices; " + std::to_string(ledger_.lost()) +
             " lost, " + std::to_string(ledger_.wrong()) + " wrong";
  return is_read && is_equal && ledger_.lost() == 0 && ledger_.wrong() == 0;
}

}  // namespace demo
