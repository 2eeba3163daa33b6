// SPDX-License-Identifier: Apache-2.0
//
// Engine: some apps of a gateway, on a loop and a thread of their own, behind two mailboxes.
//
// Place     Below apps.h; tenants.h is what runs on its thread. Knows letters, no link and no request.
// Promises  Nothing of the network's waits for an engine but stop(): what it has no time for lies in its mailbox, and
//           when that is full, is not read from sockets.
//           BND-1  As mailbox.h.
// Ownership Owns its apps. Borrows the network's loop and the owner. The loop runs once more after this is gone.
// Threads   All calls: the network's. The owner is called on it too. An engine without a thread of its own works there.
#pragma once

#include <uv.h>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>

#include "server/host/mailbox.h"
#include "server/host/tenants.h"

namespace grid::server {

class Engine {
 public:
  class Owner {
   public:
    virtual void arrived(Letter&& letter) = 0;
    // An engine that was full, and had said so, takes letters again.
    virtual void has_room() = 0;

   protected:
    ~Owner() = default;
  };

  Engine(uv_loop_t* network, bool has_thread, Owner& owner);
  // Stops it, if that was not done.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // As Mailbox::post().
  bool post(Letter letter);
  bool is_full() const { return inbox_.is_full(); }
  // Waits until all that was posted is done and durable. Nothing is posted from then on.
  //   io, full  The last commit of an app.
  Status stop();
  // How many are on it, or will be.
  std::uint64_t apps() const { return apps_; }
  void note_apps(std::uint64_t apps) { apps_ = apps; }

  EngineFigures figures() const;

  // Of the watchdog: asks the loop for a turn, once, and whether it has made it.
  void ask_turn();
  bool has_turned() const { return turned_ == asked_; }
  // The next ask_turn() asks for another one.
  void forget_turn() { is_asked_ = false; }

 private:
  // Letters of one turn of a loop, and the time for them at an engine; then others have their turn.
  static constexpr int kLettersATurn = 256;
  static constexpr std::uint64_t kTurnNs = 10'000'000;

  void run();
  Status end();
  void work();
  void hear();

  Owner& owner_;
  const bool has_thread_;
  uv_loop_t own_{};
  uv_loop_t* const loop_;  // That, or the network's.
  Bell at_network_;
  std::optional<Bell> at_engine_;
  Mailbox inbox_;
  Mailbox outbox_;
  std::optional<Tenants> tenants_;  // The engine's thread's, from its start to its end.
  Status stopped_ = Status::ok;     // Likewise.
  std::atomic<std::uint64_t> asked_ = 0;
  std::atomic<std::uint64_t> turned_ = 0;
  bool is_asked_ = false;
  bool is_over_ = false;
  bool owes_room_ = false;  // Whoever was told that it is full waits for word.
  std::uint64_t apps_ = 0;
  std::thread thread_;  // Last: it uses all of the above.
};

}  // namespace grid::server
