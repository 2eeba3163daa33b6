// SPDX-License-Identifier: Apache-2.0

#include "examples/demo/device.h"

#include <grid/grid.h>
#include <grid/linux.h>
#include <unistd.h>
#include <uv.h>

#include <chrono>
#include <cstdio>
#include <ctime>

#include "crdt/hash.h"
#include "examples/demo/readings.h"

namespace demo {

namespace {

constexpr std::uint64_t kSampleMs = 1'000;
constexpr std::uint64_t kReportMs = 250;

std::string stamp_text(const grid::crdt::Stamp& stamp) {
  std::string text(grid::crdt::Stamp::kTextBytes, ' ');
  grid::crdt::format(stamp, text.data());
  return text;
}

// "2026-11-21T06:00:00.250Z"
std::string time_text() {
  const std::chrono::milliseconds now =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
  const std::time_t seconds = static_cast<std::time_t>(now.count() / 1'000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32], whole[48];
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(whole, sizeof(whole), "%s.%03dZ", text, static_cast<int>(now.count() % 1'000));
  return whole;
}

class Device {
 public:
  Device(grid::LinuxHost& host, grid::Node& node, std::string name)
      : host_(host), node_(node), now_(node.map("now")), history_(node.map("history")), name_(std::move(name)) {}

  bool start() {
    if (node_.subscribe({}) != grid::Status::ok) return false;
    start(
        sample_timer_, [](uv_timer_t* at) { static_cast<Device*>(at->data)->sample(); }, kSampleMs);
    start(
        report_timer_, [](uv_timer_t* at) { static_cast<Device*>(at->data)->report(); }, kReportMs);
    uv_pipe_init(host_.loop(), &commands_, 0);
    uv_pipe_open(&commands_, STDIN_FILENO);
    commands_.data = this;
    return uv_read_start(
               reinterpret_cast<uv_stream_t*>(&commands_),
               [](uv_handle_t* handle, std::size_t, uv_buf_t* room) {
                 Device& device = *static_cast<Device*>(handle->data);
                 *room = uv_buf_init(device.heard_, sizeof(device.heard_));
               },
               [](uv_stream_t* stream, ssize_t size, const uv_buf_t*) {
                 static_cast<Device*>(stream->data)->hear(size);
               }) == 0;
  }
  void end() {
    for (uv_handle_t* handle :
         {reinterpret_cast<uv_handle_t*>(&sample_timer_), reinterpret_cast<uv_handle_t*>(&report_timer_),
          reinterpret_cast<uv_handle_t*>(&commands_)}) {
      uv_close(handle, nullptr);
    }
    host_.run_for(0);
  }

 private:
  void start(uv_timer_t& timer, uv_timer_cb call, std::uint64_t every_ms) {
    uv_timer_init(host_.loop(), &timer);
    timer.data = this;
    uv_timer_start(&timer, call, 0, every_ms);
  }

  void sample() {
    if (held_) return;
    const std::vector<Reading> readings = take_readings();
    for (const Reading& reading : readings) put(now_, reading.key, reading);
    if (!readings.empty()) put(history_, name_ + "/" + time_text(), readings[0]);
  }

  void put(grid::Map& map, const std::string& key, const Reading& reading) {
    std::uint8_t room[1'024];
    grid::ValueWriter writer(room);
    writer.begin_record();
    writer.field("by");
    writer.text(name_);
    for (const auto& [field, number] : reading.fields) {
      writer.field(field);
      writer.number(number);
    }
    writer.end_record();
    const grid::Result<grid::Bytes> value = writer.finish();
    if (!value.ok() || map.put(key, grid::Value(*value)).status() != grid::Status::ok) {
      std::fprintf(stderr, "device %s: %s\n", name_.c_str(), host_.problem());
      return;
    }
    const grid::Result<grid::Change> row = node_.driver().find(map.name(), key);
    if (!row.ok()) return;
    std::printf("wrote %.*s %s %s %016llx\n", static_cast<int>(map.name().size()), map.name().data(), key.c_str(),
                stamp_text(row->stamp).c_str(),
                static_cast<unsigned long long>(grid::crdt::hash64(row->now.canonical())));
  }

  void report() {
    const grid::runtime::ReplicaStatus status = node_.status();
    const grid::crdt::Digest root = node_.digest();
    std::printf("status %s %llu %llu %016llx %llu %llu %d %d\n", name_of(status.state),
                static_cast<unsigned long long>(status.ops_pending), static_cast<unsigned long long>(root.count),
                static_cast<unsigned long long>(root.sum), static_cast<unsigned long long>(status.figures.cells_pushed),
                static_cast<unsigned long long>(status.figures.cells_pulled), status.quiet && status.current,
                status.verified);
    std::fflush(stdout);
  }

  void hear(ssize_t size) {
    if (size < 0) return host_.stop();
    words_.append(heard_, static_cast<std::size_t>(size));
    for (std::size_t end = words_.find('\n'); end != std::string::npos; end = words_.find('\n')) {
      obey(words_.substr(0, end));
      words_.erase(0, end + 1);
    }
  }

  void obey(const std::string& word) {
    if (word == "offline") node_.offline();
    if (word == "online") node_.online();
    if (word == "hold") held_ = true;
    if (word == "write") held_ = false;
    if (word == "verify") node_.verify();
  }

  grid::LinuxHost& host_;
  grid::Node& node_;
  grid::Map now_;
  grid::Map history_;
  std::string name_;
  uv_timer_t sample_timer_{};
  uv_timer_t report_timer_{};
  uv_pipe_t commands_{};
  char heard_[256];
  std::string words_;
  bool held_ = false;
};

}  // namespace

int run_device(const std::string& name, const std::string& store, const std::string& url) {
  grid::LinuxHost host;
  grid::Node* node =
      host.open({.app = "default", .store = store, .server = url, .backoff_ms_max = 2'000, .inspect = store + ".sock"});
  if (node == nullptr) return std::fprintf(stderr, "device %s: %s\n", name.c_str(), host.problem()), 1;
  Device device(host, *node, name);
  if (!device.start()) return std::fprintf(stderr, "device %s: %s\n", name.c_str(), host.problem()), 1;
  host.run();
  device.end();
  return 0;
}

}  // namespace demo
