// SPDX-License-Identifier: Apache-2.0
//
// Opener: opens apps on threads of their own, for a database that is away, or that has to be loaded, takes its time.
//
// Place     Below apps.h, above app_host.h.
// Promises  Of those with a server kAtOnce at a time, the others of them in order, for each may be waited for in vain.
//           An app whose database is a file waits for none of them. Nobody waits for it but its destructor.
// Threads   Calls, and the owner's callback: the loop's.
#pragma once

#include <uv.h>

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "server/host/app_host.h"
#include "server/host/mailbox.h"

namespace grid::server {

class Opener {
 public:
  static constexpr std::ptrdiff_t kAtOnce = 4;

  struct Opened {
    std::string app;
    std::unique_ptr<AppHost> host{};  // Null: `status` and `problem` say why, as AppHost::open().
    Status status = Status::ok;
    std::string problem{};
  };
  using Callback = void (*)(void* owner, Opened&& opened);

  Opener(uv_loop_t* loop, Log& log, Callback callback, void* owner)
      : log_(log),
        callback_(callback),
        owner_(owner),
        done_(
            loop, [](void* self) { static_cast<Opener*>(self)->tell(); }, this) {}
  // Waits for those that are being opened, however long that takes.
  ~Opener();
  Opener(const Opener&) = delete;
  Opener& operator=(const Opener&) = delete;

  void open(const std::string& app, const std::string& directory, AppConfig config, bool has_server);
  bool is_busy() const { return !working_.empty(); }

 private:
  struct Work {
    std::string directory;
    AppConfig config;
    Opened opened;
    bool has_server = false;
    std::atomic<bool> is_done = false;
    std::thread thread{};
  };

  void start(std::unique_ptr<Work> work);
  void start_next();
  void tell();

  Log& log_;
  Callback callback_;
  void* owner_;
  Bell done_;
  std::deque<std::unique_ptr<Work>> waiting_;  // With a server, all of them.
  std::vector<std::unique_ptr<Work>> working_;
};

}  // namespace grid::server
