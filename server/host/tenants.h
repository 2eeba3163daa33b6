// SPDX-License-Identifier: Apache-2.0
//
// Tenants: the apps of one engine, and what letters tell them.
//
// Place     Below engine.h, which brings and takes the letters; above app_host.h and row_desk.h.
// Ownership Owns its apps from the letter on that brings them.
// Threads   One: the engine's.
#pragma once

#include <uv.h>

#include <memory>
#include <vector>

#include "server/host/app_host.h"
#include "server/host/mailbox.h"
#include "server/host/row_desk.h"

namespace grid::server {

class Tenants final : private AppHost::Owner {
 public:
  Tenants(uv_loop_t* loop, Mailbox& outbox);

  void deliver(Letter&& letter);
  // The outbox has room.
  void go_on();
  // The last commit of every app. What comes after it is dropped.
  //   io, full  Of one of them.
  Status stop();

 private:
  void take_in(Letter&& letter);
  bool is_drained() const;
  void tell_figures(const Letter& letter, const WebAsk& ask);

  // AppHost::Owner
  void send(AppHost& app, runtime::LinkId link, Bytes frame, bool wants_word) override;
  bool is_full() const override { return outbox_.is_full(); }
  MutBytes room() override { return {room_.get(), kFrameBytesMax}; }
  void close(runtime::LinkId link) override;
  void prove(runtime::LinkId link, std::string_view token) override;
  void failed(const AppHost& app) override;

  static constexpr std::size_t kFrameBytesMax = CoordinatorOptions{}.frame_bytes_max;

  uv_loop_t* loop_;
  Mailbox& outbox_;
  std::unique_ptr<std::uint8_t[]> room_;
  std::vector<std::unique_ptr<AppHost>> apps_;
  RowDesk rows_;  // Behind them: what it has under way is asked of them.
};

}  // namespace grid::server
