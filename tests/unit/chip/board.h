// SPDX-License-Identifier: Apache-2.0
//
// A board on this machine: a flash that outlives it, a socket, and a gateway that runs while the board rests.
#pragma once

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <cerrno>
#include <memory>
#include <random>
#include <string>

#include "ports/chip/grid/chip.h"
#include "server/host/gateway.h"
#include "tests/check.h"
#include "tests/contract/temporary_directory.h"
#include "tests/flash/nor_emulator.h"
#include "tests/gateway_config.h"

namespace grid::test {

class Socket final : public transport::ByteLink {
 public:
  ~Socket() { close(); }

  bool connect(std::uint16_t port) {
    close();
    moved_bytes_ = 0;
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(port);
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return ::connect(socket_, reinterpret_cast<sockaddr*>(&at), sizeof(at)) == 0;
  }
  Result<std::size_t> read(MutBytes room) override {
    if (moved_bytes_ >= cut_after) close();
    const ssize_t got = socket_ < 0 ? 0 : ::recv(socket_, room.data(), room.size(), MSG_DONTWAIT);
    if (got == 0) return Status::io;
    return moved(got);
  }
  Result<std::size_t> write(Bytes bytes) override {
    if (socket_ < 0) return Status::io;
    return moved(::send(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  }
  void close() override {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }

  // The connection breaks behind so many bytes, both ways together, a few more or less.
  std::size_t cut_after = SIZE_MAX;

 private:
  Result<std::size_t> moved(ssize_t count) {
    if (count >= 0) {
      moved_bytes_ += static_cast<std::size_t>(count);
      return static_cast<std::size_t>(count);
    }
    return errno == EAGAIN || errno == EWOULDBLOCK ? Result<std::size_t>(0) : Result<std::size_t>(Status::io);
  }

  int socket_ = -1;
  std::size_t moved_bytes_ = 0;
};

// A gateway on a loop of its own.
class GatewayBench {
 public:
  GatewayBench() {
    uv_loop_init(&loop_);
    open();
  }
  ~GatewayBench() {
    close();
    uv_loop_close(&loop_);
  }
  void open() {
    const std::string listen = address.empty() ? "127.0.0.1:0" : address;
    gateway_ = std::make_unique<server::Gateway>(&loop_);
    assert_ok(gateway_->open(grid::test::gateway_config(listen, directory_.path())));
    if (!address.empty()) return;  // Who was told the url has it by reference.
    address = gateway_->bound();
    url = "ws://" + address;
  }
  void close() {
    if (gateway_ == nullptr) return;
    assert_ok(gateway_->stop());
    gateway_.reset();
    uv_run(&loop_, UV_RUN_DEFAULT);
  }
  void turn() { uv_run(&loop_, UV_RUN_NOWAIT); }

  std::string address, url;

 private:
  TemporaryDirectory directory_;
  uv_loop_t loop_{};
  std::unique_ptr<server::Gateway> gateway_;
};

class TestBoard final : public port::Board {
 public:
  explicit TestBoard(NorEmulator& flash, GatewayBench* gateway = nullptr) : flash_(flash), gateway_(gateway) {}

  std::uint64_t monotonic_ms() override { return uv_hrtime() / 1'000'000 + skipped_ms_; }
  std::uint64_t wall_ms() override { return 0; }
  void entropy(MutBytes out) override {
    std::random_device dice;
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(dice());
  }
  storage::NorDevice* flash(std::string_view store) override { return store == "grid" ? &flash_ : nullptr; }
  Status connect(const port::ServerAddress& server) override {
    ++connects;
    const bool is_up = socket_.connect(server.port);
    return is_up ? Status::ok : Status::io;
  }
  Socket& link() override { return socket_; }
  const char* link_problem() const override { return ""; }
  // What a board has to wait for is the gateway's work. Without one, time flies.
  void wait(std::uint64_t ms_max) override {
    ++rests;
    if (gateway_ == nullptr) {
      skipped_ms_ += ms_max;
    } else {
      gateway_->turn();
    }
  }

  int connects = 0;
  int rests = 0;

 private:
  NorEmulator& flash_;
  GatewayBench* gateway_;
  Socket socket_;
  std::uint64_t skipped_ms_ = 0;
};

}  // namespace grid::test
