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
#include <vector>

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
  // Both write; B is cut off; B catches up; both write on; nobody writes; all are compared; that's it.
  enum class Act : std::uint8_t { together, apart, catching_up, again, settling, comparing, over };

  struct Device {
    std::string name;
    unsigned bit = 0;  // In the ledger.
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
  };

  bool start();
  bool start_device(Device& device);
  void play();
  int end();
  void tick();
  void hear(Device& device);
  void take_status(Device& device, const std::string& line);
  void direct(std::uint64_t at_ms);
  void cut(std::uint64_t at_ms);
  void reconnect(std::uint64_t at_ms);
  void catch_up(std::uint64_t at_ms);
  void settle(std::uint64_t at_ms);
  void compare(std::uint64_t at_ms);
  void conclude(std::uint64_t at_ms);
  void begin(Act act, std::uint64_t at_ms);
  void say(const char* word);
  void draw(std::uint64_t at_ms);
  bool judge();
  std::vector<std::string> hints() const;
  std::uint64_t at_ms() const { return (uv_hrtime() - started_at_) / 1'000'000; }
  std::string folder_;
  std::uint64_t for_ms_;
  std::uint64_t started_at_ = 0;
  std::uint64_t act_at_ms_ = 0;  // When the act began.
  std::string url_;
  Child gateway_;
  Device devices_[2] = {{"device A", 1}, {"device B", 2}};
  grid::LinuxHost host_;  // The gateway's rows, as a client sees them.
  grid::Node* node_ = nullptr;
  uv_timer_t timer_{};
  Act act_ = Act::together;
  Ledger ledger_;
  std::string trouble_;
  std::string verdict_;
  Screen* screen_ = nullptr;
};

}  // namespace demo
