// SPDX-License-Identifier: Apache-2.0
//
// Network: whether this machine has an address, and a ring of the bell when that may have changed.
//
// Place     Within ports/esp32, below esp32_board.h. Wi-Fi, Ethernet and PPP are one to it: it asks for the interface
//           that ESP-IDF routes by.
// Threads   The node's task; ESP-IDF's event task runs nothing but note(), which rings the mailbox.
// Limits    IPv4: an interface that has an IPv6 address alone counts as down.
#pragma once

#include <esp_event.h>

#include <atomic>
#include <cstdint>

#include "crdt/base/status.h"
#include "ports/esp32/mailbox.h"

namespace grid::port {

class Network {
 public:
  explicit Network(Mailbox& mailbox) : mailbox_(mailbox) {}
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // Listens to ESP-IDF's default event loop from now on; again does nothing.
  //   busy  There is no such loop yet: esp_event_loop_create_default() comes first.
  Status open();

  // Whether something has happened since this was asked last.
  bool take_news() { return has_news_.exchange(false, std::memory_order_acquire); }
  // Whether a gateway could be reached at all.
  bool is_up() const;

 private:
  static void note(void* self, esp_event_base_t base, std::int32_t id, void* data);

  Mailbox& mailbox_;
  std::atomic<bool> has_news_{false};
  bool is_open_ = false;
};

}  // namespace grid::port
