// SPDX-License-Identifier: Apache-2.0
//
// LinuxHost: runs a node on a Linux machine: libuv for time, LMDB for storage, libwebsockets for links.
//
// Place     Top of ports/linux; what applications include beside grid/grid.h.
// Threads   One: whoever made the host calls everything on it, but for post().
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "runtime/grid/grid.h"
#include "runtime/keep.h"

struct uv_loop_s;

namespace grid {

inline constexpr std::size_t kKeepMax = 64;

// Gives the token of now; empty: none yet, LinuxHost::show_token() brings it later.
using TokenSource = std::string (*)(void* context);

struct LinuxOptions {
  std::string app = "default";      // The tenant: an app sees nothing of another.
  std::string store{};              // Directory, made when missing. Empty: memory only, nothing is kept.
  std::string server{};             // ws://HOST:PORT or wss://HOST:PORT. Empty: never connects.
  std::string ca{};                 // For wss://, all of them PEM files: whom to trust; empty: the system's store.
  std::string certificate{};        // What to show to a server that asks, with its private key; empty: nothing.
  std::string key{};                // Read by open().
  bool offline = false;             // Starts off the net; node->online() goes on.
  OnFull on_full = OnFull::refuse;  // What a write finds at so many unsent ones:
  std::uint32_t pending_ops_max = kLinux.pending_ops_max;
  std::uint32_t pause_ms_max = 30'000;  // With OnFull::pause: how long a write waits before it is refused with `full`.
  std::uint32_t backoff_ms_min = 250;
  std::uint32_t backoff_ms_max = 30'000;
  // How much is kept of maps that this node writes, and subscribes to nothing of (docs/retention.md); of others, all.
  // At most kKeepMax. Copied by open().
  std::span<const Keep> keep{};
  std::size_t live_bytes_max = 64u << 20;    // Of the rows of one live query. One that needs more ends.
  std::size_t index_bytes_max = 256u << 20;  // Of all indexes. One that needs more is switched off: Page says so.
  // Of Datalog: the facts of one map in memory, and what one question may take. What needs more is `full`.
  std::size_t fact_bytes_max = std::size_t{1} << 30;
  std::size_t question_bytes_max = 256u << 20;
  std::uint64_t question_steps_max = 100'000'000;  // Facts and rows that it looks at.
  // AES-256-GCM over all that the store keeps (docs/encryption.md): the key is in this file, 32 bytes or 64 hex digits,
  // or in credential:NAME of systemd. Empty: not encrypted.
  std::string key_file{};
  std::string old_key_file{};  // The key before that one; open() brings the store to the new one.
  // A Unix socket to be made, at which `gridctl --target unix:PATH` looks in while the host runs. Empty: none.
  std::string inspect{};
  // Who this device is: a token (docs/auth.md), or a file of one, which is read again for each link and when its token
  // nears its end. Over ws:// whoever listens in reads it: where the server is not this machine, use wss://.
  std::string token{};
  std::string token_file{};
  // Asked when there is no token, when it nears its end, and when it was refused: a newer one is shown in session,
  // without dropping the link. Called within the host's calls.
  TokenSource on_token = nullptr;
  void* token_context = nullptr;
};

class LinuxHost {
 public:
  LinuxHost();
  ~LinuxHost();  // Closes the node: flushes, says goodbye, lets the loop end.
  LinuxHost(const LinuxHost&) = delete;
  LinuxHost& operator=(const LinuxHost&) = delete;

  // Opens the node; null when that fails, and problem() says why (a store in use, not a store, a bad address).
  // One node a host.
  Node* open(const LinuxOptions& options);
  // Of the last open():
  //   invalid  The address, the app's name or the inspection socket's path breaks a rule, or what lies in the store's
  //            place is no store, or is encrypted and no key was given, or the other way round; or a key file holds
  //            none.
  //   busy     Another process has the store open, or listens at the inspection socket.
  //   denied   The store belongs to another app, or may not be written, or has another key; a key file can't be read or
  //            can be by everybody; or the inspection socket may not be made.
  //   not_found  There is no such key file.
  //   corrupt, newer, full, io  Of the store.
  Status status() const;

  // Waits until `write` has reached `outcome` (or is rejected, superseded or dropped), at most `timeout_ms`; true when
  // it reached it. Callbacks run meanwhile.
  bool wait(const Write& write, Outcome outcome, std::uint64_t timeout_ms);
  // Waits until `done(status)` says so; false on timeout, or when the node has come to an error or a signal arrived.
  template <typename Done>
  bool wait_until(Done done, std::uint64_t timeout_ms) {
    return wait_for([](void* at, const runtime::ReplicaStatus& status) { return (*static_cast<Done*>(at))(status); },
                    &done, timeout_ms);
  }
  // Waits until the server has everything that was written so far on its disk, or has refused it: true. Callbacks run
  // meanwhile.
  bool settle(std::uint64_t timeout_ms);
  // Waits until everything written so far is durable here, on this machine.
  //   full  The store has no room; it is tried again as ever.
  //   io    The store has failed, now or before, and with it the node: its state is `error`, and its calls say io,
  //         until the store is opened again. What was durable before is there then.
  Status flush();

  // Runs until SIGINT or SIGTERM, or stop(), or the store has failed; then flushes.
  void run();
  void run_for(std::uint64_t ms);
  void stop();

  // Shows this token from now on: in session, if there is a link, and to a server that has refused the one before, at
  // once.
  //   invalid  It is no token, or there is no node.
  Status show_token(std::string_view token);

  // Runs `work(context)` on the host's thread. The only call that another thread may make.
  void post(void (*work)(void*), void* context);

  // The last trouble as a sentence. Never null.
  const char* problem() const;
  // The first of the subscriptions that the server has refused, as a sentence with the reason at its end, whatever has
  // been a trouble since. Never null; empty: none.
  const char* refusal() const;
  // The loop, for timers and sockets of your own. Not before open().
  uv_loop_s* loop();

 private:
  using Done = bool (*)(void* context, const runtime::ReplicaStatus& status);
  bool wait_for(Done done, void* context, std::uint64_t timeout_ms);

  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace grid
