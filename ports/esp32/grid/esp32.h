// SPDX-License-Identifier: Apache-2.0
//
// Esp32Host: runs a node on an ESP32, on ESP-IDF: a flash partition, a connection by esp_tls, and FreeRTOS for rest.
//
// Place     Top of ports/esp32; what applications include beside grid/grid.h.
// Promises  All of a node's memory is in the object; what a connection takes of the heap is ESP-IDF's. A fault is a
//           status and a sentence, never a restart.
// Ownership Large: a static object, never one on a task's stack.
// Threads   One: the task that called open() makes all calls, but for post().
#pragma once

#include <sdkconfig.h>

#include "ports/chip/grid/chip.h"
#include "ports/esp32/esp32_board.h"

namespace grid {

struct Esp32Options {
  // All by reference: literals or settings, as a rule.
  std::string_view app = "default";   // The tenant: an app sees nothing of another.
  std::string_view store = "grid";    // The partition's name.
  std::string_view server{};          // ws://HOST:PORT or wss://HOST:PORT. Empty: never connects.
  std::string_view token{};           // Who this device is, to the server (docs/auth.md). Empty: nobody.
  const char* certificate = nullptr;  // PEM of the authority behind wss; null or empty: ESP-IDF's bundle.
  bool offline = false;               // Starts off the net; node->online() goes on.
  bool salvage = false;               // Opens what is left of a damaged store.
  OnFull on_full = OnFull::refuse;    // What a write finds at Limits::pending_ops_max unsent ones.
  std::uint32_t backoff_ms_min = 250;
  std::uint32_t backoff_ms_max = 30'000;
};

template <const Limits& kLimits, std::uint32_t kCellsMax = 256, std::uint32_t kSectorsMax = 64>
class Esp32Host {
 public:
  Esp32Host() = default;
  Esp32Host(const Esp32Host&) = delete;
  Esp32Host& operator=(const Esp32Host&) = delete;

  // Opens the node; null when that fails, and problem() says why. May be tried again. One node a host.
  // The default event loop must be there (wifi_join() makes it), the network need not be up.
  Node* open(const Esp32Options& options) {
    if (node_ != nullptr) {  // Before the board opens another partition under it.
      chip_.loop().complain("this host has a node already");
      return nullptr;
    }
    is_board_trouble_ = true;
    status_ = board_.open();
    if (status_ == Status::ok) status_ = board_.open_flash(options.store);
    if (status_ != Status::ok) return nullptr;
    is_board_trouble_ = false;
    board_.trust(options.certificate != nullptr && options.certificate[0] != '\0' ? options.certificate : nullptr);
    node_ = chip_.open({.app = options.app,
                        .store = options.store,
                        .server = options.server,
                        .token = options.token,
                        .offline = options.offline,
                        .salvage = options.salvage,
                        .on_full = options.on_full,
                        .backoff_ms_min = options.backoff_ms_min,
                        .backoff_ms_max = options.backoff_ms_max});
    status_ = chip_.status();
    if (node_ != nullptr) board_.attach(&chip_.loop());
    return node_;
  }
  // Of the last open() of a host that had no node:
  //   not_found  There is no such partition.
  //   busy       There is no default event loop.
  //   invalid    The partition is of another type, too small, or made for another size; the address or the app's name
  //              breaks a rule.
  //   denied     The store belongs to another app.
  //   corrupt, newer, full, io  Of the store (flash_store.h).
  Status status() const { return status_; }

  // Syncs, calls back, runs what was posted, and rests in between.
  void run_for(std::uint64_t ms) {
    if (chip_.loop().refuses_to_wait()) return;
    board_.attend();
    chip_.run_for(ms);
  }
  // Runs until `write` has reached `outcome` (or is rejected, superseded or dropped), at most `timeout_ms`; true when
  // it reached it.
  bool wait(const Write& write, Outcome outcome, std::uint64_t timeout_ms) {
    return chip_.wait(write, outcome, timeout_ms);
  }
  // Goes online, sends and fetches all that there is, and goes off the net again: before a deep sleep, say.
  bool sync_once(std::uint64_t deadline_ms) { return chip_.sync_once(deadline_ms); }
  // Says goodbye and lets go of the node, for a sleep from which the machine starts anew; open() opens it again.
  void close() {
    if (chip_.loop().refuses_to_wait()) return;
    node_ = nullptr;
    board_.attach(nullptr);
    chip_.close();
  }

  // Runs `work(context)` on the node's task, from within run_for(), wait() or sync_once(). The only call that another
  // task may make; not from an interrupt. False: the mailbox is full, or there was no open() yet.
  bool post(void (*work)(void*), void* context) { return board_.post(work, context); }

  // The last trouble as a sentence. Never null.
  const char* problem() const { return is_board_trouble_ ? board_.problem() : chip_.problem(); }
  // How worn the flash is, and how full; null before open().
  const storage::FlashStore* store() { return chip_.loop().store(); }

 private:
  port::Esp32Board board_;
  ChipHost<kLimits, kCellsMax, kSectorsMax> chip_{board_};
  Node* node_ = nullptr;
  bool is_board_trouble_ = false;
  Status status_ = Status::ok;
};

// With the limits that menuconfig says.
#if CONFIG_GRID_PROFILE_NANO
using Esp32ConfiguredHost = Esp32Host<kNano, CONFIG_GRID_CELLS_MAX, CONFIG_GRID_SECTORS_MAX>;
#elif CONFIG_GRID_PROFILE_PICO
using Esp32ConfiguredHost = Esp32Host<kPico, CONFIG_GRID_CELLS_MAX, CONFIG_GRID_SECTORS_MAX>;
#else
using Esp32ConfiguredHost = Esp32Host<kChip, CONFIG_GRID_CELLS_MAX, CONFIG_GRID_SECTORS_MAX>;
#endif

}  // namespace grid
