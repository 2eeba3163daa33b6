// SPDX-License-Identifier: Apache-2.0
//
// Show: the demo's story: a gateway and two devices start, one is cut off, both go on writing, the link returns, and in
// the end all three have to hold the same.
//
// Place     Top of the demo. Reads the gateway as any client would: through a replica in memory.
#pragma once

#include <grid/grid.h>
#include <grid/linux.h>
#include <uv.h>

#include <cstdint>
#include <string>

#include "examples/demo/child.h"
#include "examples/demo/ledger.h"
#include "examples/demo/screen.h"

namespace demo {

class Show {
 public:
  // `for_ms` 0: until Ctrl-C. `folder` is for stores and data, and is the caller's.
  Show(std::string folder, std::uint64_t for_ms) : folder_(std::move(folder)), for_ms_(for_ms) {}

  // The exit code: 0 when the show ended as it should.
  int run();

 private:
  struct Device {
    std::string name;
    Child child{};
    std::string state = "starting";
    std::uint64_t pending = 0;
    std::uint64_t rows = 0;
    std::string root{};
    std::uint64_t pushed = 0;
    std::uint64_t pulled = 0;
    std::uint64_t pushed_before = 0;  // At the beginning of the last sync.
    std::uint64_t pulled_before = 0;
    bool settled = false;
    bool verified = false;
    bool offline = false;
  };

  bool start(std::string& problem);
  bool start_device(Device& device, std::string& problem);
  void tick();
  void hear(Device& device);
  void take_status(Device& device, const std::string& line);
  void direct(std::uint64_t at_ms);
  void cut(std::uint64_t at_ms);
  void reconnect(std::uint64_t at_ms);
  void begin_end(std::uint64_t at_ms);
  void follow_end(std::uint64_t at_ms);
  void draw(std::uint64_t at_ms);
  bool judge(std::string& verdict);
  bool is_gateway_verified();
  std::uint64_t at_ms() const { return (uv_hrtime() - started_at_) / 1'000'000; }
  int fail(const std::string& problem);

  enum class Act : std::uint8_t { together, apart, again, settling, verifying, over };

  std::string folder_;
  std::uint64_t for_ms_;
  std::uint64_t started_at_ = 0;
  std::uint64_t ending_at_ms_ = 0;
  std::string url_;
  Child gateway_;
  Device devices_[2] = {{"device A"}, {"device B"}};
  grid::LinuxHost host_;  // The gateway's rows, as a client sees them.
  grid::Node* node_ = nullptr;
  uv_timer_t timer_{};
  Act act_ = Act::together;
  Ledger ledger_;
  std::string trouble_;
  std::uint64_t apart_pending_ = 0;
  Screen* screen_ = nullptr;
};

}  // namespace demo
