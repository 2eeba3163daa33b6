// SPDX-License-Identifier: Apache-2.0
//
// Mailbox: how other tasks reach the task of a node: work to be done there, and a bell that ends its rest.
//
// Place     Within ports/esp32, below esp32_board.h.
// Promises  post() and ring() never block. BND-1  kLetters and no more; a full box says so, it forgets nothing.
// Ownership A letter's context is the sender's until the work has run.
// Threads   post() and ring(): any task, not an interrupt. The rest: the node's task.
#pragma once

#include <freertos/FreeRTOS.h>
#include <freertos/queue.h>
#include <sdkconfig.h>

#include <cstdint>

#include "crdt/base/status.h"

namespace grid::port {

class Mailbox {
 public:
  static constexpr std::uint32_t kLetters = CONFIG_GRID_MAILBOX_LETTERS;

  using Work = void (*)(void* context);

  Mailbox() = default;
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // Once, before the rest; again does nothing.
  //   io  ESP-IDF gives no event file: CONFIG_VFS_SUPPORT_SELECT is off, or too many are open.
  Status open();

  // False: it is not open, or full.
  bool post(Work work, void* context);
  // Ends the rest of the node's task, without work.
  void ring();

  // Readable since the last post() or ring(); for select().
  int bell() const { return bell_; }
  // What was rung for is known.
  void silence();
  // Runs what is there now. What the work itself posts waits for the next time.
  void run();

 private:
  struct Letter {
    Work work = nullptr;
    void* context = nullptr;
  };

  StaticQueue_t queue_memory_{};
  std::uint8_t letters_[kLetters * sizeof(Letter)]{};
  QueueHandle_t queue_ = nullptr;
  int bell_ = -1;
};

}  // namespace grid::port
