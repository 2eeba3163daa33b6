// SPDX-License-Identifier: Apache-2.0
//
// A gateway on a thread of its own, and a cable to it that breaks: for a device whose rest is a blocking call.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <atomic>
#include <future>
#include <string>
#include <thread>

#include "server/host/gateway.h"
#include "tests/check.h"
#include "tests/contract/temporary_directory.h"
#include "tests/gateway_config.h"

namespace grid::test {

class GatewayThread {
 public:
  GatewayThread() { start(); }
  ~GatewayThread() { stop(); }

  void start() {
    std::promise<std::string> opened;
    std::future<std::string> address = opened.get_future();
    thread_ = std::thread([this, &opened] { run(opened); });
    const std::string bound = address.get();
    if (!address_.empty()) return;  // Who was told the url has it by reference.
    address_ = bound;
    url = "ws://" + bound;
  }
  void stop() {
    if (!thread_.joinable()) return;
    uv_async_send(&stop_);
    thread_.join();
  }
  std::uint16_t port() const { return static_cast<std::uint16_t>(std::stoi(address_.substr(address_.find(':') + 1))); }

  std::string url;

 private:
  void run(std::promise<std::string>& opened) {
    uv_loop_t loop;
    uv_loop_init(&loop);
    {
      server::Gateway gateway(&loop);
      // The same place again, after a stop.
      const std::string listen = address_.empty() ? "127.0.0.1:0" : address_;
      assert_ok(gateway.open(grid::test::gateway_config(listen, directory_.path())));
      uv_async_init(&loop, &stop_, [](uv_async_t* stop) { uv_stop(stop->loop); });
      opened.set_value(gateway.bound());
      uv_run(&loop, UV_RUN_DEFAULT);
      assert_ok(gateway.stop());
    }
    uv_close(reinterpret_cast<uv_handle_t*>(&stop_), nullptr);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
  }

  TemporaryDirectory directory_;
  uv_async_t stop_{};
  std::string address_;
  std::thread thread_;
};

// Carries one connection after the other, and breaks each after so many bytes to the device; one byte more each time.
class BreakingCable {
 public:
  BreakingCable(std::uint16_t to, std::size_t first_bytes, std::size_t more_bytes)
      : to_(to), bytes_(first_bytes), more_bytes_(more_bytes) {
    sockaddr_in here = address(0);
    socklen_t size = sizeof(here);
    door_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(door_, reinterpret_cast<sockaddr*>(&here), size), 0);
    assert_int_equal(listen(door_, 4), 0);
    assert_int_equal(getsockname(door_, reinterpret_cast<sockaddr*>(&here), &size), 0);
    url = "ws://127.0.0.1:" + std::to_string(ntohs(here.sin_port));
    thread_ = std::thread([this] { carry_all(); });
  }
  ~BreakingCable() {
    is_over_ = true;
    shutdown(door_, SHUT_RDWR);
    thread_.join();
    close(door_);
  }

  std::string url;
  std::atomic<int> connections{0};

 private:
  static sockaddr_in address(std::uint16_t port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(port);
    return at;
  }
  void carry_all() {
    while (!is_over_) {
      const int device = accept4(door_, nullptr, nullptr, SOCK_CLOEXEC);
      if (device < 0) continue;
      ++connections;
      const int gateway = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const sockaddr_in there = address(to_);
      if (::connect(gateway, reinterpret_cast<const sockaddr*>(&there), sizeof(there)) == 0) carry(device, gateway);
      close(gateway);
      close(device);
      bytes_ += more_bytes_;
    }
  }
  void carry(int device, int gateway) {
    constexpr int kLookMs = 50;  // Whether it is over.
    std::size_t left = bytes_;
    char piece[512];
    while (left > 0 && !is_over_) {
      pollfd ends[] = {{device, POLLIN, 0}, {gateway, POLLIN, 0}};
      poll(ends, 2, kLookMs);
      if (ends[0].revents != 0) {
        const ssize_t got = recv(device, piece, sizeof(piece), 0);
        if (got <= 0 || send(gateway, piece, static_cast<std::size_t>(got), MSG_NOSIGNAL) != got) return;
      }
      if (ends[1].revents != 0) {
        const ssize_t got = recv(gateway, piece, std::min(left, sizeof(piece)), 0);
        if (got <= 0 || send(device, piece, static_cast<std::size_t>(got), MSG_NOSIGNAL) != got) return;
        left -= static_cast<std::size_t>(got);
      }
    }
  }

  std::uint16_t to_;
  std::size_t bytes_, more_bytes_;
  int door_ = -1;
  std::atomic<bool> is_over_{false};
  std::thread thread_;
};

}  // namespace grid::test
